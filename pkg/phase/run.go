// SPDX-License-Identifier: Apache-2.0

package phase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Result counts what a run did or, in a dry run, would do.
type Result struct {
	Changes int      `json:"changes"`
	Unknown []string `json:"unknown,omitempty"` // phases that a dry run could not plan
}

// A Runner runs phases and tells what happens.
type Runner struct {
	// Report receives every event, one at a time, in the order of its phase.
	Report func(Event)
	// Now is the clock.
	Now func() time.Time
}

// Run brings every phase to its desired state, in the order that follows from
// what they need. One that cannot be brought there stops those that need it; the
// others finish. The error names phase and change, of each that failed. Phases
// that are not in order fail before anything runs.
func (r Runner) Run(ctx context.Context, phases []Phase) (Result, error) {
	ordered, err := arrange(phases)
	if err != nil {
		return Result{}, err
	}
	return r.oneAtATime().newSchedule(ordered).run(ctx)
}

// oneAtATime is the runner with a Report that phases may call side by side.
func (r Runner) oneAtATime() Runner {
	var mu sync.Mutex
	report := r.Report
	r.Report = func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		report(e)
	}
	return r
}

// DryRun plans every phase and changes nothing. A phase that needs one with
// outstanding changes is reported as unknown instead of guessed at.
func (r Runner) DryRun(ctx context.Context, phases []Phase) (Result, error) {
	var res Result
	ordered, err := arrange(phases)
	if err != nil {
		return res, err
	}
	var pending []string
	var errs []error
	r = r.oneAtATime()
	for _, p := range ordered {
		if dep := slices.IndexFunc(p.Needs, func(n string) bool { return slices.Contains(pending, n) }); dep >= 0 && !p.Ahead {
			res.Unknown = append(res.Unknown, p.Name)
			pending = append(pending, p.Name)
			r.event(p, Unknown, "", "known after "+p.Needs[dep], 0)
			continue
		}
		changes, err := r.plan(ctx, p)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.Name, err))
		}
		if err != nil || len(changes) > 0 {
			pending = append(pending, p.Name)
		}
		res.Changes += len(changes)
	}
	return res, join(errs)
}

// join is errors.Join that leaves a single error as it is.
func join(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

func (r Runner) plan(ctx context.Context, p Phase) ([]Change, error) {
	r.event(p, Started, "", p.Doc, 0)
	changes, err := r.ask(ctx, p, everything)
	if err != nil {
		r.event(p, Failed, "", err.Error(), 0)
		return nil, err
	}
	for _, c := range changes {
		r.event(p, Planned, c.String(), "", 0)
	}
	return changes, nil
}

// ask has the phase plan.
func (r Runner) ask(ctx context.Context, p Phase, tell func(Event) bool) (changes []Change, err error) {
	err = r.attend(ctx, p, "finding out what there is to do", tell, func(ctx context.Context) error {
		changes, err = p.Plan(ctx)
		return err
	})
	return changes, err
}

func (r Runner) converge(ctx context.Context, p Phase) (int, error) {
	start := r.Now()
	changes, err := r.plan(ctx, p)
	if err != nil {
		return 0, err
	}
	for i, c := range changes {
		if err := r.apply(ctx, p, c); err != nil {
			return i, err
		}
	}
	if len(changes) > 0 {
		if err := r.verify(ctx, p); err != nil {
			return len(changes), err
		}
	}
	r.event(p, Done, "", summary(len(changes)), r.Now().Sub(start))
	return len(changes), nil
}

func (r Runner) apply(ctx context.Context, p Phase, c Change) error {
	start := r.Now()
	err := ctx.Err() // a change that is begun is finished; the next is not begun
	if err == nil {
		err = r.attend(ctx, p, c.String(), everything, c.Do)
	}
	if err != nil {
		err = fmt.Errorf("changing %s: %w", c, err)
		r.event(p, Failed, c.String(), err.Error(), r.Now().Sub(start))
		return err
	}
	r.event(p, Applied, c.String(), "", r.Now().Sub(start))
	return nil
}

// verify plans again: convergence is checked on the host, not promised.
func (r Runner) verify(ctx context.Context, p Phase) error {
	left, err := r.ask(ctx, p, Event.Waits) // other notes are not repeated
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("still %d to change after applying, first %s", len(left), left[0])
	}
	if err != nil {
		err = fmt.Errorf("planning again: %w", err)
		r.event(p, Failed, "", err.Error(), 0)
	}
	return err
}

func (r Runner) event(p Phase, kind Kind, change, message string, took time.Duration) {
	r.Report(Event{Time: r.Now(), Phase: p.Name, Kind: kind, Change: change, Message: message, Elapsed: took})
}

func summary(changes int) string {
	switch changes {
	case 0:
		return "nothing to change"
	case 1:
		return "1 change"
	}
	return fmt.Sprintf("%d changes", changes)
}
