// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// SELinuxMode is what SELinux is to do on the host.
type SELinuxMode string

// The modes; SELinuxLeave changes nothing.
const (
	SELinuxPermissive SELinuxMode = "permissive"
	SELinuxEnforcing  SELinuxMode = "enforcing"
	SELinuxLeave      SELinuxMode = "leave"
)

const (
	selinuxConfig  = "/etc/selinux/config" // what /etc/sysconfig/selinux links to
	selinuxEnforce = "/sys/fs/selinux/enforce"
)

// SELinux sets the mode now and for every boot.
type SELinux struct {
	Root rooted.Root
	Mode SELinuxMode
}

// relabel says why a host that booted without SELinux cannot enforce: nothing
// was labelled meanwhile, so the next boot has to do that first (selinux(8)).
const relabel = "SELinux is off in the running kernel; to enforce, remove selinux=0 from the kernel's command line if it is there, " +
	"set SELINUX=permissive in " + selinuxConfig + ", `touch /.autorelabel`, reboot, and run again"

// Plan compares the kernel's mode and the boot-time file. Without SELinux in
// the kernel there is nothing to set now; without the file, nothing at boot.
func (s SELinux) Plan(ctx context.Context) ([]phase.Change, error) {
	switch s.Mode {
	case SELinuxLeave:
		return nil, nil
	case SELinuxPermissive, SELinuxEnforcing:
	default: // written to the file, it would keep the host from booting right
		return nil, fmt.Errorf("SELinux mode %q is none of permissive, enforcing, leave", s.Mode)
	}
	now, err := s.Root.Get(selinuxEnforce)
	if err != nil && !notExist(err) {
		return nil, fmt.Errorf("reading the SELinux mode: %w", err)
	}
	on := err == nil
	if !on && s.Mode == SELinuxEnforcing {
		return nil, errors.New(relabel)
	}
	changes, err := s.planFile(ctx, on)
	if err != nil {
		return nil, err
	}
	if want := s.Mode.flag(); on && now != want {
		changes = append(changes, phase.Change{
			What: "SELinux", From: modeOf(now), To: string(s.Mode),
			Do: func(context.Context) error { return s.Root.Set(selinuxEnforce, want) },
		})
	}
	return changes, nil
}

func (s SELinux) planFile(ctx context.Context, on bool) ([]phase.Change, error) {
	have, present, err := s.Root.ReadOptional(selinuxConfig)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", selinuxConfig, err)
	}
	want := setSELinux(have, s.Mode)
	if !present || have == want {
		return nil, nil
	}
	if !on {
		phase.Notef(ctx, "SELinux is off in the running kernel; %s from the next boot on", s.Mode)
	}
	return []phase.Change{{
		What: selinuxConfig, From: configuredSELinux(have), To: "SELINUX=" + string(s.Mode),
		Do: func(context.Context) error { return s.Root.Edit(selinuxConfig, want, 0o644) },
	}}, nil
}

func (m SELinuxMode) flag() string {
	if m == SELinuxEnforcing {
		return "1"
	}
	return "0"
}

func modeOf(flag string) string {
	if flag == "1" {
		return string(SELinuxEnforcing)
	}
	return string(SELinuxPermissive)
}

// selinuxLine matches the setting however it is spaced, and neither
// SELINUXTYPE nor a comment.
func selinuxLine() *regexp.Regexp { return regexp.MustCompile(`(?m)^[ \t]*SELINUX[ \t]*=.*$`) }

func configuredSELinux(config string) string {
	if line := selinuxLine().FindString(config); line != "" {
		return strings.TrimSpace(line)
	}
	return "no setting"
}

// setSELinux returns config with its setting, and any repetition of it, made
// mode. libselinux wants the line to begin with "SELINUX=" exactly, so the
// spacing is mended too. Comments and SELINUXTYPE stay as they are.
func setSELinux(config string, mode SELinuxMode) string {
	want := "SELINUX=" + string(mode)
	if selinuxLine().MatchString(config) {
		return selinuxLine().ReplaceAllLiteralString(config, want)
	}
	if config != "" && !strings.HasSuffix(config, "\n") {
		config += "\n"
	}
	return config + want + "\n"
}
