// SPDX-License-Identifier: Apache-2.0

package unit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

// Start starts the unit and waits until it is up.
func (s *Systemd) Start(ctx context.Context, name string) error {
	return s.job("starting", name, s.conn.StartUnitContext, started).run(ctx)
}

// Stop stops the unit and waits until it is down.
func (s *Systemd) Stop(ctx context.Context, name string) error {
	return s.job("stopping", name, s.conn.StopUnitContext, stopped).run(ctx)
}

// Restart restarts the unit, or starts it, and waits until it is up.
func (s *Systemd) Restart(ctx context.Context, name string) error {
	return s.job("restarting", name, s.conn.RestartUnitContext, restarted).run(ctx)
}

// ReloadService makes a running unit read its configuration again.
func (s *Systemd) ReloadService(ctx context.Context, name string) error {
	return s.job("reloading", name, s.conn.ReloadUnitContext, started).run(ctx)
}

// done is the only result of a job that means success; the others are
// canceled, timeout, failed, dependency, skipped (org.freedesktop.systemd1(5)).
const done = "done"

// A job ends with a signal. A systemd that executes itself anew meanwhile, as it
// does when dnf upgrades it, may never send it (systemd 257 under load): then
// the list of jobs and the unit's state say how it ended.
const (
	lookEvery = 10 * time.Second
	// jobLimit is well above the 90 s after which systemd gives up a start by
	// itself (DefaultTimeoutStartSec), which a unit may raise.
	jobLimit = 10 * time.Minute
	// asks is how often a job is asked for that went without a trace.
	asks = 3
)

type enqueue func(ctx context.Context, name, mode string, result chan<- string) (int, error)

// A job is one that is asked of systemd, and what it takes to learn its end.
type job struct {
	verb, name string
	ask        enqueue
	// queued reports whether the job is still waiting or running.
	queued func(ctx context.Context, id int) (bool, error)
	state  func(context.Context) (State, error)
	// reached reports whether the unit is where a job that was asked for at that
	// time takes it.
	reached func(State, time.Time) bool
	why     func() string // the service's own last word
}

func (s *Systemd) job(verb, name string, ask enqueue, reached func(State, time.Time) bool) job {
	return job{
		verb: verb, name: name, ask: ask, reached: reached,
		queued: s.queued,
		state:  func(ctx context.Context) (State, error) { return s.State(ctx, name) },
		why:    func() string { return s.why(context.Background(), name) },
	}
}

func started(st State, _ time.Time) bool { return st.Running() }

func stopped(st State, _ time.Time) bool { return st.Active == "inactive" || st.Active == "failed" }

func restarted(st State, asked time.Time) bool { return st.Running() && !st.Since.Before(asked) }

func (s *Systemd) queued(ctx context.Context, id int) (bool, error) {
	jobs, err := s.conn.ListJobsContext(ctx)
	return slices.ContainsFunc(jobs, func(j dbus.JobStatus) bool { return int(j.Id) == id }), err
}

func (j job) run(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, jobLimit)
	defer cancel()
	for range asks {
		if known, err := j.once(limited); known || err != nil {
			return err
		}
	}
	return fmt.Errorf("%s %s: systemd lost the job %d times%s; see journalctl -b -u %s", j.verb, j.name, asks, j.now(), j.name)
}

// once asks for the job and waits for its end; known is false for one that went
// without a trace. The channel holds one, since go-systemd sends on it while it
// holds the lock that the next call needs.
func (j job) once(ctx context.Context) (known bool, err error) {
	asked := time.Now()
	result := make(chan string, 1)
	id, err := j.enqueue(ctx, result)
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return false, nil // systemd owes the answer, which it may have forgotten
	case err != nil:
		return false, fmt.Errorf("%s %s: %w", j.verb, j.name, err)
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	gone := false
	for {
		select {
		case r := <-result:
			return true, j.ended(r)
		case <-ctx.Done():
			return true, fmt.Errorf("%s %s: waiting for the job: %w%s; see journalctl -b -u %s",
				j.verb, j.name, context.Cause(ctx), j.now(), j.name)
		case <-look.C:
		}
		queued, err := j.look(ctx, id)
		if err != nil || queued { // a systemd that does not answer now is looked at again
			gone = false
			continue
		}
		if gone { // and the signal, had it been on its way, would be here
			st, err := j.state(ctx)
			return err == nil && j.reached(st, asked), nil
		}
		gone = true
	}
}

func (j job) enqueue(ctx context.Context, result chan<- string) (id int, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return j.ask(ctx, j.name, "replace", result)
}

// look asks whether the job is queued, and not for so long that its end waits.
func (j job) look(ctx context.Context, id int) (queued bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookEvery/2)
	defer cancel()
	return j.queued(ctx, id)
}

func (j job) ended(result string) error {
	if result == done {
		return nil
	}
	return fmt.Errorf("%s %s: the job ended as %q%s; see journalctl -b -u %s", j.verb, j.name, result, j.why(), j.name)
}

// now is what systemd says of the unit at the end of a wait, for an error.
func (j job) now() string {
	ctx, cancel := context.WithTimeout(context.Background(), lookEvery)
	defer cancel()
	st, err := j.state(ctx)
	if err != nil {
		return fmt.Sprintf(", and systemd does not say how it is: %v", err)
	}
	return fmt.Sprintf(", the unit is %s (%s)%s", st.Active, st.Sub, j.why())
}

// why is the service's own last word, such as "exit-code" or "oom-kill".
func (s *Systemd) why(ctx context.Context, name string) string {
	ctx, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	p, err := s.conn.GetServicePropertyContext(ctx, name, "Result")
	if err != nil {
		return "" // no service, hence no such property
	}
	if text, ok := p.Value.Value().(string); ok && text != "success" {
		return ", the service as " + text
	}
	return ""
}
