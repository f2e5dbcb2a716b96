// SPDX-License-Identifier: Apache-2.0

package host

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/rooted"
)

const fqdn = "k8c1m0.labs.haystacknetworks.com"

func TestHostname(t *testing.T) {
	root := machine(t, map[string]string{kernelHostname: "localhost\n", "/etc/hostname": "localhost\n"})
	wantText(t, "changes", "/etc/hostname: other content -> as planned\nhost name: localhost -> "+fqdn+"\n", converge(t, Hostname{root, fqdn}.Plan))
	wantText(t, "file", fqdn+"\n", content(t, root, "/etc/hostname"))
	wantText(t, "kernel", fqdn, content(t, root, kernelHostname))
}

func TestHosts(t *testing.T) {
	const ours = "# begin nodeprep\n192.168.9.193 " + fqdn + " k8c1m0\n# end nodeprep\n"
	const change = "/etc/hosts: 192.168.9.193 " + fqdn + " k8c1m0\n"
	tests := []struct{ name, have, want, changes string }{
		{"first", "127.0.0.1 localhost\n::1 localhost\n", ours + "127.0.0.1 localhost\n::1 localhost\n", change},
		{"there", ours + "127.0.0.1 localhost\n", ours + "127.0.0.1 localhost\n", ""},
		{"other address", "127.0.0.1 localhost\n# begin nodeprep\n192.168.9.194 x\n# end nodeprep\n# mine\n", ours + "127.0.0.1 localhost\n# mine\n", change},
		{"absent", "", ours, change},
		{
			"conflict", "127.0.1.1 k8c1m0 # Debian\n10.0.0.1 k8c1m01\n", ours + "127.0.1.1 k8c1m0 # Debian\n10.0.0.1 k8c1m01\n",
			"note: /etc/hosts also has \"127.0.1.1 k8c1m0 # Debian\"; ours stands before it\n" + change,
		},
		{"our address elsewhere", "192.168.9.193 k8c1m0\n", ours + "192.168.9.193 k8c1m0\n", change},
		{"our name in a comment", "10.0.0.1 other # not k8c1m0\n", ours + "10.0.0.1 other # not k8c1m0\n", change},
		{"our name as a second one", "10.0.0.1 other k8c1m0\n", ours + "10.0.0.1 other k8c1m0\n", "note: /etc/hosts also has \"10.0.0.1 other k8c1m0\"; ours stands before it\n" + change},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := machine(t, nil)
			if tt.have != "" {
				put(t, root, hostsFile, tt.have)
			}
			h := Hosts{root, netip.MustParseAddr("192.168.9.193"), []string{fqdn, "k8c1m0"}}
			wantText(t, "changes", tt.changes, converge(t, h.Plan))
			wantText(t, "hosts", tt.want, content(t, root, hostsFile))
		})
	}
}

func TestHostsBlockWithoutEnd(t *testing.T) {
	root := machine(t, map[string]string{hostsFile: "# begin nodeprep\n192.168.9.193 x\n127.0.0.1 localhost\n"})
	wantError(t, Hosts{root, netip.MustParseAddr("192.168.9.193"), []string{fqdn}}.Plan, "# end nodeprep")
}

// Files of other hands keep their mode.
func TestModesStay(t *testing.T) {
	for name, tt := range map[string]struct {
		content string
		plan    func(rooted.Root) planner
	}{
		hostsFile: {"::1 localhost\n", func(r rooted.Root) planner {
			return Hosts{r, netip.MustParseAddr("192.168.9.193"), []string{fqdn}}.Plan
		}},
		selinuxConfig: {"SELINUX=enforcing\n", func(r rooted.Root) planner { return SELinux{r, SELinuxPermissive}.Plan }},
		fstab:         {"/dev/sda2 none swap sw 0 0\n", func(r rooted.Root) planner { return NoSwap{Root: r, Units: &swapMachine{t: t, root: r}}.Plan }},
	} {
		t.Run(name, func(t *testing.T) {
			root := machine(t, map[string]string{name: tt.content})
			if err := os.Chmod(root.Path(name), 0o600); err != nil {
				t.Fatal(err)
			}
			if changes := converge(t, tt.plan(root)); !strings.Contains(changes, name) {
				t.Errorf("changes are %q", changes)
			}
			if info, err := root.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("its mode is %v, %v now", info.Mode(), err)
			}
		})
	}
}
