// SPDX-License-Identifier: Apache-2.0

package unit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

// forgetful is a systemd that owes answers, so many, when it executes itself anew.
type forgetful struct {
	*wire
	owes int
}

func (f *forgetful) forgets(ctx context.Context) error {
	if f.owes == 0 {
		return nil
	}
	f.owes--
	<-ctx.Done()
	return ctx.Err()
}

func (f *forgetful) GetUnitPropertiesContext(ctx context.Context, unit string) (map[string]any, error) {
	if err := f.forgets(ctx); err != nil {
		return nil, err
	}
	return f.wire.GetUnitPropertiesContext(ctx, unit)
}

func (f *forgetful) ReloadContext(ctx context.Context) error {
	return errors.Join(f.forgets(ctx), f.wire.ReloadContext(ctx))
}

func (f *forgetful) EnableUnitFilesContext(ctx context.Context, files []string, runtime, force bool) (bool, []dbus.EnableUnitFileChange, error) {
	return true, nil, f.forgets(ctx)
}

func (f *forgetful) DisableUnitFilesContext(ctx context.Context, files []string, runtime bool) ([]dbus.DisableUnitFileChange, error) {
	return nil, f.forgets(ctx)
}

func (f *forgetful) MaskUnitFilesContext(ctx context.Context, files []string, runtime, force bool) ([]dbus.MaskUnitFileChange, error) {
	return nil, f.forgets(ctx)
}

func (f *forgetful) UnmaskUnitFilesContext(ctx context.Context, files []string, runtime bool) ([]dbus.UnmaskUnitFileChange, error) {
	return nil, f.forgets(ctx)
}

func (f *forgetful) ListUnitsByPatternsContext(ctx context.Context, states, patterns []string) ([]dbus.UnitStatus, error) {
	return nil, f.forgets(ctx)
}

// A question that goes without an answer is asked once more, and not waited for
// without an end.
func TestAnswersThatAreForgotten(t *testing.T) {
	for name, ask := range map[string]func(*Systemd, context.Context) error{
		"state":   func(s *Systemd, ctx context.Context) error { _, err := s.State(ctx, "x.service"); return err },
		"swaps":   func(s *Systemd, ctx context.Context) error { _, err := s.Swaps(ctx); return err },
		"enable":  func(s *Systemd, ctx context.Context) error { return s.Enable(ctx, "x.service") },
		"disable": func(s *Systemd, ctx context.Context) error { return s.Disable(ctx, "x.service") },
		"mask":    func(s *Systemd, ctx context.Context) error { return s.Mask(ctx, "x.service") },
		"unmask":  func(s *Systemd, ctx context.Context) error { return s.Unmask(ctx, "x.service") },
		"reload":  (*Systemd).Reload,
	} {
		for owes, answered := range map[int]bool{0: true, 1: true, 2: false} {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				err := ask(&Systemd{patient{&forgetful{&wire{}, owes}}}, t.Context())
				took := time.Since(start)
				if (err == nil) != answered || !answered && !errors.Is(err, context.DeadlineExceeded) || took != time.Duration(owes)*callLimit {
					t.Errorf("%s, %d answers forgotten: %v after %s", name, owes, err, took)
				}
			})
		}
	}
}

// A job of which no number comes is asked for again.
func TestAJobThatIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, start := busy{takes: time.Second, result: done}, time.Now()
		j := b.job("starting", started)
		first, ask := true, j.ask
		j.ask = func(ctx context.Context, name, mode string, result chan<- string) (int, error) {
			if first {
				first = false
				<-ctx.Done()
				return 0, ctx.Err()
			}
			return ask(ctx, name, mode, result)
		}
		if err := j.run(t.Context()); err != nil || time.Since(start) > callLimit+time.Minute {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

// A look at the jobs that goes without an answer hides no end of the job.
func TestALookThatIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, start := busy{takes: 15 * time.Second, result: done}, time.Now()
		j := b.job("starting", started)
		j.queued = func(ctx context.Context, _ int) (bool, error) { <-ctx.Done(); return false, ctx.Err() }
		if err := j.run(t.Context()); err != nil || time.Since(start) > 20*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}
