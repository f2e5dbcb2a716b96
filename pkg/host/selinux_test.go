// SPDX-License-Identifier: Apache-2.0

package host

import "testing"

func TestSetSELinux(t *testing.T) {
	tests := []struct{ name, have, want string }{
		{"plain", "SELINUX=enforcing\nSELINUXTYPE=targeted\n", "SELINUX=permissive\nSELINUXTYPE=targeted\n"},
		{"spaced", "  SELINUX =  enforcing  \n", "SELINUX=permissive\n"},
		{"tabs", "\tSELINUX\t=\tdisabled", "SELINUX=permissive"},
		{"comment kept", "# SELINUX=enforcing\n#SELINUX= can take one of:\nSELINUX=enforcing # why\n", "# SELINUX=enforcing\n#SELINUX= can take one of:\nSELINUX=permissive\n"},
		{"twice", "SELINUX=enforcing\nSELINUX=disabled\n", "SELINUX=permissive\nSELINUX=permissive\n"},
		{"type only", "SELINUXTYPE=mls\nREQUIRESEUSERS=0", "SELINUXTYPE=mls\nREQUIRESEUSERS=0\nSELINUX=permissive\n"},
		{"empty value", "SELINUX=\n", "SELINUX=permissive\n"},
		{"empty", "", "SELINUX=permissive\n"},
		{"right", "SELINUX=permissive\n", "SELINUX=permissive\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantText(t, "config", tt.want, setSELinux(tt.have, SELinuxPermissive))
		})
	}
}

func TestSELinux(t *testing.T) {
	tests := []struct {
		name, enforce, config string // "" is absent
		mode                  SELinuxMode
		want                  string
	}{
		{
			"now and at boot", "1", "SELINUX=enforcing\n", SELinuxPermissive,
			"/etc/selinux/config: SELINUX=enforcing -> SELINUX=permissive\nSELinux: enforcing -> permissive\n",
		},
		{"now only", "1", "SELINUX=permissive\n", SELinuxPermissive, "SELinux: enforcing -> permissive\n"},
		{
			"enforcing", "0", "SELINUX=permissive\n", SELinuxEnforcing,
			"/etc/selinux/config: SELINUX=permissive -> SELINUX=enforcing\nSELinux: permissive -> enforcing\n",
		},
		{
			"not in the kernel", "", "SELINUX=disabled\n", SELinuxPermissive,
			"note: SELinux is off in the running kernel; permissive from the next boot on\n/etc/selinux/config: SELINUX=disabled -> SELINUX=permissive\n",
		},
		{"nowhere", "", "", SELinuxPermissive, ""},
		{"left", "1", "SELINUX=disabled\n", SELinuxLeave, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := machine(t, nil)
			for file, text := range map[string]string{selinuxEnforce: tt.enforce, selinuxConfig: tt.config} {
				if text != "" {
					put(t, root, file, text)
				}
			}
			wantText(t, "changes", tt.want, converge(t, SELinux{root, tt.mode}.Plan))
		})
	}
}

func TestEnforcingNeedsARebootWhenOff(t *testing.T) {
	root := machine(t, map[string]string{selinuxConfig: "SELINUX=disabled\n"})
	wantError(t, SELinux{root, SELinuxEnforcing}.Plan, "touch /.autorelabel", "reboot")
	wantText(t, "config", "SELINUX=disabled\n", content(t, root, selinuxConfig))
}

func TestUnknownModeIsNeverWritten(t *testing.T) {
	root := machine(t, map[string]string{selinuxConfig: "SELINUX=enforcing\n"})
	wantError(t, SELinux{root, ""}.Plan, `mode "" is none of`)
}
