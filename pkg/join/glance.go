// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"time"

	"github.com/nodeprep/nodeprep/pkg/admission"
)

// glanceFor is how long what one reading of the queue showed answers who waits.
const glanceFor = time.Second

// A glance is the queue as this process read it last.
type glance struct {
	queue admission.Queue
	first founder
	at    time.Time
}

// remember keeps what was read, and forget drops it, when this process changes it
// in another way.
func (q *queueing) remember(g glance) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last = g
}

func (q *queueing) forget() { q.remember(glance{}) }

// fresh returns what was read a moment ago, if anything was.
func (q *queueing) fresh(now time.Time) (g glance, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	age := now.Sub(q.last.at)
	return q.last, !q.last.at.IsZero() && age >= 0 && age < glanceFor
}

// mayOnlyWait answers a node that has a place and whose turn it is not, by what
// was read a moment ago. That is what nearly all of a large site's hosts get that
// were switched on together, and to read all places for each of them would be
// work that grows with the square of their number. What else there is to decide
// is decided by the store: then it is not answered.
func (c *Coordinator) mayOnlyWait(ctx context.Context, node string, r admission.Reading) (answered bool, err error) {
	now := c.Now()
	g, ok := c.turns.fresh(now)
	if !ok {
		return false, nil
	}
	limit, why := bears(r, g.first)
	a := g.queue.Ask(node, now, limit)
	if a.Admitted || len(a.Gone)+len(a.Freed)+len(a.Mended.Joining)+len(a.Mended.Waiting) > 0 {
		return false, nil
	}
	if a.Held != nil {
		if stays, err := c.stay(ctx, *a.Held); err != nil || !stays {
			return false, err
		}
	}
	c.Admission.Used(a.Joining)
	return true, c.place(a, limit, why)
}

// stay writes a sign of life of a node that waits, and reports whether the place
// is its own still.
func (c *Coordinator) stay(ctx context.Context, p admission.Place) (stays bool, err error) {
	err = c.Store.Update(ctx, func(tx Tx) error {
		there, ok, err := get[admission.Place](tx, placeKey(p.Seq))
		if stays = ok && there.Node == p.Node; err != nil || !stays {
			return err
		}
		return put(tx, placeKey(p.Seq), p)
	})
	return stays, err
}
