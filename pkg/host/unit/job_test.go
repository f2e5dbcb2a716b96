// SPDX-License-Identifier: Apache-2.0

package unit

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// busy is a systemd on which jobs take their time, and get lost.
type busy struct {
	takes  time.Duration // how long a job stays in the list
	result string        // that its signal brings; "" brings none
	after  State         // of the unit, once the job is over
	lookup error         // of every look at the jobs
	stale  bool          // the unit was active before, and was not touched
	asked  int
	end    time.Time
}

func (b *busy) job(verb string, reached func(State, time.Time) bool) job {
	return job{
		verb: verb, name: name, reached: reached,
		ask: func(_ context.Context, _, mode string, result chan<- string) (int, error) {
			if mode != "replace" {
				return 0, errors.New("mode " + mode)
			}
			b.asked++
			b.end = time.Now().Add(b.takes)
			if b.result != "" {
				time.AfterFunc(b.takes, func() { result <- b.result })
			}
			return b.asked, nil
		},
		queued: func(_ context.Context, id int) (bool, error) {
			return id == b.asked && time.Now().Before(b.end), b.lookup
		},
		state: func(context.Context) (State, error) {
			if time.Now().Before(b.end) {
				return State{Active: "activating", Sub: "start-pre"}, nil
			}
			st := b.after
			if !b.stale {
				st.Since = b.end
			}
			return st, nil
		},
		why: func() string { return ", the service as exit-code" },
	}
}

func TestJobEnds(t *testing.T) {
	up, down := State{Active: "active", Sub: "running"}, State{Active: "inactive", Sub: "dead"}
	for _, tt := range []struct {
		name    string
		b       busy
		reached func(State, time.Time) bool
		asked   int
		at      time.Duration // 0: not looked at
		err     string        // "" is success
	}{
		{"done", busy{takes: time.Second, result: "done"}, started, 1, time.Second, ""},
		{"done after a while", busy{takes: 5 * time.Minute, result: "done", after: up}, started, 1, 5 * time.Minute, ""},
		{"failed", busy{result: "failed", after: up}, started, 1, 0, `starting some.service: the job ended as "failed", the service as exit-code; see journalctl -b -u some.service`},
		{"dependency", busy{result: "dependency"}, started, 1, 0, `the job ended as "dependency"`},
		{"canceled", busy{result: "canceled"}, started, 1, 0, `the job ended as "canceled"`},
		{"skipped", busy{result: "skipped"}, started, 1, 0, `the job ended as "skipped"`},
		{"no signal, but up", busy{takes: 5 * time.Second, after: up}, started, 1, 20 * time.Second, ""},
		{"no signal, but down", busy{after: down}, stopped, 1, 0, ""},
		{"no signal, failed is down", busy{after: State{Active: "failed"}}, stopped, 1, 0, ""},
		{"no signal, but restarted", busy{after: up}, restarted, 1, 0, ""},
		{"no signal, restarted and failed since", busy{after: State{Active: "failed", Sub: "failed"}}, restarted, 3, 0, "systemd lost the job 3 times, the unit is failed"},
		{"no signal, not restarted", busy{after: up, stale: true}, restarted, 3, 0, "systemd lost the job 3 times, the unit is active (running)"},
		{"no signal, never up", busy{after: down}, started, 3, time.Minute, "systemd lost the job 3 times, the unit is inactive (dead), the service as exit-code; see journalctl -b -u some.service"},
		{"no signal, never down", busy{after: up}, stopped, 3, 0, "systemd lost the job 3 times"},
		{"a signal that comes late", busy{takes: 15 * time.Second, result: "done", lookup: nil}, started, 1, 15 * time.Second, ""},
		{"never ends", busy{takes: time.Hour}, started, 1, jobLimit, "waiting for the job: context deadline exceeded, the unit is activating (start-pre)"},
		{"systemd does not answer", busy{after: up, lookup: errors.New("no reply")}, started, 1, jobLimit, "waiting for the job"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, start := tt.b, time.Now()
				err := b.job("starting", tt.reached).run(t.Context())
				if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error is %v, want %q", err, tt.err)
				}
				if b.asked != tt.asked {
					t.Errorf("asked %d times, want %d", b.asked, tt.asked)
				}
				if took := time.Since(start); tt.at != 0 && took != tt.at {
					t.Errorf("took %s, want %s", took, tt.at)
				}
			})
		})
	}
}

// The signal is sent after the job has left the list: one look may fall between.
func TestJobThatHasJustLeftTheList(t *testing.T) {
	for _, takes := range []time.Duration{lookEvery, 2 * lookEvery} { // at the first look, and at one after it was seen
		synctest.Test(t, func(t *testing.T) {
			b := busy{takes: takes, after: State{Active: "inactive"}}
			j := b.job("starting", started)
			ask := j.ask
			j.ask = func(ctx context.Context, name, mode string, result chan<- string) (int, error) {
				time.AfterFunc(takes+time.Second, func() { result <- "failed" })
				return ask(ctx, name, mode, result)
			}
			if err := j.run(t.Context()); err == nil || !strings.Contains(err.Error(), `ended as "failed"`) || b.asked != 1 {
				t.Errorf("%v after asking %d times", err, b.asked)
			}
		})
	}
}

func TestJobThatCannotBeAskedFor(t *testing.T) {
	j := (&busy{}).job("starting", started)
	j.ask = func(context.Context, string, string, chan<- string) (int, error) {
		return 0, errors.New("no such unit")
	}
	if err := j.run(t.Context()); err == nil || err.Error() != "starting some.service: no such unit" {
		t.Error(err)
	}
}

func TestJobEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("the run was stopped")
	cancel(stop)
	if err := (&busy{takes: time.Hour}).job("starting", started).run(ctx); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

// go-systemd sends while it holds the lock that the next call needs: a job whose
// answer nobody reads must not keep it.
func TestSignalNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := busy{takes: time.Hour}
		j := b.job("starting", started)
		var result chan<- string
		ask := j.ask
		j.ask = func(ctx context.Context, name, mode string, r chan<- string) (int, error) {
			result = r
			return ask(ctx, name, mode, r)
		}
		if err := j.run(t.Context()); err == nil {
			t.Fatal("no error")
		}
		select {
		case result <- "done":
		default:
			t.Error("the signal has nowhere to go")
		}
	})
}

func TestTwice(t *testing.T) {
	refused := errors.New("refused")
	for _, tt := range []struct {
		name    string
		answers []error // nil: answers; context.DeadlineExceeded: never
		calls   int
		want    error
	}{
		{"answers", []error{nil}, 1, nil},
		{"answers the second time", []error{context.DeadlineExceeded, nil}, 2, nil},
		{"never answers", []error{context.DeadlineExceeded, context.DeadlineExceeded}, 2, context.DeadlineExceeded},
		{"refuses", []error{refused}, 1, refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				err := twice(t.Context(), func(ctx context.Context) error {
					answer := tt.answers[calls]
					calls++
					if errors.Is(answer, context.DeadlineExceeded) {
						<-ctx.Done()
						return ctx.Err()
					}
					return answer
				})
				if !errors.Is(err, tt.want) || calls != tt.calls {
					t.Errorf("%v after %d calls, want %v after %d", err, calls, tt.want, tt.calls)
				}
			})
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	calls := 0
	err := twice(ctx, func(ctx context.Context) error { calls++; <-ctx.Done(); return ctx.Err() })
	if !errors.Is(err, context.DeadlineExceeded) || calls != 1 {
		t.Errorf("%v after %d calls though the caller's time was over", err, calls)
	}
}
