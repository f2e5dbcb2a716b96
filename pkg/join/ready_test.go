// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/join"
)

// counting counts the keys that are written, and fails writes on demand, as a
// store without space does: it still reads.
type counting struct {
	join.Store
	mu   sync.Mutex
	n    int
	full error
}

func (s *counting) Update(ctx context.Context, fn func(join.Tx) error) error {
	return s.Store.Update(ctx, func(tx join.Tx) error {
		c := &countingTx{Tx: tx}
		if err := fn(c); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.n += c.n; c.n > 0 && s.full != nil {
			return s.full
		}
		return nil
	})
}

type countingTx struct {
	join.Tx
	n int
}

func (t *countingTx) Put(key string, value []byte) {
	t.n++
	t.Tx.Put(key, value)
}

// joinsvc is ready when its store takes writes, and asks it once a second at
// the most, however many ask.
func TestReadyWrites(t *testing.T) {
	w := newWorld(t, testPlan(t))
	store := &counting{Store: w.Store}
	w.Store = store
	for range 100 {
		if err := w.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if store.n != 1 {
		t.Errorf("asked 100 times at once, it wrote %d times", store.n)
	}
	store.full = errors.New("mvcc: database space exceeded")
	w.clock = w.clock.Add(2 * time.Second)
	if err := w.Ready(t.Context()); !errors.Is(err, store.full) {
		t.Errorf("a full store is ready: %v", err)
	}
	store.full = nil
	w.clock = w.clock.Add(2 * time.Second)
	if err := w.Ready(t.Context()); err != nil {
		t.Errorf("not ready again: %v", err)
	}
}

// An asker that goes away says nothing about the store to the next one.
func TestReadyOfACancelledAsker(t *testing.T) {
	w := newWorld(t, testPlan(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Ready(ctx); err == nil {
		t.Error("ready for somebody who went away")
	}
	if err := w.Ready(t.Context()); err != nil {
		t.Errorf("the next asker gets %v", err)
	}
}
