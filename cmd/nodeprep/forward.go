// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/nodeprep/nodeprep/pkg/bootstrap"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

const (
	// forwardTimeout bounds one report.
	forwardTimeout = 5 * time.Second
	// forwardPause is after a report that was not taken: at first, and at the most.
	// Half of it is by chance, so that the hosts of a rack that joinsvc was away for
	// do not come back together.
	forwardPause    = 2 * time.Second
	forwardPauseMax = 30 * time.Second
	// forwardQueue is how many reports wait for a joinsvc that is slow; a run of
	// a fresh host makes about forty.
	forwardQueue = 64
	// lastWords is how long the end of a run waits for its last report to be
	// taken.
	lastWords = 10 * time.Second
)

// forwarder tells joinsvc how each phase of a run goes, from a goroutine of its
// own: reports inform operators, and the run waits for none of them. What
// matters to joinsvc is said by the phases themselves.
type forwarder struct {
	send func(context.Context, joinapi.Report) error
	wake chan struct{} // holds one
	done chan struct{}
	pace *backoff.ExponentialBackOff // of the worker

	mu      sync.Mutex
	queue   []joinapi.Report
	dropped int // the oldest ones, when the queue was full
	closing bool
	failed  bool // a phase's failure has been put in
}

// newForwarder starts to forward. ctx gives values alone: an interrupted run has
// a last word too.
func newForwarder(ctx context.Context, send func(context.Context, joinapi.Report) error) *forwarder {
	pace := backoff.NewExponentialBackOff()
	pace.InitialInterval, pace.MaxInterval = forwardPause, forwardPauseMax
	f := &forwarder{send: send, wake: make(chan struct{}, 1), done: make(chan struct{}), pace: pace}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(f.done)
		defer cancel()
		f.work(ctx)
	}()
	return f
}

// add takes an event and does not wait.
func (f *forwarder) add(e phase.Event) {
	outcome, ok := outcomeOf(e.Kind)
	if !ok {
		return
	}
	f.put(joinapi.Report{Phase: e.Phase, Outcome: outcome, Message: clip(e.Message), Time: e.Time})
}

func (f *forwarder) put(r joinapi.Report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = f.failed || r.Outcome == joinapi.OutcomeFailed
	f.queue = append(f.queue, r)
	f.trim(forwardQueue)
	f.nudge()
}

// trim drops the oldest and counts them.
func (f *forwarder) trim(keep int) {
	if extra := len(f.queue) - keep; extra > 0 {
		f.queue, f.dropped = f.queue[extra:], f.dropped+extra
	}
}

func (f *forwarder) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// close puts the run's own end in and waits for it to be taken, not longer than
// lastWords. A failure that a phase has told already is not told again.
func (f *forwarder) close(end phase.Event) {
	f.mu.Lock()
	told := f.failed && end.Kind == phase.Failed
	f.mu.Unlock()
	if !told {
		f.add(end)
	}
	f.mu.Lock()
	f.closing = true
	f.nudge()
	f.mu.Unlock()
	select {
	case <-f.done:
	case <-time.After(lastWords):
	}
}

// work sends one report after the other until the queue is empty and closed.
func (f *forwarder) work(ctx context.Context) {
	deadline := time.Time{}
	for {
		r, ok, closing := f.next()
		if closing && deadline.IsZero() {
			deadline = time.Now().Add(lastWords)
		}
		switch {
		case closing && (!ok || time.Now().After(deadline)):
			return
		case !ok:
			<-f.wake
			continue
		}
		taken, floor := f.attempt(ctx, r)
		if taken {
			f.pace.Reset()
			continue
		}
		f.pause(floor)
	}
}

func (f *forwarder) next() (r joinapi.Report, ok, closing bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		return r, false, f.closing
	}
	r, f.queue = f.queue[0], f.queue[1:]
	return r, true, f.closing
}

// attempt sends one report, with a word of those that were dropped. One that may
// still be taken, not before floor is over, goes back to the head of the queue; at
// the end of a run only its last word is worth that.
func (f *forwarder) attempt(ctx context.Context, r joinapi.Report) (taken bool, floor time.Duration) {
	f.mu.Lock()
	told := f.dropped
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, forwardTimeout)
	defer cancel()
	err := f.send(ctx, mention(r, told))
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil:
		f.dropped -= told
		return true, 0
	case !bootstrap.MayPass(err): // it will not be taken, ever
		return true, 0
	case f.closing && len(f.queue) > 0:
		f.dropped += len(f.queue)
		f.queue = []joinapi.Report{lastWord(append([]joinapi.Report{r}, f.queue...))}
		return true, 0
	}
	f.queue = append([]joinapi.Report{r}, f.queue...)
	f.trim(forwardQueue)
	return false, joinapi.RetryAfter(err)
}

// lastWord is the newest failure, which may stand for the run's own (close), or
// the newest of all where there is none.
func lastWord(all []joinapi.Report) joinapi.Report {
	for _, r := range slices.Backward(all) {
		if r.Outcome == joinapi.OutcomeFailed {
			return r
		}
	}
	return all[len(all)-1]
}

func mention(r joinapi.Report, dropped int) joinapi.Report {
	if dropped > 0 {
		r.Message = clip(strings.TrimSpace(fmt.Sprintf("(%d earlier reports were dropped, since joinsvc did not take them) %s", dropped, r.Message)))
	}
	return r
}

// pause is after a report that was not taken. The next event cuts it short, unless
// joinsvc has named a time; the end of the run does in any case.
func (f *forwarder) pause(floor time.Duration) {
	timer := time.NewTimer(f.patience(floor))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return
		case <-f.wake:
		}
		f.mu.Lock()
		closing := f.closing
		f.mu.Unlock()
		if closing || floor == 0 {
			return
		}
	}
}

func (f *forwarder) patience(floor time.Duration) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		return forwardPause / 10
	}
	return floor + f.pace.NextBackOff()
}

// maxMessage is how much of a message joinsvc keeps, in bytes.
const maxMessage = 4096

func clip(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "")
}

func outcomeOf(k phase.Kind) (joinapi.Outcome, bool) {
	switch k {
	case phase.Done:
		return joinapi.OutcomeDone, true
	case phase.Failed:
		return joinapi.OutcomeFailed, true
	case phase.Noted:
		return joinapi.OutcomeNoted, true
	case phase.Started:
		return joinapi.OutcomeStarted, true
	case phase.Planned, phase.Applied, phase.Unknown, phase.Skipped:
	}
	return "", false
}
