// SPDX-License-Identifier: Apache-2.0

// Package dnf brings packages onto a host through its own package manager, dnf,
// in one transaction.
package dnf

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// A Package that is wanted.
type Package struct {
	Name string
	// Version is "1.37.2", or "1.37.2-150500.1.1" with the release; "" takes
	// whatever is there, else the newest.
	Version string
}

// spec is the package as dnf takes it on its command line.
func (p Package) spec() string {
	if p.Version == "" {
		return p.Name
	}
	return p.Name + "-" + p.Version
}

// Packages are installed, each in its version.
type Packages struct {
	Run  command.Runner
	Want []Package
	// Unpin are repositories whose excludepkgs does not count in our own
	// transaction; see Repo.Pinned.
	Unpin []string
	// Keep leaves packages that are there in the version that they have, and
	// notes one that is wanted in another.
	Keep bool
	// Reload makes systemd read the units that came along; Enterprise Linux
	// does that by a file trigger, Debian's systemd has none for rpm.
	Reload func(context.Context) error
	// Installroot is the tree to work on, for the tests; "" is the host.
	Installroot string
}

// Plan asks rpm once what is there, and has one transaction for the rest.
func (p Packages) Plan(ctx context.Context) ([]phase.Change, error) {
	have, err := p.installed(ctx)
	if err != nil {
		return nil, err
	}
	var missing []Package
	var from, to []string
	for _, w := range p.Want {
		if have[w.Name].satisfies(w) {
			continue
		}
		if p.Keep && have[w.Name].version != "" {
			phase.Notef(ctx, "%s is %s here and %s in the plan, and stays: a node gets another release by `kubeadm upgrade`, in its order, and no other way", w.Name, have[w.Name].version, w.Version)
			continue
		}
		missing = append(missing, w)
		from = append(from, w.Name+" "+cmp.Or(have[w.Name].version, "absent"))
		to = append(to, strings.TrimSpace(w.Name+" "+w.Version))
	}
	if len(missing) == 0 {
		return nil, nil
	}
	return []phase.Change{{
		What: "packages", From: strings.Join(from, ", "), To: strings.Join(to, ", "),
		Do: func(ctx context.Context) error { return p.install(ctx, missing) },
	}}, nil
}

// installed is one package in rpm's database.
type installed struct{ version, release string }

func (i installed) satisfies(w Package) bool {
	if i.version == "" {
		return false
	}
	return w.Version == "" || w.Version == i.version || w.Version == i.version+"-"+i.release
}

// installed asks by -qa, which passes over absent names, while plain -q fails
// on them.
func (p Packages) installed(ctx context.Context) (map[string]installed, error) {
	args := []string{"-qa", "--qf", `%{NAME}\t%{VERSION}\t%{RELEASE}\n`}
	if p.Installroot != "" {
		args = append([]string{"--root", p.Installroot}, args...)
	}
	for _, w := range p.Want {
		args = append(args, w.Name)
	}
	out, err := p.Run(ctx, command.New("rpm", args...))
	if err != nil {
		return nil, fmt.Errorf("asking for installed packages: %w", err)
	}
	have := map[string]installed{}
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 3 {
			return nil, fmt.Errorf("asking for installed packages: rpm printed %q", line)
		}
		have[fields[0]] = installed{fields[1], fields[2]}
	}
	return have, nil
}

func (p Packages) install(ctx context.Context, missing []Package) error {
	args := []string{"-y"}
	if len(p.Unpin) > 0 {
		// The option --disableexcludes is gone from dnf5, the setting is not.
		args = append(args, "--setopt=disable_excludes="+strings.Join(p.Unpin, ","))
	}
	if p.Installroot != "" {
		args = append(args, "--installroot="+p.Installroot)
	}
	args = append(args, "install")
	for _, m := range missing {
		args = append(args, m.spec())
	}
	if err := p.dnf(ctx, args); err != nil {
		return fmt.Errorf("installing packages: %w", err)
	}
	return p.Reload(ctx)
}
