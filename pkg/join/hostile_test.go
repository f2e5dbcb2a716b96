// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/flood"
	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// A copy of a disk has the key and often the token, too. To ask again with both
// gets it no certificate, with the token that the original used or with another.
func TestACloneEnrolsAsNobody(t *testing.T) {
	for name, tc := range map[string]struct {
		edit  func(*world)
		other bool // it shows another token
		clone func(*world) joinapi.Identity
	}{
		"no cards of it":       {clone: func(*world) joinapi.Identity { return joinapi.Identity{Hostname: "k8c1s1"} }},
		"another node's cards": {clone: func(w *world) joinapi.Identity { return identityOf(w.Plan.Spec.Nodes[2]) }},
		"planned without cards": {edit: func(w *world) { w.Plan.Spec.Nodes[1].MACs = nil }, other: true, clone: func(*world) joinapi.Identity {
			return joinapi.Identity{Hostname: "k8c1s1", MACs: []joinapi.MAC{"00:00:5e:00:53:f9"}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, testPlan(t))
			w.Plan.Spec.Nodes = slices.Clone(w.Plan.Spec.Nodes)
			own := identityOf(w.Plan.Spec.Nodes[1])
			if tc.edit != nil {
				tc.edit(w)
			}
			token, key := w.token(joinapi.TokenRequest{Uses: 3}), newKey(t)
			if _, err := w.enrol(token, key, own); err != nil {
				t.Fatal(err)
			}
			with := token
			if tc.other {
				with = w.token(joinapi.TokenRequest{Uses: 3})
			}
			_, err := w.enrol(with, key, tc.clone(w))
			wantCode(t, err, joinapi.CodeForbidden, "shows the certificate of k8c1s1")
			if _, err := w.enrol(with, key, own); err != nil {
				t.Errorf("the original is refused: %v", err)
			}
		})
	}
}

// Everything that is wrong with a request is told at once, each at its place.
func TestProblemsHaveTheirPlaces(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	if _, err := w.Order(t.Context(), m0); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 300)
	many := joinapi.Identity{Hostname: long, Serial: long, MachineID: long, MACs: make([]joinapi.MAC, 65)}
	for name, tc := range map[string]struct {
		call  func() error
		paths []string
	}{
		"report": {func() error {
			return w.Report(t.Context(), m0, joinapi.Report{Phase: "No Name", Outcome: "perhaps", Message: strings.Repeat("x", 5000)})
		}, []string{"phase", "outcome", "message"}},
		"enrol": {func() error {
			_, err := w.Enrol(t.Context(), w.token(joinapi.TokenRequest{Uses: 1}), sends(joinapi.EnrolRequest{CSR: "none", Identity: many}))
			return err
		}, []string{"identity.macs", "identity.hostname", "identity.machineID", "identity.serial", "csr"}},
		"header": {
			func() error { _, err := w.View(t.Context(), on(m0, many)); return err },
			[]string{"Nodeprep-Identity.macs", "Nodeprep-Identity.hostname", "Nodeprep-Identity.machineID", "Nodeprep-Identity.serial"},
		},
		"access": {func() error { return w.Accept(t.Context(), m0, joinapi.ClusterAccess{Server: "x", CA: "y"}) }, []string{"server", "ca"}},
		"token": {func() error {
			_, err := w.CreateToken(t.Context(), joinapi.TokenRequest{TTL: time.Millisecond, Reinstalled: true, Role: "etcd"})
			return err
		}, []string{"uses", "ttl", "reinstalled", "role"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.call()
			var e *joinapi.Error
			if !errors.As(err, &e) || e.Code != joinapi.CodeInvalid {
				t.Fatalf("got %v", err)
			}
			var paths []string
			for _, p := range e.Problems {
				paths = append(paths, p.Path)
				if p.Detail == "" {
					t.Errorf("%s: no detail", p.Path)
				}
			}
			if !slices.Equal(paths, tc.paths) {
				t.Errorf("problems at %q, want %q", paths, tc.paths)
			}
		})
	}
}

// What one who is let in can repeat without end does not fill the log, nor the
// store.
func TestRepetitionsCostNothing(t *testing.T) {
	w := newWorld(t, testPlan(t))
	store := &counting{Store: w.Store}
	callers := w.all()
	m0, s1 := callers[0], callers[1]
	key, token := newKey(t), w.token(joinapi.TokenRequest{Uses: 1, Node: "k8c1s1", Reinstalled: true})
	access := joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: clusterCA(t)}
	connected := 0
	connect := w.Kubeadm.Connect
	w.Kubeadm.Connect = func(a joinapi.ClusterAccess) (join.Cluster, error) {
		connected++
		return connect(a)
	}
	s1, err := w.enrol(token, key, s1.Identity)
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"init order": func() error { _, err := w.Order(t.Context(), m0); return err },
		"access":     func() error { return w.Accept(t.Context(), m0, access) },
		"join order": func() error { _, err := w.Order(t.Context(), s1); return err },
		"enrol":      func() error { _, err := w.enrol(token, key, s1.Identity); return err },
	}
	for _, name := range []string{"init order", "access", "join order", "enrol"} {
		if err := calls[name](); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	w.Store = store
	before := w.log.String()
	for name, call := range calls {
		for range 20 {
			if err := call(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if store.n != 0 || connected != 1 {
		t.Errorf("%d keys were written, %d connections made", store.n, connected)
	}
	for line := range strings.Lines(strings.TrimPrefix(w.log.String(), before)) {
		if !strings.Contains(line, "level=DEBUG") && !strings.Contains(line, "why=") { // by which a flood is known (pkg/flood)
			t.Errorf("each time is a line: %s", line)
		}
	}
}

// Accesses that differ are bounded: each is as large as a certificate chain.
func TestAccessesHaveARate(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	if _, err := w.Order(t.Context(), m0); err != nil {
		t.Fatal(err)
	}
	a := joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: clusterCA(t)}
	var err error
	for range 200 {
		a.Certificate += "x"
		if err = w.Accept(t.Context(), m0, a); err != nil {
			break
		}
	}
	wantCode(t, err, joinapi.CodeTooMany, "not on record")
}

// Whether a host is there goes by when joinsvc heard of it: hosts' clocks are
// wrong before they have a network, and one that waits in the queue reports
// nothing.
func TestSignsOfLifeGoByOwnClock(t *testing.T) {
	t.Run("the host's clock is behind", func(t *testing.T) {
		w := newWorld(t, testPlan(t))
		s1 := w.all()[1]
		w.clock = w.clock.Add(time.Hour)
		err := w.Report(t.Context(), s1, joinapi.Report{Phase: "network", Outcome: "done", Time: w.clock.AddDate(-5, 0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.release("k8c1s1", false)
		wantCode(t, err, joinapi.CodeConflict, "heard of 0s ago")
	})
	t.Run("the host's clock is ahead", func(t *testing.T) {
		w := newWorld(t, testPlan(t))
		s1 := w.all()[1]
		if err := w.Report(t.Context(), s1, joinapi.Report{Phase: "network", Outcome: "done", Time: w.clock.AddDate(5, 0, 0)}); err != nil {
			t.Fatal(err)
		}
		w.clock = w.clock.Add(time.Hour)
		if _, err := w.release("k8c1s1", false); err != nil {
			t.Errorf("silent for an hour: %v", err)
		}
	})
	t.Run("joinsvc's clock was ahead", func(t *testing.T) {
		w := newWorld(t, testPlan(t))
		s1 := w.all()[1]
		w.clock = w.clock.AddDate(1, 0, 0)
		w.report(s1, "network", joinapi.OutcomeDone, "")
		w.clock = w.clock.AddDate(-1, 0, 0).Add(time.Hour)
		for range 2 {
			_, err := w.release("k8c1s1", false)
			wantCode(t, err, joinapi.CodeConflict, "joinsvc's clock was ahead then")
			w.clock = w.clock.Add(5 * time.Minute)
		}
		w.clock = w.clock.Add(-3 * time.Minute)
		w.report(s1, "network", joinapi.OutcomeDone, "")
		w.clock = w.clock.Add(4 * time.Minute)
		_, err := w.release("k8c1s1", false)
		wantCode(t, err, joinapi.CodeConflict, "heard of 4m0s ago")
		w.clock = w.clock.Add(7 * time.Minute)
		if _, err := w.release("k8c1s1", false); err != nil {
			t.Errorf("silent for as long as that takes: %v", err)
		}
	})
	t.Run("it waits in the queue", func(t *testing.T) {
		w, _, workers := queued(t, 2, true)
		w.joins(workers[0])
		for range 80 { // 20 minutes
			w.clock = w.clock.Add(15 * time.Second)
			w.report(workers[0], "kubeadm", joinapi.OutcomeNoted, w.clock.String())
			_, _ = w.Order(t.Context(), workers[1])
		}
		_, err := w.release(workers[1].Node, false)
		wantCode(t, err, joinapi.CodeConflict, "heard of")
	})
}

// What was seen, and done, by a clock that was ahead is no news until that time
// comes.
func TestClockThatWasAheadVouchesForNothing(t *testing.T) {
	t.Run("sessions", func(t *testing.T) {
		w := newWorld(t, testPlan(t))
		m0 := w.all()[0]
		w.makeCluster(m0)
		right := w.clock
		w.clock = right.Add(24 * time.Hour)
		w.sessions(m0, joinapi.Established, joinapi.Established)
		w.clock = right.Add(time.Hour)
		w.wantPhase(m0, joinapi.PhaseJoined)
		w.sessions(m0, joinapi.Established, joinapi.Established)
		w.wantPhase(m0, joinapi.PhaseRouted)
		again := w.restarted()
		view, err := again.View(t.Context(), m0)
		if err != nil || len(view.Sessions) == 0 || view.Sessions[0].Observed.After(w.clock) {
			t.Errorf("sessions seen in the future are on record: %+v, %v", view.Sessions, err)
		}
	})
	t.Run("the add-ons", func(t *testing.T) {
		w, m0, workers := queued(t, 1, false)
		token := w.token(joinapi.TokenRequest{Uses: 1, Node: m0.Node, Reinstalled: true})
		if _, err := w.enrol(token, newKey(t), m0.Identity); err != nil {
			t.Fatal(err)
		}
		w.clock = w.clock.Add(-2 * time.Hour) // the cluster was made by a clock that was ahead
		w.measured(1, time.Millisecond, nil)
		w.joins(workers[0])
	})
}

// A node that is released, or installed anew, holds no slot of the queue.
func TestSlotsOfWhoIsGone(t *testing.T) {
	w, _, workers := queued(t, 2, true)
	w.joins(workers[0])
	if _, err := w.release(workers[0].Node, true); err != nil {
		t.Fatal(err)
	}
	w.joins(workers[1])
	token := w.token(joinapi.TokenRequest{Uses: 1, Node: workers[1].Node, Reinstalled: true})
	if _, err := w.enrol(token, newKey(t), workers[1].Identity); err != nil {
		t.Fatal(err)
	}
	if left := w.under("joining/"); len(left) != 0 {
		t.Errorf("slots are held by nobody: %s", left)
	}
}

// Nor does one that is released have a place in it, behind which others wait.
func TestPlacesOfWhoIsGone(t *testing.T) {
	w, _, workers := queued(t, 3, true)
	w.joins(workers[0])
	w.waits(workers[1], "1 of 1")
	w.waits(workers[2], "2 of 2")
	if _, err := w.release(workers[1].Node, true); err != nil {
		t.Fatal(err)
	}
	w.waits(workers[2], "1 of 1")
	w.whole()
	// One that asked before, and is through with its first transaction.
	w.Store = &between{Store: w.Store, then: func() {
		if _, err := w.release(workers[2].Node, true); err != nil {
			t.Error(err)
		}
	}}
	_, err := w.Order(t.Context(), workers[2])
	wantCode(t, err, joinapi.CodeForbidden, "is not enrolled")
	w.whole()
}

// between does something after the first transaction of a store.
type between struct {
	join.Store
	then func()
}

func (b *between) Update(ctx context.Context, fn func(join.Tx) error) error {
	err := b.Store.Update(ctx, fn)
	if then := b.then; then != nil {
		b.then = nil
		then()
	}
	return err
}

// A node that asks and reports for ever, and is never done, holds up nobody
// else for more than an hour.
func TestNobodyJoinsForEver(t *testing.T) {
	w, _, workers := queued(t, 2, true)
	w.joins(workers[0])
	begun := w.clock
	var err error
	for range 300 {
		w.clock = w.clock.Add(15 * time.Second)
		_, _ = w.Order(t.Context(), workers[0])
		if _, err = w.Order(t.Context(), workers[1]); err == nil {
			break
		}
	}
	if took := w.clock.Sub(begun); err != nil || took < time.Hour || took > 65*time.Minute {
		t.Errorf("after %v: %v", took, err)
	}
	w.waits(workers[0], "1 of 1")
	if !regexp.MustCompile(`not done.*node=` + workers[0].Node).MatchString(w.log.String()) {
		t.Error("the log does not say so")
	}
}

// Who hangs up while joinsvc writes ends nothing, and has no second write made:
// a flood of such would be a flood of writes.
func TestReadyOfManyWhoHangUp(t *testing.T) {
	w := newWorld(t, testPlan(t))
	store := &counting{Store: w.Store}
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		w.Store = hangingUp{store, cancel}
		_ = w.Ready(ctx)
	}
	if store.n != 1 {
		t.Errorf("50 who hung up had %d writes made", store.n)
	}
}

// hangingUp cancels the asker's context in the midst of a transaction.
type hangingUp struct {
	join.Store
	cancel func()
}

func (s hangingUp) Update(ctx context.Context, fn func(join.Tx) error) error {
	return s.Store.Update(ctx, func(tx join.Tx) error {
		s.cancel()
		return fn(tx)
	})
}

// A node that hangs up while its bootstrap token is made, again and again, has
// one token in the cluster all the same, and it is revoked.
func TestBootstrapTokensOfWhoHangsUp(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	for range 5 {
		ctx, hangUp := context.WithCancel(t.Context())
		w.cluster.made = hangUp
		_, _ = w.Order(ctx, callers[1]) // nobody hears the answer
		hangUp()
	}
	if len(w.cluster.tokens) != 1 {
		t.Errorf("%d bootstrap tokens: %v", len(w.cluster.tokens), w.cluster.tokens)
	}
	w.cluster.made = nil
	w.join(callers[1])
	if len(w.cluster.tokens) != 0 {
		t.Errorf("not revoked: %v", w.cluster.tokens)
	}
}

// A cluster that makes no tokens is a line for each host that asks, not for each
// time that it does.
func TestFailuresOfTheClusterAreCounted(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	w.Log = slog.New(flood.New(slog.NewTextHandler(w.log, nil)))
	w.cluster.failing = errors.New("secrets is forbidden")
	for range 100 {
		for _, who := range callers[1:] {
			_, err := w.Order(flood.WithSource(t.Context(), who.Node), who)
			wantCode(t, err, joinapi.CodeNotYet, "no bootstrap token")
		}
	}
	if n := strings.Count(w.log.String(), `msg="no bootstrap token"`); n != len(callers[1:]) {
		t.Errorf("%d lines", n)
	}
}
