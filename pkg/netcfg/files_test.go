// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

func withDNS() Config {
	c := reference()
	c.DNS = DNS{
		Servers: []netip.Addr{netip.MustParseAddr("192.168.178.246"), netip.MustParseAddr("8.8.8.8")},
		Search:  []string{"labs.haystacknetworks.com"},
	}
	return c
}

// applyFiles applies a plan of files, and fails unless the next one is empty.
func applyFiles(t *testing.T, plan func() ([]phase.Change, error)) string {
	t.Helper()
	changes, err := plan()
	if err != nil {
		t.Fatal(err)
	}
	if err := apply(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
	if left, err := plan(); err != nil || len(left) > 0 {
		t.Errorf("after applying, this is left: %v\n%s", err, lines(left))
	}
	return lines(changes)
}

func read(t *testing.T, root rooted.Root, path string) string {
	t.Helper()
	content, err := os.ReadFile(root.Path(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestPlanFiles(t *testing.T) {
	root := rooted.Root(t.TempDir())
	got := applyFiles(t, func() ([]phase.Change, error) { return PlanFiles(t.Context(), root, withDNS()) })
	want := `/etc/NetworkManager/conf.d/90-nodeprep.conf: absent -> as planned
/etc/systemd/network/98-nodeprep-bond.link: absent -> as planned
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	for path, want := range map[string]string{
		"/etc/NetworkManager/conf.d/90-nodeprep.conf": `# Written by nodeprep: these links belong to it and to Calico.
[main]
dns=none

[keyfile]
unmanaged-devices+=interface-name:eno1;interface-name:eno2;interface-name:bond0;interface-name:bond0.1500;interface-name:nodeprep-new;interface-name:cali*;interface-name:tunl*;interface-name:vxlan.calico;interface-name:vxlan-v6.calico;interface-name:wireguard.cali;interface-name:wg-v6.cali
`,
		"/etc/systemd/network/98-nodeprep-bond.link": `# Written by nodeprep: the MAC of the bond is the system id that LACP shows to the leaves.
[Match]
OriginalName=bond0 bond0.1500 nodeprep-new

[Link]
MACAddressPolicy=none
`,
	} {
		if diff := cmp.Diff(want, read(t, root, path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	if err := os.Chmod(root.Path("/etc/systemd/network/98-nodeprep-bond.link"), 0o600); err != nil {
		t.Fatal(err)
	}
	got = applyFiles(t, func() ([]phase.Change, error) { return PlanFiles(t.Context(), root, withDNS()) })
	if want := "/etc/systemd/network/98-nodeprep-bond.link: mode 0600 -> as planned\n"; got != want {
		t.Errorf("changes are %q, want %q", got, want)
	}
}

// Without servers in the plan the names stay NetworkManager's, who would write
// /etc/resolv.conf.
func TestPlanFilesWithoutDNS(t *testing.T) {
	root, c := rooted.Root(t.TempDir()), withDNS()
	c.DNS = DNS{}
	applyFiles(t, func() ([]phase.Change, error) { return PlanFiles(t.Context(), root, c) })
	if text := read(t, root, "/etc/NetworkManager/conf.d/90-nodeprep.conf"); strings.Contains(text, "dns") || !strings.Contains(text, "[keyfile]") {
		t.Errorf("NetworkManager is told\n%s", text)
	}
}

// Everybody reads them: a resolver, NetworkManager and udev run as others than root.
func TestFilesAreReadable(t *testing.T) {
	root, c := rooted.Root(t.TempDir()), withDNS()
	applyFiles(t, func() ([]phase.Change, error) { return PlanFiles(t.Context(), root, c) })
	applyFiles(t, func() ([]phase.Change, error) { return PlanDNS(t.Context(), root, c.DNS) })
	for _, name := range []string{"/etc/resolv.conf", "/etc/NetworkManager/conf.d/90-nodeprep.conf", "/etc/systemd/network/98-nodeprep-bond.link"} {
		if info, err := root.Stat(name); err != nil || info.Mode().Perm() != 0o644 {
			t.Error(name, info, err)
		}
	}
}

// TestPlanDNS replaces the symlink of systemd-resolved, not what it points to.
func TestPlanDNS(t *testing.T) {
	root := rooted.Root(t.TempDir())
	if err := os.MkdirAll(root.Path("etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	stub := root.Path("stub")
	if err := os.WriteFile(stub, []byte("nameserver 127.0.0.53\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(stub, root.Path("/etc/resolv.conf")); err != nil {
		t.Fatal(err)
	}
	if got := applyFiles(t, func() ([]phase.Change, error) { return PlanDNS(t.Context(), root, DNS{}) }); got != "" {
		t.Errorf("without servers, changes are %q", got)
	}
	got := applyFiles(t, func() ([]phase.Change, error) { return PlanDNS(t.Context(), root, withDNS().DNS) })
	if want := "/etc/resolv.conf: symlink to " + stub + " -> as planned\n"; got != want {
		t.Errorf("changes are %q, want %q", got, want)
	}
	want := "# Written by nodeprep from the cluster plan.\nsearch labs.haystacknetworks.com\nnameserver 192.168.178.246\nnameserver 8.8.8.8\n"
	if diff := cmp.Diff(want, read(t, root, "/etc/resolv.conf")); diff != "" {
		t.Error(diff)
	}
	if got := resolvConf(DNS{Servers: withDNS().DNS.Servers}); strings.Contains(got, "search") {
		t.Errorf("without a domain to search in:\n%s", got)
	}
	if got := read(t, root, "stub"); got != "nameserver 127.0.0.53\n" {
		t.Errorf("the symlink's target is %q now", got)
	}
}

func TestStore(t *testing.T) {
	root, c := rooted.Root(t.TempDir()), withDNS()
	if _, err := Load(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("loading nothing: %v", err)
	}
	if _, err := PlanStore(t.Context(), root, c); err == nil {
		t.Error("a network whose MAC is not pinned was stored")
	}
	c = c.Resolve(hardware())
	applyFiles(t, func() ([]phase.Change, error) { return PlanStore(t.Context(), root, c) })
	loaded, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	same := cmp.Options{
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	}
	if diff := cmp.Diff(c, loaded, same); diff != "" {
		t.Errorf("stored and loaded (-want +got):\n%s", diff)
	}
	info, err := os.Stat(root.Path(storePath))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
}

// A network that was stored before its metric could be chosen has none.
func TestStoreWithoutMetric(t *testing.T) {
	root, c := rooted.Root(t.TempDir()), reference().Resolve(hardware())
	c.VLAN.Metric = new(uint32(7))
	applyFiles(t, func() ([]phase.Change, error) { return PlanStore(t.Context(), root, c) })
	text := read(t, root, storePath)
	if loaded, err := Load(root); err != nil || loaded.VLAN.route().Metric != 7 {
		t.Errorf("loaded %+v, %v", loaded.VLAN, err)
	}
	older := strings.Replace(text, ",\n      \"metric\": 7", "", 1)
	if older == text {
		t.Fatalf("no metric in %s", text)
	}
	if err := os.WriteFile(root.Path(storePath), []byte(older), 0o600); err != nil {
		t.Fatal(err)
	}
	if loaded, err := Load(root); err != nil || loaded.VLAN.route().Metric != defaultMetric {
		t.Errorf("loaded %+v, %v", loaded.VLAN, err)
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, test := range []struct{ name, edit, to, want string }{
		{"unknown field", `"mtu"`, `"mtuu"`, `decoding /var/lib/nodeprep/network.json: json: unknown field "mtuu"`},
		{"a newer program's", `"version": 1`, `"version": 2`, "/var/lib/nodeprep/network.json has version 2, this program knows 1"},
		{"impossible", `"id": 1500`, `"id": 4095`, "vlan.id: 4095 is not in 1–4094"},
		{"no MAC", `"mac": "00:`, `"mac": "`, "decoding /var/lib/nodeprep/network.json: parsing MAC: address 00:5e:00:53:01: invalid MAC address"},
		{"cut off", "}", "", "decoding /var/lib/nodeprep/network.json: unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := rooted.Root(t.TempDir())
			applyFiles(t, func() ([]phase.Change, error) { return PlanStore(t.Context(), root, reference().Resolve(hardware())) })
			text := strings.ReplaceAll(read(t, root, storePath), test.edit, test.to)
			if err := os.WriteFile(root.Path(storePath), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(root); err == nil || err.Error() != test.want {
				t.Errorf("error is %v, want %s", err, test.want)
			}
		})
	}
}

// TestRestore boots hosts on which legs are late or gone.
func TestRestore(t *testing.T) {
	for _, test := range []struct {
		name     string
		minLinks int
		late     string // appears after two seconds, or never if so called
		never    bool
		missing  string
		err      string
	}{
		{name: "all there", minLinks: 1},
		{name: "one late", minLinks: 2, late: "eno2"},
		{name: "one gone", minLinks: 1, late: "eno1", never: true, missing: "eno1"},
		{
			name: "one gone that is needed", minLinks: 2, late: "eno1", never: true, missing: "eno1",
			err: "leg eno1 of bond0 does not exist; this host has eno2, mgmt0",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			root, c := rooted.Root(t.TempDir()), reference().Resolve(hardware())
			c.Bond.MinLinks = test.minLinks
			applyFiles(t, func() ([]phase.Change, error) { return PlanStore(t.Context(), root, c) })
			synctest.Test(t, func(t *testing.T) {
				k := &lateKernel{Model: &Model{State: hardware()}}
				k.late, _ = k.link(test.late)
				k.delete(test.late)
				if test.late != "" && !test.never {
					k.at = time.Now().Add(2 * time.Second)
				}
				r, err := Restore(t.Context(), k, root, 10*time.Second)
				if err == nil && test.err != "" || err != nil && err.Error() != test.err {
					t.Fatalf("error is %v, want %q", err, test.err)
				}
				if made := len(r.Changes); err == nil && made < 6 {
					t.Errorf("%d changes are told", made)
				}
				if got := strings.Join(r.Missing, " "); got != test.missing {
					t.Errorf("missing are %q, want %q", got, test.missing)
				}
				if bond, _ := k.link("bond0"); err == nil && bond.MAC != addressOf(1) {
					t.Errorf("MAC of bond0 is %s", bond.MAC)
				}
			})
		})
	}
}

// lateKernel is a Model on which one link is late.
type lateKernel struct {
	*Model
	late link
	at   time.Time // zero: never
}

func (k *lateKernel) Observe(ctx context.Context) (State, error) {
	if !k.at.IsZero() && !time.Now().Before(k.at) {
		k.Links, k.at = append(k.Links, k.late), time.Time{}
	}
	return k.Model.Observe(ctx)
}
