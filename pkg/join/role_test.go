// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Hardware addresses are a host's own words. A token that says nothing of it
// makes no control plane, whatever addresses its holder tells.
func TestRolesOfTokens(t *testing.T) {
	const refused = "token of another role"
	tests := []struct {
		name  string
		token joinapi.TokenRequest
		node  int    // of the plan: 0 is the control plane
		logs  string // empty: admitted
	}{
		{"nothing said, a worker", joinapi.TokenRequest{}, 1, ""},
		{"nothing said, the control plane's addresses", joinapi.TokenRequest{}, 0, refused},
		{"worker, a worker", joinapi.TokenRequest{Role: joinapi.Worker}, 1, ""},
		{"worker, the control plane's addresses", joinapi.TokenRequest{Role: joinapi.Worker}, 0, refused},
		{"control plane, the control plane", joinapi.TokenRequest{Role: joinapi.ControlPlane}, 0, ""},
		{"control plane, a worker", joinapi.TokenRequest{Role: joinapi.ControlPlane}, 1, refused},
		{"its node, the control plane", joinapi.TokenRequest{Node: "k8c1m0"}, 0, ""},
		{"its node and role", joinapi.TokenRequest{Node: "k8c1m0", Role: joinapi.ControlPlane}, 0, ""},
		{"another node's, the control plane's addresses", joinapi.TokenRequest{Node: "k8c1s1"}, 0, "token of another node"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, testPlan(t))
			tt.token.Uses = 1
			who, err := w.enrol(w.token(tt.token), newKey(t), identityOf(w.Plan.Spec.Nodes[tt.node]))
			if tt.logs == "" {
				if err != nil {
					t.Fatal(err)
				}
				w.wantPhase(who, joinapi.PhaseEnrolled)
				return
			}
			wantCode(t, err, joinapi.CodeForbidden, "")
			if !w.logged(tt.logs) || len(w.nodes()) != 0 {
				t.Errorf("logged %s\non record: %v", w.log.String(), w.nodes())
			}
		})
	}
}

// A host that is installed anew is what it was, control plane or not: the
// token names it.
func TestReinstalledControlPlane(t *testing.T) {
	w := newWorld(t, testPlan(t))
	w.all()
	again := w.token(joinapi.TokenRequest{Uses: 1, Node: "k8c1m0", Reinstalled: true})
	who, err := w.enrol(again, newKey(t), identityOf(w.Plan.Spec.Nodes[0]))
	if err != nil {
		t.Fatal(err)
	}
	w.wantPhase(who, joinapi.PhaseEnrolled)
}

// One whose role the plan has changed since is what the plan says: it has a fresh
// disk, and its host is told that role.
func TestReinstalledInAnotherRole(t *testing.T) {
	w := newWorld(t, testPlan(t))
	w.all()
	updated := w.with(func(w *world) {
		w.Plan.Spec.Nodes[0].Role, w.Plan.Spec.Nodes[1].Role = plan.Worker, plan.ControlPlane
	})
	for i, planned := range updated.Plan.Spec.Nodes[:2] {
		who := updated.reinstall(i)
		view, err := updated.View(t.Context(), who)
		if n := updated.record(who.Node); err != nil || n.Role != planned.Role || view.Plan.Role != joinapi.Role(n.Role) {
			t.Errorf("%s is a %s, and its host is told %s, %v; want %s", who.Node, n.Role, view.Plan.Role, err, planned.Role)
		}
	}
	if order, err := updated.Order(t.Context(), updated.reinstall(1)); err != nil || order.Action != joinapi.ActionInit {
		t.Errorf("the control plane is told %q, %v", order.Action, err)
	}
}

func TestRolesOfTokenRequests(t *testing.T) {
	w := newWorld(t, testPlan(t))
	for says, r := range map[string]joinapi.TokenRequest{
		`role: "etcd" is not control-plane or worker`:                                         {Role: "etcd"},
		"role: the plan has k8c1s1.labs.haystacknetworks.com as worker, not as control-plane": {Role: joinapi.ControlPlane, Node: "k8c1s1"},
	} {
		r.Uses, r.TTL = 1, time.Hour
		_, err := w.CreateToken(t.Context(), r)
		wantCode(t, err, joinapi.CodeInvalid, says)
	}
}
