// SPDX-License-Identifier: Apache-2.0

package unit

import (
	"context"
	"fmt"
)

// Start starts the unit and waits until it is up.
func (s *Systemd) Start(ctx context.Context, name string) error {
	return s.job(ctx, "starting", name, s.conn.StartUnitContext)
}

// Stop stops the unit and waits until it is down.
func (s *Systemd) Stop(ctx context.Context, name string) error {
	return s.job(ctx, "stopping", name, s.conn.StopUnitContext)
}

// Restart restarts the unit, or starts it, and waits until it is up.
func (s *Systemd) Restart(ctx context.Context, name string) error {
	return s.job(ctx, "restarting", name, s.conn.RestartUnitContext)
}

// ReloadService makes a running unit read its configuration again.
func (s *Systemd) ReloadService(ctx context.Context, name string) error {
	return s.job(ctx, "reloading", name, s.conn.ReloadUnitContext)
}

// done is the only result of a job that means success; the others are
// canceled, timeout, failed, dependency, skipped (org.freedesktop.systemd1(5)).
const done = "done"

type enqueue func(ctx context.Context, name, mode string, result chan<- string) (int, error)

func (s *Systemd) job(ctx context.Context, verb, name string, ask enqueue) error {
	return await(ctx, verb, name, ask, func() string { return s.why(ctx, name) })
}

// await asks for a job and waits for its result. The channel holds one, since
// go-systemd sends on it while it holds the lock that the next call needs.
func await(ctx context.Context, verb, name string, ask enqueue, why func() string) error {
	result := make(chan string, 1)
	if _, err := ask(ctx, name, "replace", result); err != nil {
		return fmt.Errorf("%s %s: %w", verb, name, err)
	}
	select {
	case r := <-result:
		if r == done {
			return nil
		}
		return fmt.Errorf("%s %s: the job ended as %q%s; see journalctl -b -u %s", verb, name, r, why(), name)
	case <-ctx.Done():
		return fmt.Errorf("%s %s: waiting for the job: %w", verb, name, context.Cause(ctx))
	}
}

// why is the service's own last word, such as "exit-code" or "oom-kill".
func (s *Systemd) why(ctx context.Context, name string) string {
	p, err := s.conn.GetServicePropertyContext(ctx, name, "Result")
	if err != nil {
		return "" // no service, hence no such property
	}
	if text, ok := p.Value.Value().(string); ok && text != "success" {
		return ", the service as " + text
	}
	return ""
}
