// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// A use of a token is a key of its own, tokens/<id>/slots/<n> with n below the
// token's uses, and so that a key which asks again is known, another,
// tokens/<id>/keys/<fingerprint>. Both are made in one transaction, only if
// they are not there, and never change: a rack that enrols with one token
// writes nothing twice (docs/adr/0017).
const (
	slotsOf = "/slots/" // + number → use
	keysOf  = "/keys/"  // + pki.Fingerprint → use
)

// A use says which key became which node with which slot.
type use struct {
	Slot int    `json:"slot"`
	Key  string `json:"key"`
	Node string `json:"node"`
}

func slotKey(id string, slot int) string { return tokenPrefix + id + slotsOf + strconv.Itoa(slot) }

func useKey(id, key string) string { return tokenPrefix + id + keysOf + key }

// noSlot is what there is to take of a token that is used up.
const noSlot = -1

// slots hands every redeemer in this process a slot that no other has, so that
// they do not race for one. Which slots are taken the store alone decides: what
// is remembered here is only what has been seen there.
type slots struct {
	mu     sync.Mutex
	tokens map[string]*hand
}

// A hand is the slots of one token.
type hand struct {
	uses  int
	taken map[int]bool  // in the store, for good
	out   map[int]bool  // in the hands of a redeemer, and not seen in the store
	back  chan struct{} // closed when a redeemer is through
}

// take waits until one of a token's slots may be free, and returns one, or
// noSlot when all of them are taken.
func (s *slots) take(ctx context.Context, id string, uses int) (int, error) {
	for {
		slot, wait := s.pick(id, uses)
		if wait == nil {
			return slot, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return noSlot, fmt.Errorf("waiting for the others with token %s: %w", id, context.Cause(ctx))
		}
	}
}

// pick begins anywhere: another replica knows nothing of what is handed out
// here, and two that count from the same end meet at every step.
func (s *slots) pick(id string, uses int) (slot int, wait <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.tokens[id]
	if !ok {
		if s.tokens == nil {
			s.tokens = map[string]*hand{}
		}
		h = &hand{uses: uses, taken: map[int]bool{}, out: map[int]bool{}, back: make(chan struct{})}
		s.tokens[id] = h
	}
	switch {
	case len(h.taken) >= uses:
		return noSlot, nil
	case len(h.taken)+len(h.out) >= uses:
		return noSlot, h.back
	}
	for slot = rand.IntN(uses); h.taken[slot] || h.out[slot]; {
		slot = (slot + 1) % uses
	}
	h.out[slot] = true
	return slot, nil
}

// settle gives a slot back, with those that were seen taken in the store.
func (s *slots) settle(id string, slot int, taken ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.tokens[id]
	if !ok {
		return // the token was removed, and the slot is none
	}
	delete(h.out, slot)
	for _, n := range taken {
		h.taken[n] = true
		// Its redeemer may still have it. Counted twice, it would have others wait
		// while a slot is free, and nobody would wake them.
		delete(h.out, n)
	}
	if !slices.Contains(taken, slot) || len(h.taken) >= h.uses {
		close(h.back) // there is one to take, or nothing to wait for
		h.back = make(chan struct{})
	}
}

// forget drops what is known of a token that was removed, unless somebody has a
// slot of it.
func (s *slots) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h, ok := s.tokens[id]; ok && len(h.out) == 0 {
		delete(s.tokens, id)
	}
}

// A slotTakenError says that another replica, or this one before it was
// restarted, has given a slot away, and all that are.
type slotTakenError struct{ taken []int }

// Error is seen by nobody: the redeemer takes another slot.
func (e *slotTakenError) Error() string { return fmt.Sprintf("slots %v are taken", e.taken) }

// occupy takes the slot for a key in the store.
func (c *Coordinator) occupy(tx Tx, t token, u use) error {
	there, err := tx.Get(slotKey(t.ID, u.Slot))
	if err != nil {
		return err
	}
	if there != nil {
		return slotsTaken(tx, t)
	}
	return errors.Join(put(tx, slotKey(t.ID, u.Slot), u), put(tx, useKey(t.ID, u.Key), u))
}

func slotsTaken(tx Tx, t token) error {
	prefix := tokenPrefix + t.ID + slotsOf
	all, err := tx.List(prefix)
	if err != nil {
		return err
	}
	var taken []int
	for key := range all {
		slot, err := strconv.Atoi(key[len(prefix):])
		if err != nil {
			return fmt.Errorf("reading %s of the store: its end is no number", key)
		}
		taken = append(taken, slot)
	}
	return &slotTakenError{taken}
}

// maxNamed is up to how many uses a line of the log names a token's redeemers:
// to list those of a rack for each host that comes too late would be work for
// nothing.
const maxNamed = 8

func usedUp(tx Tx, t token) (*refusal, error) {
	why := fmt.Sprintf("used up: %d of %[1]d", t.Uses)
	if t.Uses <= maxNamed {
		uses, err := list[use](tx, tokenPrefix+t.ID+slotsOf)
		if err != nil {
			return nil, err
		}
		var nodes []string
		for _, u := range uses {
			nodes = append(nodes, u.Node)
		}
		slices.Sort(nodes)
		why += fmt.Sprintf(", by %v", nodes)
	}
	return refuse(joinapi.CodeUnauthorized, why, "this enrolment token is used up (%d of %[1]d); make a new one with `joinsvc token create`", t.Uses), nil
}
