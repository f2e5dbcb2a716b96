// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// The files that make the modules be there after a reboot too.
const (
	modulesFile = "/etc/modules-load.d/nodeprep.conf"
	optionsFile = "/etc/modprobe.d/nodeprep.conf"
)

// ModulesLoadUnit loads what modules-load.d(5) names; see Modules.Load.
const ModulesLoadUnit = "systemd-modules-load.service"

// A Module of the kernel.
type Module struct {
	Name    string // as modprobe takes it: "br_netfilter"
	Options string // as modprobe.d(5) takes them: "max_bonds=0"; "" for none
}

// Modules are loaded now and at every boot.
//
// They are loaded by restarting systemd-modules-load.service. That unit goes
// through libkmod, so modprobe.d, soft dependencies, compression, signatures
// and deny lists are the distribution's own affair, it runs in the SELinux
// domain that may load modules, and what works now works at boot, because it
// is the same thing. The unit fails when any module on the host fails, ours or
// not: what counts is whether ours are there.
type Modules struct {
	Root rooted.Root
	Want []Module
	// Load restarts ModulesLoadUnit and waits for it.
	Load func(context.Context) error
}

// Plan names what is missing. Options are written before anything is loaded:
// bonding without max_bonds=0 makes a balance-rr bond0 the moment it loads
// (Documentation/networking/bonding.rst).
func (m Modules) Plan(ctx context.Context) ([]phase.Change, error) {
	kernel, err := readKernel(m.Root)
	if err != nil {
		return nil, err
	}
	changes, err := rooted.PlanFiles(ctx, m.files()...)
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, mod := range m.Want {
		if kernel.loaded(mod.Name) {
			continue
		}
		problems = append(problems, kernel.available(mod.Name))
		changes = append(changes, phase.Change{
			What: "module " + mod.Name, From: "absent", To: "loaded",
			Do: func(ctx context.Context) error { return m.load(ctx, kernel, mod.Name) },
		})
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return changes, nil
}

func (m Modules) files() []rooted.File {
	var names, options strings.Builder
	names.WriteString("# Written by nodeprep, see modules-load.d(5).\n")
	options.WriteString("# Written by nodeprep, see modprobe.d(5).\n")
	for _, mod := range m.Want {
		fmt.Fprintln(&names, mod.Name)
		if mod.Options != "" {
			fmt.Fprintln(&options, "options", mod.Name, mod.Options)
		}
	}
	return []rooted.File{
		{Root: m.Root, Name: optionsFile, Content: options.String(), Mode: 0o644},
		{Root: m.Root, Name: modulesFile, Content: names.String(), Mode: 0o644},
	}
}

// load brings all of them by one restart; the changes that follow find theirs
// loaded already.
func (m Modules) load(ctx context.Context, k kernel, name string) error {
	if k.loaded(name) {
		return nil
	}
	err := m.Load(ctx)
	if k.loaded(name) {
		return nil // the unit's failure, if any, was another module's
	}
	if file := denied(m.Root, name); file != "" {
		return fmt.Errorf("%s denies it: remove its line `blacklist %s`", file, name)
	}
	if err == nil {
		err = errors.New("it is still not loaded")
	}
	return fmt.Errorf("after restarting %s: %w; see journalctl -b -u %s", ModulesLoadUnit, err, ModulesLoadUnit)
}

// denied names the file that keeps a module from being loaded by
// systemd-modules-load, as kernel-modules-extra does for seldom-used ones.
func denied(root rooted.Root, name string) string {
	for _, f := range dropIns(root, "modprobe.d") {
		content, err := root.Read(f)
		if err != nil {
			continue
		}
		for line := range strings.Lines(content) {
			words := strings.Fields(line)
			if len(words) == 2 && words[0] == "blacklist" && sameModule(words[1], name) {
				return f
			}
		}
	}
	return ""
}

func notExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
