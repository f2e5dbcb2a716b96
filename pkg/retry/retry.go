// SPDX-License-Identifier: Apache-2.0

// Package retry asks again for what another machine cannot give now: with
// jitter, not before the time that it names, until a deadline, and with a word
// to people of what is waited for.
package retry

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// The pace of attempts: a second at first, a half more each time, a quarter of
// a minute at most, and each drawn from half to one and a half of that, so that
// the hosts of a rack that booted together do not ask together.
const (
	firstPause = time.Second
	maxPause   = 15 * time.Second
)

// noteEvery is between two words about one wait; rarely is that of one which
// takes longer than an hour, such as for somebody to do something.
const (
	noteEvery = time.Minute
	longWait  = time.Hour
	rarely    = 10 * time.Minute
)

// A Verdict says what an error means for the next attempt. The zero Verdict
// ends the attempts.
type Verdict struct {
	// Again says that it may pass.
	Again bool
	// Floor is the shortest pause that the other side asks for (Retry-After,
	// RFC 9110 section 10.2.3); 0 when it names none.
	Floor time.Duration
	// Answered says that the other side is there and knows of the wait ("not
	// yet"): the deadline is counted anew from here.
	Answered bool
}

// Policy says what is worth another attempt, and for how long.
type Policy struct {
	// Limit is how long attempts go on without a word from the other side.
	Limit time.Duration
	// Whole lets an attempt that has begun go on beyond the limit: it bounds
	// itself, and half of it would be of no use.
	Whole bool
	// Judge tells what passes from what does not.
	Judge func(error) Verdict
	// Waiting, if set, is called with the reason and the time since the first
	// attempt began: at once, then about once a minute, and after an hour every
	// ten minutes.
	Waiting func(reason error, since time.Duration)
}

// Do calls ask until it succeeds, fails for good, or the limit is over. The
// error is ask's last, within what ended the attempts.
func Do[T any](ctx context.Context, p Policy, ask func(context.Context) (T, error)) (T, error) {
	now := time.Now()
	w := &wait{Policy: p, pace: pace(), began: now, deadline: now.Add(p.Limit)}
	answer, err := backoff.Retry(ctx, func() (T, error) {
		ctx, cancel := w.bound(ctx)
		defer cancel()
		answer, err := ask(ctx)
		return answer, w.judge(err)
	}, backoff.WithBackOff(w), backoff.WithMaxElapsedTime(0))
	if err != nil {
		err = w.explain(ctx, err)
	}
	return answer, err
}

// bound ends an attempt with the limit, where it may be cut off.
func (w *wait) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if w.Whole {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, w.deadline)
}

func pace() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = firstPause, maxPause
	return b
}

// wait is one call of Do, and its schedule.
type wait struct {
	Policy
	pace     *backoff.ExponentialBackOff
	deadline time.Time
	floor    time.Duration
	began    time.Time
	said     time.Time // when Waiting was last called; long ago at first
	reason   error     // of the last failure that may pass
}

// judge marks an error that ends the attempts, and tells of one that does not.
func (w *wait) judge(err error) error {
	if err == nil {
		return nil
	}
	verdict := w.Judge(err)
	if !verdict.Again {
		w.reason = nil
		return backoff.Permanent(err)
	}
	now := time.Now()
	if verdict.Answered { // and a time that it names may be longer than the limit
		w.deadline = now.Add(verdict.Floor + w.Limit)
	}
	w.floor, w.reason = verdict.Floor, err
	if w.Waiting != nil && now.Sub(w.said) >= every(now.Sub(w.began)) {
		w.Waiting(err, now.Sub(w.began))
		w.said = now
	}
	return err
}

func every(since time.Duration) time.Duration {
	if since > longWait {
		return rarely
	}
	return noteEvery
}

// NextBackOff is the pause before the next attempt. After a time that the other
// side named the pace starts anew, for it is that side's pace then.
func (w *wait) NextBackOff() time.Duration {
	if w.floor > 0 {
		w.pace.Reset()
	}
	next := w.floor + w.pace.NextBackOff()
	if time.Now().Add(next).After(w.deadline) {
		return backoff.Stop
	}
	return next
}

// Reset starts the pace anew.
func (w *wait) Reset() { w.pace.Reset() }

// explain says what ended the attempts beside their last error.
func (w *wait) explain(ctx context.Context, err error) error {
	switch {
	case w.reason == nil:
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%w while waiting: %w", context.Cause(ctx), w.reason)
	}
	return fmt.Errorf("waited %s: %w", time.Since(w.began).Round(time.Second), w.reason)
}
