// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// spoil puts a folder in the place of a file, which can be neither read nor written.
func spoil(t *testing.T, root rooted.Root, name string) {
	t.Helper()
	if err := os.RemoveAll(root.Path(name)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root.Path(name), "x"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// aspects are all that this package brings about, and the files that each reads
// and writes, of a host on which none is as planned.
func aspects(t *testing.T) (root rooted.Root, all map[string]planner, reads, writes map[string][]string) {
	root = moduleMachine(t)
	for name, text := range map[string]string{
		"/etc/hostname": "localhost\n", kernelHostname: "localhost\n", hostsFile: "::1 localhost\n", selinuxEnforce: "1", selinuxConfig: "SELINUX=enforcing\n",
		fstab: "/dev/sda2 none swap sw 0 0\n", "/proc/swaps": "Filename\n/dev/sda2 partition 1 0 -2\n", "/proc/sys/net/ipv4/ip_forward": "0\n",
	} {
		put(t, root, name, text)
	}
	all = map[string]planner{
		"hostname": Hostname{root, fqdn}.Plan,
		"hosts":    Hosts{root, netip.MustParseAddr("192.168.9.193"), []string{fqdn}}.Plan,
		"selinux":  SELinux{root, SELinuxPermissive}.Plan,
		"swap":     NoSwap{root, &swapMachine{t: t, root: root}, func(string) error { return nil }}.Plan,
		"modules":  Modules{Root: root, Load: loader(t, root, ""), Want: []Module{{"bonding", "max_bonds=0"}}}.Plan,
		"sysctl":   Sysctls{Root: root, Want: map[string]string{"net.ipv4.ip_forward": "1"}}.Plan,
	}
	reads = map[string][]string{
		"hostname": {"/etc/hostname", kernelHostname}, "hosts": {hostsFile}, "selinux": {selinuxEnforce, selinuxConfig}, "swap": {fstab, "/proc/swaps"},
		"modules": {"/proc/sys/kernel/osrelease", "/lib/modules/6.12.0/modules.dep", "/lib/modules/6.12.0/modules.builtin", optionsFile},
		"sysctl":  {sysctlFile, "/proc/sys/net/ipv4/ip_forward"},
	}
	writes = map[string][]string{
		"hostname": {"/etc/hostname", kernelHostname}, "hosts": {hostsFile}, "selinux": {selinuxConfig, selinuxEnforce}, "swap": {fstab, "/proc/swaps"},
		"modules": {optionsFile, modulesFile}, "sysctl": {sysctlFile, "/proc/sys/net/ipv4/ip_forward"},
	}
	return root, all, reads, writes
}

// What cannot be read is not as planned, nor is it absent: nothing is planned, and
// the file is named.
func TestWhatCannotBeRead(t *testing.T) {
	_, _, reads, _ := aspects(t)
	for aspect, files := range reads {
		for _, name := range files {
			root, all, _, _ := aspects(t)
			spoil(t, root, name)
			if changes, err := all[aspect](t.Context()); err == nil || !strings.Contains(err.Error(), name) || len(changes) > 0 {
				t.Errorf("%s without %s: %d changes, %v", aspect, name, len(changes), err)
			}
		}
	}
}

// What cannot be written is the error of its change.
func TestWhatCannotBeWritten(t *testing.T) {
	_, _, _, writes := aspects(t)
	for aspect, files := range writes {
		root, all, _, _ := aspects(t)
		changes, err := all[aspect](t.Context())
		if err != nil || len(changes) < len(files) {
			t.Fatal(aspect, changes, err)
		}
		for i, name := range files {
			spoil(t, root, name)
			if err := changes[i].Do(t.Context()); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s without %s: %s: %v", aspect, name, changes[i], err)
			}
		}
	}
}

// refusing is a systemd that does not do one thing.
type refusing struct{ what string }

func (r refusing) answer(what string) error {
	if what == r.what {
		return errors.New("refused")
	}
	return nil
}

func (r refusing) Swaps(context.Context) ([]string, error) {
	return []string{"x.swap"}, r.answer("swaps")
}
func (r refusing) Mask(context.Context, string) error { return r.answer("mask") }
func (r refusing) Reload(context.Context) error       { return r.answer("reload") }

// What systemd refuses of a host's swap is told, each by itself.
func TestSwapUnitsThatStay(t *testing.T) {
	for what, at := range map[string]int{"swaps": -1, "reload": 0, "mask": 1} {
		root := machine(t, map[string]string{fstab: "/dev/sda2 none swap\n", "/proc/swaps": "Filename\n"})
		changes, err := NoSwap{root, refusing{what}, nil}.Plan(t.Context())
		if at >= 0 && err == nil {
			err = changes[at].Do(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), "refused") || at < 0 && err.Error() != "listing swap units: refused" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
