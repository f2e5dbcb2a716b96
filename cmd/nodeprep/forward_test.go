// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// A desk takes reports, or what trouble says instead.
type desk struct {
	mu      sync.Mutex
	trouble func(ctx context.Context, r joinapi.Report) error
	took    []string
}

func (d *desk) report(ctx context.Context, r joinapi.Report) error {
	if d.trouble != nil {
		if err := d.trouble(ctx, r); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.took = append(d.took, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Phase, r.Outcome, r.Message)))
	return nil
}

func event(name string, kind phase.Kind, message string) phase.Event {
	return phase.Event{Phase: name, Kind: kind, Message: message}
}

func (d *desk) want(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if diff := cmp.Diff(want, d.took); diff != "" {
		t.Errorf("joinsvc took (-want +got):\n%s", diff)
	}
}

func TestForwardsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d desk
		f := newForwarder(t.Context(), d.report)
		for _, e := range []phase.Event{
			event("swap", phase.Started, ""), event("swap", phase.Planned, ""), event("swap", phase.Noted, "zram"),
			event("swap", phase.Applied, ""), event("swap", phase.Done, "1 change"), event("x", phase.Unknown, ""), event("y", phase.Skipped, ""),
			event("network", phase.Failed, "no carrier"),
		} {
			f.add(e)
		}
		f.close(event("run", phase.Done, "1 change(s) made"))
		d.want(t, "swap started", "swap noted zram", "swap done 1 change", "network failed no carrier", "run done 1 change(s) made")
	})
}

// A phase's failure is what joinsvc keeps; the run's own would take its place.
func TestRunsFailureIsForwardedWhenNoPhaseTellsIt(t *testing.T) {
	end := event("run", phase.Failed, "connecting to systemd: no bus")
	synctest.Test(t, func(t *testing.T) {
		var d desk
		newForwarder(t.Context(), d.report).close(end)
		d.want(t, "run failed connecting to systemd: no bus")
	})
	synctest.Test(t, func(t *testing.T) {
		var d desk
		f := newForwarder(t.Context(), d.report)
		f.add(event("network", phase.Failed, "no carrier"))
		f.add(event("swap", phase.Done, "")) // others finish
		f.close(end)
		d.want(t, "network failed no carrier", "swap done")
	})
}

// A report is sent when it comes, not when the run ends; and the end of one whose
// failure was told is not waited for.
func TestReportsAreSentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d desk
		start := time.Now()
		f := newForwarder(t.Context(), d.report)
		synctest.Wait()
		f.add(event("a", phase.Started, ""))
		synctest.Wait()
		d.want(t, "a started")
		f.add(event("a", phase.Failed, "no"))
		synctest.Wait()
		d.want(t, "a started", "a failed no")
		f.close(event("run", phase.Failed, "a: no"))
		if took := time.Since(start); took != 0 {
			t.Errorf("the end took %s", took)
		}
	})
}

// The next event, or the end, is a reason to ask again; a time that joinsvc has
// named is waited for all the same, but by no end of a run.
func TestWhatCutsAPauseShort(t *testing.T) {
	for name, tc := range map[string]struct {
		floor time.Duration
		then  func(*forwarder)
		want  time.Duration // from the first attempt to the second, at most
		least time.Duration
	}{
		"an event":                     {0, func(f *forwarder) { f.add(event("b", phase.Started, "")) }, time.Millisecond, 0},
		"an event, before a time":      {time.Hour, func(f *forwarder) { f.add(event("b", phase.Started, "")) }, time.Hour + 2*forwardPause, time.Hour},
		"the end, long before a time":  {time.Hour, func(f *forwarder) { f.close(event("run", phase.Done, "")) }, time.Millisecond, 0},
		"the end, where none is named": {0, func(f *forwarder) { f.close(event("run", phase.Done, "")) }, time.Millisecond, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var asked []time.Duration
				d := desk{trouble: func(context.Context, joinapi.Report) error {
					if asked = append(asked, time.Since(start)); len(asked) == 1 {
						return joinapi.Unavailable(tc.floor, "starting")
					}
					return nil
				}}
				f := newForwarder(t.Context(), d.report)
				f.add(event("a", phase.Started, ""))
				time.Sleep(time.Millisecond)
				tc.then(f)
				time.Sleep(2 * time.Hour)
				f.close(event("run", phase.Done, ""))
				if len(asked) < 2 || asked[1] > tc.want || asked[1] < tc.least {
					t.Errorf("asked at %v", asked)
				}
			})
		})
	}
}

// A joinsvc that has answered is asked at the first pace when it is away again.
func TestPaceStartsAnewAfterAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Time
		away := true
		d := desk{trouble: func(context.Context, joinapi.Report) error {
			asked = append(asked, time.Now())
			if away {
				return joinapi.Unavailable(0, "starting")
			}
			return nil
		}}
		f := newForwarder(t.Context(), d.report)
		f.add(event("a", phase.Started, ""))
		time.Sleep(time.Hour)
		away = false
		time.Sleep(time.Minute)
		away, asked = true, nil
		f.add(event("b", phase.Started, ""))
		time.Sleep(time.Minute)
		if len(asked) < 2 || asked[1].Sub(asked[0]) > 3*forwardPause/2 {
			t.Errorf("asked at %v", asked)
		}
		away = false
		f.close(event("run", phase.Done, ""))
	})
}

// A joinsvc that accepts and is silent costs the run nothing, and its end no
// more than lastWords.
func TestSilentJoinsvcHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := desk{trouble: func(ctx context.Context, _ joinapi.Report) error { <-ctx.Done(); return ctx.Err() }}
		start := time.Now()
		f := newForwarder(t.Context(), d.report)
		for i := range 1000 {
			f.add(event("a", phase.Noted, fmt.Sprint(i)))
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("three events took %s", took)
		}
		f.close(event("run", phase.Done, ""))
		if took := time.Since(start); took > lastWords {
			t.Errorf("the end took %s", took)
		}
		time.Sleep(time.Minute)
		select {
		case <-f.done:
		default:
			t.Error("still at work a minute after the end")
		}
	})
}

// The oldest go first, are counted, and the last word arrives.
func TestQueueIsBoundedAndKeepsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := desk{trouble: func(context.Context, joinapi.Report) error {
			if time.Since(start) < time.Minute {
				return joinapi.Errorf(joinapi.CodeTooMany, "slow down")
			}
			return nil
		}}
		f := newForwarder(t.Context(), d.report)
		for i := range forwardQueue + 20 {
			f.add(event("a", phase.Noted, fmt.Sprint(i)))
		}
		time.Sleep(2 * time.Minute)
		f.close(event("run", phase.Done, "over"))
		if n := len(d.took); n != forwardQueue+1 {
			t.Fatalf("took %d reports", n)
		}
		if want := "a noted (20 earlier reports were dropped, since joinsvc did not take them) 20"; d.took[0] != want || d.took[1] != "a noted 21" || d.took[forwardQueue] != "run done over" {
			t.Errorf("took %q, want first %q", d.took, want)
		}
	})
}

// At the end of a run there is time for the last word alone.
func TestLastWordIsTriedUntilItIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := desk{trouble: func(context.Context, joinapi.Report) error {
			if time.Since(start) < lastWords/2 {
				return joinapi.Errorf(joinapi.CodeInternal, "etcd")
			}
			return nil
		}}
		ctx, cancel := context.WithCancel(t.Context())
		f := newForwarder(ctx, d.report)
		f.add(event("a", phase.Started, ""))
		cancel() // an interrupted run has a last word too
		f.close(event("run", phase.Failed, "interrupted"))
		d.want(t, "run failed (1 earlier reports were dropped, since joinsvc did not take them) interrupted")
		if took := time.Since(start); took > lastWords/2+forwardPause/10 {
			t.Errorf("taken after %s", took)
		}
	})
}

// A failure that a phase has told is the last word of its run: the beginning of
// another phase, which came later, does not take its place.
func TestAFailureIsNotLostBehindOthers(t *testing.T) {
	for name, slow := range map[string]time.Duration{"refused": 0, "silent": 4 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				d := desk{trouble: func(context.Context, joinapi.Report) error {
					time.Sleep(slow)
					if time.Since(start) <= lastWords/2 {
						return joinapi.Errorf(joinapi.CodeInternal, "etcd")
					}
					return nil
				}}
				f := newForwarder(t.Context(), d.report)
				for _, e := range []phase.Event{
					event("network", phase.Started, ""), event("network", phase.Failed, "no carrier"), event("swap", phase.Started, ""), event("swap", phase.Done, "nothing"),
				} {
					f.add(e)
				}
				f.close(event("run", phase.Failed, "network: no carrier"))
				d.want(t, "network failed (3 earlier reports were dropped, since joinsvc did not take them) no carrier")
			})
		})
	}
}

// The hosts of a rack that joinsvc was away for do not ask together, nor for ever
// at the first pace, nor before the time that it names.
func TestReportsComeBackApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hosts, away = 50, 10 * time.Minute
		const floor = 20 * time.Second
		start := time.Now()
		asked := make([][]time.Duration, hosts)
		for i := range hosts {
			d := desk{trouble: func(context.Context, joinapi.Report) error {
				asked[i] = append(asked[i], time.Since(start))
				switch n := len(asked[i]); {
				case time.Since(start) > away:
					return nil
				case n == 1:
					return joinapi.Unavailable(floor, "starting")
				}
				return joinapi.Unavailable(0, "starting")
			}}
			f := newForwarder(t.Context(), d.report)
			f.add(event("a", phase.Started, ""))
			defer f.close(event("run", phase.Done, ""))
		}
		time.Sleep(2 * away)
		synctest.Wait()
		second := map[time.Duration]bool{}
		for _, at := range asked {
			if len(at) > 50 {
				t.Fatalf("one asked %d times in %v", len(at), away)
			}
			if at[1] < floor {
				t.Errorf("asked again after %v, and was told %v", at[1], floor)
			}
			if pause := at[2] - at[1]; pause < 3*forwardPause/4 {
				t.Errorf("asked again after %v, and then after %v", at[1], pause)
			}
			for i := range at[1:] {
				if pause := at[i+1] - at[i]; pause > 3*forwardPauseMax/2 {
					t.Errorf("asked again after %v", pause)
				}
			}
			second[at[1].Truncate(100*time.Millisecond)] = true
		}
		if len(second) < 5 {
			t.Errorf("%d hosts asked again at %d different times", hosts, len(second))
		}
	})
}

// What joinsvc refuses for good is not asked again.
func TestRefusedReportIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		d := desk{trouble: func(_ context.Context, r joinapi.Report) error {
			if asked++; r.Phase == "a" {
				return joinapi.Errorf(joinapi.CodeInvalid, "phase")
			}
			return nil
		}}
		start := time.Now()
		f := newForwarder(t.Context(), d.report)
		f.add(event("a", phase.Started, ""))
		f.close(event("run", phase.Done, ""))
		d.want(t, "run done")
		if asked != 2 || time.Since(start) != 0 {
			t.Errorf("asked %d times in %s", asked, time.Since(start))
		}
	})
}

func TestClip(t *testing.T) {
	long := strings.Repeat("ü", maxMessage)
	if got := clip(long); len(got) > maxMessage || !strings.HasPrefix(long, got) || len(got) < maxMessage-1 {
		t.Errorf("clipped to %d bytes", len(got))
	}
	if got := clip("short"); got != "short" {
		t.Errorf("clipped to %q", got)
	}
}
