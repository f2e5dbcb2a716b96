// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Nobody is routed by what somebody saw long ago.
func TestOldSessionsAreUnknown(t *testing.T) {
	for pace, bound := range map[plan.Pace]time.Duration{plan.Normal: 90 * time.Second, plan.Slow: 270 * time.Second} {
		t.Run(string(pace), func(t *testing.T) {
			p := testPlan(t)
			p.Spec.Kubernetes.Pace = pace
			w := newWorld(t, p)
			m0 := w.all()[0]
			w.makeCluster(m0)
			w.sessions(m0, joinapi.Established, joinapi.Established)
			seen := w.clock
			w.clock = seen.Add(bound)
			w.wantPhase(m0, joinapi.PhaseRouted)
			w.clock = seen.Add(bound + time.Second)
			w.wantUnknown(m0, seen, "the cluster has told nothing of it since")

			w.sessions(m0, joinapi.Established, joinapi.Established) // somebody looked
			w.wantPhase(m0, joinapi.PhaseRouted)
		})
	}
}

// wantUnknown looks at both who asks: the node itself and the operator.
func (w *world) wantUnknown(who join.Caller, since time.Time, why string) {
	w.t.Helper()
	view, err := w.View(w.t.Context(), who)
	if err != nil {
		w.t.Fatal(err)
	}
	status, err := w.Status(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	told := map[string]joinapi.NodeStatus{"view": {Phase: view.Phase, Reason: view.Reason, Sessions: view.Sessions}, "status": status.Nodes[0]}
	for what, s := range told {
		if s.Phase != joinapi.PhaseJoined || !strings.Contains(s.Reason, "unknown since "+since.UTC().Format(time.RFC3339)+": "+why) {
			w.t.Errorf("%s: it is %s, %q; want joined, its sessions unknown since %s: %s", what, s.Phase, s.Reason, since, why)
		}
		for _, b := range s.Sessions {
			if b.State != joinapi.Unknown || !strings.Contains(b.Reason, why) || !b.Observed.Equal(since) {
				w.t.Errorf("%s: the session to %s is %+v", what, b.Leaf, b)
			}
		}
		if len(s.Sessions) != 2 {
			w.t.Errorf("%s: %d sessions", what, len(s.Sessions))
		}
	}
}

// restarted is the same installation in another process.
func (w *world) restarted() *world {
	again := *w
	again.Coordinator = &join.Coordinator{Plan: w.Plan, Store: w.Store, CA: w.CA, Log: w.Log, Kubeadm: w.Kubeadm}
	again.Now = func() time.Time { return again.clock }
	return &again
}

// After a restart nothing counts that was not seen since.
func TestARestartKnowsNoSession(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	w.makeCluster(m0)
	w.sessions(m0, joinapi.Established, joinapi.Established)
	seen := w.clock
	w = w.restarted()
	w.wantUnknown(m0, seen, "joinsvc has no access to the cluster")
	if err := w.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantUnknown(m0, seen, "joinsvc was restarted and has not seen it since")
	w.sessions(m0, joinapi.Established, joinapi.Established)
	w.wantPhase(m0, joinapi.PhaseRouted)
}

// A node's sessions are as old as the oldest of them, in whatever order they are
// told.
func TestSessionsAreAsOldAsTheOldest(t *testing.T) {
	for _, first := range []time.Duration{0, time.Hour} {
		w := newWorld(t, testPlan(t))
		m0 := w.all()[0]
		w.makeCluster(m0)
		ages := []time.Duration{first, time.Hour - first}
		var all []joinapi.Session
		for i, leaf := range w.Plan.Spec.Fabric.Leaves {
			all = append(all, joinapi.Session{Leaf: leaf.Name, PeerIP: leaf.Address.String(), State: joinapi.Established, Observed: w.clock.Add(-ages[i])})
		}
		if err := w.Sessions(t.Context(), m0.Node, all); err != nil {
			t.Fatal(err)
		}
		w.wantPhase(m0, joinapi.PhaseJoined)
	}
}

// What the caller saw long ago is as old as that, whenever it tells it.
func TestSessionsAreAsOldAsTheyWereSeen(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	w.makeCluster(m0)
	then := w.clock
	w.clock = then.Add(time.Hour)
	var all []joinapi.Session
	for _, leaf := range w.Plan.Spec.Fabric.Leaves {
		all = append(all, joinapi.Session{Leaf: leaf.Name, PeerIP: leaf.Address.String(), State: joinapi.Established, Observed: then})
	}
	if err := w.Sessions(t.Context(), m0.Node, all); err != nil {
		t.Fatal(err)
	}
	w.wantUnknown(m0, then, "the cluster has told nothing of it since")
}

// An access that is on record is used when it is brought again, by a joinsvc that
// could not use it when it started.
func TestAnAccessOnRecordIsUsedAgain(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	if _, err := w.Order(t.Context(), m0); err != nil {
		t.Fatal(err)
	}
	access := joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: clusterCA(t)}
	if err := w.Accept(t.Context(), m0, access); err != nil {
		t.Fatal(err)
	}
	w = w.restarted()
	connected, connect := 0, w.Kubeadm.Connect
	w.Kubeadm.Connect = func(a joinapi.ClusterAccess) (join.Cluster, error) { connected++; return connect(a) }
	for range 3 { // the second and third are answers that were lost
		if err := w.Accept(t.Context(), m0, access); err != nil {
			t.Fatal(err)
		}
	}
	if connected != 1 {
		t.Errorf("connected %d times, want once", connected)
	}
}

// A look that finds nothing new costs no write, but for one in ten minutes.
func TestUnchangedSessionsCostNoWrites(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	w.makeCluster(m0)
	writes := &counting{Store: w.Store}
	w.Store = writes
	for range 60 { // half an hour
		w.clock = w.clock.Add(30 * time.Second)
		w.sessions(m0, joinapi.Established, joinapi.Established)
	}
	w.wantPhase(m0, joinapi.PhaseRouted)
	// The first look writes the sessions and the node, two later ones a time.
	if writes.n > 6 {
		t.Errorf("%d keys written in 60 looks", writes.n)
	}
}
