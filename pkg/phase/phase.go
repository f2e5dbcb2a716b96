// SPDX-License-Identifier: Apache-2.0

// Package phase runs a list of phases to convergence: plan, apply, plan again.
//
// It knows neither Linux nor Kubernetes. A phase only says what differs from
// the desired state; the runner owns order, timing, events and the rule that
// what is left after applying is an error.
package phase

import (
	"context"
	"time"
)

// A Phase brings one aspect of the host to its desired state.
type Phase struct {
	// Name is one lower-case word or two joined by a dash: "network".
	Name string
	// Doc says in one line what the phase is for.
	Doc string
	// Plan reads the host and returns what would have to change. It changes
	// nothing itself; no changes means that the phase has converged.
	Plan func(context.Context) ([]Change, error)
	// Needs names the phases without which this one cannot be planned or
	// applied. It comes after them, does not run when one of them has failed, and
	// is unknown to a dry run while one of them has changes, unless Ahead.
	Needs []string
	// Ahead says that Plan reads nothing that what it needs would change, so that
	// a dry run can plan it all the same.
	Ahead bool
	// Beside says that it may run at the same time as phases that it does not
	// need and that do not need it: it touches nothing that they do, neither
	// files nor kernel nor systemd. All others run one after the other.
	Beside bool
}

// A Change is one step from the observed state to the desired one.
type Change struct {
	What, From, To string // "bond0.mtu", "1500", "9000"
	// Do makes the change and waits for its effect, within the context.
	Do func(context.Context) error
}

// String shows the change as people read it: "bond0.mtu: 1500 -> 9000".
func (c Change) String() string {
	switch {
	case c.From == "" && c.To == "":
		return c.What
	case c.From == "":
		return c.What + ": " + c.To
	case c.To == "":
		return c.What + ": " + c.From + " -> none"
	}
	return c.What + ": " + c.From + " -> " + c.To
}

// Kind says what an Event tells.
type Kind string

// The kinds of event, in the order in which a phase emits them. Events of phases
// that run at the same time alternate.
const (
	Started Kind = "started" // the phase begins to plan
	Planned Kind = "planned" // one change is to be made
	Applied Kind = "applied" // one change has been made
	Noted   Kind = "noted"   // something worth knowing that is no error
	Unknown Kind = "unknown" // a dry run cannot plan this phase yet
	Skipped Kind = "skipped" // it needs a phase that has failed
	Done    Kind = "done"    // the phase has converged
	Failed  Kind = "failed"  // the phase has not; Err says why
)

// An Event is one thing that happened during a run. Reporters decide how it looks.
type Event struct {
	Time    time.Time     `json:"time"`
	Phase   string        `json:"phase"`
	Kind    Kind          `json:"kind"`
	Change  string        `json:"change,omitempty"`
	Message string        `json:"message,omitempty"`
	Elapsed time.Duration `json:"elapsedNanoseconds,omitempty"`
}
