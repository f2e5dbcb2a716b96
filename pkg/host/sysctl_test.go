// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/rooted"
)

func forwarding(root rooted.Root) Sysctls {
	return Sysctls{Root: root, Want: map[string]string{"net.ipv4.ip_forward": "1", "net.ipv4.tcp_rmem": "4096 8192 16384"}}
}

func sysctlMachine(t *testing.T) rooted.Root {
	return machine(t, map[string]string{
		"/proc/sys/net/ipv4/ip_forward": "0\n", "/proc/sys/net/ipv4/tcp_rmem": "4096\t8192\t16384\n",
	})
}

func TestSysctls(t *testing.T) {
	root := sysctlMachine(t)
	wantText(t, "changes", `/etc/sysctl.d/99-zz-nodeprep.conf: absent -> as planned
sysctl net.ipv4.ip_forward: 0 -> 1
`, converge(t, forwarding(root).Plan))
	wantText(t, "file", `# Written by nodeprep, see sysctl.d(5).
net.ipv4.ip_forward = 1
net.ipv4.tcp_rmem = 4096 8192 16384
`, content(t, root, sysctlFile))
	wantText(t, "running", "1", content(t, root, "/proc/sys/net/ipv4/ip_forward"))
}

func TestSysctlThatTheKernelLacks(t *testing.T) {
	s := Sysctls{Root: sysctlMachine(t), Want: map[string]string{"net.bridge.bridge-nf-call-iptables": "1"}}
	wantError(t, s.Plan, "net.bridge.bridge-nf-call-iptables", "/proc/sys/net/bridge/bridge-nf-call-iptables", "module")
}

func TestLaterFiles(t *testing.T) {
	tests := []struct {
		name, file, text string
		want             []string // of the error; none: no error
	}{
		{"later", "/etc/sysctl.d/99-zzz.conf", "# a\n\nnet.ipv4.ip_forward = 0\n", []string{"/etc/sysctl.d/99-zzz.conf:3", `"0"`}},
		{"later in another folder", "/usr/lib/sysctl.d/zz.conf", "net.ipv4.ip_forward=0", []string{"/usr/lib/sysctl.d/zz.conf:1"}},
		{"later of the administrator's packages", "/usr/local/lib/sysctl.d/zz.conf", "net.ipv4.ip_forward=0", []string{"/usr/local/lib/sysctl.d/zz.conf:1"}},
		{"slashes", "/run/sysctl.d/zz.conf", "net/ipv4/ip_forward=0", []string{"/run/sysctl.d/zz.conf:1"}},
		{"errors ignored", "/etc/sysctl.d/zz.conf", "-net.ipv4.ip_forward  =  0", []string{"/etc/sysctl.d/zz.conf:1"}},
		{"same value", "/etc/sysctl.d/zz.conf", "net.ipv4.ip_forward = 1\nnet.ipv4.tcp_rmem=4096  8192\t16384", nil},
		{"earlier", "/etc/sysctl.d/50-distro.conf", "net.ipv4.ip_forward = 0", nil},
		{"indented", "/etc/sysctl.d/zz.conf", "  -net.ipv4.ip_forward = 0", []string{"/etc/sysctl.d/zz.conf:1"}},
		{"an indented comment", "/etc/sysctl.d/zz.conf", "  # net.ipv4.ip_forward = 0", nil},
		{"comment", "/etc/sysctl.d/zz.conf", "; net.ipv4.ip_forward = 0\n#net.ipv4.ip_forward=0", nil},
		{"pattern", "/etc/sysctl.d/zz.conf", "net.ipv4.* = 0", nil},
		{"no assignment", "/etc/sysctl.d/zz.conf", "-net.ipv4.ip_forward", nil},
		{"other key", "/etc/sysctl.d/zz.conf", "net.ipv4.ip_forward_use_pmtu = 0", nil},
		{"no .conf", "/etc/sysctl.d/zz.conf.rpmsave", "net.ipv4.ip_forward = 0", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := sysctlMachine(t)
			put(t, root, tt.file, tt.text)
			if tt.want != nil {
				wantError(t, forwarding(root).Plan, tt.want...)
				return
			}
			converge(t, forwarding(root).Plan)
		})
	}
}

// What an earlier plan wrote is ours to change, not somebody's override.
func TestOurOwnOlderFile(t *testing.T) {
	root := sysctlMachine(t)
	put(t, root, sysctlFile, "net.ipv4.ip_forward = 0\n")
	wantText(t, "changes", `/etc/sysctl.d/99-zz-nodeprep.conf: other content -> as planned
sysctl net.ipv4.ip_forward: 0 -> 1
`, converge(t, forwarding(root).Plan))
}

// Debian and Enterprise Linux link /etc/sysctl.conf as 99-sysctl.conf: it is
// read before our file.
func TestTheDistributionsLinkIsReadBefore(t *testing.T) {
	root := sysctlMachine(t)
	put(t, root, "/etc/sysctl.d/99-sysctl.conf", "net.ipv4.ip_forward = 0\n")
	converge(t, forwarding(root).Plan)
}

func TestHiddenFileDoesNotCount(t *testing.T) {
	root := sysctlMachine(t)
	put(t, root, "/usr/lib/sysctl.d/zz.conf", "net.ipv4.ip_forward = 0")
	if err := os.MkdirAll(root.Path("/etc/sysctl.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null", root.Path("/etc/sysctl.d/zz.conf")); err != nil {
		t.Fatal(err)
	}
	converge(t, forwarding(root).Plan)
}

func TestSysctlConfIsNoted(t *testing.T) {
	root := sysctlMachine(t)
	put(t, root, "/etc/sysctl.conf", "net.ipv4.ip_forward = 0\n")
	wantText(t, "second run", "note: sysctl net.ipv4.ip_forward: /etc/sysctl.conf:1 sets \"0\", the plan \"1\"; not at boot, but `sysctl --system` will apply it\n",
		func() string { converge(t, forwarding(root).Plan); return run(t, forwarding(root).Plan) }())
}

func TestProcPath(t *testing.T) {
	for key, want := range map[string]string{
		"net.ipv4.ip_forward":                "net/ipv4/ip_forward",
		"net/ipv4/ip_forward":                "net/ipv4/ip_forward",
		"net.ipv4.conf.bond0/1500.rp_filter": "net/ipv4/conf/bond0.1500/rp_filter",
		"net/ipv4/conf/bond0.1500/rp_filter": "net/ipv4/conf/bond0.1500/rp_filter",
		"hostname":                           "hostname",
	} {
		wantText(t, key, want, procPath(key))
	}
}
