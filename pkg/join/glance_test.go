// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/admission"
	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// reading counts how often all places of the queue are read.
type reading struct {
	join.Store
	n int
}

func (r *reading) Update(ctx context.Context, fn func(join.Tx) error) error {
	return r.Store.Update(ctx, func(tx join.Tx) error { return fn(readingTx{tx, r}) })
}

type readingTx struct {
	join.Tx
	of *reading
}

func (t readingTx) List(prefix string) (map[string][]byte, error) {
	if prefix == "queue/" {
		t.of.n++
	}
	return t.Tx.List(prefix)
}

// crowd puts n hosts that wait behind those that do already.
func (w *world) crowd(n int) {
	w.t.Helper()
	const each = 100 // of a transaction
	for first := 0; first < n; first += each {
		err := w.Store.Update(w.t.Context(), func(tx join.Tx) error {
			for i := first; i < min(first+each, n); i++ {
				place, err := json.Marshal(admission.Place{Node: fmt.Sprintf("n%04d.example.net", i), Since: w.clock, Asked: w.clock})
				if err != nil {
					return err
				}
				tx.Put(fmt.Sprintf("queue/%020d", 1000+i), place)
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// Hosts that wait read the queue once a second, all of them together: each would
// read every other's place else, and a site of 5,000 could not be told to wait.
func TestWaitingCostsLittle(t *testing.T) {
	w, _, workers := queued(t, 3, true)
	w.joins(workers[0])
	w.waits(workers[1], "1 of 1")
	w.waits(workers[2], "2 of 2")
	w.crowd(500)
	w.clock = w.clock.Add(2 * time.Second)
	store := &reading{Store: w.Store}
	w.Store = store
	for range 50 {
		w.waits(workers[1], "1 of 502")
		w.waits(workers[2], "2 of 502")
	}
	if store.n > 1 {
		t.Errorf("100 asks read the queue %d times", store.n)
	}
	// A slot that is free is somebody's at once.
	w.report(workers[0], "kubeadm", joinapi.OutcomeDone, "")
	w.joins(workers[1])
	w.waits(workers[2], "1 of 501")
	w.clock = w.clock.Add(2 * time.Second)
	w.waits(workers[2], "1 of 501")
}

// To be told to wait is a sign of life, whoever the queue was read for.
func TestWhoWaitsKeepsItsPlace(t *testing.T) {
	w, _, workers := queued(t, 3, true)
	w.joins(workers[0])
	w.waits(workers[1], "1 of 1")
	w.waits(workers[2], "2 of 2")
	w.clock = w.clock.Add(time.Minute)
	w.waits(workers[1], "1 of 2") // reads the queue
	w.waits(workers[2], "2 of 2") // is told what was read
	w.clock = w.clock.Add(150 * time.Second)
	w.waits(workers[1], "1 of 2")
}
