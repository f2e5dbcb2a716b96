// SPDX-License-Identifier: Apache-2.0

package phase

import (
	"context"
	"fmt"
)

// atOnce bounds how many phases run at the same time.
const atOnce = 4

// schedule is one run: what has ended, what runs, what waits. One goroutine
// owns it; the phases run in goroutines of their own and tell it their end.
type schedule struct {
	Runner
	waiting []Phase         // in order
	ended   map[string]bool // true: it has converged
	running map[string]bool // true: it may run beside others
	results chan outcome
	total   Result
	errs    []error
}

type outcome struct {
	phase   Phase
	changes int
	err     error
}

func (r Runner) newSchedule(ordered []Phase) *schedule {
	return &schedule{Runner: r, waiting: ordered, ended: map[string]bool{}, running: map[string]bool{}, results: make(chan outcome)}
}

func (s *schedule) run(ctx context.Context) (Result, error) {
	for {
		s.start(ctx)
		if len(s.running) == 0 {
			break
		}
		o := <-s.results
		delete(s.running, o.phase.Name)
		s.ended[o.phase.Name] = o.err == nil
		s.total.Changes += o.changes
		if o.err != nil {
			s.errs = append(s.errs, fmt.Errorf("%s: %w", o.phase.Name, o.err))
		}
	}
	if len(s.waiting) > 0 && len(s.errs) == 0 {
		s.errs = append(s.errs, fmt.Errorf("%s: %w", s.waiting[0].Name, context.Cause(ctx)))
	}
	return s.total, join(s.errs)
}

// start lets go whatever may run now, and skips what never can. Of those that
// do not run beside others none overtakes another.
func (s *schedule) start(ctx context.Context) {
	var left []Phase
	held := s.lineBusy()
	for _, p := range s.waiting {
		missing, failed := s.needs(p)
		if failed != "" {
			s.ended[p.Name] = false
			s.event(p, Skipped, "", "needs "+failed+", which has not converged", 0)
			continue
		}
		if missing || ctx.Err() != nil || len(s.running) >= atOnce || held && !p.Beside {
			held = held || !p.Beside
			left = append(left, p)
			continue
		}
		held = held || !p.Beside
		s.running[p.Name] = p.Beside
		go func() {
			n, err := s.converge(ctx, p)
			s.results <- outcome{p, n, err}
		}()
	}
	s.waiting = left
}

// lineBusy tells whether one runs that does not run beside others.
func (s *schedule) lineBusy() bool {
	for _, beside := range s.running {
		if !beside {
			return true
		}
	}
	return false
}

// needs tells whether p has to wait for another, and which has failed.
func (s *schedule) needs(p Phase) (missing bool, failed string) {
	for _, need := range p.Needs {
		switch converged, ended := s.ended[need]; {
		case !ended:
			missing = true
		case !converged:
			return true, need
		}
	}
	return missing, ""
}
