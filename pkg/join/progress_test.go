// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

func (w *world) report(who join.Caller, phase string, outcome joinapi.Outcome, message string) {
	w.t.Helper()
	err := w.Report(w.t.Context(), who, joinapi.Report{Phase: phase, Outcome: outcome, Message: message})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sessions(who join.Caller, states ...joinapi.SessionState) {
	w.t.Helper()
	var all []joinapi.Session
	for i, leaf := range w.Plan.Spec.Fabric.Leaves {
		all = append(all, joinapi.Session{Leaf: leaf.Name, PeerIP: leaf.Address.String(), PeerASN: 63500, State: states[i], Observed: w.clock})
	}
	if err := w.Sessions(w.t.Context(), who.Node, all); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) grant(who join.Caller) {
	w.t.Helper()
	err := w.Accept(w.t.Context(), who, joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: clusterCA(w.t)})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestFromEnrolledToRouted(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	m0, s1 := callers[0], callers[1]

	_, err := w.Order(t.Context(), s1)
	wantCode(t, err, joinapi.CodeNotYet, "waiting for a control plane")
	w.report(m0, "prepared", joinapi.OutcomeDone, "")
	w.wantPhase(m0, joinapi.PhasePrepared)
	first, err := w.Order(t.Context(), m0)
	if err != nil || first.Action != joinapi.ActionInit || first.Access == nil {
		t.Fatalf("the control plane got %+v, %v", first, err)
	}
	w.wantPhase(m0, joinapi.PhaseJoining)
	again, err := w.Order(t.Context(), m0)
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("asked again: %v, %s", err, diff)
	}
	_, err = w.Order(t.Context(), s1)
	wantCode(t, err, joinapi.CodeNotYet, "waiting for k8c1m0.labs.haystacknetworks.com to finish kubeadm init; it is joining")
	var notYet *joinapi.Error
	if !errors.As(err, &notYet) || notYet.RetryAfter <= 0 {
		t.Errorf("%v without a time to ask again", err)
	}

	w.grant(m0)
	w.report(m0, "kubeadm", joinapi.OutcomeDone, "")
	w.wantPhase(m0, joinapi.PhaseJoined)

	order, err := w.Order(t.Context(), s1)
	if err != nil || order.Action != joinapi.ActionJoin || !strings.Contains(order.Config, "abcdef.0000000000000001 sha256:") {
		t.Fatalf("the worker got %+v, %v", order, err)
	}
	w.sessions(s1, joinapi.Established, joinapi.Established) // before kubeadm says so
	w.wantPhase(s1, joinapi.PhaseJoining)
	w.report(s1, "kubeadm", joinapi.OutcomeDone, "")
	w.wantPhase(s1, joinapi.PhaseRouted)
	if len(w.cluster.tokens) != 0 {
		t.Errorf("after the join there are still bootstrap tokens: %v", w.cluster.tokens)
	}
	w.sessions(s1, joinapi.Established, "Active")
	if phase, reason := w.phase(s1); phase != joinapi.PhaseJoined || reason != "session to leaf202 is Active" {
		t.Errorf("a lost session: %s, %q", phase, reason)
	}
	w.report(s1, "prepared", joinapi.OutcomeDone, "") // the run after a reboot
	w.sessions(s1, joinapi.Established, joinapi.Established)
	w.wantPhase(s1, joinapi.PhaseRouted)
}

func TestFailureIsShownUntilProgress(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	w.report(m0, "network", joinapi.OutcomeFailed, "bond0: no leg answers LACP")
	if phase, reason := w.phase(m0); phase != joinapi.PhaseFailed || reason != "network: bond0: no leg answers LACP" {
		t.Errorf("%s, %q", phase, reason)
	}
	w.report(m0, "modules", joinapi.OutcomeDone, "")
	w.wantPhase(m0, joinapi.PhaseFailed)
	w.report(m0, "network", joinapi.OutcomeDone, "")
	w.wantPhase(m0, joinapi.PhaseEnrolled)

	w.makeCluster(m0)
	w.report(m0, "routed", joinapi.OutcomeFailed, "gave up waiting")
	w.wantPhase(m0, joinapi.PhaseFailed)
	w.sessions(m0, joinapi.Established, joinapi.Established)
	w.wantPhase(m0, joinapi.PhaseRouted)
}

func TestReportsKeepTheLastOutcomeAndTheNotes(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	w.report(m0, "network", joinapi.OutcomeNoted, "of an earlier run")
	w.report(m0, "network", joinapi.OutcomeStarted, "")
	w.report(m0, "network", joinapi.OutcomeNoted, "bond0 runs on one leg: eno2 has no carrier")
	w.report(m0, "network", joinapi.OutcomeNoted, "bond0 runs on one leg: eno2 has no carrier")
	w.report(m0, "network", joinapi.OutcomeDone, "12 changes")
	var got []string
	for _, r := range w.reports(m0.Node) {
		got = append(got, string(r.Outcome)+" "+r.Message)
	}
	want := []string{"noted bond0 runs on one leg: eno2 has no carrier", "done 12 changes"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	err := w.Report(t.Context(), m0, joinapi.Report{Phase: "No Phase", Outcome: "fine"})
	wantCode(t, err, joinapi.CodeInvalid, "phase:")
	wantCode(t, err, joinapi.CodeInvalid, "outcome:")
}

// Twenty control planes ask at once, some of them twice: one gets init.
func TestOneInit(t *testing.T) {
	p := wide(t, 19)
	for i := range p.Spec.Nodes {
		p.Spec.Nodes[i].Role = "control-plane"
	}
	w := newWorld(t, p)
	callers := w.all()
	var wg sync.WaitGroup
	var mu sync.Mutex
	inits := map[string]bool{}
	for i := range 50 {
		who := callers[i%len(callers)]
		wg.Go(func() {
			order, err := w.Order(t.Context(), who)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && order.Action == joinapi.ActionInit:
				inits[who.Node] = true
			case joinapi.CodeOf(err) != joinapi.CodeConflict:
				t.Errorf("%s got %+v, %v", who.Node, order, err)
			}
		})
	}
	wg.Wait()
	if len(inits) != 1 {
		t.Errorf("told to init: %v", inits)
	}
}

func TestClusterAccessIsForTheHolderOfInit(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	if _, err := w.Order(t.Context(), callers[0]); err != nil {
		t.Fatal(err)
	}
	good := joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: clusterCA(t)}
	wantCode(t, w.Accept(t.Context(), callers[1], good), joinapi.CodeForbidden, "does not run kubeadm init")
	other := good
	other.Server = "https://203.0.113.7:6443"
	wantCode(t, w.Accept(t.Context(), callers[0], other), joinapi.CodeInvalid, "server:")
	other = good
	other.CA = "no PEM"
	wantCode(t, w.Accept(t.Context(), callers[0], other), joinapi.CodeInvalid, "ca:")
	_, err := w.Order(t.Context(), callers[1])
	wantCode(t, err, joinapi.CodeNotYet, "waiting for")
	w.grant(callers[0])

	// What was granted is there after a restart.
	restarted := &join.Coordinator{Plan: w.Plan, Store: w.Store, CA: w.CA, Now: w.Now, Log: w.Log, Kubeadm: w.Kubeadm}
	if err := restarted.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if order, err := restarted.Order(t.Context(), callers[1]); err != nil || order.Action != joinapi.ActionJoin {
		t.Errorf("after a restart the worker got %+v, %v", order, err)
	}
}

func TestBootstrapTokens(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	if _, err := w.Order(t.Context(), callers[0]); err != nil {
		t.Fatal(err)
	}
	w.grant(callers[0])
	for range 3 { // the same one, as long as it lasts
		if _, err := w.Order(t.Context(), callers[1]); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"abcdef.0000000000000001": callers[1].Node}
	if diff := cmp.Diff(want, w.cluster.tokens); diff != "" {
		t.Error(diff)
	}
	w.clock = w.clock.Add(25 * time.Minute) // it has five minutes left, too few for a join
	if _, err := w.Order(t.Context(), callers[1]); err != nil {
		t.Fatal(err)
	}
	want = map[string]string{"abcdef.0000000000000002": callers[1].Node}
	if diff := cmp.Diff(want, w.cluster.tokens); diff != "" {
		t.Error(diff)
	}
	w.cluster.failing = errors.New("the API server is away")
	w.report(callers[1], "kubeadm", joinapi.OutcomeDone, "")
	w.wantPhase(callers[1], joinapi.PhaseJoined)
	_, err := w.Order(t.Context(), callers[2])
	wantCode(t, err, joinapi.CodeNotYet, "no bootstrap token")
	w.cluster.failing = nil
	w.report(callers[1], "routed", joinapi.OutcomeDone, "") // the next report tries again
	if len(w.cluster.tokens) != 0 {
		t.Errorf("still there: %v", w.cluster.tokens)
	}
}

func TestAnotherKeyActsForNobody(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	false1 := join.Caller{Node: callers[0].Node, Key: callers[1].Key, Identity: callers[0].Identity}
	_, err := w.View(t.Context(), false1)
	wantCode(t, err, joinapi.CodeForbidden, "not the key")
	_, err = w.Order(t.Context(), false1)
	wantCode(t, err, joinapi.CodeForbidden, "not the key")
	wantCode(t, w.Report(t.Context(), join.Caller{Node: "stranger"}, joinapi.Report{Phase: "network", Outcome: "done"}), joinapi.CodeForbidden, "not enrolled here")
	w.wantPhase(callers[0], joinapi.PhaseEnrolled)
}

// on is a caller that says it runs on that hardware.
func on(who join.Caller, id joinapi.Identity) join.Caller {
	who.Identity = id
	return who
}

// A disk that was cloned brings its node's key along, but none of its cards.
func TestACloneIsNotItsOriginal(t *testing.T) {
	p := testPlan(t)
	w := newWorld(t, p)
	who := w.all()[0]
	own, other := w.hardware(who.Node), identityOf(p.Spec.Nodes[1])
	tests := []struct {
		name    string
		id      joinapi.Identity
		refused bool
	}{
		{"all of its cards", own, false},
		{"one of its cards, one new", joinapi.Identity{MACs: []joinapi.MAC{"00:00:5e:00:53:f1", own.MACs[1]}}, false},
		{"another planned node", other, true},
		{"its name and serial, new cards", joinapi.Identity{Hostname: own.Hostname, Serial: own.Serial, MACs: []joinapi.MAC{"00:00:5e:00:53:f1"}}, true},
		{"no card", joinapi.Identity{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.View(t.Context(), on(who, tt.id))
			if !tt.refused && err != nil {
				t.Errorf("refused: %v", err)
			}
			if tt.refused {
				wantCode(t, err, joinapi.CodeForbidden, "which has MACs "+string(own.MACs[0]))
			}
		})
	}
	t.Run("new cards, which the plan has by now", func(t *testing.T) {
		w.Plan.Spec.Nodes[0].MACs = []plan.MAC{"00:00:5e:00:53:f1"}
		if _, err := w.View(t.Context(), on(who, identityOf(w.Plan.Spec.Nodes[0]))); err != nil {
			t.Errorf("refused: %v", err)
		}
	})
	t.Run("too many cards", func(t *testing.T) {
		_, err := w.View(t.Context(), on(who, joinapi.Identity{MACs: make([]joinapi.MAC, 65)}))
		wantCode(t, err, joinapi.CodeInvalid, "Nodeprep-Identity.macs: 65 addresses are more than 64")
	})
	w.wantPhase(on(who, identityOf(w.Plan.Spec.Nodes[0])), joinapi.PhaseEnrolled)
}

// Whatever a clone asks, it is not the node.
func TestEveryCallLooksAtTheHardware(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	clone := on(m0, identityOf(w.Plan.Spec.Nodes[1]))
	for name, call := range map[string]func() error{
		"view":   func() error { _, err := w.View(t.Context(), clone); return err },
		"order":  func() error { _, err := w.Order(t.Context(), clone); return err },
		"report": func() error { return w.Report(t.Context(), clone, joinapi.Report{Phase: "prepared", Outcome: "done"}) },
		"access": func() error {
			return w.Accept(t.Context(), clone, joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: clusterCA(t)})
		},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, call(), joinapi.CodeForbidden, "shows the certificate of k8c1m0") })
	}
	w.wantPhase(m0, joinapi.PhaseEnrolled)
}
