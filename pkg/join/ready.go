// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// readyFor is how long one answer of Ready counts for all who ask.
	readyFor = time.Second
	// readyTimeout bounds the write; a store that takes longer is not ready.
	readyTimeout = 5 * time.Second
)

// readiness is the last answer of Ready.
type readiness struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// Ready returns nil when the store takes a write: one that only reads is of no
// use to a host that enrols, and a full one still reads. The write is one small
// key, at most once a second, whoever asks.
func (c *Coordinator) Ready(ctx context.Context) error {
	r := &c.readiness
	r.mu.Lock()
	defer r.mu.Unlock()
	now := c.Now()
	if age := now.Sub(r.at); !r.at.IsZero() && age >= 0 && age < readyFor {
		return r.err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("asking whether joinsvc is ready: %w", err)
	}
	// The answer is everybody's: one who hangs up does not end the write, or who
	// hangs up again and again would have one written each time.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
	defer cancel()
	err := c.Store.Update(ctx, func(tx Tx) error { return put(tx, readyKey, now.UTC()) })
	if err != nil {
		err = fmt.Errorf("writing to the store: %w", err)
	}
	r.at, r.err = c.Now(), err
	return err
}
