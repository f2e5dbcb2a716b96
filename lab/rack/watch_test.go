// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func TestSuspects(t *testing.T) {
	status := joinapi.Status{Nodes: []joinapi.NodeStatus{
		{Name: "installing.example", Phase: ""},
		{Name: "silent.example", Phase: ""},
		{Name: "prepared.example", Phase: joinapi.PhasePrepared},
		{Name: "failed.example", Phase: joinapi.PhaseFailed},
		{Name: "routed.example", Phase: joinapi.PhaseRouted},
	}}
	var names []string
	for _, n := range suspects(status, func(machine string) bool { return machine != "installing" }) {
		names = append(names, n.Name)
	}
	if diff := cmp.Diff([]string{"silent.example", "failed.example"}, names); diff != "" {
		t.Errorf("suspects (-want +got):\n%s", diff)
	}
}
