// SPDX-License-Identifier: Apache-2.0

package rpms

import (
	_ "embed" // for the files below
	"fmt"
	"strings"

	"github.com/nodeprep/nodeprep/lab/stack"
)

// Units and configuration of the packages. go:embed needs variables.
var (
	//go:embed files/containerd.service
	containerdUnit string
	//go:embed files/kubelet.service
	kubeletUnit string
	//go:embed files/10-kubeadm.conf
	kubeadmDropIn string
	//go:embed files/kubelet.env
	kubeletEnvironment string
)

const units = "/usr/lib/systemd/system/"

// A spec is one package, as values only: their text is part of the cache's key.
type spec struct {
	name, version, release, arch string
	summary, license, url        string
	provides, requires           []string
	recommends, conflicts        []string
	folders                      []string
	contents                     []content
	unit                         string // whose service the scriptlets look after
	dropIn                       bool   // changes another package's unit
}

// A content is one file: a copy of the file from, or else the text.
type content struct {
	at, from, text string
	mode           uint32
	config         bool // kept on upgrade when the operator has changed it
}

func program(at, from string) content { return content{at: at, from: from, mode: 0o755} }

func text(at, text string) content { return content{at: at, text: text, mode: 0o644} }

// specs are the packages that upstream's repositories hold, in version v.
func specs(bins stack.Binaries, runc string, v stack.Versions) ([]spec, error) {
	for _, name := range []string{
		"kubelet", "kubeadm", "kubectl", "containerd", "containerd-shim-runc-v2", "ctr",
		"loopback", "portmap", "bandwidth", "host-local",
	} {
		if bins[name] == "" {
			return nil, fmt.Errorf("packing the stack: program %s is missing", name)
		}
	}
	return []spec{
		containerd(bins, runc, v), kubelet(bins, v), kubeadm(bins, v), kubectl(bins, v), cni(bins, v),
	}, nil
}

func containerd(bins stack.Binaries, runc string, v stack.Versions) spec {
	return spec{
		name: "containerd.io", version: bare(v.Containerd), release: "1.el9", arch: "x86_64",
		summary: "An industry-standard container runtime", license: "Apache-2.0", url: "https://containerd.io",
		provides: []string{"containerd", "runc"}, conflicts: []string{"containerd", "runc"},
		requires: []string{"/bin/sh", "libseccomp"},
		contents: []content{
			program("/usr/bin/containerd", bins["containerd"]),
			program("/usr/bin/containerd-shim-runc-v2", bins["containerd-shim-runc-v2"]),
			program("/usr/bin/ctr", bins["ctr"]),
			program("/usr/bin/runc", runc),
			text(units+"containerd.service", containerdUnit),
		},
		unit: "containerd.service",
	}
}

// kubernetes is what the packages of pkgs.k8s.io have in common. The release
// is the one their build service gives (150500: openSUSE 15.5, its build root).
func kubernetes(name, version, summary string) spec {
	return spec{
		name: name, version: bare(version), release: "150500.1.1", arch: "x86_64",
		summary: summary, license: "Apache-2.0", url: "https://kubernetes.io",
	}
}

func kubelet(bins stack.Binaries, v stack.Versions) spec {
	s := kubernetes("kubelet", v.Kubernetes, "Node agent for Kubernetes clusters")
	s.requires = []string{"/bin/sh", "kubernetes-cni >= 1.2.0", "util-linux"}
	s.recommends = []string{"iptables >= 1.8.4"}
	s.folders = []string{"/etc/kubernetes", "/etc/kubernetes/manifests", "/var/lib/kubelet"}
	environment := text("/etc/sysconfig/kubelet", kubeletEnvironment)
	environment.config = true
	s.contents = []content{
		program("/usr/bin/kubelet", bins["kubelet"]),
		text(units+"kubelet.service", kubeletUnit),
		environment,
	}
	s.unit = "kubelet.service"
	return s
}

// kubeadm owns the kubelet's drop-in, as upstream's package does: a kubelet
// without kubeadm runs with its own unit's arguments.
func kubeadm(bins stack.Binaries, v stack.Versions) spec {
	s := kubernetes("kubeadm", v.Kubernetes, "Command-line utility for administering a Kubernetes cluster")
	s.requires = []string{"/bin/sh"}
	s.folders = []string{units + "kubelet.service.d"}
	s.contents = []content{
		program("/usr/bin/kubeadm", bins["kubeadm"]),
		text(units+"kubelet.service.d/10-kubeadm.conf", kubeadmDropIn),
	}
	s.dropIn = true
	return s
}

func kubectl(bins stack.Binaries, v stack.Versions) spec {
	s := kubernetes("kubectl", v.Kubernetes, "Command-line utility for interacting with a Kubernetes cluster")
	s.contents = []content{program("/usr/bin/kubectl", bins["kubectl"])}
	return s
}

func cni(bins stack.Binaries, v stack.Versions) spec {
	s := kubernetes("kubernetes-cni", v.CNI, "Binaries required to provision kubernetes container networking")
	s.folders = []string{"/etc/cni", "/etc/cni/net.d", "/opt/cni", "/opt/cni/bin"}
	for _, name := range []string{"bandwidth", "host-local", "loopback", "portmap"} {
		s.contents = append(s.contents, program("/opt/cni/bin/"+name, bins[name]))
	}
	return s
}

// base stands for the packages of the distribution itself: on the lab's disk
// Debian's packages do what these names promise, and rpm knows nothing of them.
func base() spec {
	return spec{
		name: "distro-base", version: "12", release: "1", arch: "noarch",
		summary: "What the distribution provides, for rpm", license: "Apache-2.0",
		url: "https://github.com/nodeprep/nodeprep",
		provides: []string{
			"/bin/bash", "/bin/sh", "/usr/bin/bash", "/usr/bin/sh", "bash", "ca-certificates",
			"conntrack-tools", "coreutils", "dnf", "ebtables", "ethtool", "glibc", "iproute",
			"iptables = 1.8.9", "kmod = 30", "libseccomp = 2.5.4", "nftables = 1.0.6", "rpm = 4.18.0",
			"socat", "systemd = 252", "util-linux = 2.38.1",
		},
	}
}

// bare is a version as RPM has it, without the leading v of a Go module.
func bare(version string) string { return strings.TrimPrefix(version, "v") }
