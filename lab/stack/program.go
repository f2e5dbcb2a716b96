// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"strings"
)

// A program is one main package.
type program struct {
	name    string // the key in Binaries and the name of the file
	folder  string // of its module, below this package's
	pkg     string // import path
	defines []string
}

// programs is all that the lab runs, in the order in which to build: what the
// packages and the disk need before what only images need.
func programs(v Versions) []program {
	var all []program
	all = append(all, kubernetes(v)...)
	all = append(all, containerd(v)...)
	all = append(all, cni(v)...)
	all = append(all,
		program{name: "etcd", folder: "etcd", pkg: "go.etcd.io/etcd/server/v3"},
		program{name: "etcdctl", folder: "etcd", pkg: "go.etcd.io/etcd/etcdctl/v3"})
	all = append(all, calico(v)...)
	return append(all,
		program{name: "pause", folder: "pause", pkg: "."},
		program{name: "coredns", folder: "coredns", pkg: "github.com/coredns/coredns"})
}

// kubernetes has its version set as hack/lib/version.sh of Kubernetes does:
// without, kubeadm takes itself for v0.0.0 and refuses the cluster.
func kubernetes(v Versions) []program {
	major, minor, _ := strings.Cut(strings.TrimPrefix(v.Kubernetes, "v"), ".")
	minor, _, _ = strings.Cut(minor, ".")
	var defines []string
	for _, p := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		defines = append(defines, p+".gitVersion="+v.Kubernetes,
			p+".gitMajor="+major, p+".gitMinor="+minor, p+".gitTreeState=clean")
	}
	var all []program
	for _, name := range []string{
		"kubeadm", "kubelet", "kubectl", "kube-apiserver",
		"kube-proxy", "kube-controller-manager", "kube-scheduler",
	} {
		all = append(all, program{name, "kubernetes", "k8s.io/kubernetes/cmd/" + name, defines})
	}
	return all
}

func containerd(v Versions) []program {
	const module = "github.com/containerd/containerd/v2"
	var all []program
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		all = append(all, program{
			name, "containerd", module + "/cmd/" + name,
			[]string{module + "/version.Version=" + v.Containerd},
		})
	}
	return all
}

func cni(v Versions) []program {
	const module = "github.com/containernetworking/plugins"
	var all []program
	for _, p := range []struct{ name, kind string }{
		{"loopback", "main"}, {"portmap", "meta"}, {"bandwidth", "meta"}, {"host-local", "ipam"},
	} {
		all = append(all, program{
			p.name, "cni", module + "/plugins/" + p.kind + "/" + p.name,
			[]string{module + "/pkg/utils/buildversion.BuildVersion=" + v.CNI},
		})
	}
	return all
}

func calico(v Versions) []program {
	at := func(name, pkg string, variables ...string) program {
		p := program{name: name, folder: "calico", pkg: calicoModule + "/" + pkg}
		for _, variable := range variables {
			p.defines = append(p.defines, variable+"="+v.Calico)
		}
		return p
	}
	return []program{
		at("calico-node", "node/cmd/calico-node", calicoModule+"/node/pkg/lifecycle/startup.VERSION",
			calicoModule+"/node/buildinfo.GitVersion"),
		at("calico-cni", "cni-plugin/cmd/calico", "main.VERSION"),
		at("calico-cni-install", "cni-plugin/cmd/install", "main.VERSION"),
		at("calico-kube-controllers", "kube-controllers/cmd/kube-controllers", "main.VERSION"),
		at("calico-check-status", "kube-controllers/cmd/check-status", "main.VERSION"),
		at("calicoctl", "calicoctl/calicoctl", "main.VERSION",
			calicoModule+"/calicoctl/calicoctl/commands.VERSION",
			calicoModule+"/calicoctl/calicoctl/commands/common.VERSION"),
	}
}

// ldflags strips the symbol table and the debugging data, which would triple
// what the disk image carries, and sets the program's variables.
func (p program) ldflags() string {
	words := []string{"-s", "-w"}
	for _, d := range p.defines {
		words = append(words, "-X", d)
	}
	return strings.Join(words, " ")
}
