// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nodeprep/nodeprep/pkg/admission"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// heardEvery is how old a sign of life of a joining node on record may get.
const heardEvery = 3 * time.Minute

// queueing is what one process keeps of the queue: it asks the store for one node
// at a time, since all of them ask about the same keys, and remembers how long
// joins take.
type queueing struct {
	asking sync.Mutex
	up     time.Time // when the first one asked this process

	mu   sync.Mutex
	took time.Duration // smoothed; 0 before the first
	last glance
}

// mayJoin returns nil when it is the caller's turn to join, and holds a slot for
// it until it says that kubeadm is done or has failed; else it is CodeNotYet
// with its place, why, and about how long. What decides is in the store, so that
// replicas agree and a restart keeps places.
func (c *Coordinator) mayJoin(ctx context.Context, who Caller) error {
	if c.Admission == nil {
		return nil
	}
	reading := c.Admission.Reading()
	if answered, err := c.mayOnlyWait(ctx, who.Node, reading); answered || err != nil {
		return err
	}
	c.turns.asking.Lock()
	defer c.turns.asking.Unlock()
	if c.turns.up.IsZero() {
		c.turns.up = c.Now()
	}
	var answer admission.Answer
	var limit int
	var why string
	var seen glance
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		// Nobody gets a slot, or a place, that was released since it asked.
		if _, err := c.node(tx, who); err != nil {
			return err
		}
		seen.at = c.Now()
		if seen.first, err = c.founder(tx); err != nil {
			return err
		}
		if seen.queue, err = queue(tx); err != nil {
			return err
		}
		limit, why = bears(reading, seen.first)
		seen.queue.Up = c.turns.up
		answer = seen.queue.Ask(who.Node, c.Now(), limit)
		return keep(tx, answer)
	})
	if err != nil {
		return err
	}
	seen.queue = seen.queue.After(answer)
	c.turns.remember(seen)
	c.Admission.Used(answer.Joining)
	for _, slot := range answer.Freed {
		c.Log.Warn("a node was not heard of, or not done, since it was told to join; another may", "node", slot.Node, "since", slot.Heard)
	}
	if answer.Admitted {
		return nil
	}
	return c.place(answer, limit, why)
}

const (
	// addOnsTimeout is after what time the add-ons count as applied, or as never to
	// be: their node was installed anew meanwhile, or says nothing more.
	addOnsTimeout = time.Hour
	// routeTimeout is after what time nobody waits any more for the init node's
	// sessions: what keeps them down is no work of the API server.
	routeTimeout = 30 * time.Minute
)

// A founder is the init node as long as those who join could stop it; without a
// node that is over.
type founder struct {
	node   string
	joined bool // its add-ons are applied; its own pods and sessions are coming up
}

func (f founder) String() string {
	if f.joined {
		return f.node + " has applied the cluster's add-ons and does not route yet"
	}
	return f.node + " is still applying the cluster's add-ons"
}

// founder finds the init node while it applies the cluster's add-ons, the CNI
// among them, after which it says that kubeadm is done, and until it routes.
func (c *Coordinator) founder(tx Tx) (founder, error) {
	init, _, err := get[initRecord](tx, initKey)
	if err != nil {
		return founder{}, err
	}
	holder, _, err := get[Node](tx, nodePrefix+init.Node)
	if err != nil || holder.Progress == joinapi.PhaseRouted {
		return founder{}, err
	}
	f, timeout := founder{init.Node, joined(holder)}, addOnsTimeout
	if f.joined {
		timeout = routeTimeout
	}
	// A future one is of a clock that was ahead: it would hold up everybody until then.
	if age := c.Now().Sub(init.Done); init.state() == initDone && (age > timeout || age < -skew) {
		return founder{}, nil
	}
	return f, nil
}

// bears is how many may join at once, and why. While the init node applies the
// add-ons or has its own pods started, workers are what could stop it: none joins
// while the API server is not at ease, and during the add-ons one at a time.
func bears(r admission.Reading, first founder) (limit int, why string) {
	switch {
	case r.Limit == 0:
		return 0, fmt.Sprintf("the API server has not answered since %s", r.Failing.UTC().Format(time.RFC3339))
	case first.node != "" && !r.AtEase:
		return 0, fmt.Sprintf("%s, and the API server %s", first, answers(r))
	case first.node != "" && !first.joined:
		return 1, first.String()
	}
	return r.Limit, "the API server " + answers(r)
}

func answers(r admission.Reading) string {
	if r.Latency == 0 {
		return "was not measured yet"
	}
	return fmt.Sprintf("answers in %s (bound %s)", round(r.Latency), admission.Bound)
}

// round leaves two digits that say something.
func round(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}

func (c *Coordinator) place(a admission.Answer, limit int, why string) error {
	c.turns.mu.Lock()
	about, again := a.Wait(limit, c.turns.took)
	c.turns.mu.Unlock()
	e := joinapi.Errorf(joinapi.CodeNotYet, "place %d of %d; %s because %s; %d joining; about %s to go; ask again in %s",
		a.Place, a.Of, atOnce(limit), why, a.Joining, about.Round(time.Second), again)
	e.RetryAfter = again
	return e
}

func atOnce(limit int) string {
	switch limit {
	case 0:
		return "none may join now"
	case 1:
		return "one joins at a time"
	}
	return strconv.Itoa(limit) + " join at a time"
}

// queue reads who joins and who waits. The transaction is tried again when
// somebody was added meanwhile; who went only makes room.
func queue(tx Tx) (admission.Queue, error) {
	var q admission.Queue
	for _, prefix := range []string{queuePrefix, joiningPrefix} {
		if err := tx.Guard(prefix); err != nil {
			return q, err
		}
	}
	slots, err := list[admission.Slot](tx, joiningPrefix)
	if err != nil {
		return q, err
	}
	for _, name := range slices.Sorted(maps.Keys(slots)) {
		q.Joining = append(q.Joining, slots[name])
	}
	places, err := list[admission.Place](tx, queuePrefix)
	if err != nil {
		return q, err
	}
	for _, key := range slices.Sorted(maps.Keys(places)) {
		place := places[key]
		if place.Seq, err = strconv.ParseUint(key, 10, 64); err != nil {
			return q, fmt.Errorf("reading %s%s of the store: %w", queuePrefix, key, err)
		}
		q.Waiting = append(q.Waiting, place)
	}
	return q, nil
}

// placeKey sorts as its number does.
func placeKey(seq uint64) string { return fmt.Sprintf("%s%020d", queuePrefix, seq) }

// replace writes a key of somebody else, who may remove it at the same time: then
// it stays away, for the read guards the transaction.
func replace(tx Tx, key string, value any) error {
	if _, err := tx.Get(key); err != nil {
		return err
	}
	return put(tx, key, value)
}

// keep writes what an answer changes.
func keep(tx Tx, a admission.Answer) error {
	for _, s := range a.Mended.Joining {
		if err := replace(tx, joiningPrefix+s.Node, s); err != nil {
			return err
		}
	}
	for _, p := range a.Mended.Waiting {
		if err := replace(tx, placeKey(p.Seq), p); err != nil {
			return err
		}
	}
	for _, p := range a.Gone {
		tx.Delete(placeKey(p.Seq))
	}
	for _, s := range a.Freed {
		tx.Delete(joiningPrefix + s.Node)
	}
	if a.Held != nil {
		if err := put(tx, placeKey(a.Held.Seq), *a.Held); err != nil {
			return err
		}
	}
	if a.Taken == nil {
		return nil
	}
	return put(tx, joiningPrefix+a.Taken.Node, *a.Taken)
}

// heard is a report of a node that may hold a slot: the slot goes when kubeadm
// is done there or something has failed, and stays alive otherwise.
func (c *Coordinator) heard(tx Tx, node string, what call) (freed admission.Slot, err error) {
	slot, ok, err := get[admission.Slot](tx, joiningPrefix+node)
	if err != nil || !ok {
		return admission.Slot{}, err
	}
	switch now := c.Now(); {
	case what == callKubeadm || what == callFailed:
		tx.Delete(joiningPrefix + node)
		return slot, nil
	case now.Sub(slot.Heard) > heardEvery:
		slot.Heard = now
		return admission.Slot{}, put(tx, joiningPrefix+node, slot)
	}
	return admission.Slot{}, nil
}

// leave removes a node's place among those that wait. Nobody can take one until
// the transaction is made.
func leave(tx Tx, node string) error {
	if err := tx.Guard(queuePrefix); err != nil {
		return err
	}
	places, err := list[admission.Place](tx, queuePrefix)
	for seq, p := range places {
		if p.Node == node {
			tx.Delete(queuePrefix + seq)
		}
	}
	return err
}

// lastAsked is when a node that joins or waits was last heard of; zero when it does
// neither. It may ask for an hour and report nothing.
func lastAsked(tx Tx, node string) (time.Time, error) {
	slot, _, err := get[admission.Slot](tx, joiningPrefix+node)
	if err != nil {
		return time.Time{}, err
	}
	at := slot.Heard
	places, err := list[admission.Place](tx, queuePrefix)
	for _, p := range places {
		if p.Node == node && p.Asked.After(at) {
			at = p.Asked
		}
	}
	return at, err
}

// joinTook takes how long a join took, for the next ones' waiting time.
func (c *Coordinator) joinTook(took time.Duration) {
	c.turns.mu.Lock()
	defer c.turns.mu.Unlock()
	if c.turns.took == 0 {
		c.turns.took = took
		return
	}
	c.turns.took = (3*c.turns.took + took) / 4
}

// queueStatus is what an operator sees of the queue; nil without one.
func (c *Coordinator) queueStatus(ctx context.Context) (*joinapi.QueueStatus, error) {
	if c.Admission == nil {
		return nil, nil
	}
	reading := c.Admission.Reading()
	s := &joinapi.QueueStatus{Latency: reading.Latency.Seconds(), Bound: admission.Bound.Seconds()}
	err := c.Store.Update(ctx, func(tx Tx) error {
		s.Joining, s.Waiting = nil, nil
		first, err := c.founder(tx)
		if err != nil {
			return err
		}
		q, err := queue(tx)
		if err != nil {
			return err
		}
		s.Limit, s.Reason = bears(reading, first)
		for _, slot := range q.Joining {
			s.Joining = append(s.Joining, joinapi.Turn{Node: slot.Node, Since: slot.Since, Heard: slot.Heard})
		}
		for _, p := range q.Waiting {
			s.Waiting = append(s.Waiting, joinapi.Turn{Node: p.Node, Since: p.Since, Heard: p.Asked})
		}
		return nil
	})
	return s, err
}
