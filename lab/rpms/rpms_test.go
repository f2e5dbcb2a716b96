// SPDX-License-Identifier: Apache-2.0

package rpms

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/lab/stack"
	"github.com/nodeprep/nodeprep/pkg/command"
)

// A host is an empty root folder that real dnf and rpm install into.
type host struct {
	t     *testing.T
	cache *cache.Cache
	root  string
}

// newHost has the base package installed, a shell, because rpm runs scriptlets
// in a chroot, and a systemctl that notes what it is told.
func newHost(t *testing.T) host {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("dnf --installroot runs scriptlets in a chroot: run this test as root")
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	// Debian's rpm keeps its database in the home folder unless told otherwise.
	put(t, filepath.Join(home, ".rpmmacros"), "%_dbpath /var/lib/rpm\n", 0o644)
	c, err := cache.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := host{t: t, cache: c, root: t.TempDir()}
	h.shell()
	put(t, filepath.Join(h.root, "usr/bin/systemctl"), "#!/bin/sh\necho \"$@\" >>/told\n", 0o755)
	if err := os.MkdirAll(filepath.Join(h.root, "run/systemd/system"), 0o755); err != nil {
		t.Fatal(err)
	}
	path, err := Base(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	h.run("rpm", "--root", h.root, "--install", "--noverify", path)
	return h
}

// shell copies the machine's shell with the libraries that it is linked to.
func (h host) shell() {
	h.copy("/bin/sh")
	for _, word := range strings.Fields(h.run("ldd", "/bin/sh")) {
		if strings.HasPrefix(word, "/") {
			h.copy(word)
		}
	}
}

func (h host) copy(path string) {
	h.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	put(h.t, filepath.Join(h.root, path), string(text), 0o755)
}

func (h host) run(name string, args ...string) string {
	h.t.Helper()
	out, err := command.Run(h.t.Context(), command.New(name, args...))
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func (h host) rpm(args ...string) string {
	h.t.Helper()
	return h.run("rpm", append([]string{"--root", h.root}, args...)...)
}

// dnf runs against the folder as the only repository.
func (h host) dnf(folder string, args ...string) {
	h.t.Helper()
	h.run("dnf", append([]string{
		"--assumeyes", "--quiet", "--installroot=" + h.root, "--releasever=9", "--disableplugin=*",
		"--setopt=reposdir=/dev/null", "--setopt=cachedir=/var/cache/dnf",
		"--repofrompath=lab," + folder, "--setopt=lab.gpgcheck=0",
	}, args...)...)
}

// told is what systemctl was told since the last call.
func (h host) told() []string {
	h.t.Helper()
	path := filepath.Join(h.root, "told")
	text, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		h.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(lines)
	return slices.Compact(lines)
}

func put(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// programs are stand-ins whose text says what they are.
func programs(t *testing.T, mark string) stack.Binaries {
	t.Helper()
	bins := stack.Binaries{}
	dir := t.TempDir()
	for _, name := range []string{
		"kubelet", "kubeadm", "kubectl", "containerd", "containerd-shim-runc-v2", "ctr",
		"loopback", "portmap", "bandwidth", "host-local", "runc",
	} {
		bins[name] = filepath.Join(dir, name)
		put(t, bins[name], name+" "+mark, 0o755)
	}
	return bins
}

func (h host) folder(kubernetes string, extra ...string) string {
	h.t.Helper()
	bins := programs(h.t, kubernetes)
	all, err := specs(bins, bins["runc"], stack.Versions{
		Kubernetes: kubernetes, Containerd: "v2.4.2", CNI: "v1.9.1",
	})
	if err != nil {
		h.t.Fatal(err)
	}
	dir, err := folder(h.t.Context(), h.cache, all, extra)
	if err != nil {
		h.t.Fatal(err)
	}
	return dir
}

func (h host) installed() []string {
	h.t.Helper()
	lines := strings.Fields(h.rpm("-qa", "--queryformat", "%{NVRA}\n"))
	slices.Sort(lines)
	return lines
}

func nodePackages(kubernetes string) []string {
	return []string{
		"containerd.io-2.4.2-1.el9.x86_64",
		"distro-base-12-1.noarch",
		"kubeadm-" + kubernetes + "-150500.1.1.x86_64",
		"kubectl-" + kubernetes + "-150500.1.1.x86_64",
		"kubelet-" + kubernetes + "-150500.1.1.x86_64",
		"kubernetes-cni-1.9.1-150500.1.1.x86_64",
	}
}

func TestInstallUpgradeRemove(t *testing.T) {
	h := newHost(t)

	// kubernetes-cni is not asked for: the kubelet needs it.
	h.dnf(h.folder("v1.37.1"), "install", "containerd.io", "kubelet", "kubeadm", "kubectl")
	if diff := cmp.Diff(nodePackages("1.37.1"), h.installed()); diff != "" {
		t.Errorf("installed (-want +got):\n%s", diff)
	}
	checkFiles(h, "v1.37.1")
	if diff := cmp.Diff([]string{"daemon-reload"}, h.told()); diff != "" {
		t.Errorf("systemctl at installation (-want +got):\n%s", diff)
	}

	edited := "KUBELET_EXTRA_ARGS=--v=4\n"
	put(t, filepath.Join(h.root, "etc/sysconfig/kubelet"), edited, 0o644)
	h.dnf(h.folder("v1.37.2"), "upgrade")
	if diff := cmp.Diff(nodePackages("1.37.2"), h.installed()); diff != "" {
		t.Errorf("upgraded (-want +got):\n%s", diff)
	}
	checkText(h, "/usr/bin/kubelet", "kubelet v1.37.2")
	checkText(h, "/etc/sysconfig/kubelet", edited)
	if diff := cmp.Diff([]string{"daemon-reload"}, h.told()); diff != "" {
		t.Errorf("systemctl at the upgrade (-want +got):\n%s", diff)
	}

	h.rpm("--erase", "kubeadm")
	if diff := cmp.Diff([]string{"daemon-reload"}, h.told()); diff != "" {
		t.Errorf("systemctl at the drop-in's removal (-want +got):\n%s", diff)
	}
	h.rpm("--erase", "kubelet")
	want := []string{"--no-reload disable --now kubelet.service", "daemon-reload"}
	if diff := cmp.Diff(want, h.told()); diff != "" {
		t.Errorf("systemctl at the removal (-want +got):\n%s", diff)
	}
}

func checkFiles(h host, mark string) {
	h.t.Helper()
	for at, name := range map[string]string{
		"/usr/bin/containerd":              "containerd",
		"/usr/bin/containerd-shim-runc-v2": "containerd-shim-runc-v2",
		"/usr/bin/ctr":                     "ctr",
		"/usr/bin/runc":                    "runc",
		"/usr/bin/kubelet":                 "kubelet",
		"/usr/bin/kubeadm":                 "kubeadm",
		"/usr/bin/kubectl":                 "kubectl",
		"/opt/cni/bin/loopback":            "loopback",
		"/opt/cni/bin/portmap":             "portmap",
		"/opt/cni/bin/bandwidth":           "bandwidth",
		"/opt/cni/bin/host-local":          "host-local",
	} {
		checkText(h, at, name+" "+mark)
		checkMode(h, at, 0o755)
	}
	for at, text := range map[string]string{
		units + "containerd.service":                containerdUnit,
		units + "kubelet.service":                   kubeletUnit,
		units + "kubelet.service.d/10-kubeadm.conf": kubeadmDropIn,
		"/etc/sysconfig/kubelet":                    kubeletEnvironment,
	} {
		checkText(h, at, text)
		checkMode(h, at, 0o644)
	}
	for _, at := range []string{"/etc/kubernetes/manifests", "/var/lib/kubelet", "/etc/cni/net.d"} {
		checkMode(h, at, 0o755|os.ModeDir)
	}
}

func checkText(h host, at, want string) {
	h.t.Helper()
	got, err := os.ReadFile(filepath.Join(h.root, at))
	if err != nil {
		h.t.Error(err)
		return
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", at, diff)
	}
}

func checkMode(h host, at string, want os.FileMode) {
	h.t.Helper()
	info, err := os.Stat(filepath.Join(h.root, at))
	if err != nil {
		h.t.Error(err)
		return
	}
	if info.Mode() != want {
		h.t.Errorf("%s: mode %v, want %v", at, info.Mode(), want)
	}
}

// TestRequirementsHold: every requirement of what is installed is provided by
// what is installed, and rpm finds all files as they were packed.
func TestRequirementsHold(t *testing.T) {
	h := newHost(t)
	h.dnf(h.folder("v1.37.2"), "install", "containerd.io", "kubelet", "kubeadm", "kubectl")
	required := map[string]bool{}
	for line := range strings.Lines(h.rpm("-qa", "--requires")) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasPrefix(name, "rpmlib(") {
			required[name] = true
		}
	}
	for _, name := range []string{"/bin/sh", "libseccomp", "kubernetes-cni", "util-linux"} {
		if !required[name] {
			t.Errorf("nothing requires %s any more", name)
		}
	}
	for name := range required {
		h.rpm("-q", "--whatprovides", name)
	}
	h.rpm("--verify", "--all")
}

// TestNothingInstallsWithoutTheBase: the requirements are real ones.
func TestNothingInstallsWithoutTheBase(t *testing.T) {
	h := newHost(t)
	folder := h.folder("v1.37.2")
	h.root = t.TempDir()
	_, err := command.Run(t.Context(), command.New("dnf", "--assumeyes", "--quiet", "--installroot="+h.root,
		"--releasever=9", "--disableplugin=*", "--setopt=reposdir=/dev/null",
		"--repofrompath=lab,"+folder, "--setopt=lab.gpgcheck=0", "install", "kubelet"))
	if err == nil || !strings.Contains(err.Error(), "nothing provides") {
		t.Errorf("dnf on an empty root: %v, want it to say what nothing provides", err)
	}
}

func TestExtraPackagesAreInTheFolder(t *testing.T) {
	h := newHost(t)
	out := t.TempDir()
	extra, err := pack(spec{
		name: "nodeprep", version: "0.1.0", release: "1", arch: "x86_64", summary: "stand-in",
		license: "Apache-2.0", requires: []string{"systemd"},
		contents: []content{text("/etc/nodeprep/stand-in", "here\n")},
	}, t.TempDir(), out)
	if err != nil {
		t.Fatal(err)
	}
	h.dnf(h.folder("v1.37.2", extra), "install", "nodeprep")
	checkText(h, "/etc/nodeprep/stand-in", "here\n")
}

func TestSpecsNeedEveryProgram(t *testing.T) {
	bins := programs(t, "x")
	delete(bins, "portmap")
	if _, err := specs(bins, bins["runc"], stack.Versions{}); err == nil || !strings.Contains(err.Error(), "portmap") {
		t.Errorf("error %v, want one about portmap", err)
	}
}

// TestPackagesAreReproducible: the same inputs give the same bytes, else every
// host would see an upgrade in a folder that was merely built again.
func TestPackagesAreReproducible(t *testing.T) {
	var first string
	for i := range 2 {
		path, err := pack(base(), t.TempDir(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = string(text)
		} else if first != string(text) {
			t.Errorf("%s differs between two builds", filepath.Base(path))
		}
	}
}
