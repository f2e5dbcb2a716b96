// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"context"
	"fmt"

	"github.com/nodeprep/nodeprep/pkg/phase"
)

// Kernel is a host's network stack.
type Kernel interface {
	// Observe reads all of it and changes nothing.
	Observe(context.Context) (State, error)
	// Apply makes one step, or none of it.
	Apply(context.Context, step) error
}

// Plan observes the host and returns the changes that bring its links,
// addresses and routes to c. They have to be made in order.
func Plan(ctx context.Context, k Kernel, c Config) ([]phase.Change, error) {
	observed, err := k.Observe(ctx)
	if err != nil {
		return nil, fmt.Errorf("observing the network: %w", err)
	}
	steps, err := diff(observed, c)
	if err != nil {
		return nil, err
	}
	changes := make([]phase.Change, 0, len(steps))
	for _, s := range steps {
		changes = append(changes, change(k, s))
	}
	return changes, nil
}

func change(k Kernel, s step) phase.Change {
	what, from, to := s.change()
	return phase.Change{What: what, From: from, To: to, Do: func(ctx context.Context) error {
		return k.Apply(ctx, s)
	}}
}

// Apply makes the changes in order, up to the first that cannot be made.
func apply(ctx context.Context, changes []phase.Change) error {
	for _, c := range changes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.Do(ctx); err != nil {
			return fmt.Errorf("changing %s: %w", c.What, err)
		}
	}
	return nil
}

// Notes tells what is worth knowing about c on this host and is no error.
func Notes(observed State, c Config) []string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	b := c.Bond
	if a := b.attributes(); a.UpDelay != b.UpDelay {
		note("%s: updelay %s becomes %s: the kernel rounds down to a multiple of miimon %s",
			b.Name, b.UpDelay, a.UpDelay, b.MIIMon)
	}
	if a := b.attributes(); a.DownDelay != b.DownDelay {
		note("%s: downdelay %s becomes %s: the kernel rounds down to a multiple of miimon %s",
			b.Name, b.DownDelay, a.DownDelay, b.MIIMon)
	}
	ours := c.VLAN.route()
	for _, r := range observed.Routes {
		if ours.Gateway.IsValid() && r.Link != ours.Link && r.Metric < ours.Metric {
			note("%s is preferred to ours, which has metric %d", r, ours.Metric)
		}
	}
	return notes
}
