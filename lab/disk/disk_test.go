// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/lab/images"
	"github.com/nodeprep/nodeprep/lab/rpms"
	"github.com/nodeprep/nodeprep/lab/stack"
	"github.com/nodeprep/nodeprep/lab/vm"
)

// real is the disk that the rack's machines have, from the cache when it is
// there.
func real(t *testing.T) Image {
	t.Helper()
	c, err := cache.Open()
	if err != nil {
		t.Fatal(err)
	}
	bins, err := stack.Build(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	archives, err := images.Build(t.Context(), c, bins)
	if err != nil {
		t.Fatal(err)
	}
	base, err := rpms.Base(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	image, err := Build(t.Context(), c, Spec{Binaries: bins, Images: archives, Base: base})
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// TestMachineIsBare starts one machine from the disk and looks at everything
// that nodeprep will find and change.
func TestMachineIsBare(t *testing.T) {
	v := start(t, real(t))
	for name, c := range map[string]struct{ run, want string }{
		"SELinux enforces":          {"cat /sys/fs/selinux/enforce", "1"},
		"and will after a reboot":   {"grep ^SELINUX= /etc/selinux/config", "SELINUX=enforcing"},
		"swap is on":                {"awk 'NR > 1 { print $1 }' /proc/swaps", "/swapfile"},
		"firewalld runs":            {"systemctl is-active firewalld", "active"},
		"NetworkManager runs":       {"systemctl is-active NetworkManager", "active"},
		"no module is loaded":       {"lsmod | awk '$1 ~ /^(bonding|8021q|br_netfilter|overlay)$/ { print $1 }'", ""},
		"nor will be at boot":       {"cat /etc/modules-load.d/* /usr/lib/modules-load.d/* 2>/dev/null | grep -E 'bonding|8021q|br_netfilter|overlay'; true", ""},
		"but they are to be had":    {"modprobe -n bonding && modprobe -n 8021q && modprobe -n br_netfilter && modprobe -n overlay && echo yes", "yes"},
		"the cards have names":      {"ls /sys/class/net | tr '\\n' ' '", "eno1 eno2 lo"},
		"no runtime, no kubelet":    {"command -v containerd kubelet kubeadm nodeprep; true", ""},
		"the kickstart has run":     {"cat /root/kickstart", "in /srv/kickstart"},
		"once":                      {"ls /var/lib/kickstart.done", "/var/lib/kickstart.done"},
		"packages are shared":       {"cat /srv/packages/hello", "hello"},
		"no repository is known":    {"ls /etc/yum.repos.d", ""},
		"rpm knows the system":      {"rpm -q --whatprovides systemd --qf '%{NAME}'", "distro-base"},
		"services are in a domain":  {"ps -o label= -C firewalld", "system_u:system_r:firewalld_t:s0"},
		"every unit is well":        {"systemctl is-system-running --wait", "running"},
		"an identity of its own":    {"grep -Ec '^[0-9a-f]{32}$' /etc/machine-id", "1"},
		"a line that is no swap":    {"findmnt -no FSTYPE /srv/swapmeet", "tmpfs"},
		"firewalld answers a unit":  {"firewall-cmd --state", "running"},
		"units read its settings":   {"echo dummy > /etc/modules-load.d/x.conf && systemctl restart systemd-modules-load && ls -d /sys/module/dummy", "/sys/module/dummy"},
		"the images are unpacked":   {"ls -d /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs", "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs"},
		"and containerd is not yet": {"systemctl list-unit-files --no-legend 'containerd*' 'kubelet*'; true", ""},
	} {
		out, err := v.Run(t.Context(), "sh", "-c", c.run)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, strings.TrimSpace(string(out.Stdout))); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, c.run, diff)
		}
	}
}

// start starts a machine with two cards, joined by a wire, and both shares.
func start(t *testing.T, image Image) *vm.VM {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kickstart", "post.sh"), "echo \"in $PWD\" > /root/kickstart\n")
	write(t, filepath.Join(dir, "packages", "hello"), "hello\n")
	a, b, err := vm.NewWire()
	if err != nil {
		t.Fatal(err)
	}
	accel, why, err := vm.ChooseAccel(t.Context(), os.Getenv("RACK_ACCEL"), image.Kernel, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("accelerator %s: %s", accel, why)
	group := vm.NewGroup()
	t.Cleanup(group.Kill)
	v, err := vm.Machine{
		Name: "bare", Dir: dir, Disk: image.Disk, Kernel: image.Kernel, Initrd: image.Initrd,
		KernelArgs: strings.Fields(CommandLine), MemoryMiB: 1024, CPUs: 2, Accel: accel, ExitOnBoot: true,
		NICs: []vm.NIC{
			{Name: "leg1", MAC: "00:00:5e:00:53:01", ACPIIndex: 1, Socket: a},
			{Name: "leg2", MAC: "00:00:5e:00:53:02", ACPIIndex: 2, Socket: b},
		},
		Shares: []vm.Share{
			{Tag: "kickstart", Path: filepath.Join(dir, "kickstart"), ReadOnly: true},
			{Tag: "packages", Path: filepath.Join(dir, "packages"), ReadOnly: true},
		},
	}.Start(group)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	awaitBoot(t, v)
	return v
}

// awaitBoot waits for the end of the boot, ten minutes at most: emulated
// processors may share theirs with a build.
func awaitBoot(t *testing.T, v *vm.VM) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	begin := time.Now()
	for v.Ping(ctx) != nil {
		select {
		case <-v.Done():
			t.Fatal(v.Exited())
		case <-ctx.Done():
			log, _ := os.ReadFile(v.SerialPath())
			t.Fatalf("no guest agent: %v; the console:\n%s", ctx.Err(), log)
		case <-time.After(500 * time.Millisecond):
		}
	}
	t.Logf("guest agent after %.1f s", time.Since(begin).Seconds())
	if _, err := v.Run(ctx, "systemctl", "is-system-running", "--wait"); err != nil {
		failed, _ := v.Run(ctx, "systemctl", "--failed", "--no-legend")
		t.Fatalf("%v\n%s", err, failed.Stdout)
	}
	t.Logf("system running after %.1f s", time.Since(begin).Seconds())
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
