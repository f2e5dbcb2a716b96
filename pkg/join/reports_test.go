// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// under are the values in the store whose keys begin with prefix.
func (w *world) under(prefix string) map[string][]byte {
	w.t.Helper()
	var values map[string][]byte
	err := w.Store.Update(w.t.Context(), func(tx join.Tx) (err error) {
		values, err = tx.List(prefix)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return values
}

// patiently reports what the rate lets through, as time passes.
func (w *world) patiently(who join.Caller, r joinapi.Report) {
	w.t.Helper()
	w.clock = w.clock.Add(time.Second)
	if err := w.Report(w.t.Context(), who, r); err != nil {
		w.t.Fatal(err)
	}
}

// Whatever a host notes, it neither grows without bound nor keeps the host's
// milestones out: old notes go.
func TestNotesNeverLockAHostOut(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	s1 := callers[1]
	long := strings.Repeat("x", 3000)
	for i := range 300 {
		w.patiently(s1, joinapi.Report{Phase: fmt.Sprintf("phase-%d", i%200), Outcome: joinapi.OutcomeNoted, Message: fmt.Sprint(i, long)})
	}
	w.patiently(s1, joinapi.Report{Phase: "prepared", Outcome: joinapi.OutcomeDone})
	if _, err := w.Order(t.Context(), s1); err != nil {
		t.Fatal(err)
	}
	w.patiently(s1, joinapi.Report{Phase: "kubeadm", Outcome: joinapi.OutcomeDone})
	w.wantPhase(s1, joinapi.PhaseJoined)
	for i := range 300 {
		w.patiently(s1, joinapi.Report{Phase: fmt.Sprintf("phase-%d", i), Outcome: joinapi.OutcomeDone, Message: long})
	}
	w.patiently(s1, joinapi.Report{Phase: "network", Outcome: joinapi.OutcomeNoted, Message: "the last"})

	bytes := 0
	filed := w.under("reports/" + s1.Node + "/")
	for _, value := range filed {
		bytes += len(value)
	}
	if len(filed) > 64 || bytes > 16<<10 {
		t.Errorf("%d reports of %d bytes on record, want at most 64 and 16384", len(filed), bytes)
	}
	said := map[string]bool{}
	for _, r := range w.reports(s1.Node) {
		said[r.Phase+" "+string(r.Outcome)+" "+r.Message] = true
	}
	for _, want := range []string{"prepared done ", "kubeadm done ", "network noted the last"} {
		if !said[want] {
			t.Errorf("no %q among what is left", want)
		}
	}
}

// Reports and sessions do not grow the record of a node, nor rewrite it.
func TestTheRecordOfANodeIsSmall(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	record := func() string { return string(w.under("nodes/" + callers[0].Node)["nodes/"+callers[0].Node]) }
	before := record()
	for i := range 50 {
		w.patiently(callers[0], joinapi.Report{Phase: "network", Outcome: joinapi.OutcomeNoted, Message: fmt.Sprint(i, strings.Repeat("x", 1000))})
	}
	w.sessions(callers[0], joinapi.Established, "Active")
	w.patiently(callers[0], joinapi.Report{Phase: "network", Outcome: joinapi.OutcomeFailed, Message: "bond0: " + strings.Repeat("ü", 2000)})
	if phase, reason := w.phase(callers[0]); phase != joinapi.PhaseFailed || !strings.HasPrefix(reason, "network: bond0: ü") || !utf8.ValidString(reason) {
		t.Errorf("it is %s: %s", phase, reason)
	}
	after := record()
	var was, is map[string]any
	if err := errors.Join(json.Unmarshal([]byte(before), &was), json.Unmarshal([]byte(after), &is)); err != nil {
		t.Fatal(err)
	}
	for _, which := range []string{"reason", "failure"} { // what keeps it from being routed
		was[which], is[which] = nil, nil
	}
	if diff := cmp.Diff(was, is); diff != "" || len(after) > 1536 {
		t.Errorf("the record has %d bytes:\n%s\n%s", len(after), after, diff)
	}
}

// A host that reports faster than anybody needs is told to wait, and nothing
// that it says is kept; a milestone is, and a neighbour is not held up.
func TestReportsHaveARate(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	s1, s2 := callers[1], callers[2]
	note := joinapi.Report{Phase: "network", Outcome: joinapi.OutcomeNoted, Message: "again"}
	var err error
	taken := 0
	for ; err == nil && taken < 1000; taken++ {
		err = w.Report(t.Context(), s1, note)
	}
	wantCode(t, err, joinapi.CodeTooMany, "faster than")
	var refusal *joinapi.Error
	if !errors.As(err, &refusal) || refusal.RetryAfter <= 0 || taken < 50 {
		t.Errorf("after %d reports: %v, want a time to wait, and a run's reports at once", taken, err)
	}
	before := w.under("")
	w.report(s1, "prepared", joinapi.OutcomeDone, "")
	w.wantPhase(s1, joinapi.PhasePrepared)
	milestone := w.under("")
	if cmp.Equal(before, milestone) {
		t.Error("the milestone is not on record")
	}
	for range 20 { // said again, it is no way around the rate
		w.report(s1, "prepared", joinapi.OutcomeDone, strings.Repeat("x", 4000))
	}
	if diff := cmp.Diff(milestone, w.under("")); diff != "" {
		t.Errorf("a milestone that was known is written again:\n%s", diff)
	}
	w.report(s2, "network", joinapi.OutcomeDone, "")
	w.clock = w.clock.Add(2 * time.Second)
	w.report(s1, "network", joinapi.OutcomeDone, "")
}

// A host that holds another's place no more does not use up its successor's
// rate.
func TestTheRateIsTheKeysOwn(t *testing.T) {
	w := newWorld(t, testPlan(t))
	s1 := w.all()[1]
	old := s1
	again := w.token(joinapi.TokenRequest{Uses: 1, Node: "k8c1s1", Reinstalled: true})
	s1, err := w.enrol(again, newKey(t), identityOf(w.Plan.Spec.Nodes[1]))
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		_ = w.Report(t.Context(), old, joinapi.Report{Phase: "network", Outcome: joinapi.OutcomeNoted})
	}
	w.report(s1, "network", joinapi.OutcomeDone, "")
}

// A copy of a node's disk has its key, and is refused; it uses up nothing of what
// the node may report.
func TestACloneUsesUpNoReports(t *testing.T) {
	w := newWorld(t, testPlan(t))
	s1 := w.all()[1]
	clone := s1
	clone.Identity = joinapi.Identity{MACs: []joinapi.MAC{"00:00:5e:00:53:ff"}}
	for range 300 {
		err := w.Report(t.Context(), clone, joinapi.Report{Phase: "network", Outcome: joinapi.OutcomeNoted})
		wantCode(t, err, joinapi.CodeForbidden, "other hardware")
	}
	w.report(s1, "network", joinapi.OutcomeDone, "")
}

// Two reports of one node at once are two reports.
func TestReportsAtOnce(t *testing.T) {
	w := newWorld(t, testPlan(t))
	s1 := w.all()[1]
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := w.Report(t.Context(), s1, joinapi.Report{Phase: "network", Outcome: joinapi.OutcomeNoted, Message: fmt.Sprint(i)})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := len(w.reports(s1.Node)); got != 20 {
		t.Errorf("%d reports on record, want 20", got)
	}
}
