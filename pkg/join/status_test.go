// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"testing"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// A node that the plan has no more is still shown while it holds something, and
// so is one whose place another has.
func TestStatusShowsWhatThePlanHasNoMore(t *testing.T) {
	w := newWorld(t, testPlan(t))
	w.all()
	before, err := w.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.Plan.Spec.Nodes = w.Plan.Spec.Nodes[:2]
	status, err := w.Status(t.Context())
	if err != nil || len(status.Nodes) != 3 {
		t.Fatalf("%+v, %v", status.Nodes, err)
	}
	for i, n := range status.Nodes {
		if n.Unplanned != (i == 2) {
			t.Errorf("%s: unplanned %v", n.Name, n.Unplanned)
		}
	}
	left, was := status.Nodes[2], before.Nodes[2]
	if left.Name != was.Name || left.Address != was.Address || left.ASN != was.ASN || left.Role != joinapi.Worker {
		t.Errorf("it is shown as %+v, and was %+v", left, was)
	}
}
