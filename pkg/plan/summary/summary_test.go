// SPDX-License-Identifier: Apache-2.0

package summary_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
	"github.com/nodeprep/nodeprep/pkg/plan/summary"
)

func example(t testing.TB) plan.Plan {
	t.Helper()
	return plantest.Load(t, "../../../docs/examples/k8c1.yaml")
}

func all() cmp.Option { return cmp.Exporter(func(reflect.Type) bool { return true }) }

func TestOf(t *testing.T) {
	p := example(t)
	got := summary.Of(p)
	wantNode := summary.Node{
		Name: "k8c1s2.labs.haystacknetworks.com", Role: plan.Worker,
		Address: netip.MustParsePrefix("192.168.9.195/28"), ASN: 63553,
		Sessions: []summary.Session{
			{Leaf: "leaf201", PeerIP: netip.MustParseAddr("192.168.9.204"), PeerASN: 63500},
			{Leaf: "leaf202", PeerIP: netip.MustParseAddr("192.168.9.205"), PeerASN: 63500},
		},
		Ports: []plan.Port{{Leaf: "leaf201", ID: "1/5"}, {Leaf: "leaf202", ID: "1/5"}},
	}
	if diff := cmp.Diff(wantNode, got.Nodes[2], all()); diff != "" {
		t.Errorf("the third node (-want +got):\n%s", diff)
	}
	// A /28 has 16 addresses: less 2, less the leaves and the gateway, less three hosts.
	wantRack := summary.Rack{
		Subnet: netip.MustParsePrefix("192.168.9.192/28"), VLAN: 1500, Gateway: netip.MustParseAddr("192.168.9.206"),
		LeafASN: 63500, Leaves: p.Spec.Fabric.Leaves, Nodes: 3, AddressesLeft: 8,
	}
	if diff := cmp.Diff([]summary.Rack{wantRack}, got.Racks, all()); diff != "" {
		t.Errorf("racks (-want +got):\n%s", diff)
	}
	want := summary.Capacity{ASNs: 12, ASNsLeft: 9, PodBlocks: 1024, PodBlocksLeft: 1021}
	if diff := cmp.Diff(want, got.Capacity); diff != "" {
		t.Errorf("capacity (-want +got):\n%s", diff)
	}
}

func TestCapacity(t *testing.T) {
	tests := []struct {
		name  string
		edit  func(*plan.Spec)
		rooms []int
		want  summary.Capacity
	}{
		{"a floating address is taken too", func(s *plan.Spec) {
			s.Fabric.ACI.FloatingSVI.Address = netip.MustParseAddr("192.168.9.203")
		}, []int{7}, summary.Capacity{ASNs: 12, ASNsLeft: 9, PodBlocks: 1024, PodBlocksLeft: 1021}},
		{"one number for all", func(s *plan.Spec) {
			s.ASN.Model, s.ASN.Last = plan.PerCluster, s.ASN.First
		}, []int{8}, summary.Capacity{ASNs: 1, PodBlocks: 1024, PodBlocksLeft: 1021}},
		{"blocks of one address", func(s *plan.Spec) {
			s.Pods.BlockSize = 32
		}, []int{8}, summary.Capacity{ASNs: 12, ASNsLeft: 9, PodBlocks: 65536, PodBlocksLeft: 65533}},
		{"two racks", func(s *plan.Spec) {
			s.Racks = []plan.Rack{
				{Name: "a", NodeNetwork: s.NodeNetwork, Leaves: s.Fabric.Leaves, ASNs: plan.ASNRange{First: 63551, Last: 63554}},
				{Name: "b", NodeNetwork: plan.NodeNetwork{Subnet: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.254")}},
			}
			s.Nodes[0].Rack, s.Nodes[1].Rack, s.Nodes[2].Rack = "a", "b", "b"
		}, []int{10, 251}, summary.Capacity{ASNs: 12, ASNsLeft: 9, PodBlocks: 1024, PodBlocksLeft: 1021}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := example(t)
			tt.edit(&p.Spec)
			got := summary.Of(p)
			if diff := cmp.Diff(tt.want, got.Capacity); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var rooms []int
			for _, r := range got.Racks {
				rooms = append(rooms, r.AddressesLeft)
				if r.Name == "a" && (r.ASNsLeft == nil || *r.ASNsLeft != 3) || r.Name != "a" && r.ASNsLeft != nil {
					t.Errorf("numbers left in rack %q are %v, want 3 in a", r.Name, r.ASNsLeft)
				}
			}
			if diff := cmp.Diff(tt.rooms, rooms); diff != "" {
				t.Errorf("hosts that fit (-want +got):\n%s", diff)
			}
		})
	}
}

// A resolved plan says itself what was derived, and means the same.
func TestResolve(t *testing.T) {
	p := example(t)
	resolved := summary.Resolve(p)
	if diff := cmp.Diff(p.Spec.ASNs(), resolved.Spec.ASNs()); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
	if p.Spec.Nodes[0].ASN != 0 || resolved.Spec.Nodes[0].ASN != 63551 {
		t.Errorf("the plan has %d and its resolution %d, want 0 and 63551", p.Spec.Nodes[0].ASN, resolved.Spec.Nodes[0].ASN)
	}
}

// BenchmarkOf is 5,000 hosts in 100 racks.
func BenchmarkOf(b *testing.B) {
	p := example(b)
	network, leaves := p.Spec.NodeNetwork, p.Spec.Fabric.Leaves
	p.Spec.Nodes = nil
	for r := range 100 {
		name := fmt.Sprintf("r%d", r)
		p.Spec.Racks = append(p.Spec.Racks, plan.Rack{Name: name, NodeNetwork: network, Leaves: leaves})
		for n := range 50 {
			p.Spec.Nodes = append(p.Spec.Nodes, plan.Node{Name: fmt.Sprintf("%s-%d", name, n), Rack: name})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		summary.Of(p)
	}
}
