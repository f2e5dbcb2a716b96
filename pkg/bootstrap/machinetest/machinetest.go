// SPDX-License-Identifier: Apache-2.0

// Package machinetest is a host that is faked at its edges, for the tests of
// what runs all phases: its files lie in a folder, its systemd, kernel and
// commands are in memory, and it behaves as far as the phases rely on it.
package machinetest

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/bootstrap"
	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/host/unit"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/apply/applytest"
	"github.com/nodeprep/nodeprep/pkg/netcfg"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// Host is such a host, as it comes from its installation: Enterprise Linux with
// firewalld, SELinux and a swap.
type Host struct {
	Root   rooted.Root
	Kernel *netcfg.Model
	// API is the API server of the cluster that kubeadm makes or joins here.
	API *applytest.Server

	mu     sync.Mutex
	refuse string
	did    []string // what was asked of systemd and of commands, in order
	units  map[string]unit.State
	rpms   map[string]bool
	tables []string
	conf   string // the administrator's kubeconfig
	key    string // of the cluster's CA
}

// New is a host with two legs, eno1 and eno2.
func New(t *testing.T) *Host {
	t.Helper()
	h := &Host{
		Root: rooted.Root(t.TempDir()), Kernel: netcfg.NewModel("eno1", "eno2"), API: applytest.New(t),
		units: map[string]unit.State{
			"firewalld.service":      {Load: "loaded", Active: "active", File: "enabled"},
			"NetworkManager.service": {Load: "loaded", Active: "active", File: "enabled"},
			"dev-sda3.swap":          {Load: "loaded", Active: "active", File: "enabled"},
		},
		rpms: map[string]bool{}, tables: []string{"inet"},
	}
	h.conf, h.key = h.API.Start(t), string(h.API.Key(t))
	for name, content := range map[string]string{
		"/etc/hostname":                 "localhost\n",
		"/etc/hosts":                    "127.0.0.1 localhost\n",
		"/etc/machine-id":               "0123456789abcdef0123456789abcdef\n",
		"/etc/selinux/config":           "SELINUX=enforcing\nSELINUXTYPE=targeted\n",
		"/etc/fstab":                    "/dev/sda2 / xfs defaults 0 0\n/dev/sda3 none swap defaults 0 0\n",
		"/proc/swaps":                   "Filename Type Size Used Priority\n/dev/sda3 partition 1 0 -2\n",
		"/proc/cmdline":                 "quiet\n",
		"/proc/sys/kernel/hostname":     "localhost\n",
		"/proc/sys/kernel/osrelease":    "6.12.0\n",
		"/proc/sys/net/ipv4/ip_forward": "0\n",
		"/proc/sys/net/bridge/bridge-nf-call-iptables":  "0\n",
		"/proc/sys/net/bridge/bridge-nf-call-ip6tables": "0\n",
		"/sys/fs/selinux/enforce":                       "1\n",
		"/sys/class/net/eno1/address":                   "00:00:5e:00:53:01\n",
		"/sys/class/net/eno1/device/vendor":             "0x8086\n",
		"/lib/modules/6.12.0/modules.builtin":           "kernel/net/8021q/8021q.ko\n",
		"/lib/modules/6.12.0/modules.dep":               "kernel/drivers/net/bonding/bonding.ko:\nkernel/fs/overlayfs/overlay.ko:\nkernel/net/bridge/br_netfilter.ko:\n",
		"/srv/nodeprep/packages/repodata/repomd.xml":    "<repomd/>\n",
	} {
		if err := atomicfile.Write(h.Root.Path(name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// Machine is the host as bootstrap takes it.
func (h *Host) Machine(context.Context) (*bootstrap.Machine, error) {
	if err := h.do("connect"); err != nil {
		return nil, err
	}
	return &bootstrap.Machine{
		Root: h.Root, Units: h, Kernel: h.Kernel, Tables: tables{h}, Swapoff: h.swapoff, Run: h.run, Close: func() {},
	}, nil
}

// Refuse makes what is asked of systemd, of commands and of the kernel's tables
// fail when it begins with step; "" lets all pass. Of the network, the change of
// that name fails.
func (h *Host) Refuse(step string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse, h.Kernel.Refuse = step, step
}

// Did is what was asked of systemd and of commands that changes something.
func (h *Host) Did() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.did)
}

func (h *Host) do(step string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != "" && strings.HasPrefix(step, h.refuse) {
		return fmt.Errorf("%s: refused", step)
	}
	h.did = append(h.did, step)
	return nil
}

// Snapshot is Look within a test.
func (h *Host) Snapshot(t *testing.T) string {
	t.Helper()
	text, err := h.Look()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Look returns all files with content and mode, the network and the units, as
// text: two are the same if nothing has changed between.
func (h *Host) Look() (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(string(h.Root), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %v %q\n", strings.TrimPrefix(path, string(h.Root)), info.Mode(), data)
		return err
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(h.units)) {
		fmt.Fprintf(&b, "%s %v\n", name, h.units[name])
	}
	fmt.Fprintf(&b, "%v\n%v\n", h.Kernel.State, h.tables)
	return b.String(), err
}

// change asks systemd for something that changes a unit.
func (h *Host) change(verb, name string, change func(*unit.State)) error {
	if err := h.do(verb + " " + name); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	st, there := h.units[name]
	if !there {
		return fmt.Errorf("unit %s not found", name)
	}
	change(&st)
	h.units[name] = st
	return nil
}

// State is that of a unit.
func (h *Host) State(_ context.Context, name string) (unit.State, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if st, there := h.units[name]; there {
		return st, nil
	}
	return unit.State{Load: "not-found", Active: "inactive"}, nil
}

// Enable makes a unit start at boot.
func (h *Host) Enable(_ context.Context, name string) error {
	return h.change("enable", name, func(s *unit.State) { s.File = "enabled" })
}

// Disable undoes Enable.
func (h *Host) Disable(_ context.Context, name string) error {
	return h.change("disable", name, func(s *unit.State) { s.File = "disabled" })
}

// Mask keeps a unit from being started.
func (h *Host) Mask(_ context.Context, name string) error {
	return h.change("mask", name, func(s *unit.State) { s.Load, s.File = "masked", "masked" })
}

// Unmask undoes Mask.
func (h *Host) Unmask(_ context.Context, name string) error {
	return h.change("unmask", name, func(s *unit.State) { s.Load, s.File = "loaded", "disabled" })
}

// Start starts a unit.
func (h *Host) Start(_ context.Context, name string) error {
	return h.change("start", name, func(s *unit.State) { s.Active, s.Since = "active", time.Now() })
}

// Stop stops a unit.
func (h *Host) Stop(_ context.Context, name string) error {
	return h.change("stop", name, func(s *unit.State) { s.Active = "inactive" })
}

// Restart starts a unit anew; systemd-modules-load loads what its files name.
func (h *Host) Restart(ctx context.Context, name string) error {
	if name != "systemd-modules-load.service" {
		return h.Start(ctx, name)
	}
	if err := h.do("restart " + name); err != nil {
		return err
	}
	names, err := h.Root.Read("/etc/modules-load.d/nodeprep.conf")
	if err != nil {
		return err
	}
	for module := range strings.Lines(names) {
		if module = strings.TrimSpace(module); strings.HasPrefix(module, "#") {
			continue
		}
		if err := os.MkdirAll(h.Root.Path("/sys/module/"+module), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// ReloadService makes a unit read its configuration.
func (h *Host) ReloadService(_ context.Context, name string) error { return h.do("reload " + name) }

// Reload makes systemd read its files: what fstab no longer has is gone.
func (h *Host) Reload(context.Context) error { return h.do("daemon-reload") }

// Swaps are the units that would bring a swap.
func (h *Host) Swaps(context.Context) ([]string, error) { return nil, h.look("list units") }

// look asks for something that changes nothing.
func (h *Host) look(step string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != "" && strings.HasPrefix(step, h.refuse) {
		return fmt.Errorf("%s: refused", step)
	}
	return nil
}

func (h *Host) swapoff(path string) error {
	if err := h.do("swapoff " + path); err != nil {
		return err
	}
	return h.Root.Set("/proc/swaps", "Filename Type Size Used Priority")
}

// tables are nftables' of firewalld.
type tables struct{ h *Host }

// Families are the tables' families.
func (t tables) Families(string) ([]string, error) {
	t.h.mu.Lock()
	defer t.h.mu.Unlock()
	return slices.Clone(t.h.tables), nil
}

// Delete removes them all.
func (t tables) Delete(name string) error {
	if err := t.h.do("delete table " + name); err != nil {
		return err
	}
	t.h.mu.Lock()
	defer t.h.mu.Unlock()
	t.h.tables = nil
	return nil
}

// run is the host's commands: rpm, dnf and kubeadm.
func (h *Host) run(_ context.Context, c command.Command) (string, error) {
	switch {
	case c.Name == "rpm":
		return h.installed(), h.look("rpm")
	case c.Name == "kubeadm" && c.Args[0] == "config":
		return "registry.k8s.io/kube-apiserver:v1\nregistry.k8s.io/pause:3.10.1\n", h.look("kubeadm config")
	}
	if err := h.do(c.Name + " " + strings.Join(c.Args, " ")); err != nil {
		return "", err
	}
	switch {
	case c.Name == "dnf":
		h.install(c.Args)
		return "", nil
	case c.Name == "kubeadm" && (c.Args[0] == "init" || c.Args[0] == "join"):
		return "", h.becomeNode()
	}
	return "", nil
}

func (h *Host) installed() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var lines strings.Builder
	for _, spec := range slices.Sorted(maps.Keys(h.rpms)) {
		name, version, _ := strings.Cut(spec, "-")
		if version == "" {
			version = "1"
		}
		fmt.Fprintf(&lines, "%s\t%s\t1\n", name, version)
	}
	return lines.String()
}

// install takes what follows the word install, and the units that come along.
func (h *Host) install(args []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, spec := range args[slices.Index(args, "install")+1:] {
		h.rpms[spec] = true
	}
	for _, name := range []string{"containerd.service", "kubelet.service"} {
		h.units[name] = unit.State{Load: "loaded", Active: "inactive", File: "disabled"}
	}
}

// becomeNode leaves the files that kubeadm leaves, and kubelet at work.
func (h *Host) becomeNode() error {
	h.mu.Lock()
	kubelet := h.units["kubelet.service"]
	kubelet.Active = "active"
	h.units["kubelet.service"] = kubelet
	h.mu.Unlock()
	for name, content := range map[string]string{
		"kubelet.conf": h.conf, "admin.conf": h.conf, "pki/ca.crt": string(h.API.CA()), "pki/ca.key": h.key,
	} {
		if err := h.Root.Write("/etc/kubernetes/"+name, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
