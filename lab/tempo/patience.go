// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"fmt"
	"sync"
	"time"
)

// Patience ends when nothing has moved for a time, however long the whole takes.
type Patience struct {
	mu    sync.Mutex
	now   func() time.Time
	base  time.Duration // on the reference machine
	limit time.Duration
	last  time.Time
	what  string
}

// Impatience is why a wait was given up.
type Impatience struct {
	For  time.Duration // without progress
	Last string        // what moved last
}

// Error names the time and what came before it.
func (e *Impatience) Error() string {
	return fmt.Sprintf("no progress for %s, the last was: %s", e.For.Round(time.Second), e.Last)
}

// NewPatience is one that ends after base, which a slower machine has Scale
// stretch.
func NewPatience(now func() time.Time, base time.Duration) *Patience {
	return &Patience{now: now, base: base, limit: base, last: now(), what: "the start"}
}

// Scale stretches the patience for a machine that is pace times slower than the
// reference. A faster one shortens it by no more than a third: what it waits
// for has time-outs of its own.
func (p *Patience) Scale(pace float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = time.Duration(float64(p.base) * max(2./3, pace))
}

// Limit is how long nothing may move.
func (p *Patience) Limit() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit
}

// Progress says that something moved.
func (p *Patience) Progress(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.what = p.now(), what
}

// Still is how long nothing has moved.
func (p *Patience) Still() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now().Sub(p.last)
}

// Err is an *Impatience once nothing has moved for too long.
func (p *Patience) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if still := p.now().Sub(p.last); still > p.limit {
		return &Impatience{For: still, Last: p.what}
	}
	return nil
}
