// SPDX-License-Identifier: Apache-2.0

package change_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/change"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

func example(t testing.TB) plan.Plan {
	t.Helper()
	return plantest.Load(t, "../../../docs/examples/k8c1.yaml")
}

// lines are changes without their consequences, which are prose.
func lines(changes []change.Change) []string {
	var out []string
	for _, c := range changes {
		members := make([]string, len(c.Members))
		for i, m := range c.Members {
			members[i] = fmt.Sprintf("%s %s>%s", m.Name, m.From, m.To)
		}
		out = append(out, fmt.Sprintf("%s %s [%s]: %s", c.Scope, c.What, c.Severity, strings.Join(members, "; ")))
	}
	return out
}

func TestBetween(t *testing.T) {
	tests := []struct {
		name string
		edit func(*plan.Spec)
		want []string
	}{
		{"nothing", func(*plan.Spec) {}, nil},
		{"an MTU", func(s *plan.Spec) { s.Bond.MTU = 1500 }, []string{
			"nodes bond.mtu [host network rebuilt]: k8c1m0 9000>1500; k8c1s1 9000>1500; k8c1s2 9000>1500",
		}},
		{"an AS number", func(s *plan.Spec) { s.Nodes[1].ASN = 63560 }, []string{
			"nodes asn [sessions reset]: k8c1s1 63552>63560",
			"leaves neighbours [sessions reset]: leaf201 3>3 (0 added, 0 removed, 1 changed); leaf202 3>3 (0 added, 0 removed, 1 changed)",
		}},
		{"addresses are grouped although each is another", func(s *plan.Spec) {
			s.Nodes[1].Address, s.Nodes[2].Address = s.Nodes[2].Address, s.Nodes[1].Address
		}, []string{
			"nodes address [needs reinstall]: k8c1s1 192.168.9.194>192.168.9.195; k8c1s2 192.168.9.195>192.168.9.194",
			"leaves neighbours [sessions reset]: leaf201 3>3 (0 added, 0 removed, 2 changed); leaf202 3>3 (0 added, 0 removed, 2 changed)",
		}},
		{"a larger subnet, in which all keep their addresses", func(s *plan.Spec) {
			s.NodeNetwork.Subnet = netip.MustParsePrefix("192.168.9.192/27")
			for i, n := range s.Nodes {
				s.Nodes[i].Address = netip.PrefixFrom(n.Address.Addr(), 27)
			}
		}, []string{
			"nodes nodeNetwork.subnet [host network rebuilt]: " + everyNode("192.168.9.192/28", "192.168.9.192/27"),
			"leaves nodeNetwork.subnet [sessions reset]: leaf201 192.168.9.192/28>192.168.9.192/27; leaf202 192.168.9.192/28>192.168.9.192/27",
		}},
		{"the leaves' number", func(s *plan.Spec) { s.Fabric.ASN = 64512 }, []string{
			"nodes fabric.asn [sessions reset]: k8c1m0 63500>64512; k8c1s1 63500>64512; k8c1s2 63500>64512",
			"leaves fabric.asn [sessions reset]: leaf201 63500>64512; leaf202 63500>64512",
		}},
		{"the fabric's own number", func(s *plan.Spec) { s.Fabric.InternalASN = 65001 }, []string{
			"leaves fabric.internalASN [sessions reset]: leaf201 65000>65001; leaf202 65000>65001",
		}},
		{"a leaf's address", func(s *plan.Spec) { s.Fabric.Leaves[1].Address = netip.MustParseAddr("192.168.9.203") }, []string{
			"nodes leaves [sessions reset]: " + everyNode("leaf201 192.168.9.204, leaf202 192.168.9.205", "leaf201 192.168.9.204, leaf202 192.168.9.203"),
			"leaves address [sessions reset]: leaf202 192.168.9.205>192.168.9.203",
		}},
		{"a leaf more and one less", func(s *plan.Spec) { s.Fabric.Leaves[1].Name = "leaf203" }, []string{
			"nodes leaves [sessions reset]: " + everyNode("leaf201 192.168.9.204, leaf202 192.168.9.205", "leaf201 192.168.9.204, leaf203 192.168.9.205"),
			"leaves added [none]: leaf203 >192.168.9.205",
			"leaves removed [sessions reset]: leaf202 192.168.9.205>",
		}},
		{"a node more", func(s *plan.Spec) {
			s.Nodes = append(s.Nodes, plan.Node{Name: "k8c1s3", Role: plan.Worker, Address: netip.MustParsePrefix("192.168.9.196/28")})
		}, []string{
			"nodes added [none]: k8c1s3 >192.168.9.196/28",
			"leaves neighbours [none]: leaf201 3>4 (1 added, 0 removed, 0 changed); leaf202 3>4 (1 added, 0 removed, 0 changed)",
		}},
		{"a node less moves the numbers of those behind it", func(s *plan.Spec) { s.Nodes = append(s.Nodes[:1:1], s.Nodes[2]) }, []string{
			"nodes asn [sessions reset]: k8c1s2 63553>63552",
			"nodes removed [sessions reset]: k8c1s1 192.168.9.194/28>",
			"leaves neighbours [sessions reset]: leaf201 3>2 (0 added, 1 removed, 1 changed); leaf202 3>2 (0 added, 1 removed, 1 changed)",
			"leaves ports [none]: leaf201 3>2 (0 added, 1 removed, 0 changed); leaf202 3>2 (0 added, 1 removed, 0 changed)",
		}},
		{"a renamed node", func(s *plan.Spec) { s.Nodes[2].Name = "k8c1w2" }, []string{
			"nodes renamed [needs reinstall]: k8c1s2 k8c1s2>k8c1w2 (its MAC 00:00:5e:00:53:21)",
			"leaves neighbours [sessions reset]: leaf201 3>3 (1 added, 1 removed, 0 changed); leaf202 3>3 (1 added, 1 removed, 0 changed)",
			"leaves ports [none]: leaf201 3>3 (1 added, 1 removed, 0 changed); leaf202 3>3 (1 added, 1 removed, 0 changed)",
		}},
		{"a node renamed by its address", func(s *plan.Spec) { s.Nodes[2].Name, s.Nodes[2].MACs = "k8c1w2", nil }, []string{
			"nodes renamed [needs reinstall]: k8c1s2 k8c1s2>k8c1w2 (its address 192.168.9.195)",
			"leaves neighbours [sessions reset]: leaf201 3>3 (1 added, 1 removed, 0 changed); leaf202 3>3 (1 added, 1 removed, 0 changed)",
			"leaves ports [none]: leaf201 3>3 (1 added, 1 removed, 0 changed); leaf202 3>3 (1 added, 1 removed, 0 changed)",
		}},
		{"a domain", func(s *plan.Spec) { s.Domain = "example.net" }, []string{
			"nodes domain [needs reinstall]: " + everyNode("labs.haystacknetworks.com", "example.net"),
		}},
		{"what Calico refuses", func(s *plan.Spec) { s.Pods.BlockSize, s.Services.Subnet = 24, netip.MustParsePrefix("172.30.0.0/16") }, []string{
			"cluster services.subnet [impossible]:  172.28.0.0/16>172.30.0.0/16",
			"cluster pods.blockSize [impossible]:  26>24",
		}},
		{"numbers that are the operator's", func(s *plan.Spec) { s.ASN.Owned = true }, []string{
			"cluster asn.owned [none]:  false>true",
		}},
		{"two nodes of one's cards and address", func(s *plan.Spec) {
			was := s.Nodes[2]
			first, second := was, was
			first.Name, second.Name = "k8c1w2", "k8c1w3"
			first.MACs, first.Ports, second.MACs, second.Ports = nil, nil, was.MACs, nil
			second.Address = netip.MustParsePrefix("192.168.9.196/28")
			s.Nodes = append(s.Nodes[:2:2], first, second)
		}, []string{
			"nodes renamed [needs reinstall]: k8c1s2 k8c1s2>k8c1w2 (its address 192.168.9.195)",
			"nodes added [none]: k8c1w3 >192.168.9.196/28",
			"leaves neighbours [sessions reset]: leaf201 3>4 (2 added, 1 removed, 0 changed); leaf202 3>4 (2 added, 1 removed, 0 changed)",
			"leaves ports [none]: leaf201 3>2 (0 added, 1 removed, 0 changed); leaf202 3>2 (0 added, 1 removed, 0 changed)",
		}},
		{"a floating SVI", func(s *plan.Spec) {
			s.Fabric.ACI.FloatingSVI = plan.FloatingSVI{Address: netip.MustParseAddr("192.168.9.203"), Domain: "PHD"}
		}, []string{
			"leaves fabric.aci.floatingSVI [sessions reset]: leaf201 >192.168.9.203 in PHD; leaf202 >192.168.9.203 in PHD",
		}},
		{"no way out of the fabric, and BFD", func(s *plan.Spec) {
			s.Fabric.ACI.Outside, s.Fabric.BFD = plan.Outside{}, plan.BFD{Interval: 300 * time.Millisecond, Multiplier: 3}
		}, []string{
			"leaves fabric.bfd [sessions reset]: leaf201 >300ms x 3; leaf202 >300ms x 3",
			"leaves fabric.aci.outside [none]: leaf201 L3O_EXTERNAL at leaf201:1/48, VLAN 108, 10.108.0.1/30, area 108, L3D_EXTERNAL>; leaf202 L3O_EXTERNAL at leaf201:1/48, VLAN 108, 10.108.0.1/30, area 108, L3D_EXTERNAL>",
		}},
		{"a release", func(s *plan.Spec) { s.Kubernetes.Version = "1.38.0" }, []string{
			"cluster kubernetes.version [none]:  1.37.2>1.38.0",
		}},
		{"timers", func(s *plan.Spec) {
			s.Fabric.Timers.Hold = 90 * time.Second
		}, []string{
			"leaves fabric.timers [sessions reset]: leaf201 1m0s/3m0s>1m0s/1m30s; leaf202 1m0s/3m0s>1m0s/1m30s",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old, updated := example(t), example(t)
			tt.edit(&updated.Spec)
			if diff := cmp.Diff(tt.want, lines(change.Between(old, updated))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func everyNode(from, to string) string {
	return fmt.Sprintf("k8c1m0 %[1]s>%[2]s; k8c1s1 %[1]s>%[2]s; k8c1s2 %[1]s>%[2]s", from, to)
}

// The store knows its cluster's name, and joinsvc does not start with another
// (cmd/joinsvc, TestWhatDoesNotBelongTogetherDoesNotStart).
func TestAnotherName(t *testing.T) {
	old, updated := example(t), example(t)
	updated.Metadata.Name = "k8c2"
	changes := change.Between(old, updated)
	want := []string{"cluster metadata.name [impossible]:  k8c1>k8c2"}
	if diff := cmp.Diff(want, lines(changes)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if says := changes[0].Consequence; !strings.Contains(says, "joinsvc does not start with another") {
		t.Errorf("it says %q", says)
	}
}

// In the cluster model the leaves take whoever calls from the subnet.
func TestClusterModel(t *testing.T) {
	old, updated := example(t), example(t)
	for _, s := range []*plan.Spec{&old.Spec, &updated.Spec} {
		s.ASN.Model, s.ASN.Last, s.Fabric.ACI = plan.PerCluster, s.ASN.First, nil
	}
	updated.Spec.Nodes = updated.Spec.Nodes[:2]
	want := []string{"nodes removed [sessions reset]: k8c1s2 192.168.9.195/28>"}
	if diff := cmp.Diff(want, lines(change.Between(old, updated))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What becomes of the numbers of nodes that have enrolled, by the models of the
// two plans: what joinsvc does is in join's TestModelChanges.
func TestNumbersByModel(t *testing.T) {
	of := func(model plan.Model, first, last uint32) plan.Plan {
		p := example(t)
		p.Spec.ASN.Model, p.Spec.ASN.First, p.Spec.ASN.Last, p.Spec.Fabric.ACI = model, first, last, nil
		return p
	}
	const at = "as soon as joinsvc is started with the new plan"
	for _, tt := range []struct {
		name         string
		old, updated plan.Plan
		want         []string // of asn.model if it changes, of asn in the cluster, of asn of nodes
	}{
		{"another for all", of(plan.PerCluster, 64512, 64512), of(plan.PerCluster, 64513, 64513), []string{
			"cluster asn [sessions reset] all nodes have it " + at,
			"nodes asn [sessions reset] nothing is to be done on the node: it has the number " + at,
		}},
		{"one for all", of(plan.PerNode, 63551, 63562), of(plan.PerCluster, 64512, 64512), []string{
			"cluster asn.model [sessions reset] all nodes have the one number " + at,
			"cluster asn [sessions reset] all nodes have it " + at,
			"nodes asn [sessions reset] nothing is to be done on the node: it has the number " + at,
		}},
		{"one each", of(plan.PerCluster, 64512, 64512), of(plan.PerNode, 63551, 63562), []string{
			"cluster asn.model [sessions reset] a node leases a number of its own when it enrols: one that enrolled keeps the number that all had",
			"cluster asn [none] nodes lease from the new range when they enrol",
			"nodes asn [sessions reset] a node that enrolled keeps the number that all had",
		}},
		{"others", of(plan.PerNode, 63551, 63562), of(plan.PerNode, 64551, 64562), []string{
			"cluster asn [none] nodes lease from the new range when they enrol",
			"nodes asn [sessions reset] a node that enrolled keeps the number that it leased",
		}},
	} {
		var got []string
		for _, c := range change.Between(tt.old, tt.updated) {
			if strings.HasPrefix(c.What, "asn") && c.Scope != change.Leaves {
				got = append(got, fmt.Sprintf("%s %s [%s] %s", c.Scope, c.What, c.Severity, c.Consequence))
			}
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			continue
		}
		for i, want := range tt.want {
			if !strings.HasPrefix(got[i], want) {
				t.Errorf("%s: %q, want %q", tt.name, got[i], want)
			}
		}
	}
}

func TestMovesBetweenRacks(t *testing.T) {
	old, updated := racks(t, 2, 2), racks(t, 2, 2)
	updated.Spec.Nodes[0].Rack = "r1"
	want := []string{
		"nodes rack [host network rebuilt]: r0-0 r0>r1",
		"nodes nodeNetwork.subnet [host network rebuilt]: r0-0 10.0.0.0/24>10.0.1.0/24",
		"nodes nodeNetwork.gateway [none]: r0-0 10.0.0.254>10.0.1.254",
		"nodes leaves [sessions reset]: r0-0 leaf201 10.0.0.252, leaf202 10.0.0.253>leaf201 10.0.1.252, leaf202 10.0.1.253",
		"leaves neighbours [sessions reset]: r0/leaf201 2>1 (0 added, 1 removed, 0 changed); r0/leaf202 2>1 (0 added, 1 removed, 0 changed)",
		"leaves ports [none]: r0/leaf201 2>1 (0 added, 1 removed, 0 changed); r0/leaf202 2>1 (0 added, 1 removed, 0 changed)",
		"leaves neighbours [none]: r1/leaf201 2>3 (1 added, 0 removed, 0 changed); r1/leaf202 2>3 (1 added, 0 removed, 0 changed)",
		"leaves ports [none]: r1/leaf201 2>3 (1 added, 0 removed, 0 changed); r1/leaf202 2>3 (1 added, 0 removed, 0 changed)",
	}
	if diff := cmp.Diff(want, lines(change.Between(old, updated))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARackWithoutARange(t *testing.T) {
	old, updated := racks(t, 2, 0), racks(t, 2, 0)
	updated.Spec.Racks[0].ASNs = plan.ASNRange{}
	want := []string{"cluster racks[].asns [none]:  r0 64600-64700, r1 64600-64700>r1 64600-64700"}
	if diff := cmp.Diff(want, lines(change.Between(old, updated))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Two that are told together have values in common, or are told each by itself.
func TestValues(t *testing.T) {
	a, b := change.Member{Name: "a", From: "1", To: "2"}, change.Member{Name: "b", From: "1", To: "2"}
	for _, tc := range []struct {
		members []change.Member
		same    bool
	}{
		{[]change.Member{a}, true},
		{[]change.Member{a, b}, true},
		{[]change.Member{a, b, {Name: "c", From: "0", To: "2"}}, false},
		{[]change.Member{a, b, {Name: "c", From: "1", To: "3"}}, false},
		{[]change.Member{a, {Name: "c", From: "1", To: "3"}, {Name: "d", From: "1", To: "3"}}, false},
	} {
		from, to, same := change.Change{Members: tc.members}.Values()
		if same != tc.same || same && (from != "1" || to != "2") || !same && from+to != "" {
			t.Errorf("%v: from %q to %q, %v", tc.members, from, to, same)
		}
	}
	if change.Reset.Worse(change.Reset) || !change.Reset.Worse(change.None) || change.None.Worse(change.Reset) {
		t.Error("a severity is worse than itself, or than a worse one")
	}
}

// racks is the example with n racks of m nodes each.
func racks(t testing.TB, n, m int) plan.Plan {
	p := example(t)
	metric := uint32(50)
	p.Spec.Nodes = nil
	for r := range n {
		name := fmt.Sprintf("r%d", r)
		address := func(last int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(r), byte(last)}) }
		p.Spec.Racks = append(p.Spec.Racks, plan.Rack{
			Name: name, LeafASN: 63500, ASNs: plan.ASNRange{First: 64600, Last: 64700},
			NodeNetwork: plan.NodeNetwork{Subnet: netip.PrefixFrom(address(0), 24), VLAN: 1500, Gateway: address(254), GatewayMetric: &metric, DNS: []netip.Addr{address(1)}},
			Leaves:      []plan.Leaf{{Name: "leaf201", Address: address(252), RouterID: address(252), Node: 201}, {Name: "leaf202", Address: address(253), RouterID: address(253), Node: 202}},
		})
		p.Spec.Racks[r].NodeNetwork.DNS = nil
		for i := range m {
			p.Spec.Nodes = append(p.Spec.Nodes, plan.Node{
				Name: fmt.Sprintf("%s-%d", name, i), Rack: name, Role: plan.Worker, ASN: uint32(100000 + r*m + i),
				Address: netip.PrefixFrom(address(i+1), 24), Ports: []plan.Port{{Leaf: "leaf201", ID: fmt.Sprintf("1/%d", i+1)}},
			})
		}
	}
	return p
}

// Five thousand nodes with one change are one line.
func TestManyNodes(t *testing.T) {
	old, updated := racks(t, 100, 50), racks(t, 100, 50)
	updated.Spec.Bond.MTU = 1500
	got := change.Between(old, updated)
	if len(got) != 1 || len(got[0].Members) != 5000 {
		t.Fatalf("%d changes, want one of 5,000 nodes", len(got))
	}
	if from, to, same := got[0].Values(); from != "9000" || to != "1500" || !same {
		t.Errorf("from %s to %s, %v", from, to, same)
	}
	updated.Spec.Nodes[0].Address = netip.MustParsePrefix("10.0.0.200/24")
	updated.Spec.Nodes[1].Address = netip.MustParsePrefix("10.0.0.201/24")
	for _, c := range change.Between(old, updated) {
		if _, _, same := c.Values(); c.What == "address" && same {
			t.Errorf("%v have one address", c.Members)
		}
	}
}

func TestWorst(t *testing.T) {
	if got := change.Worst(nil); got != change.None {
		t.Errorf("of no changes the worst is %q", got)
	}
	if got := change.Worst([]change.Change{{Severity: change.Reset}, {Severity: change.Impossible}, {Severity: change.Rebuild}}); got != change.Impossible {
		t.Errorf("the worst is %q", got)
	}
}

// BenchmarkBetween is 5,000 hosts in 100 racks, all of which change.
func BenchmarkBetween(b *testing.B) {
	old, updated := racks(b, 100, 50), racks(b, 100, 50)
	updated.Spec.Bond.MTU = 1500
	for i := range updated.Spec.Nodes {
		updated.Spec.Nodes[i].ASN++
	}
	b.ReportAllocs()
	for b.Loop() {
		change.Between(old, updated)
	}
}
