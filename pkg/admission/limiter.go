// SPDX-License-Identifier: Apache-2.0

// Package admission says how many nodes may join a cluster at once, and whose
// turn it is. The number follows from what the API server bears: its latency
// and its errors, measured all the time. It knows neither store nor cluster.
package admission

import (
	"sync"
	"time"
)

// How the limit moves: additive increase, multiplicative decrease (Chiu and
// Jain 1989), because it needs no knowledge of the server and is fair to whoever
// else uses it.
const (
	// Bound is the latency above which the API server has too much to do. A
	// healthy one answers in less (Kubernetes' own objective is 1 s for a call
	// that changes one object), and kubeadm's and the kubelet's time-outs begin
	// at a few seconds.
	Bound = time.Second
	// Most bounds the limit where nothing else does: an API server that never
	// feels a join.
	Most = 100

	busyPause = 2 * time.Second
	idlePause = 10 * time.Second

	weight  = 0.3              // of the newest sample
	failed  = 4 * Bound        // what a call that failed counts for, at least
	quick   = 5 * time.Second  // between two increases, until the first decrease
	steady  = 10 * time.Second // between two increases after it
	settle  = 15 * time.Second // between two decreases: a join is felt for a while
	givesUp = 3                // so many failures in a row are an API server that is not there
	calm    = 5                // so many samples in a row at ease are no accident
)

// A Limiter measures the API server and derives how many may join at once.
// Its methods may run at the same time.
type Limiter struct {
	now func() time.Time

	mu       sync.Mutex
	limit    int
	latency  time.Duration // smoothed; 0 before the first sample
	failures int           // in a row
	easy     int           // samples in a row that were at ease
	used     int           // how many were joining when somebody last looked
	looked   time.Time     // when that was
	cut      time.Time     // of the last decrease; zero before it
	raised   time.Time     // of the last increase
	answered time.Time     // of the last call that succeeded
	err      error         // of the last call, nil when it succeeded
	errSince time.Time     // of the first failure in a row
}

// NewLimiter begins with one at a time.
func NewLimiter(now func() time.Time) *Limiter { return &Limiter{now: now, limit: 1, raised: now()} }

// A Reading is what is known of the API server.
type Reading struct {
	Limit    int           // how many may join at once; 0 while it does not answer
	Latency  time.Duration // of its calls, smoothed; 0 when it was not asked yet
	AtEase   bool          // well below the bound, and for a while
	Answered time.Time     // when it last did; zero for never
	Err      error         // of the last call; nil when it succeeded
	Failing  time.Time     // since when calls fail, with Err
}

// Observe takes what one call of the API server took, and its failure: that it
// could not be reached, was too slow, or said that it has too much to do. What
// it refused for a reason of its own is no failure.
func (l *Limiter) Observe(took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.take(now, took, err)
	switch {
	case l.latency > Bound || l.failures > 1:
		l.decrease(now)
	case l.latency < Bound/2 && l.failures == 0:
		l.increase(now)
	}
}

// Felt takes what another call than the one that is always the same took. It
// counts when it was slower: a small write that was fast says nothing new.
func (l *Limiter) Felt(took time.Duration) {
	l.mu.Lock()
	slower := l.latency > 0 && took > l.latency
	l.mu.Unlock()
	if slower {
		l.Observe(took, nil)
	}
}

func (l *Limiter) take(now time.Time, took time.Duration, err error) {
	l.err = err
	if err == nil {
		l.failures, l.answered = 0, now
	} else {
		took = max(took, failed)
		if l.failures == 0 {
			l.errSince = now
		}
		l.failures++
	}
	if l.latency == 0 {
		l.latency = took
	} else {
		l.latency = time.Duration(weight*float64(took) + (1-weight)*float64(l.latency))
	}
	if err == nil && l.latency < Bound/4 {
		l.easy++
	} else {
		l.easy = 0
	}
}

func (l *Limiter) decrease(now time.Time) {
	if !l.cut.IsZero() && now.Sub(l.cut) < settle {
		return
	}
	l.limit = max(1, l.limit/2)
	l.cut = now
}

// increase raises a limit that is reached, or nearly: a slot is empty until the
// next host asks. One that is not reached tells nothing of what would be if it
// were. Until it has been too much once, the limit grows by a quarter while the
// API server is at ease.
func (l *Limiter) increase(now time.Time) {
	step, pause, since := 1, quick, l.raised
	switch {
	case !l.cut.IsZero():
		pause = steady
		if l.cut.After(since) {
			since = l.cut
		}
	case l.easy >= calm:
		step = max(1, l.limit/4)
	}
	if 5*l.used < 4*l.limit || now.Sub(since) < pause {
		return
	}
	l.limit = min(l.limit+step, Most)
	l.raised = now
}

// Used says how many are joining, whenever somebody has counted.
func (l *Limiter) Used(joining int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used, l.looked = joining, l.now()
}

// Pause is how long to wait before the API server is asked again: not long
// while hosts join or want to.
func (l *Limiter) Pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.looked.IsZero() && l.now().Sub(l.looked) < time.Minute {
		return busyPause
	}
	return idlePause
}

// Reading returns what is known now.
func (l *Limiter) Reading() Reading {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Reading{Limit: l.limit, Latency: l.latency, AtEase: l.easy >= calm, Answered: l.answered, Err: l.err}
	if l.err != nil {
		r.Failing = l.errSince
	}
	if l.failures >= givesUp {
		r.Limit = 0
	}
	return r
}
