// SPDX-License-Identifier: Apache-2.0

package leases_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/leases"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// A subnet may grow: the address is the lease's, its length the plan's.
func TestALeaseInALargerSubnet(t *testing.T) {
	p := plantest.Load(t, "../../../docs/examples/k8c1.yaml")
	p.Spec.Nodes[0].Address = netip.MustParsePrefix("192.168.9.193/27")
	if got, report := held().Put(p); got.Spec.Nodes[0].Address != netip.MustParsePrefix("192.168.9.193/27") || len(report) > 0 {
		t.Errorf("%s, %v", got.Spec.Nodes[0].Address, report)
	}
}

const domain = ".labs.haystacknetworks.com"

// held is what the example's nodes lease when they enrol.
func held() leases.Held {
	return leases.Held{
		"k8c1m0" + domain: {netip.MustParsePrefix("192.168.9.193/28"), 63551},
		"k8c1s1" + domain: {netip.MustParsePrefix("192.168.9.194/28"), 63552},
		"k8c1s2" + domain: {netip.MustParsePrefix("192.168.9.195/28"), 63553},
	}
}

func TestPut(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(*plan.Spec)
		held func(leases.Held)
		asns []uint32
		says []string
	}{
		"as planned": {func(*plan.Spec) {}, func(leases.Held) {}, []uint32{63551, 63552, 63553}, nil},
		"a node less in the middle": {
			func(s *plan.Spec) { s.Nodes = append(s.Nodes[:1:1], s.Nodes[2]) }, func(leases.Held) {},
			[]uint32{63551, 63553},
			[]string{`warning: spec.nodes["k8c1s2"].asn: is 63552 by the plan, and the node holds 63553, which counts until it is released: set it to that`},
		},
		"a number of a node that is not released": {
			func(s *plan.Spec) { s.Nodes[1].Name = "k8c1s9" }, func(leases.Held) {},
			[]uint32{63551, 63552, 63553},
			[]string{
				`warning: spec.nodes["k8c1s9"].address: is 192.168.9.194 by the plan, which k8c1s1` + domain + ` holds: the node is refused when it enrols; give it another, or free that one with ` + "`joinsvc nodes release k8c1s1" + domain + "`",
				`warning: spec.nodes["k8c1s9"].asn: is 63552 by the plan, which k8c1s1` + domain + ` holds: the node gets another when it enrols, and its leaves do not expect that; set one that is free`,
			},
		},
		"an address that a node kept": {
			func(s *plan.Spec) {
				s.Nodes[1].Name, s.Nodes[1].ASN, s.Nodes[2].Address = "k8c1s9", 63560, netip.MustParsePrefix("192.168.9.196/28")
			},
			func(h leases.Held) {
				delete(h, "k8c1s1"+domain)
				h["k8c1s2"+domain] = leases.Lease{Address: netip.MustParsePrefix("192.168.9.194/28"), ASN: 63553}
			},
			[]uint32{63551, 63560, 63553},
			[]string{
				`warning: spec.nodes["k8c1s9"].address: is 192.168.9.194 by the plan, which k8c1s2` + domain + ` holds: the node is refused when it enrols; give it another, or free that one with ` + "`joinsvc nodes release k8c1s2" + domain + "`",
				`warning: spec.nodes["k8c1s2"].address: is 192.168.9.196 by the plan, and the node holds 192.168.9.194, which counts until it is released`,
			},
		},
		"another address": {
			func(s *plan.Spec) { s.Nodes[1].Address = netip.MustParsePrefix("192.168.9.199/28") }, func(leases.Held) {},
			[]uint32{63551, 63552, 63553},
			[]string{`warning: spec.nodes["k8c1s1"].address: is 192.168.9.199 by the plan, and the node holds 192.168.9.194, which counts until it is released`},
		},
		"one number for all": {
			func(s *plan.Spec) { s.ASN.Model, s.ASN.Last = plan.PerCluster, s.ASN.First }, func(leases.Held) {},
			[]uint32{63551, 63551, 63551},
			nil,
		},
		"one number for all, and a node more": {
			func(s *plan.Spec) { s.ASN.Model, s.ASN.Last, s.Nodes[1].Name = plan.PerCluster, s.ASN.First, "k8c1s9" }, func(leases.Held) {},
			[]uint32{63551, 63551, 63551},
			[]string{`warning: spec.nodes["k8c1s9"].address: is 192.168.9.194 by the plan, which k8c1s1` + domain + ` holds: the node is refused when it enrols; give it another, or free that one with ` + "`joinsvc nodes release k8c1s1" + domain + "`"},
		},
		"nobody has enrolled": {func(*plan.Spec) {}, func(h leases.Held) { clear(h) }, []uint32{63551, 63552, 63553}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, h := plantest.Load(t, "../../../docs/examples/k8c1.yaml"), held()
			tc.edit(&p.Spec)
			tc.held(h)
			before := p.Spec.ASNs()
			got, report := h.Put(p)
			if diff := cmp.Diff(tc.asns, got.Spec.ASNs()); diff != "" {
				t.Errorf("numbers (-want +got):\n%s", diff)
			}
			var says []string
			for _, problem := range report {
				says = append(says, problem.String())
			}
			if diff := cmp.Diff(tc.says, says); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
			for _, n := range got.Spec.Nodes {
				if lease, ok := h[n.Name+domain]; ok && n.Address != lease.Address {
					t.Errorf("%s has %s, and holds %s", n.Name, n.Address, lease.Address)
				}
			}
			if diff := cmp.Diff(before, p.Spec.ASNs()); diff != "" {
				t.Errorf("the plan itself has changed (-was +is):\n%s", diff)
			}
		})
	}
}
