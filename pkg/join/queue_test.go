// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/admission"
	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// queued is a world with a queue, in which the init node has handed over access
// and, when done, has applied the add-ons and routes.
func queued(t *testing.T, n int, done bool) (w *world, m0 join.Caller, workers []join.Caller) {
	t.Helper()
	w = newWorld(t, wide(t, n))
	w.Admission = admission.NewLimiter(func() time.Time { return w.clock })
	callers := w.all()
	if _, err := w.Order(t.Context(), callers[0]); err != nil {
		t.Fatal(err)
	}
	w.grant(callers[0])
	if done {
		w.report(callers[0], "kubeadm", joinapi.OutcomeDone, "")
		w.sessions(callers[0], joinapi.Established, joinapi.Established)
	}
	return w, callers[0], callers[1:]
}

// measured is n answers of the API server, two seconds apart.
func (w *world) measured(n int, took time.Duration, err error) {
	for range n {
		w.clock = w.clock.Add(2 * time.Second)
		w.Admission.Observe(took, err)
	}
}

func (w *world) joins(who join.Caller) {
	w.t.Helper()
	order, err := w.Order(w.t.Context(), who)
	if err != nil || order.Action != joinapi.ActionJoin {
		w.t.Errorf("%s got %+v, %v", who.Node, order.Action, err)
	}
}

// waits wants a place and all of says, and a time to ask again.
func (w *world) waits(who join.Caller, place string, says ...string) {
	w.t.Helper()
	_, err := w.Order(w.t.Context(), who)
	var notYet *joinapi.Error
	if !errors.As(err, &notYet) || notYet.Code != joinapi.CodeNotYet || notYet.RetryAfter < 5*time.Second || notYet.RetryAfter > 30*time.Second {
		w.t.Errorf("%s got %v, want a place in the queue and when to ask again", who.Node, err)
		return
	}
	for _, part := range append(says, "place "+place+";", "ask again in "+notYet.RetryAfter.String()) {
		if !strings.Contains(notYet.Message, part) {
			w.t.Errorf("%s was told %q, which says no %q", who.Node, notYet.Message, part)
		}
	}
}

func TestAWaitingNodeIsToldItsPlaceAndWhy(t *testing.T) {
	w, _, workers := queued(t, 9, true)
	w.measured(30, 4200*time.Millisecond, nil)
	w.joins(workers[0])
	for i, who := range workers[1:] {
		w.waits(who, fmt.Sprintf("%d of %d", i+1, i+1), "one joins at a time", "the API server answers in 4.2s (bound 1s)", "1 joining", "about "+(time.Duration(i+1)*90*time.Second).String())
		if i == 0 {
			w.waits(who, "1 of 1") // asking twice is one place
		}
	}
	w.joins(workers[0]) // its reply was lost
	w.waits(workers[8], "8 of 8", "about 12m0s")

	// A slot is free when kubeadm is done on its node; the first one gets it.
	w.clock = w.clock.Add(40 * time.Second)
	w.report(workers[0], "kubeadm", joinapi.OutcomeDone, "")
	w.waits(workers[8], "8 of 8", "about 5m20s", "0 joining") // joins take 40 s here
	w.joins(workers[1])
	w.waits(workers[2], "1 of 7")
	// Or when something failed there; that node goes to the end.
	w.report(workers[1], "kubeadm", joinapi.OutcomeFailed, "preflight")
	w.joins(workers[2])
	w.waits(workers[1], "7 of 7")

	status, err := w.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q := status.Queue
	if q == nil || q.Limit != 1 || q.Bound != 1 || q.Latency < 4 || !strings.Contains(q.Reason, "4.2s") ||
		len(q.Joining) != 1 || q.Joining[0].Node != workers[2].Node || len(q.Waiting) != 7 || q.Waiting[6].Node != workers[1].Node {
		t.Errorf("status: %+v", q)
	}
}

func TestTheLimitRisesWithAFastAPIServer(t *testing.T) {
	w, _, workers := queued(t, 6, true)
	w.joins(workers[0])
	w.waits(workers[1], "1 of 1", "was not measured yet")
	w.measured(6, 30*time.Millisecond, nil)
	w.joins(workers[1])
	w.waits(workers[2], "1 of 1", "2 join at a time", "answers in 30ms")
	w.measured(6, 30*time.Millisecond, nil)
	w.joins(workers[2])
	w.measured(5, time.Millisecond, errors.New("connection refused"))
	w.waits(workers[3], "1 of 1", "none may join now", "has not answered since")
	w.joins(workers[0]) // who joins already goes on
}

// While the CNI is being applied, workers are what could stop it: an API server
// that feels it gets none, one at ease gets one at a time.
func TestWorkersDoNotStopTheAddOns(t *testing.T) {
	w, m0, workers := queued(t, 3, false)
	w.waits(workers[0], "1 of 1", "none may join now", "m0", "is still applying the cluster's add-ons")
	w.measured(10, 600*time.Millisecond, nil)
	w.waits(workers[0], "1 of 1", "none may join now", "answers in 600ms")
	w.measured(12, 20*time.Millisecond, nil)
	w.joins(workers[0])
	w.measured(12, 20*time.Millisecond, nil)
	w.waits(workers[1], "1 of 1", "one joins at a time", "add-ons")
	w.measured(3, 600*time.Millisecond, nil)
	w.waits(workers[1], "1 of 1", "none may join now")
	w.report(m0, "kubeadm", joinapi.OutcomeDone, "")
	w.measured(12, 20*time.Millisecond, nil)
	w.joins(workers[1])
	if _, err := w.Order(t.Context(), workers[2]); strings.Contains(err.Error(), "add-ons") {
		t.Errorf("the add-ons are applied: %v", err)
	}
}

// After the add-ons the init node's own pods are started: until it routes, those
// who join could stop that, unless the API server is at ease. What keeps its
// sessions down for long is another thing, and nobody waits for it.
func TestWorkersDoNotStopTheFirstPods(t *testing.T) {
	const why = "m0.labs.haystacknetworks.com has applied the cluster's add-ons and does not route yet"
	begun := func(t *testing.T) (*world, join.Caller, []join.Caller) {
		w, m0, workers := queued(t, 3, false)
		w.report(m0, "kubeadm", joinapi.OutcomeDone, "")
		w.measured(10, 600*time.Millisecond, nil)
		w.waits(workers[0], "1 of 1", "none may join now", why, "answers in 600ms")
		return w, m0, workers
	}
	t.Run("it routes", func(t *testing.T) {
		w, m0, workers := begun(t)
		w.sessions(m0, joinapi.Established, "Active")
		w.waits(workers[0], "1 of 1", why)
		w.sessions(m0, joinapi.Established, joinapi.Established)
		w.measured(1, 600*time.Millisecond, nil) // what was read a moment ago is over
		w.joins(workers[0])
	})
	t.Run("the API server is at ease", func(t *testing.T) {
		w, _, workers := begun(t)
		w.measured(40, 20*time.Millisecond, nil)
		w.joins(workers[0])
		w.measured(12, 20*time.Millisecond, nil)
		w.joins(workers[1])
	})
	t.Run("it cannot route", func(t *testing.T) {
		w, _, workers := begun(t)
		w.clock = w.clock.Add(28 * time.Minute)
		w.measured(3, 600*time.Millisecond, nil)
		w.waits(workers[0], "1 of 1", why)
		w.clock = w.clock.Add(2 * time.Minute)
		w.measured(3, 600*time.Millisecond, nil)
		w.joins(workers[0])
	})
}

// What decides is in the store: another replica, and joinsvc after a restart,
// see the same queue.
func TestReplicasAndRestartsAgreeOnTheQueue(t *testing.T) {
	w, _, workers := queued(t, 4, true)
	w.joins(workers[0])
	w.waits(workers[1], "1 of 1")
	other := &join.Coordinator{
		Plan: w.Plan, Store: w.Store, CA: w.CA, Now: w.Now, Log: w.Log, Kubeadm: w.Kubeadm,
		Admission: admission.NewLimiter(func() time.Time { return w.clock }),
	}
	if err := other.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.clock = w.clock.Add(time.Hour) // nobody was there to be asked
	_, err := other.Order(t.Context(), workers[2])
	wantCode(t, err, joinapi.CodeNotYet, "place 2 of 2")
	_, err = other.Order(t.Context(), workers[1])
	wantCode(t, err, joinapi.CodeNotYet, "place 1 of 2")
	if err := other.Report(t.Context(), workers[0], joinapi.Report{Phase: "kubeadm", Outcome: joinapi.OutcomeDone}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Order(t.Context(), workers[2]); joinapi.CodeOf(err) != joinapi.CodeNotYet {
		t.Errorf("the second went first: %v", err)
	}
	w.joins(workers[1])
}

// A node that was told to join and was never heard of again holds no slot for
// ever; one that reports does.
func TestAnAbandonedSlotIsFreed(t *testing.T) {
	for name, reports := range map[string]bool{"silent": false, "reports": true} {
		t.Run(name, func(t *testing.T) {
			w, _, workers := queued(t, 2, true)
			w.joins(workers[0])
			var err error
			for range 80 { // 20 minutes
				w.clock = w.clock.Add(15 * time.Second)
				if reports {
					w.report(workers[0], "kubeadm", joinapi.OutcomeNoted, "still pulling images at "+w.clock.String())
				}
				if _, err = w.Order(t.Context(), workers[1]); err == nil {
					break
				}
			}
			if (err == nil) == reports {
				t.Errorf("after 20 minutes: %v", err)
			}
			if freed := regexp.MustCompile(`not heard of.*node=` + workers[0].Node).MatchString(w.log.String()); freed == reports {
				t.Errorf("the log says so: %v", freed)
			}
		})
	}
}

// A clock that was ahead when hosts asked, and has been set since, leaves no
// slot and no place to hosts that are gone.
func TestAClockThatWasAhead(t *testing.T) {
	w, _, workers := queued(t, 3, true)
	right := w.clock
	w.clock = right.Add(30 * 24 * time.Hour)
	w.joins(workers[0])
	w.waits(workers[1], "1 of 1")
	w.clock = right
	other := w.restarted() // both hosts die meanwhile
	other.Admission = admission.NewLimiter(other.Now)
	if err := other.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 120 { // half an hour
		other.clock = other.clock.Add(15 * time.Second)
		if _, err = other.Order(t.Context(), workers[2]); err == nil {
			break
		}
	}
	if err != nil {
		t.Errorf("after half an hour: %v", err)
	}
}
