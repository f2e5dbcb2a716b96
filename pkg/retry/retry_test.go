// SPDX-License-Identifier: Apache-2.0

package retry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var (
	errDown  = errors.New("down")
	errQueue = errors.New("in the queue")
	errNo    = errors.New("no")
)

// judge knows errDown, errQueue and nothing else.
func judge(err error) Verdict {
	switch {
	case errors.Is(err, errDown):
		return Verdict{Again: true}
	case errors.Is(err, errQueue):
		return Verdict{Again: true, Floor: 20 * time.Second, Answered: true}
	}
	return Verdict{}
}

// A server answers with err until it is up, and keeps when it was asked.
type server struct {
	start time.Time
	err   error
	until time.Duration
	asked []time.Duration
}

func (s *server) ask(context.Context) (string, error) {
	at := time.Since(s.start)
	s.asked = append(s.asked, at)
	if at < s.until {
		return "", s.err
	}
	return "here", nil
}

func TestWaitsUntilItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{start: time.Now(), err: errDown, until: 4 * time.Minute}
		got, err := Do(t.Context(), Policy{Limit: 5 * time.Minute, Judge: judge}, s.ask)
		if got != "here" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
		if late := time.Since(s.start) - s.until; late > 3*maxPause/2 {
			t.Errorf("noticed %s late", late)
		}
		if s.asked[0] != 0 || s.asked[1] > 2*firstPause {
			t.Errorf("asked at %v; want the first at once and the second soon", s.asked)
		}
	})
}

func TestFinalErrorEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{start: time.Now(), err: errNo, until: time.Hour}
		said := 0
		_, err := Do(t.Context(), Policy{Limit: time.Hour, Judge: judge, Waiting: func(error, time.Duration) { said++ }}, s.ask)
		if !errors.Is(err, errNo) || err.Error() != "no" || len(s.asked) != 1 || time.Since(s.start) != 0 || said != 0 {
			t.Errorf("got %v after %d attempts in %s, said %d", err, len(s.asked), time.Since(s.start), said)
		}
	})
}

// A final error after a wait is that error, not the wait.
func TestFinalErrorAfterAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		_, err := Do(t.Context(), Policy{Limit: time.Hour, Judge: judge}, func(context.Context) (int, error) {
			if asked++; asked < 3 {
				return 0, errDown
			}
			return 0, errNo
		})
		if err == nil || err.Error() != "no" || asked != 3 {
			t.Errorf("got %v after %d attempts", err, asked)
		}
	})
}

// The same when the run is interrupted at that moment.
func TestFinalErrorWhileInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		asked := 0
		_, err := Do(ctx, Policy{Limit: time.Hour, Judge: judge}, func(context.Context) (int, error) {
			if asked++; asked == 1 {
				return 0, errDown
			}
			cancel()
			return 0, errNo
		})
		if err == nil || err.Error() != "no" {
			t.Errorf("got %v", err)
		}
	})
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{start: time.Now(), err: errDown, until: time.Hour}
		_, err := Do(t.Context(), Policy{Limit: 5 * time.Minute, Judge: judge}, s.ask)
		if !errors.Is(err, errDown) || !strings.HasPrefix(err.Error(), "waited ") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(s.start); took > 5*time.Minute || took < 5*time.Minute-2*maxPause {
			t.Errorf("gave up after %s", took)
		}
	})
}

// Whoever answers "not yet" is waited for as long as it does, and no longer
// than the limit after it stopped.
func TestNotYetCountsTheDeadlineAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{start: time.Now(), err: errQueue, until: 3 * time.Hour}
		if _, err := Do(t.Context(), Policy{Limit: 5 * time.Minute, Judge: judge}, s.ask); err != nil {
			t.Errorf("after %s: %v", time.Since(s.start), err)
		}
		start, answers := time.Now(), 0
		_, err := Do(t.Context(), Policy{Limit: 5 * time.Minute, Judge: judge}, func(context.Context) (int, error) {
			if answers++; time.Since(start) < time.Hour {
				return 0, errQueue
			}
			return 0, errDown
		})
		if took := time.Since(start); !errors.Is(err, errDown) || took < time.Hour+4*time.Minute || took > time.Hour+6*time.Minute {
			t.Errorf("gave up after %s: %v", took, err)
		}
	})
}

// Retry-After is the least pause, and not every host comes back at its end.
func TestRetryAfterIsTheLeastPauseWithJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pauses := map[time.Duration]bool{}
		for range 20 {
			s := &server{start: time.Now(), err: errQueue, until: 5 * time.Minute}
			if _, err := Do(t.Context(), Policy{Limit: time.Minute, Judge: judge}, s.ask); err != nil {
				t.Fatal(err)
			}
			for i := range s.asked[1:] {
				pause := s.asked[i+1] - s.asked[i]
				if pause < 20*time.Second || pause > 22*time.Second {
					t.Fatalf("paused %s; want 20s and a little more", pause)
				}
				pauses[pause] = true
			}
		}
		if len(pauses) < 100 {
			t.Errorf("%d different pauses of 20 hosts", len(pauses))
		}
	})
}

func TestPausesGrowWithJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		firsts := map[time.Duration]bool{}
		for range 20 {
			s := &server{start: time.Now(), err: errDown, until: 3 * time.Minute}
			if _, err := Do(t.Context(), Policy{Limit: time.Hour, Judge: judge}, s.ask); err != nil {
				t.Fatal(err)
			}
			firsts[s.asked[1]] = true
			if n := len(s.asked); n < 12 || n > 45 {
				t.Errorf("%d attempts in three minutes", n)
			}
		}
		if len(firsts) < 15 {
			t.Errorf("%d different first pauses of 20 hosts", len(firsts))
		}
	})
}

// What is waited for is said at once and then each minute, not each attempt,
// with the newest reason.
func TestWaitingIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at, since []time.Duration
		var reasons []string
		_, err := Do(t.Context(), Policy{Limit: time.Hour, Judge: judge, Waiting: func(reason error, d time.Duration) {
			at, since, reasons = append(at, time.Since(start)), append(since, d), append(reasons, reason.Error())
		}}, func(context.Context) (int, error) {
			minutes := int(time.Since(start).Minutes())
			if minutes < 10 {
				return 0, fmt.Errorf("minute %d: %w", minutes, errDown)
			}
			return 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(at) < 8 || len(at) > 10 || at[0] != 0 {
			t.Fatalf("said at %v; want at once and then once a minute", at)
		}
		for i := range at[1:] {
			if pause := at[i+1] - at[i]; pause < time.Minute || pause > time.Minute+2*maxPause || since[i+1] != at[i+1] {
				t.Errorf("said at %v of a wait of %v", at, since)
			}
			if want := fmt.Sprintf("minute %d: down", int(at[i+1].Minutes())); reasons[i+1] != want {
				t.Errorf("said %q at %s; want the newest reason, %q", reasons[i+1], at[i+1], want)
			}
		}
	})
}

// Who names a time that is longer than the limit is asked again at that time.
func TestNamedTimeLongerThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{start: time.Now(), err: errQueue, until: time.Minute}
		got, err := Do(t.Context(), Policy{Limit: 5 * time.Second, Judge: judge}, s.ask)
		if got != "here" || err != nil {
			t.Errorf("after %s: %q, %v", time.Since(s.start), got, err)
		}
	})
}

// A wait for people may take days; it is still said, but not 1,440 times a day.
func TestLongWaitIsSaidRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{start: time.Now(), err: errQueue, until: 24 * time.Hour}
		var at []time.Duration
		waiting := func(_ error, since time.Duration) { at = append(at, since) }
		if _, err := Do(t.Context(), Policy{Limit: time.Minute, Judge: judge, Waiting: waiting}, s.ask); err != nil {
			t.Fatal(err)
		}
		for i := range at[1:] {
			if pause := at[i+1] - at[i]; pause < noteEvery || pause > rarely+time.Minute {
				t.Errorf("said at %s and %s", at[i], at[i+1])
			}
		}
		if n := len(at); n < 160 || n > 210 {
			t.Errorf("said %d times in a day", n)
		}
	})
}

// The minute that is over is said, and the hour still belongs to the minutes.
func TestWhenAWaitIsSaidAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := 0
		now := time.Now()
		w := &wait{Policy: Policy{Limit: time.Hour, Judge: judge, Waiting: func(error, time.Duration) { said++ }}, began: now, deadline: now.Add(time.Hour)}
		for i, tc := range []struct {
			pause time.Duration
			want  int
		}{{0, 1}, {noteEvery - 1, 1}, {1, 2}, {longWait - 2*noteEvery, 3}, {noteEvery, 4}, {noteEvery, 4}, {rarely - noteEvery, 5}} {
			time.Sleep(tc.pause)
			if _ = w.judge(errDown); said != tc.want {
				t.Errorf("after pause %d, at %s, said %d times, want %d", i, time.Since(w.began), said, tc.want)
			}
		}
	})
}

// Whoever names a time sets the pace: what was learnt of its silence before is void.
func TestANamedTimeStartsThePaceAnew(t *testing.T) {
	w := &wait{pace: pace(), deadline: time.Now().Add(time.Hour)}
	for range 20 {
		w.NextBackOff()
	}
	w.floor = 20 * time.Second
	if next := w.NextBackOff(); next < w.floor || next > w.floor+2*firstPause {
		t.Errorf("a pause of %s after a named one of %s", next, w.floor)
	}
}

// An attempt that hangs ends with the limit.
func TestAttemptIsBoundedByTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := Do(t.Context(), Policy{Limit: 5 * time.Minute, Judge: func(error) Verdict { return Verdict{Again: true} }},
			func(ctx context.Context) (int, error) {
				<-ctx.Done()
				return 0, ctx.Err()
			})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Minute {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}

// One that bounds itself is let end, and is the last one if it fails.
func TestWholeAttemptGoesOnBeyondTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, fails := range []error{nil, errDown} {
			attempts := 0
			_, err := Do(t.Context(), Policy{Limit: time.Minute, Whole: true, Judge: func(error) Verdict { return Verdict{Again: true} }},
				func(ctx context.Context) (int, error) {
					attempts++
					time.Sleep(time.Hour)
					return 0, errors.Join(ctx.Err(), fails)
				})
			if attempts != 1 || !errors.Is(err, fails) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after %d attempts: %v", attempts, err)
			}
		}
	})
}

func TestInterruptedWaitSaysBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("the host goes down")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(stop) })
		s := &server{start: time.Now(), err: errDown, until: time.Hour}
		_, err := Do(ctx, Policy{Limit: time.Hour, Judge: judge}, s.ask)
		if !errors.Is(err, stop) || !errors.Is(err, errDown) || time.Since(s.start) != time.Minute {
			t.Errorf("got %v after %s", err, time.Since(s.start))
		}
	})
}
