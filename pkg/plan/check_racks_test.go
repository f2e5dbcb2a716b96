// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// twoRacks has a subnet, a VLAN, leaves and AS numbers for each rack, and hosts
// by the dozen.
const twoRacks = `apiVersion: nodeprep.dev/v1alpha1
kind: ClusterPlan
metadata: {name: k8c2}
spec:
  domain: example.net
  nodeNetwork: {dns: [10.1.0.60]}
  bond: {legs: [eno1, eno2]}
  fabric: {asn: 64512}
  asn: {first: 64600, last: 64799}
  pods: {subnet: 10.64.0.0/14, outside: true}
  services: {subnet: 10.96.0.0/16}
  kubernetes: {version: 1.37.2, apiEndpoint: "10.1.0.1:6443"}
  calico: {manifest: /etc/joinsvc/calico.yaml}
  racks:
    - name: a
      nodeNetwork: {subnet: 10.1.0.0/26, vlan: 1501, gateway: 10.1.0.62}
      leaves: [{name: leaf101, address: 10.1.0.60}, {name: leaf102, address: 10.1.0.61}]
      asns: 64600-64699
    - name: b
      nodeNetwork: {subnet: 10.2.0.0/26, vlan: 1502, gateway: 10.2.0.62}
      leafASN: 64513
      leaves: [{name: leaf103, address: 10.2.0.60}, {name: leaf104, address: 10.2.0.61}]
      asns: 64700-64799
  nodes:
    - {name: m0, role: control-plane, rack: a, address: 10.1.0.1/26}
  pools:
    - {names: "a{01..40}", role: worker, rack: a, addresses: 10.1.0.2-10.1.0.41, ports: ["leaf101:1/{1..40}", "leaf102:1/{1..40}"]}
    - {names: "b{8..9}", role: worker, rack: b, addresses: 10.2.0.8-10.2.0.9, asns: 64708-64709}
`

// The control plane of twoRacks, and how a pool says the same.
const (
	listedPlane = "  nodes:\n    - {name: m0, role: control-plane, rack: a, address: 10.1.0.1/26}\n"
	pooledPlane = "  pools:\n    - {names: m0, role: control-plane, rack: a, addresses: 10.1.0.1-10.1.0.1}\n"
)

func parseRacks(edits ...edit) (plan.Plan, plan.Report) {
	text := twoRacks
	for _, e := range edits {
		text = strings.Replace(text, e.old, e.new, 1)
	}
	return plan.Parse([]byte(text))
}

func TestPools(t *testing.T) {
	p, report := parseRacks()
	if diff := cmp.Diff([]string(nil), lines(report)); diff != "" {
		t.Fatalf("report (-want +got):\n%s", diff)
	}
	if got := len(p.Spec.Nodes); got != 43 {
		t.Fatalf("%d nodes, want 1 listed and 42 of pools", got)
	}
	a40, b9 := p.Spec.Nodes[40], p.Spec.Nodes[42]
	if got := a40.Name + " " + a40.Address.String() + " " + a40.Ports[1].String(); got != "a40 10.1.0.41/26 leaf102:1/40" {
		t.Errorf("the fortieth of the first pool is %s", got)
	}
	if got := b9.Name + " " + b9.Address.String() + " " + b9.Rack; got != "b9 10.2.0.9/26 b" {
		t.Errorf("the last of the second pool is %s", got)
	}
	asns := p.Spec.ASNs()
	if got := []uint32{asns[0], asns[1], asns[40], asns[42]}; !cmp.Equal(got, []uint32{64600, 64601, 64640, 64709}) {
		t.Errorf("AS numbers of m0, a01, a40, b9 are %v", got)
	}
}

// What a host gets is its rack's.
func TestHostPlanOfRack(t *testing.T) {
	p, _ := parseRacks()
	h, err := p.HostPlan("b8")
	if err != nil {
		t.Fatal(err)
	}
	if h.Rack != "b" || h.VLANName() != "bond0.1502" || h.Fabric.ASN != 64513 || h.Fabric.Leaves[0].Name != "leaf103" || h.ASN != 64708 {
		t.Errorf("host plan of b8: rack %s, %s, AS %d behind %d, leaves %v", h.Rack, h.VLANName(), h.ASN, h.Fabric.ASN, h.Fabric.Leaves)
	}
	if len(h.NodeNetwork.DNS) != 1 || *h.NodeNetwork.GatewayMetric != plan.GatewayMetric {
		t.Errorf("a rack does not take DNS and metric from the plan: %+v", h.NodeNetwork)
	}
}

func TestRacks(t *testing.T) {
	for _, tt := range []struct {
		name  string
		edits []edit
		want  []string
	}{
		{"a network of no rack", []edit{{"nodeNetwork: {dns", "nodeNetwork: {subnet: 10.9.0.0/24, gateway: 10.9.0.1, dns"}}, []string{
			"error: spec.nodeNetwork.subnet: 10.9.0.0/24 is of no rack; in a plan with racks each has its own",
			"error: spec.nodeNetwork.gateway: 10.9.0.1 is of no rack; in a plan with racks each has its own",
		}},
		{"leaves of no rack", []edit{{"fabric: {asn: 64512}", "fabric: {asn: 64512, leaves: [{name: x, address: 10.1.0.59}]}"}}, []string{
			"error: spec.fabric.leaves[0]: x is of no rack; in a plan with racks each has its own",
		}},
		{"one name twice", []edit{{"name: b\n", "name: a\n"}}, []string{
			"error: spec.pools[1].rack: \"b\" is no rack of the plan",
			"error: spec.racks[1].name: a is taken by spec.racks[0].name",
		}},
		{"overlapping subnets", []edit{{"subnet: 10.2.0.0/26", "subnet: 10.0.0.0/8"}}, []string{
			"error: spec.racks[1].nodeNetwork.subnet: 10.0.0.0/8 overlaps 10.1.0.0/26 of spec.racks[0].nodeNetwork.subnet",
			"error: spec.pods.subnet: 10.64.0.0/14 overlaps 10.0.0.0/8 of spec.racks[1].nodeNetwork.subnet",
			"error: spec.services.subnet: 10.96.0.0/16 overlaps 10.0.0.0/8 of spec.racks[1].nodeNetwork.subnet",
		}},
		{"a VLAN that is none, and a metric, for all racks", []edit{{"dns: [10.1.0.60]", "dns: [10.1.0.60], vlan: 4095, gatewayMetric: 0"}, {" vlan: 1501,", ""}, {" vlan: 1502,", ""}, {"fabric: {asn: 64512}", "fabric: {asn: 64512, defaultRoute: true}"}}, []string{
			"error: spec.nodeNetwork.vlan: 4095 is not in 1–4094",
			"warning: spec.nodeNetwork.gatewayMetric: 0 lets the static default route shadow the one that the leaves announce (spec.fabric.defaultRoute), which BIRD installs with metric 0 too; leave it out, it is then 50",
		}},
		{"no VLAN", []edit{{" vlan: 1502,", ""}}, []string{
			"error: spec.racks[1].nodeNetwork.vlan: 0 is not in 1–4094",
		}},
		{"a VLAN that is none", []edit{{"vlan: 1502", "vlan: 4095"}}, []string{
			"error: spec.racks[1].nodeNetwork.vlan: 4095 is not in 1–4094",
		}},
		{"one VLAN, and three leaves, in an ACI fabric", []edit{
			{"fabric: {asn: 64512}", "fabric: {asn: 64512, internalASN: 65000, aci: {tenant: T, vrf: V, l3out: L}}"},
			{"vlan: 1502", "vlan: 1501"},
			{"[{name: leaf101, address: 10.1.0.60}, {name: leaf102, address: 10.1.0.61}]", "[{name: leaf101, address: 10.1.0.60, node: 101}, {name: leaf102, address: 10.1.0.61, node: 102}]"},
			{"[{name: leaf103, address: 10.2.0.60}, {name: leaf104, address: 10.2.0.61}]", "[{name: leaf103, address: 10.2.0.60, node: 103}, {name: leaf104, address: 10.2.0.61, node: 104}, {name: leaf105, address: 10.2.0.59, node: 105}]"},
		}, []string{
			"error: spec.racks[1].leaves: has 3 leaves; ACI's virtual port channels have two: want two, or one",
			"error: spec.racks[1].nodeNetwork.vlan: 1501 is the VLAN of rack a already, which ACI would join with this one in one bridge domain; want another",
		}},
		{"the leaf's AS among the nodes'", []edit{{"leafASN: 64513", "leafASN: 64610"}}, []string{
			"error: spec.asn: 64600–64799 holds spec.racks[1].leafASN 64610; eBGP needs two numbers",
		}},
		{"one number for all", []edit{{"first: 64600, last: 64799", "model: cluster, first: 64600, last: 64600"}, {"\n      asns: 64600-64699", ""}, {"\n      asns: 64700-64799", ""}, {", asns: 64708-64709", ""}}, nil},
		{"ranges of no effect", []edit{{"first: 64600, last: 64799", "model: cluster, first: 64600, last: 64600"}, {"\n      asns: 64700-64799", ""}}, []string{
			"error: spec.racks[0].asns: 64600-64699 is for the model node; in the model cluster all nodes have spec.asn.first: leave it out",
			"error: spec.pools[1].asns: 64708-64709 is for the model node; in the model cluster all nodes have spec.asn.first: leave it out",
		}},
		{"somebody's number for the leaves of all racks but one", []edit{{"fabric: {asn: 64512}", "fabric: {asn: 3356}"}}, []string{
			"warning: spec.fabric.asn: 3356 is public; set spec.asn.owned: true if it is registered to you, or use 64512–65534 (RFC 6996)",
		}},
		{"leaves with somebody's number", []edit{{"leafASN: 64513", "leafASN: 3356"}}, []string{
			"warning: spec.racks[1].leafASN: 3356 is public; set spec.asn.owned: true if it is registered to you, or use 64512–65534 (RFC 6996)",
		}},
		{"leaves with a number that is nobody's", []edit{{"leafASN: 64513", "leafASN: 23456"}}, []string{
			"error: spec.racks[1].leafASN: 23456 is AS_TRANS (RFC 6793)",
		}},
		{"one number in common", []edit{{"asns: 64700-64799", "asns: 64699-64799"}}, []string{
			"error: spec.racks[1].asns: 64699-64799 overlaps 64600-64699 of spec.racks[0].asns",
		}},
		{"one number in common, the other way round", []edit{{"asns: 64600-64699", "asns: 64720-64799"}, {"asns: 64700-64799", "asns: 64700-64720"}}, []string{
			"error: spec.racks[1].asns: 64700-64720 overlaps 64720-64799 of spec.racks[0].asns",
		}},
		{"numbers outside, in common and too few", []edit{{"asns: 64700-64799", "asns: 64690-64690"}, {"asns: 64600-64699", "asns: 64500-64695"}}, []string{
			"error: spec.racks[0].asns: 64500-64695 is not inside spec.asn 64600–64799",
			"error: spec.racks[1].asns: 64690-64690 holds 1 numbers, too few for the rack's 2 nodes",
			"error: spec.racks[1].asns: 64690-64690 overlaps 64500-64695 of spec.racks[0].asns",
			"error: spec.pools[1].asns: b8: 64708 is outside 64690-64690 of the rack b (and 1 more of this pool)",
		}},
		{"a name server in another rack, which pods reach", []edit{{"dns: [10.1.0.60]", "dns: [10.2.0.50]"}, {", outside: true", ""}}, nil},
		{"too many name servers of one rack", []edit{{"gateway: 10.2.0.62}", "gateway: 10.2.0.62, dns: [10.1.0.50, 10.1.0.51, 10.1.0.52, 10.1.0.53]}"}}, []string{
			"error: spec.racks[1].nodeNetwork.dns: has 4 servers; a host's resolver reads 3",
		}},
		{"name servers in the cluster", []edit{{"dns: [10.1.0.60]", "dns: [10.96.0.10]"}, {"gateway: 10.2.0.62}", "gateway: 10.2.0.62, dns: [10.64.0.10]}"}}, []string{
			"error: spec.nodeNetwork.dns[0]: 10.96.0.10 is in 10.96.0.0/16 of spec.services.subnet, where nothing answers until the cluster runs; want a server outside of it",
			"error: spec.racks[1].nodeNetwork.dns[0]: 10.64.0.10 is in 10.64.0.0/14 of spec.pods.subnet, where nothing answers until the cluster runs; want a server outside of it",
		}},
		{"a node of no rack", []edit{{"rack: a, address: 10.1.0.1/26", "address: 10.1.0.1/26, ports: [\"leaf101:1/48\"]"}}, []string{
			"error: spec.nodes[0].rack: is missing; want the name of one of spec.racks",
		}},
		{"a rack without leaves", []edit{{"leaves: [{name: leaf101, address: 10.1.0.60}, {name: leaf102, address: 10.1.0.61}]", "leaves: []"}}, []string{
			"error: spec.racks[0].leaves: is empty; want at least one leaf",
		}},
		{"a floating SVI in two subnets", []edit{{"fabric: {asn: 64512}", "fabric: {asn: 64512, internalASN: 64511, aci: {tenant: T, vrf: V, l3out: L, floatingSVI: {address: 10.1.0.59}}}"}, {"10.1.0.60}", "10.1.0.60, node: 101}"}, {"10.1.0.61}", "10.1.0.61, node: 102}"}, {"10.2.0.60}", "10.2.0.60, node: 103}"}, {"10.2.0.61}", "10.2.0.61, node: 104}"}}, []string{
			"warning: spec.fabric.internalASN: 64511 is for documentation only (RFC 5398)",
			"error: spec.fabric.aci.floatingSVI.address: 10.1.0.59 can be in one subnet only, the plan has 2 racks; leave it out",
		}},
		{"a rack that is full, and one more", []edit{{"a{01..40}", "a{01..59}"}, {"10.1.0.2-10.1.0.41", "10.1.0.2-10.1.0.60"}, {"leaf101:1/{1..40}", "leaf101:1/{1..59}"}, {"leaf102:1/{1..40}", "leaf102:1/{1..59}"}}, []string{
			"error: spec.racks[0].nodeNetwork.subnet: 10.1.0.0/26 has room for 59 hosts beside 3 addresses of the leaves, the plan has 60; want a /25, which has room for 123",
			"error: spec.pools[0].addresses: a59: 10.1.0.60 is taken by spec.racks[0].leaves[0].address",
		}},
		{"one gateway in two racks", []edit{{"gateway: 10.2.0.62", "gateway: 10.1.0.62"}, {"subnet: 10.2.0.0/26", "subnet: 10.0.0.0/14"}}, []string{
			"error: spec.racks[1].nodeNetwork.gateway: 10.1.0.62 is taken by spec.racks[0].nodeNetwork.gateway",
			"error: spec.racks[1].nodeNetwork.subnet: 10.0.0.0/14 overlaps 10.1.0.0/26 of spec.racks[0].nodeNetwork.subnet",
		}},
		{"two peers of one name, in one rack", []edit{
			{"name: leaf101", "name: sw"},
			{"name: leaf102", "name: sw-a"},
			{"leaf101:1/{1..40}", "sw:1/{1..40}"},
			{"leaf102:1/{1..40}", "sw-a:1/{1..40}"},
			{`"a{01..40}"`, `"n{01..40}"`},
			{"name: m0", "name: a-n07"},
		}, []string{
			"error: spec.pools[0].names: n07: the BGPPeer of n07 and leaf sw-a would be called sw-a-n07, as that of a-n07 and leaf sw; rename one of them",
		}},
		{"two peers of one name, in two racks", []edit{{"name: leaf103", "name: leaf101-b8"}, {`"b{8..9}"`, `"m{0..1}"`}, {"name: m0", "name: b8-m0"}}, []string{
			"error: spec.pools[1].names: m0: the BGPPeer of m0 and leaf leaf101-b8 would be called leaf101-b8-m0, as that of b8-m0 and leaf leaf101; rename one of them",
		}},
		{"a site that is over everything", []edit{{"  kubernetes:", "  site: [0.0.0.0/0]\n  loadBalancers: {subnet: 10.97.0.0/16}\n  kubernetes:"}}, []string{
			"error: spec.site[0]: 0.0.0.0/0 overlaps 10.1.0.0/26 of spec.racks[0].nodeNetwork.subnet",
			"error: spec.site[0]: 0.0.0.0/0 overlaps 10.2.0.0/26 of spec.racks[1].nodeNetwork.subnet",
			"error: spec.site[0]: 0.0.0.0/0 overlaps 10.64.0.0/14 of spec.pods.subnet",
			"error: spec.site[0]: 0.0.0.0/0 overlaps 10.96.0.0/16 of spec.services.subnet",
			"error: spec.site[0]: 0.0.0.0/0 overlaps 10.97.0.0/16 of spec.loadBalancers.subnet",
		}},
		{"a rack too small", []edit{{"subnet: 10.1.0.0/26, vlan: 1501", "subnet: 10.1.0.0/27, vlan: 1501"}}, []string{
			"error: spec.racks[0].nodeNetwork.gateway: 10.1.0.62 is outside 10.1.0.0/27",
			"error: spec.racks[0].leaves[0].address: 10.1.0.60 is outside 10.1.0.0/27",
			"error: spec.racks[0].leaves[1].address: 10.1.0.61 is outside 10.1.0.0/27",
			"error: spec.racks[0].nodeNetwork.subnet: 10.1.0.0/27 has room for 27 hosts beside 3 addresses of the leaves, the plan has 41; want a /26, which has room for 59",
			"error: spec.nodes[0].address: 10.1.0.1/26 has length /26, the subnet 10.1.0.0/27 has /27",
			"error: spec.pools[0].addresses: a30: 10.1.0.31 is the broadcast address of 10.1.0.0/27",
			"error: spec.pools[0].addresses: a31: 10.1.0.32/27 is outside 10.1.0.0/27 (and 9 more of this pool)",
		}},
		{"a pool of uneven ranges", []edit{{"10.2.0.8-10.2.0.9", "10.2.0.8-10.2.0.10"}, {"64708-64709", "64708-64708"}}, []string{
			"error: spec.pools[1].addresses: holds 3, spec.pools[1].names b{8..9} holds 2",
			"error: spec.pools[1].asns: holds 1, spec.pools[1].names b{8..9} holds 2",
		}},
		{"a pool without role and names", []edit{{`{names: "b{8..9}", role: worker, `, "{"}}, []string{
			"error: spec.pools[1].names: \"\" is no DNS label (lower-case letters, digits, dashes); want a pattern such as k8c1a{01..40}",
			"error: spec.pools[1].role: is missing; want control-plane or worker",
		}},
		{"a pool whose names are none", []edit{{`"b{8..9}"`, `"B{8..9}"`}}, []string{
			"error: spec.pools[1].names: \"B8\" is no DNS label (lower-case letters, digits, dashes); want a pattern such as k8c1a{01..40}",
		}},
		{"a pool whose names cannot be read", []edit{{"a{01..40}", "a{40..01}"}}, []string{
			"error: spec.pools[0].names: a{40..01}: want a range that rises and has at most 10000 members",
		}},
		{"a pool of more ports than legs", []edit{{`"leaf102:1/{1..40}"]`, `"leaf102:1/{1..40}", "leaf101:2/{1..40}"]`}}, []string{
			"error: spec.pools[0].ports: has 3 ports for the 2 legs of spec.bond",
		}},
		{"a metric of one rack", []edit{{"fabric: {asn: 64512}", "fabric: {asn: 64512, defaultRoute: true}"}, {"gateway: 10.2.0.62}", "gateway: 10.2.0.62, gatewayMetric: 0}"}}, []string{
			"warning: spec.racks[1].nodeNetwork.gatewayMetric: 0 lets the static default route shadow the one that the leaves announce (spec.fabric.defaultRoute), which BIRD installs with metric 0 too; leave it out, it is then 50",
		}},
		{"a node ID that is none, outside of ACI", []edit{{"{name: leaf101, address: 10.1.0.60}", "{name: leaf101, address: 10.1.0.60, node: 4001}"}}, []string{
			"error: spec.racks[0].leaves[0].node: 4001 is no node ID of a leaf: want 101–4000",
		}},
		{"a rack of documentation's addresses", []edit{{"subnet: 10.2.0.0/26", "subnet: 192.0.2.0/26"}, {"gateway: 10.2.0.62", "gateway: 192.0.2.62"}, {"10.2.0.60", "192.0.2.60"}, {"10.2.0.61", "192.0.2.61"}, {"10.2.0.8-10.2.0.9", "192.0.2.8-192.0.2.9"}}, []string{
			"warning: spec.racks[1].nodeNetwork.subnet: 192.0.2.0/26 is for documentation only (RFC 5737)",
		}},
		{"a pool without addresses", []edit{{", addresses: 10.2.0.8-10.2.0.9", ""}}, []string{
			"error: spec.pools[1].addresses: is missing; want 2, such as 192.168.9.200-192.168.9.203",
		}},
		{"the control plane in a pool", []edit{{listedPlane, ""}, {"  pools:\n", pooledPlane}}, nil},
		{"the control plane in a pool of no rack", []edit{{listedPlane, ""}, {"  pools:\n", strings.Replace(pooledPlane, "rack: a", "rack: c", 1)}}, []string{
			"error: spec.pools[0].rack: \"c\" is no rack of the plan",
		}},
		{"a pool over the leaves", []edit{{"10.2.0.8-10.2.0.9", "10.2.0.60-10.2.0.61"}}, []string{
			"error: spec.pools[1].addresses: b8: 10.2.0.60 is taken by spec.racks[1].leaves[0].address (and 1 more of this pool)",
		}},
		{"two pools over one another", []edit{{`"b{8..9}"`, `"a{08..09}"`}}, []string{
			"error: spec.pools[1].names: a08 is taken by spec.pools[0].names (and 1 more of this pool)",
		}},
		{"more nodes than a plan may have", []edit{{
			"    - {names: \"b{8..9}\"",
			"    - {names: \"x{0..9999}\", role: worker, rack: b, addresses: 10.3.0.0-10.3.39.15}\n    - {names: \"y{0..9999}\", role: worker, rack: b, addresses: 10.4.0.0-10.4.39.15}\n    - {names: \"b{8..9}\"",
		}}, []string{"error: spec.pools[2].names: y{0..9999} makes more than 20000 nodes of the plan, the most that it may have"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, report := parseRacks(tt.edits...)
			got := lines(report)
			if tt.name == "more nodes than a plan may have" {
				got = got[:1] // the pool before it is in no subnet, either
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

// A leaf whose address is public has that address as its router id if it says
// none, which nobody is to be warned of.
// A rack's nodes are found by its name, and a number by the range that it is of.
func TestNodesAndNumbersOfRacks(t *testing.T) {
	s := plan.Spec{
		ASN:   plan.ASN{Model: plan.PerNode, First: 64600, Last: 64799},
		Racks: []plan.Rack{{Name: "a", ASNs: plan.ASNRange{First: 64700, Last: 64709}}, {Name: "b"}},
		Nodes: []plan.Node{{Rack: "a"}, {Rack: "b"}, {Rack: "a", ASN: 64705}, {Rack: "b"}, {Rack: "a"}},
	}
	if diff := cmp.Diff([]uint32{64700, 64600, 64705, 64601, 64702}, s.ASNs()); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{1, 3}, s.NodesOf("b")); diff != "" {
		t.Errorf("nodes of b (-want +got):\n%s", diff)
	}
	s.ASN.Model = plan.PerCluster
	if diff := cmp.Diff([]uint32{64600, 64600, 64705, 64600, 64600}, s.ASNs()); diff != "" {
		t.Errorf("one number for all (-want +got):\n%s", diff)
	}
}

func TestPublicRackWithoutRouterIDs(t *testing.T) {
	_, report := plan.Parse([]byte(strings.ReplaceAll(twoRacks, "10.1.0.", "8.1.0.")))
	if len(report) > 0 {
		t.Errorf("report: %v", lines(report))
	}
}

func TestRangesAsText(t *testing.T) {
	for _, text := range []string{"k8c1a{01..40}", "leaf201:1/{1..40}", "plain", "{3..3}x"} {
		var p plan.Pattern
		if err := p.UnmarshalText([]byte(text)); err != nil || p.String() != text {
			t.Errorf("%s is read as %s, %v", text, p, err)
		}
	}
	for _, text := range []string{"a{1..0}", "a{1-2}", "a{1..2}{3..4}", "a{0..999999}", "a{0..10000}", "a{", "a{x..y}"} {
		var p plan.Pattern
		if p.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%s is read as %s, want an error", text, p)
		}
	}
	var a plan.AddrRange
	if err := a.UnmarshalText([]byte("10.0.0.250-10.0.1.5")); err != nil || a.Len() != 12 || a.At(11).String() != "10.0.1.5" || a.String() != "10.0.0.250-10.0.1.5" {
		t.Errorf("address range: %v, %d, %v", err, a.Len(), a)
	}
	for _, text := range []string{"10.0.0.5-10.0.0.4", "10.0.0.5", "::1-::2", "10.0.0.1-10.0.0.2-10.0.0.3"} {
		if a.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%s is read as an address range", text)
		}
	}
	var n plan.ASNRange
	if err := n.UnmarshalText([]byte("0-4294967295")); err != nil || n.Len() != 1<<32 {
		t.Errorf("AS range: %v, %d", err, n.Len())
	}
	for _, text := range []string{"5-4", "5", "-5", "1-4294967296"} {
		if n.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%s is read as an AS range", text)
		}
	}
}

// All at once are what each is alone.
func TestHostPlans(t *testing.T) {
	p, _ := parseRacks()
	all := p.HostPlans()
	if len(all) != len(p.Spec.Nodes) {
		t.Fatalf("%d host plans of %d nodes", len(all), len(p.Spec.Nodes))
	}
	for i, n := range p.Spec.Nodes {
		want, err := p.HostPlan(n.Name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, all[i], netipOptions()); diff != "" {
			t.Errorf("host plan of %s (-want +got):\n%s", n.Name, diff)
		}
	}
}
