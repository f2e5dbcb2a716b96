// SPDX-License-Identifier: Apache-2.0

package host

import (
	"net/netip"
	"testing"
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
