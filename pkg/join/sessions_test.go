// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"testing"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// A session counts when it is Established and nothing is said against it.
func TestRoutedOnlyWithoutAReason(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	w.makeCluster(m0)
	for _, tt := range []struct {
		state joinapi.SessionState
		why   string
		phase joinapi.NodePhase
		says  string
	}{
		{joinapi.Established, "", joinapi.PhaseRouted, ""},
		{joinapi.Established, "it has no block", joinapi.PhaseJoined, "session to leaf201 is Established, but routes nothing: it has no block"},
		{joinapi.Unknown, "the API server is away", joinapi.PhaseJoined, "session to leaf201 is unknown: the API server is away"},
		{"", "it is not in the cluster", joinapi.PhaseJoined, "session to leaf201 is not reported: it is not in the cluster"},
		{"", "", joinapi.PhaseJoined, "session to leaf201 is not reported yet"},
		{joinapi.Established, "", joinapi.PhaseRouted, ""},
	} {
		var all []joinapi.Session
		for i, leaf := range w.Plan.Spec.Fabric.Leaves {
			s := joinapi.Session{Leaf: leaf.Name, PeerIP: leaf.Address.String(), State: joinapi.Established}
			if i == 0 {
				s.State, s.Reason = tt.state, tt.why
			}
			all = append(all, s)
		}
		if err := w.Sessions(t.Context(), m0.Node, all); err != nil {
			t.Fatal(err)
		}
		if phase, reason := w.phase(m0); phase != tt.phase || reason != tt.says {
			t.Errorf("%q, %q: the node is %s, %q; want %s, %q", tt.state, tt.why, phase, reason, tt.phase, tt.says)
		}
	}
}

// What is about no node alone is in the status as well.
func TestRemarksAreInTheStatus(t *testing.T) {
	w := newWorld(t, testPlan(t))
	w.Remarks = func() []string { return []string{"waiting for Calico"} }
	status, err := w.Status(t.Context())
	if err != nil || len(status.Remarks) != 1 || status.Remarks[0] != "waiting for Calico" {
		t.Errorf("remarks are %q, %v", status.Remarks, err)
	}
}
