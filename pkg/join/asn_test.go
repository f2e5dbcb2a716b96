// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// racked is the example with k8c1s2, and a twin of it, in a second rack whose
// nodes have numbers of their own.
func racked(t *testing.T) plan.Plan {
	t.Helper()
	p := testPlan(t)
	first := p.Spec.AllRacks()[0]
	first.Name = "a"
	p.Spec.Racks = []plan.Rack{first, {
		Name:        "b",
		NodeNetwork: plan.NodeNetwork{Subnet: netip.MustParsePrefix("192.168.10.192/28"), VLAN: 1600},
		LeafASN:     63501,
		Leaves:      []plan.Leaf{{Name: "leaf301", Address: netip.MustParseAddr("192.168.10.204")}},
		ASNs:        plan.ASNRange{First: 63561, Last: 63562},
	}}
	p.Spec.NodeNetwork, p.Spec.Fabric.Leaves = plan.NodeNetwork{}, nil
	twin := p.Spec.Nodes[2]
	twin.Name, twin.MACs = "k8c1s3", []plan.MAC{"00:00:5e:00:53:31"}
	p.Spec.Nodes = append(p.Spec.Nodes, twin)
	for i, rack := range []string{"a", "a", "b", "b"} {
		p.Spec.Nodes[i].Rack = rack
	}
	p.Spec.Nodes[2].Address = netip.MustParsePrefix("192.168.10.195/28")
	p.Spec.Nodes[3].Address = netip.MustParsePrefix("192.168.10.196/28")
	return p
}

// numbers are the AS numbers that status shows, in the plan's order.
func (w *world) numbers() string {
	w.t.Helper()
	status, err := w.Status(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, n := range status.Nodes {
		all = append(all, fmt.Sprint(n.ASN))
	}
	return strings.Join(all, " ")
}

func (w *world) wantNumbers(want string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.numbers()); diff != "" {
		w.t.Errorf("AS numbers (-want +got):\n%s", diff)
	}
}

func TestOneNumberForAll(t *testing.T) {
	p := testPlan(t)
	p.Spec.ASN = plan.ASN{Model: plan.PerCluster, First: 64512, Last: 64512}
	w := newWorld(t, p)
	w.wantNumbers("64512 64512 64512") // planned
	callers := w.all()
	w.wantNumbers("64512 64512 64512") // given
	view, err := w.View(t.Context(), callers[1])
	if err != nil || view.Plan.ASN != 64512 {
		t.Errorf("k8c1s1 is told AS %d, %v", view.Plan.ASN, err)
	}
	s1 := p.Spec.Nodes[1]
	again := w.token(joinapi.TokenRequest{Uses: 1, Node: s1.Name, Reinstalled: true})
	if _, err := w.enrol(again, newKey(t), identityOf(s1)); err != nil {
		t.Fatal(err)
	}
	w.wantNumbers("64512 64512 64512")
}

// A plan that takes the other model: to the cluster's, all nodes change with
// it; back, a node has a number of its own from its next installation on.
func TestModelChanges(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	leased := w.Plan.Spec.ASN
	w.replan(func(s *plan.Spec) { s.ASN = plan.ASN{Model: plan.PerCluster, First: 64512, Last: 64512} })
	w.wantNumbers("64512 64512 64512")
	if got := w.record(callers[0].Node).ASN; got != 64512 {
		t.Errorf("Calico would be told AS %d", got)
	}
	w.replan(func(s *plan.Spec) { s.ASN.First, s.ASN.Last = 64513, 64513 })
	w.wantNumbers("64513 64513 64513")
	w.replan(func(s *plan.Spec) { s.ASN = leased })
	w.wantNumbers("63551 63552 63553")

	p := testPlan(t)
	p.Spec.ASN = plan.ASN{Model: plan.PerCluster, First: 63551, Last: 63551}
	w = newWorld(t, p)
	w.all()
	w.replan(func(s *plan.Spec) { s.ASN = leased })
	s1 := p.Spec.Nodes[1]
	again := w.token(joinapi.TokenRequest{Uses: 1, Node: s1.Name, Reinstalled: true})
	if _, err := w.enrol(again, newKey(t), identityOf(s1)); err != nil {
		t.Fatal(err)
	}
	w.wantNumbers("63551 63552 63551")
}

// A node whose number is held takes another of its rack's, and none of its
// neighbours'.
func TestRackHasNumbersOfItsOwn(t *testing.T) {
	w := newWorld(t, racked(t))
	w.Plan.Spec.Nodes[2].ASN, w.Plan.Spec.Nodes[3].ASN = 63561, 63561
	nodes := w.Plan.Spec.Nodes
	token := w.token(joinapi.TokenRequest{Uses: 9})
	for _, n := range []plan.Node{nodes[3], nodes[2], nodes[0]} {
		if _, err := w.enrol(w.token(joinapi.TokenRequest{Uses: 1, Role: joinapi.Role(n.Role)}), newKey(t), identityOf(n)); err != nil {
			t.Fatal(err)
		}
	}
	w.wantNumbers("63551 63552 63562 63561")
	third := nodes[3]
	third.Name, third.ASN, third.MACs = "k8c1s4", 63555, []plan.MAC{"00:00:5e:00:53:41"} // of another rack's
	third.Address = netip.MustParsePrefix("192.168.10.197/28")
	w.replan(func(s *plan.Spec) { s.Nodes = append(s.Nodes, third) })
	_, err := w.enrol(token, newKey(t), identityOf(third))
	wantCode(t, err, joinapi.CodeConflict, "63561–63562 has no free number left for k8c1s4.labs.haystacknetworks.com; enlarge spec.racks[1].asns")
}

// A node is routed by the leaves of its rack, and by nobody else's.
func TestRoutedByTheLeavesOfItsRack(t *testing.T) {
	w := newWorld(t, racked(t))
	callers := w.all()
	s2 := callers[2]
	w.makeCluster(callers[0])
	w.join(s2)
	say := func(peers ...string) {
		t.Helper()
		var all []joinapi.Session
		for _, ip := range peers {
			all = append(all, joinapi.Session{PeerIP: ip, State: joinapi.Established})
		}
		if err := w.Sessions(t.Context(), s2.Node, all); err != nil {
			t.Fatal(err)
		}
	}
	say("192.168.9.204", "192.168.9.205")
	if phase, reason := w.phase(s2); phase != joinapi.PhaseJoined || reason != "session to leaf301 is not reported yet" {
		t.Errorf("with the other rack's sessions it is %s: %s", phase, reason)
	}
	say("192.168.10.204")
	w.wantPhase(s2, joinapi.PhaseRouted)
	view, err := w.View(t.Context(), s2)
	if err != nil || len(view.Plan.Leaves) != 1 || view.Plan.Leaves[0].ASN != 63501 || view.Plan.Network.VLAN != 1600 {
		t.Errorf("it sees %+v, %v", view.Plan, err)
	}

	w.replan(func(s *plan.Spec) { s.Nodes = s.Nodes[:2] }) // the plan has it no more
	say()
	if phase, reason := w.record(s2.Node).Phase(); phase != joinapi.PhaseJoined || !strings.Contains(reason, "in no rack") {
		t.Errorf("without a rack it is %s: %s", phase, reason)
	}
}
