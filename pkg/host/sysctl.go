// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// sysctlFile sorts behind 99-sysctl.conf, the link to /etc/sysctl.conf that
// Debian and Enterprise Linux ship: the plan is the operator's later word.
const sysctlFile = "/etc/sysctl.d/99-zz-nodeprep.conf"

// Sysctls are kernel parameters, set now and at every boot.
type Sysctls struct {
	Root rooted.Root
	Want map[string]string // "net.ipv4.ip_forward": "1"
}

// Plan compares the running values and our file with what is wanted. A file
// that would override ours at the next boot is an error that names its line.
func (s Sysctls) Plan(ctx context.Context) ([]phase.Change, error) {
	if err := s.overridden(ctx); err != nil {
		return nil, err
	}
	changes, err := s.file().Plan(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range s.keys() {
		name, want := "/proc/sys/"+procPath(key), s.Want[key]
		have, err := s.Root.Get(name)
		if notExist(err) {
			return nil, fmt.Errorf("sysctl %s: this kernel has no %s; the module that brings it is not loaded", key, name)
		}
		if err != nil {
			return nil, fmt.Errorf("sysctl %s: %w", key, err)
		}
		if have == want {
			continue
		}
		changes = append(changes, phase.Change{
			What: "sysctl " + key, From: have, To: want,
			Do: func(context.Context) error { return s.Root.Set(name, want) },
		})
	}
	return changes, nil
}

func (s Sysctls) keys() []string { return slices.Sorted(maps.Keys(s.Want)) }

func (s Sysctls) file() rooted.File {
	var b strings.Builder
	b.WriteString("# Written by nodeprep, see sysctl.d(5).\n")
	for _, key := range s.keys() {
		fmt.Fprintf(&b, "%s = %s\n", key, s.Want[key])
	}
	return rooted.File{Root: s.Root, Name: sysctlFile, Content: b.String(), Mode: 0o644}
}

// overridden looks through what is read after our file. systemd-sysctl does
// not read /etc/sysctl.conf itself, but `sysctl --system` of procps does, last
// of all; that is worth a note, since it takes somebody's hand.
func (s Sysctls) overridden(ctx context.Context) error {
	var problems []error
	for _, file := range dropIns(s.Root, "sysctl.d") {
		if path.Base(file) <= path.Base(sysctlFile) {
			continue
		}
		for _, o := range s.conflicts(file) {
			problems = append(problems, fmt.Errorf("%s, which is read after %s: remove the line", o, sysctlFile))
		}
	}
	for _, o := range s.conflicts("/etc/sysctl.conf") {
		phase.Notef(ctx, "%s; not at boot, but `sysctl --system` will apply it", o)
	}
	return errors.Join(problems...)
}

// conflicts describes the lines of file that set one of our keys otherwise.
func (s Sysctls) conflicts(file string) []string {
	content, err := s.Root.Read(file)
	if err != nil {
		return nil // absent, or a link to nowhere, which masks
	}
	var found []string
	for n, line := range slices.Collect(strings.Lines(content)) {
		key, value, ok := parseSysctl(line)
		if want, ours := s.wanted(key); ok && ours && value != want {
			found = append(found, fmt.Sprintf("sysctl %s: %s:%d sets %q, the plan %q", key, file, n+1, value, want))
		}
	}
	return found
}

func (s Sysctls) wanted(key string) (string, bool) {
	for ours, want := range s.Want {
		if procPath(ours) == procPath(key) {
			return want, true
		}
	}
	return "", false
}

// parseSysctl reads one line as systemd-sysctl does. A leading dash ignores
// errors; patterns never override a key that is set by name (sysctl.d(5)).
func parseSysctl(line string) (key, value string, ok bool) {
	line = strings.TrimSpace(line)
	if line == "" || strings.ContainsAny(line[:1], "#;") {
		return "", "", false
	}
	key, value, ok = strings.Cut(line, "=")
	key = strings.TrimSpace(strings.TrimPrefix(key, "-"))
	return key, strings.Join(strings.Fields(value), " "), ok && !strings.ContainsAny(key, "*?[")
}

// procPath is the key's file below /proc/sys. When the first separator is a
// dot, dots separate and a slash stands for a dot, as in a VLAN link's name:
// net.ipv4.conf.bond0/1500.forwarding (sysctl.d(5)).
func procPath(key string) string {
	first := strings.IndexAny(key, "./")
	if first < 0 || key[first] == '/' {
		return key
	}
	return strings.NewReplacer(".", "/", "/", ".").Replace(key)
}
