// SPDX-License-Identifier: Apache-2.0

package apictest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// whole is a small fabric with a tenant: what a bad tree is one step away from.
func whole(t *testing.T) *store {
	t.Helper()
	s := newStore(Options{Leaves: []int{201, 202, 203, 211, 212}, Pairs: [][2]int{{201, 202}, {211, 212}}, ASN: 65000})
	for _, p := range [][2]string{
		{"uni/infra", `{"infraInfra": {"children": [
			{"fvnsVlanInstP": {"attributes": {"name": "P", "allocMode": "static"}, "children": [{"fvnsEncapBlk": {"attributes": {"from": "vlan-5", "to": "vlan-9"}}}]}}]}}`},
		{"uni/l3dom-D", `{"l3extDomP": {"attributes": {"name": "D"}, "children": [{"infraRsVlanNs": {"attributes": {"tDn": "uni/infra/vlanns-[P]-static"}}}]}}`},
		{"uni/phys-D", `{"physDomP": {"attributes": {"name": "D"}}}`},
		{"uni/infra/attentp-A", `{"infraAttEntityP": {"children": [{"infraRsDomP": {"attributes": {"tDn": "uni/l3dom-D"}}}]}}`},
		{"uni/infra/attentp-B", `{"infraAttEntityP": {}}`},
		{"uni/infra/funcprof", `{"infraFuncP": {"children": [` + groupOf("H", "A") + `, ` + groupOf("UNCABLED", "A") + `, ` + groupOf("FOREIGN", "B") + `]}}`},
		{"uni/infra/accportprof-L", `{"infraAccPortP": {"children": [{"infraHPortS": {"attributes": {"name": "H", "type": "range"}, "children": [
			{"infraRsAccBaseGrp": {"attributes": {"tDn": "uni/infra/funcprof/accbundle-H"}}}, {"infraPortBlk": {"attributes": {"name": "P", "fromPort": "9", "toPort": "9"}}}]}},
			{"infraHPortS": {"attributes": {"name": "F", "type": "range"}, "children": [
			{"infraRsAccBaseGrp": {"attributes": {"tDn": "uni/infra/funcprof/accbundle-FOREIGN"}}}, {"infraPortBlk": {"attributes": {"name": "P", "fromPort": "8", "toPort": "8"}}}]}}]}}`},
		{"uni/infra/nprof-L", `{"infraNodeP": {"children": [{"infraRsAccPortP": {"attributes": {"tDn": "uni/infra/accportprof-L"}}},
			{"infraLeafS": {"attributes": {"name": "L", "type": "range"}, "children": [{"infraNodeBlk": {"attributes": {"name": "L", "from_": "211", "to_": "212"}}}]}}]}}`},
		{"uni/tn-T", `{"fvTenant": {"attributes": {"name": "T"}, "children": [
			{"fvCtx": {"attributes": {"name": "V"}}},
			{"vzBrCP": {"attributes": {"name": "C"}}},
			` + l3outOf("O", "203", "2.0.0.3", "10.0.0.0/8") + `, ` + nodesL3Out + `]}}`},
	} {
		if r := s.post(p[0], []byte(p[1])); r != nil {
			t.Fatal(r)
		}
	}
	return s
}

func l3outOf(name, leaf, id, subnet string) string {
	return fmt.Sprintf(`{"l3extOut": {"attributes": {"name": %q}, "children": [
		{"l3extRsEctx": {"attributes": {"tnFvCtxName": "V"}}},
		{"l3extLNodeP": {"attributes": {"name": "N"}, "children": [
			{"l3extRsNodeL3OutAtt": {"attributes": {"tDn": "topology/pod-1/node-%s", "rtrId": %q}}},
			{"l3extLIfP": {"attributes": {"name": "I"}}}]}},
		{"l3extInstP": {"attributes": {"name": "E"}, "children": [
			{"l3extSubnet": {"attributes": {"ip": %q, "scope": "import-security"}}}]}}]}}`, name, leaf, id, subnet)
}

func groupOf(name, entity string) string {
	return fmt.Sprintf(`{"infraAccBndlGrp": {"attributes": {"name": %q, "lagT": "node"}, "children": [{"infraRsAttEntP": {"attributes": {"tDn": "uni/infra/attentp-%s"}}}]}}`, name, entity)
}

// nodesL3Out is one that speaks BGP on a pair of leaves, without an interface.
const nodesL3Out = `{"l3extOut": {"attributes": {"name": "B"}, "children": [
	{"bgpExtP": {}}, {"l3extRsL3DomAtt": {"attributes": {"tDn": "uni/l3dom-D"}}},
	{"l3extRsEctx": {"attributes": {"tnFvCtxName": "V"}}},
	{"l3extLNodeP": {"attributes": {"name": "N"}, "children": [
		{"l3extRsNodeL3OutAtt": {"attributes": {"tDn": "topology/pod-1/node-211", "rtrId": "2.0.1.1"}}},
		{"l3extRsNodeL3OutAtt": {"attributes": {"tDn": "topology/pod-1/node-212", "rtrId": "2.0.1.2"}}},
		{"l3extLIfP": {"attributes": {"name": "I"}}}]}}]}}`

// channelWith is a host's virtual port channel: the attributes of its path that
// are not as usual, of its members, and a neighbour.
func channelWith(path, sideA, sideB, below string) string {
	return fmt.Sprintf(`{"l3extRsPathL3OutAtt": {"attributes": {"addr": "0.0.0.0", "ifInstT": "ext-svi", "encap": "vlan-5"%s}, "children": [
		{"l3extMember": {"attributes": {"side": "A", "addr": %q}}}, {"l3extMember": {"attributes": {"side": "B", "addr": %q}}}%s]}}`, path, sideA, sideB, below)
}

func neighbour(addr, below string) string {
	return fmt.Sprintf(`, {"bgpPeerP": {"attributes": {"addr": %q}, "children": [%s]}}`, addr, below)
}

func floatingWith(addr, floating string) string {
	return fmt.Sprintf(`{"l3extVirtualLIfP": {"attributes": {"addr": %q}, "children": [{"l3extRsDynPathAtt": {"attributes": {"tDn": "uni/phys-D"%s}}}]}}`, addr, floating)
}

const (
	inTenant    = "uni/tn-T"
	inProfile   = "uni/tn-T/out-O/lnodep-N/lifp-I"
	ofNodes     = "uni/tn-T/out-B/lnodep-N/lifp-I"
	onChannel   = ofNodes + "/rspathL3OutAtt-[topology/pod-1/protpaths-211-212/pathep-[H]]"
	onAnchor    = ofNodes + "/vlifp-[topology/pod-1/node-211]-[vlan-5]"
	remote      = `{"bgpAsP": {"attributes": {"asn": "64600"}}}`
	bothMembers = `[{"l3extMember": {"attributes": {"side": "A", "addr": "10.9.0.2/24"}}}, {"l3extMember": {"attributes": {"side": "B", "addr": "10.9.0.3/24"}}}]`
)

func TestRefusals(t *testing.T) {
	tests := []struct{ name, dn, body, code, text string }{
		{"no JSON", inTenant, `{`, codeBody, "invalid request body"},
		{"two classes", inTenant, `{"fvTenant": {}, "fvCtx": {}}`, codeBody, "2 classes"},
		{"unknown class", inTenant + "/foo-a", `{"fvFoo": {"attributes": {"name": "a"}}}`, codeUnknownClass, "unknown managed object class fvFoo"},
		{"unknown class below", inTenant, `{"fvTenant": {"children": [{"fvFoo": {}}]}}`, codeUnknownClass, "fvFoo"},
		{"wrong parent", inTenant, `{"fvTenant": {"children": [{"vzEntry": {"attributes": {"name": "a"}}}]}}`, codeDN, "not found below fvTenant"},
		{"no parent", "uni/tn-X/ctx-A", `{"fvCtx": {"attributes": {"name": "A"}}}`, codeNotFound, "not found Dn0=uni/tn-X"},
		{"name of another class", inTenant + "/brc-A", `{"fvCtx": {"attributes": {"name": "A"}}}`, codeDN, "no name of class fvCtx"},
		{"name against attribute", inTenant + "/ctx-A", `{"fvCtx": {"attributes": {"name": "B"}}}`, codeDN, "does not agree with name=B"},
		{"name against dn", inTenant + "/ctx-A", `{"fvCtx": {"attributes": {"dn": "uni/tn-T/ctx-B"}}}`, codeDN, "does not agree"},
		{"name against rn", inTenant, `{"fvTenant": {"children": [{"fvCtx": {"attributes": {"rn": "ctx-A", "name": "B"}}}]}}`, codeDN, "does not agree"},
		{"no name at all", inTenant, `{"fvTenant": {"children": [{"fvCtx": {}}]}}`, codeDN, "no name"},
		{"unknown attribute", inTenant, `{"fvTenant": {"attributes": {"colour": "red"}}}`, codeAttribute, "colour"},
		{"attribute of what every fabric has", "uni/infra", `{"infraInfra": {"attributes": {"annotation": "a"}}}`, codeAttribute, "annotation"},
		{"characters in a name", inTenant, `{"fvTenant": {"children": [{"vzBrCP": {"attributes": {"name": "a b"}}}]}}`, codeValue, "property name of uni/tn-T/brc-a b"},
		{"colon in a tenant's name", "uni/tn-a:b", `{"fvTenant": {"attributes": {"name": "a:b"}}}`, codeValue, "failed validation"},
		{"long name", inTenant, `{"fvTenant": {"children": [{"vzBrCP": {"attributes": {"name": "` + strings.Repeat("a", 65) + `"}}}]}}`, codeValue, "property name"},
		{"annotation", inTenant, `{"fvTenant": {"attributes": {"annotation": "a b"}}}`, codeValue, "property annotation"},
		{"enumeration", inTenant + "/ctx-V", `{"fvCtx": {"attributes": {"pcEnfPref": "strict"}}}`, codeValue, "property pcEnfPref"},
		{"flag", inTenant + "/out-O", `{"l3extOut": {"attributes": {"enforceRtctrl": "export,sometimes"}}}`, codeValue, "enforceRtctrl"},
		{"number", inTenant, `{"fvTenant": {"children": [{"bgpCtxPol": {"attributes": {"name": "a", "holdIntvl": "3601"}}}]}}`, codeValue, "holdIntvl"},
		{"host bits in a subnet", inTenant + "/out-O/instP-E", `{"l3extInstP": {"children": [{"l3extSubnet": {"attributes": {"ip": "10.0.0.1/8"}}}]}}`, codeValue, "property ip"},
		{"VLAN", inProfile, `{"l3extLIfP": {"children": [{"l3extVirtualLIfP": {"attributes": {"nodeDn": "topology/pod-1/node-201", "encap": "vlan-4095"}}}]}}`, codeValue, "property encap"},
		{"status", inTenant, `{"fvTenant": {"attributes": {"status": "new"}}}`, codeValue, "name status"},
		{"created twice", inTenant, `{"fvTenant": {"attributes": {"status": "created"}}}`, codeExists, "object uni/tn-T already exists"},
		{"modified but absent", "uni/tn-X", `{"fvTenant": {"attributes": {"status": "modified"}}}`, codeNotFound, "not found"},
		{"dangling tDn", "uni/l3dom-D", `{"l3extDomP": {"children": [{"infraRsVlanNs": {"attributes": {"tDn": "uni/infra/vlanns-[X]-static"}}}]}}`, codeTarget, "is no fvnsVlanInstP"},
		{"tDn of another class", inTenant + "/out-O/rsl3DomAtt", `{"l3extRsL3DomAtt": {"attributes": {"tDn": "uni/tn-T"}}}`, codeTarget, "is no l3extDomP"},
		{"dangling name", inTenant + "/out-O/rsectx", `{"l3extRsEctx": {"attributes": {"tnFvCtxName": "W"}}}`, codeTarget, "tnFvCtxName W is no fvCtx"},
		{"unknown leaf", inTenant + "/out-O/lnodep-N", `{"l3extLNodeP": {"children": [{"l3extRsNodeL3OutAtt": {"attributes": {"tDn": "topology/pod-1/node-299"}}}]}}`, codeTarget, "is no fabricNode"},
		{"port channel without a group", inProfile, `{"l3extLIfP": {"children": [{"l3extRsPathL3OutAtt": {"attributes": {"tDn": "topology/pod-1/protpaths-201-202/pathep-[X]"}}}]}}`, codeTarget, "fabricPathEp"},
		{"leaves of no pair", inProfile, `{"l3extLIfP": {"children": [{"l3extRsPathL3OutAtt": {"attributes": {"tDn": "topology/pod-1/protpaths-201-203/pathep-[H]"}}}]}}`, codeTarget, "fabricPathEp"},
		{"port channel with one member", onChannel, `{"l3extRsPathL3OutAtt": {"attributes": {"addr": "0.0.0.0"}, "children": [{"l3extMember": {"attributes": {"side": "A"}}}]}}`, codeRule, "without a member B"},
		{"port channel with an address", onChannel, `{"l3extRsPathL3OutAtt": {"attributes": {"addr": "10.9.0.1/24"}, "children": ` + bothMembers + `}}`, codeRule, "want 0.0.0.0"},
		{"subnet twice in a VRF", inTenant, `{"fvTenant": {"children": [` + l3outOf("P", "201", "2.0.0.1", "10.0.0.0/8") + `]}}`, codeRule, "10.0.0.0/8 is in the same VRF"},
		{"router ID of another leaf", inTenant, `{"fvTenant": {"children": [` + l3outOf("P", "201", "2.0.0.3", "10.1.0.0/16") + `]}}`, codeRule, "the router ID 2.0.0.3 is that of"},
		{"two router IDs of a leaf", inTenant, `{"fvTenant": {"children": [` + l3outOf("P", "203", "2.0.0.4", "10.1.0.0/16") + `]}}`, codeRule, "is 2.0.0.3 already"},
		{"port in two selectors", "uni/infra/accportprof-L", `{"infraAccPortP": {"children": [
			{"infraHPortS": {"attributes": {"rn": "hports-A-typ-range"}, "children": [{"infraPortBlk": {"attributes": {"name": "P", "fromPort": "1", "toPort": "4"}}}]}},
			{"infraHPortS": {"attributes": {"rn": "hports-B-typ-range"}, "children": [{"infraPortBlk": {"attributes": {"name": "P", "fromPort": "4", "toPort": "4"}}}]}}]}}`, codeRule, "port 1/4 is in"},
		{"VLANs that end before they begin", "uni/infra/vlanns-[P]-static", `{"fvnsVlanInstP": {"children": [{"fvnsEncapBlk": {"attributes": {"from": "vlan-20", "to": "vlan-19"}}}]}}`, codeRule, "from vlan-20 is above"},
		{"ports backwards", "uni/infra/accportprof-L/hports-H-typ-range", `{"infraHPortS": {"children": [{"infraPortBlk": {"attributes": {"name": "Q", "fromPort": "4", "toPort": "3"}}}]}}`, codeRule, "fromPort 4 is above"},
		{"nodes backwards", "uni/infra/nprof-L/leaves-L-typ-range", `{"infraLeafS": {"children": [{"infraNodeBlk": {"attributes": {"name": "Q", "from_": "212", "to_": "211"}}}]}}`, codeRule, "from_ 212 is above"},
		{"protocol without IP", inTenant + "/flt-F", `{"vzFilter": {"children": [{"vzEntry": {"attributes": {"name": "a", "etherT": "arp", "prot": "tcp"}}}]}}`, codeRule, "without an etherT of IP"},
		{"ports without a protocol", inTenant + "/flt-F", `{"vzFilter": {"children": [{"vzEntry": {"attributes": {"name": "a", "etherT": "ip", "dToPort": "https"}}}]}}`, codeRule, "ports without"},
		{"stateful UDP", inTenant + "/flt-F", `{"vzFilter": {"children": [{"vzEntry": {"attributes": {"name": "a", "etherT": "ip", "prot": "udp", "stateful": "yes"}}}]}}`, codeRule, "stateful"},
		{"filter's ports backwards", inTenant + "/flt-F", `{"vzFilter": {"children": [{"vzEntry": {"attributes": {"name": "a", "etherT": "ip", "prot": "tcp", "dFromPort": "https", "dToPort": "http"}}}]}}`, codeRule, "dFromPort https is above"},
		{"hold time of two seconds", inTenant + "/bgpCtxP-B", `{"bgpCtxPol": {"attributes": {"holdIntvl": "2", "kaIntvl": "1"}}}`, codeRule, "below 3"},
		{"hold time below keepalive", inTenant + "/bgpCtxP-B", `{"bgpCtxPol": {"attributes": {"holdIntvl": "60", "kaIntvl": "60"}}}`, codeRule, "kaIntvl is not below"},
		{"backbone as a stub", inTenant + "/out-O/ospfExtP", `{"ospfExtP": {"attributes": {"areaId": "backbone", "areaType": "stub"}}}`, codeRule, "no area of type stub"},
		{"OSPF on an interface alone", inProfile, `{"l3extLIfP": {"children": [{"ospfIfP": {}}]}}`, codeRule, "has no ospfExtP"},
		{"export not enforced", inTenant + "/out-O", `{"l3extOut": {"attributes": {"enforceRtctrl": "import"}}}`, codeRule, "without export"},
		{"import of nothing", inTenant + "/out-B", `{"l3extOut": {"attributes": {"enforceRtctrl": "export,import"}}}`, codeRule, "nothing is imported"},
		{"aggregate of another subnet", inTenant + "/out-O/instP-E", `{"l3extInstP": {"children": [{"l3extSubnet": {"attributes": {"ip": "172.27.0.0/16", "scope": "export-rtctrl", "aggregate": "export-rtctrl"}}}]}}`, codeRule, "of another subnet than"},
		{"aggregate without the scope", inTenant + "/out-O/instP-E", `{"l3extInstP": {"children": [{"l3extSubnet": {"attributes": {"ip": "0.0.0.0/0", "scope": "import-security", "aggregate": "export-rtctrl"}}}]}}`, codeRule, "without the scope"},
		{"loopback twice", inTenant + "/out-O/lnodep-N/rsnodeL3OutAtt-[topology/pod-1/node-203]", `{"l3extRsNodeL3OutAtt": {"children": [{"l3extLoopBackIfP": {"attributes": {"addr": "2.0.0.3"}}}]}}`, codeRule, "makes the loopback"},
		{"leaf of another node profile", inProfile + "/vlifp-[topology/pod-1/node-201]-[vlan-5]", `{"l3extVirtualLIfP": {}}`, codeRule, "has no leaf 201"},
		{"VLAN of no pool", ofNodes + "/vlifp-[topology/pod-1/node-211]-[vlan-10]", `{"l3extVirtualLIfP": {}}`, codeRule, "vlan-10 is in no block"},
		{"SVI without a VLAN", onChannel, `{"l3extRsPathL3OutAtt": {"attributes": {"addr": "0.0.0.0", "ifInstT": "ext-svi"}, "children": ` + bothMembers + `}}`, codeRule, "ext-svi without an encap"},
		{"port channel without ports", ofNodes + "/rspathL3OutAtt-[topology/pod-1/protpaths-211-212/pathep-[UNCABLED]]", channelWith("", "10.9.0.2/24", "10.9.0.3/24", ""), codeRule, "no selector of leaf 211"},
		{"port channel of another domain", ofNodes + "/rspathL3OutAtt-[topology/pod-1/protpaths-211-212/pathep-[FOREIGN]]", channelWith("", "10.9.0.2/24", "10.9.0.3/24", ""), codeRule, "is not attached to the domain uni/l3dom-D"},
		{"sub-interface of a virtual port channel", onChannel, `{"l3extRsPathL3OutAtt": {"attributes": {"addr": "0.0.0.0", "ifInstT": "sub-interface", "encap": "vlan-5"}, "children": ` + bothMembers + `}}`, codeRule, "sub-interface on a virtual"},
		{"routed port with a VLAN", ofNodes + "/rspathL3OutAtt-[topology/pod-1/paths-211/pathep-[eth1/1]]", `{"l3extRsPathL3OutAtt": {"attributes": {"addr": "10.9.0.2/24", "ifInstT": "l3-port", "encap": "vlan-5"}}}`, codeRule, "l3-port with an encap"},
		{"one address for two leaves", onChannel, channelWith("", "10.9.0.2/24", "10.9.0.2/24", ""), codeRule, "both members have 10.9.0.2/24"},
		{"leaves in two subnets", onChannel, channelWith("", "10.9.0.2/24", "10.9.1.3/24", ""), codeRule, "are of two subnets"},
		{"the subnet's own address", onChannel, channelWith("", "10.9.0.0/24", "10.9.0.3/24", ""), codeValue, "property addr"},
		{"broadcast address", onChannel, channelWith("", "10.9.0.2/24", "10.9.0.255/24", ""), codeValue, "property addr"},
		{"neighbour without a number", onChannel, channelWith("", "10.9.0.2/24", "10.9.0.3/24", neighbour("10.9.0.9", "")), codeRule, "without an AS number"},
		{"neighbour outside the subnet", onChannel, channelWith("", "10.9.0.2/24", "10.9.0.3/24", neighbour("10.9.1.9", remote)), codeRule, "10.9.1.9 is outside"},
		{"neighbours of a larger subnet", onChannel, channelWith("", "10.9.0.2/24", "10.9.0.3/24", neighbour("10.9.0.0/16", remote)), codeRule, "10.9.0.0/16 is outside"},
		{"the leaf its own neighbour", onChannel, channelWith("", "10.9.0.2/24", "10.9.0.3/24", neighbour("10.9.0.3", remote)), codeRule, "10.9.0.3 is the leaf's own"},
		{"local AS of the neighbour", onChannel, channelWith("", "10.9.0.2/24", "10.9.0.3/24", neighbour("10.9.0.9", remote+`, {"bgpLocalAsnP": {"attributes": {"localAsn": "64600"}}}`)), codeRule, "is the neighbour's"},
		{"local AS of the fabric", onChannel, channelWith("", "10.9.0.2/24", "10.9.0.3/24", neighbour("10.9.0.9", remote+`, {"bgpLocalAsnP": {"attributes": {"localAsn": "65000"}}}`)), codeRule, "is the fabric's"},
		{"neighbour twice on a leaf", ofNodes, `{"l3extLIfP": {"children": [
			` + channelWith(`, "tDn": "topology/pod-1/protpaths-211-212/pathep-[H]"`, "10.9.0.2/24", "10.9.0.3/24", neighbour("10.9.0.9", remote)) + `,
			{"l3extVirtualLIfP": {"attributes": {"nodeDn": "topology/pod-1/node-211", "encap": "vlan-5", "addr": "10.9.0.2/24"}, "children": [{"bgpPeerP": {"attributes": {"addr": "10.9.0.9"}, "children": [` + remote + `]}}]}}]}}`, codeRule, "leaf 211 has the neighbour"},
		{"BGP on an interface alone", inProfile + "/vlifp-[topology/pod-1/node-203]-[vlan-5]", `{"l3extVirtualLIfP": {"children": [{"bgpPeerP": {"attributes": {"addr": "10.9.0.9"}, "children": [` + remote + `]}}]}}`, codeRule, "has no bgpExtP"},
		{"no floating address", onAnchor, floatingWith("10.9.0.2/24", ""), codeRule, "without a floatingAddr"},
		{"floating address outside", onAnchor, floatingWith("10.9.0.2/24", `, "floatingAddr": "10.9.1.4/24"`), codeRule, "is outside the subnet"},
		{"floating address of the anchor", onAnchor, floatingWith("10.9.0.2/24", `, "floatingAddr": "10.9.0.2/24"`), codeRule, "the anchor's own"},
		{"deleting what goes with its parent", inTenant + "/out-O/rsectx", `{"l3extRsEctx": {"attributes": {"status": "deleted"}}}`, codeDN, "cannot be deleted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := whole(t)
			before := s.dump()
			r := s.post(tt.dn, []byte(tt.body))
			if r == nil || r.code != tt.code || !strings.Contains(r.text, tt.text) {
				t.Errorf("refused %v, want code %s with %q", r, tt.code, tt.text)
			}
			if diff := cmp.Diff(before, s.dump()); diff != "" {
				t.Errorf("a refused transaction left something (-before +after):\n%s", diff)
			}
		})
	}
}

// Two external EPGs with 0.0.0.0/0 are what the tech note warns of.
func TestDefaultRouteOnceInAVRF(t *testing.T) {
	s := whole(t)
	first := `{"fvTenant": {"children": [` + l3outOf("P", "201", "2.0.0.1", "0.0.0.0/0") + `]}}`
	if r := s.post(inTenant, []byte(first)); r != nil {
		t.Fatal(r)
	}
	second := `{"fvTenant": {"children": [` + l3outOf("Q", "202", "2.0.0.2", "0.0.0.0/0") + `]}}`
	if r := s.post(inTenant, []byte(second)); r == nil || r.code != codeRule {
		t.Errorf("refused %v, want code %s", r, codeRule)
	}
}

func TestMerge(t *testing.T) {
	s := whole(t)
	for _, body := range []string{
		`{"fvCtx": {"attributes": {"pcEnfPref": "unenforced"}}}`,
		`{"fvCtx": {"attributes": {"descr": "x"}, "children": [{"fvRsBgpCtxPol": {"attributes": {"tnBgpCtxPolName": ""}}}]}}`,
	} {
		if r := s.post(inTenant+"/ctx-V", []byte(body)); r != nil {
			t.Fatal(r)
		}
	}
	got := s.objects[inTenant+"/ctx-V"].attributes
	want := map[string]string{"name": "V", "pcEnfPref": "unenforced", "pcEnfDir": "ingress", "knwMcastAct": "permit", "bdEnforcedEnable": "no", "ipDataPlaneLearning": "enabled", "descr": "x", "annotation": "", "uid": userID}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	if s.objects[inTenant+"/ctx-V/rsctxToEpRet"].attributes["uid"] != "0" {
		t.Error("what the APIC makes by itself has a user")
	}
	if r := s.post(onChannel, []byte(`{"l3extRsPathL3OutAtt": {"attributes": {"addr": "0.0.0.0"}, "children": `+bothMembers+`}}`)); r != nil {
		t.Error(r)
	}
	if r := s.delete(inTenant); r != nil || len(s.below(inTenant)) > 0 {
		t.Errorf("after the delete (%v) there is %v", r, s.below(inTenant))
	}
}

func TestAnswers(t *testing.T) {
	s := whole(t)
	body := `{"vzFilter": {"attributes": {"name": "F"}, "children": [{"vzEntry": {"attributes": {"name": "E", "etherT": "ip", "prot": "tcp", "dFromPort": "443", "dToPort": "8443", "stateful": "true", "tcpRules": "ack,est"}}}]}}`
	if r := s.post(inTenant+"/flt-F", []byte(body)); r != nil {
		t.Fatal(r)
	}
	got := s.answer(inTenant + "/flt-F/e-E")
	for name, want := range map[string]string{"dFromPort": "https", "dToPort": "8443", "stateful": "yes", "tcpRules": "est,ack", "dn": "uni/tn-T/flt-F/e-E"} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestQueries(t *testing.T) {
	s := whole(t)
	tests := []struct {
		query string
		most  int
		want  []string
		code  string
	}{
		{"query-target=children&target-subtree-class=fvCtx", 9, []string{"uni/tn-T/ctx-V"}, ""},
		{"query-target=subtree&target-subtree-class=l3extSubnet&order-by=l3extSubnet.dn", 9, []string{"uni/tn-T/out-O/instP-E/extsubnet-[10.0.0.0/8]"}, ""},
		{"query-target=subtree", 9, nil, "1"},
		{"query-target=subtree&page=1&page-size=2", 9, []string{"uni/tn-T/ctx-V", "uni/tn-T/ctx-V/any"}, ""},
		{"query-target=subtree&page=100&page-size=2", 9, nil, ""},
		{"query-target=subtree&page-size=10", 9, nil, codeDN},
		{"query-target=subtree&target-subtree-class=fvFoo", 9, nil, codeUnknownQuery},
		{"rsp-subtree=full", 9, nil, codeBody},
		{"query-target=everything", 9, nil, codeBody},
		{"query-target-filter=ne(fvTenant.name,\"T\")", 9, nil, codeDN},
		{"query-target-filter=eq(fvTenant.name,\"T\")", 9, []string{"uni/tn-T"}, ""},
		{"order-by=name", 9, nil, codeDN},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			values, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			found, r := s.at(inTenant, values)
			if r == nil {
				found, r = page(found, values, tt.most)
			}
			code := ""
			if r != nil {
				code = r.code
			}
			if code != tt.code || !slices.Equal(found, tt.want) {
				t.Errorf("code %q, %q; want code %q, %q", code, found, tt.code, tt.want)
			}
		})
	}
}

// Every class can stand where the table says: its parents are classes, its name
// comes of its attributes and back, and what it makes is below it.
func TestTableAgreesWithItself(t *testing.T) {
	all := table()
	for _, c := range all {
		if len(c.in) == 0 && c.name != "polUni" {
			t.Errorf("%s is found nowhere", c.name)
		}
		for _, other := range slices.Concat(c.in, c.makes) {
			if _, ok := all[other]; !ok {
				t.Errorf("%s names %s, which is no class", c.name, other)
			}
		}
		for _, made := range c.makes {
			if !slices.Contains(all[made].in, c.name) {
				t.Errorf("%s makes %s, which is not found below it", c.name, made)
			}
		}
		attributes := map[string]string{}
		for _, name := range c.naming() {
			if _, ok := c.attributes[name]; !ok {
				t.Errorf("%s is named by %s, which it has not", c.name, name)
			}
			attributes[name] = "a-[b/c]"
		}
		if back, ok := c.parse(c.nameOf(attributes)); !ok || !cmp.Equal(attributes, back) {
			t.Errorf("%s: %q reads back as %q", c.name, attributes, back)
		}
	}
}

// What the refused requests are one step away from is taken.
func TestTaken(t *testing.T) {
	for name, body := range map[string]string{
		"neighbour":  channelWith("", "10.9.0.2/24", "10.9.0.3/24", neighbour("10.9.0.9", remote+`, {"bgpLocalAsnP": {"attributes": {"localAsn": "64512"}}}`)),
		"neighbours": channelWith("", "10.9.0.2/24", "10.9.0.3/24", neighbour("10.9.0.0/24", remote)),
	} {
		if r := whole(t).post(onChannel, []byte(body)); r != nil {
			t.Errorf("%s: %v", name, r)
		}
	}
	if r := whole(t).post(onAnchor, []byte(floatingWith("10.9.0.2/24", `, "floatingAddr": "10.9.0.4/24"`))); r != nil {
		t.Error(r)
	}
}

func TestPostIsAnError(t *testing.T) {
	s := Start(Options{})
	defer s.Close()
	var r *refusal
	if err := s.Post("uni/tn-T", `{"fvTenant": {"attributes": {"name": "T"}}}`); err != nil {
		t.Error(err)
	}
	if err := s.Post("uni/tn-T", `{"fvFoo": {}}`); !errors.As(err, &r) || r.code != codeUnknownClass {
		t.Error(err)
	}
}
