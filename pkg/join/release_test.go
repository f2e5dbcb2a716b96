// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan/change"
)

func (w *world) release(node string, force bool) (joinapi.Released, error) {
	return w.Release(w.t.Context(), joinapi.ReleaseRequest{Node: node, Force: force})
}

// with is the same installation, served with another plan.
func (w *world) with(edit func(*world)) *world {
	again := w.restarted()
	again.Plan.Spec.Nodes = append(again.Plan.Spec.Nodes[:0:0], again.Plan.Spec.Nodes...)
	edit(again)
	return again
}

// A host that has enrolled is a host that lives, before it has said another word.
func TestAFreshNodeIsNotReleased(t *testing.T) {
	w := newWorld(t, testPlan(t))
	w.all()
	_, err := w.release("k8c1s2", false)
	wantCode(t, err, joinapi.CodeConflict, "may be alive")
	w.clock = w.clock.Add(time.Hour)
	if _, err := w.release("k8c1s2", false); err != nil {
		t.Error(err)
	}
}

// What was seen of a disk that is gone says nothing of the one in its place.
func TestSessionsGoWithTheirInstallation(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	w.join(callers[1])
	w.sessions(callers[1], joinapi.Established, joinapi.Established)
	if len(w.under("sessions/"+callers[1].Node)) != 1 {
		t.Fatal("no sessions are on record")
	}
	again := w.reinstall(1)
	if left := w.under("sessions/" + again.Node); len(left) != 0 {
		t.Errorf("on record are %s", left)
	}
}

// What is released is free, void and forgotten; nobody else loses anything.
func TestRelease(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	s2 := callers[2]
	w.report(s2, "network", joinapi.OutcomeNoted, "one leg")
	w.clock = w.clock.Add(time.Hour)
	others := w.nodes()
	delete(others, s2.Node)
	got, err := w.release("k8c1s2", false)
	if err != nil {
		t.Fatal(err)
	}
	want := joinapi.Released{Node: s2.Node, Addresses: []string{"192.168.9.195"}, ASNs: []string{"63553"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("freed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(others, w.nodes(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	_, err = w.View(t.Context(), s2)
	wantCode(t, err, joinapi.CodeForbidden, "is not enrolled here")
	if left := w.reports(s2.Node); len(left) != 0 {
		t.Errorf("reports stay: %v", left)
	}
	w.whole()
	_, err = w.release("k8c1s2", false)
	wantCode(t, err, joinapi.CodeNotFound, `no node "k8c1s2" is enrolled`)
	again, err := w.enrol(w.token(joinapi.TokenRequest{Uses: 1, Node: "k8c1s2"}), newKey(t), identityOf(w.Plan.Spec.Nodes[2]))
	if err != nil || w.record(again.Node).ASN != 63553 {
		t.Errorf("a new host in its place: %+v, %v", w.record(again.Node), err)
	}
	_, err = w.View(t.Context(), s2)
	wantCode(t, err, joinapi.CodeForbidden, "not the key")
}

// A node that may be alive is not released, unless it is forced.
func TestReleaseOfWhatMayBeAlive(t *testing.T) {
	for name, tc := range map[string]struct {
		say  func(*world, join.Caller)
		says string
	}{
		"routed":      {func(w *world, n join.Caller) { w.sessions(n, joinapi.Established, joinapi.Established) }, "its session to leaf201 is Established, seen 0s ago"},
		"one session": {func(w *world, n join.Caller) { w.sessions(n, "Active", joinapi.Established) }, "its session to leaf202 is Established"},
		"no session":  {func(w *world, n join.Caller) { w.sessions(n, "Active", "Connect") }, "its host told 0s ago that its session to leaf202 is Connect"},
		"cannot be seen": {func(w *world, n join.Caller) {
			w.sessions(n, joinapi.Established, joinapi.Established)
			w.clock = w.clock.Add(time.Hour)
		}, "its session to leaf201 is unknown: "},
		"just heard of": {func(w *world, n join.Caller) { w.report(n, "network", joinapi.OutcomeDone, "") }, "its host was heard of 0s ago"},
		"gone":          {func(w *world, n join.Caller) { w.sessions(n, "", "") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, testPlan(t))
			callers := w.all()
			w.makeCluster(callers[0])
			w.join(callers[1])
			w.clock = w.clock.Add(time.Hour)
			tc.say(w, callers[1])
			_, err := w.release(callers[1].Node, false)
			if tc.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantCode(t, err, joinapi.CodeConflict, tc.says)
			wantCode(t, err, joinapi.CodeConflict, "--force")
			if w.record(callers[1].Node).ASN != 63552 {
				t.Error("a refused release changed something")
			}
			if _, err := w.release(callers[1].Node, true); err != nil {
				t.Errorf("with force: %v", err)
			}
		})
	}
}

// advice is what diff says of one kind of change of nodes.
func advice(t *testing.T, old, updated *world, what string) string {
	t.Helper()
	for _, c := range change.Between(old.Plan, updated.Plan) {
		if c.Scope == change.Nodes && c.What == what {
			return c.Consequence
		}
	}
	t.Fatalf("diff says nothing of %q", what)
	return ""
}

// What `plan diff` advises works when it is followed, and does not without:
// renamed, removed, of another address, another number, another role.
func TestDiffsAdviceWorks(t *testing.T) {
	const s2 = 2
	for what, tc := range map[string]struct {
		edit func(*world)
		is   string // the old plan's name is released, this is enrolled then
	}{
		change.Renamed: {func(w *world) { w.Plan.Spec.Nodes[s2].Name = "k8c1w2" }, "k8c1w2"},
		"address":      {func(w *world) { w.Plan.Spec.Nodes[s2].Address = netip.MustParsePrefix("192.168.9.199/28") }, "k8c1s2"},
		"asn":          {func(w *world) { w.Plan.Spec.Nodes[s2].ASN = 63560; w.Plan.Spec.ASN.Last = 63560 }, "k8c1s2"},
		"domain":       {func(w *world) { w.Plan.Spec.Domain = "example.net" }, "k8c1s2"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, testPlan(t))
			callers := w.all()
			w.makeCluster(callers[0])
			old := w.record(callers[s2].Node)
			w.clock = w.clock.Add(time.Hour)
			updated := w.with(tc.edit)
			if said := advice(t, w, updated, what); !strings.Contains(said, "joinsvc nodes release") {
				t.Errorf("diff does not advise it: %q", said)
			}
			planned := updated.Plan.Spec.Nodes[s2]
			enrol := func() (join.Caller, error) {
				return updated.enrol(updated.token(joinapi.TokenRequest{Uses: 1, Node: planned.Name}), newKey(t), identityOf(planned))
			}
			if _, err := enrol(); err == nil {
				t.Error("without following it, it works too")
			}
			freed, err := updated.release(old.Name, false)
			if err != nil || freed.Node != old.Name {
				t.Fatalf("released %+v, %v", freed, err)
			}
			who, err := enrol()
			if err != nil {
				t.Fatalf("as advised: %v", err)
			}
			n := updated.record(who.Node)
			if h, err := updated.Plan.HostPlan(planned.Name); err != nil || n.Address.Addr() != h.Address.Addr() || n.ASN != h.ASN || n.Name != h.Name {
				t.Errorf("it is %+v, %v, want %+v", n, err, h)
			}
		})
	}
}

// A removed node's address and number are free for another one after it is
// released.
func TestAddressOfARemovedNode(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	w.clock = w.clock.Add(time.Hour)
	updated := w.with(func(w *world) {
		w.Plan.Spec.Nodes[2].Name, w.Plan.Spec.Nodes[2].MACs = "new", nil
	})
	id := joinapi.Identity{Hostname: "new", MACs: identityOf(w.Plan.Spec.Nodes[0]).MACs[:0]}
	token := updated.token(joinapi.TokenRequest{Uses: 2, Node: "new"})
	_, err := updated.enrol(token, newKey(t), id)
	wantCode(t, err, joinapi.CodeConflict, "holds it; that node is not in the plan any more: if its host is gone, free it with `joinsvc nodes release k8c1s2.labs.haystacknetworks.com`")
	free, err := updated.release("k8c1s2.labs.haystacknetworks.com", false) // as the refusal has it
	if err != nil || len(free.Addresses) != 1 {
		t.Fatal(free, err)
	}
	if _, err := updated.enrol(token, newKey(t), id); err != nil {
		t.Error(err)
	}
}
