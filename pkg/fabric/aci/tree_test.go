// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// k8c1 is the shipped plan with texts replaced: old, new, old, new.
func k8c1(t testing.TB, replace ...string) plan.Plan {
	t.Helper()
	doc, err := os.ReadFile("../../../docs/examples/k8c1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return edited(t, string(doc), replace...)
}

// edited parses a plan with texts replaced. What Parse says of it is not asked:
// the mistakes that are made here are Tree's to find.
func edited(t testing.TB, doc string, replace ...string) plan.Plan {
	t.Helper()
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(doc, replace[i]) {
			t.Fatalf("the plan has no %q", replace[i])
		}
		doc = strings.ReplaceAll(doc, replace[i], replace[i+1])
	}
	p, _ := plan.Parse([]byte(doc))
	return p
}

// small is a plan of one host and nothing that it can do without.
const small = `apiVersion: nodeprep.dev/v1alpha1
kind: ClusterPlan
metadata: {name: s1}
spec:
  domain: labs.example.com
  nodeNetwork: {subnet: 10.1.0.0/24, vlan: 11, gateway: 10.1.0.254}
  bond: {legs: [eno1, eno2]}
  fabric:
    asn: 64512
    leaves:
      - {name: leaf101, address: 10.1.0.252, node: 101}
      - {name: leaf102, address: 10.1.0.253, node: 102}
    aci:
      tenant: TEN_S1
      vrf: VRF_S1
      l3out: L3O_S1
  asn: {model: node, first: 64600, last: 64699}
  pods: {subnet: 10.128.0.0/16}
  services: {subnet: 10.129.0.0/16}
  kubernetes: {version: 1.37.2, apiEndpoint: "10.1.0.1:6443"}
  nodes:
    - {name: m0, role: control-plane, address: 10.1.0.1/24, ports: ["leaf101:1/1", "leaf102:1/1"]}
`

// twoRacks are the replacements that make small's one rack two, of which the
// second has one leaf, shows a number of its own, and leads outside by a port
// that is the cluster's.
func twoRacks() []string {
	return []string{
		"  nodeNetwork: {subnet: 10.1.0.0/24, vlan: 11, gateway: 10.1.0.254}\n", "",
		`    leaves:
      - {name: leaf101, address: 10.1.0.252, node: 101}
      - {name: leaf102, address: 10.1.0.253, node: 102}
`, "",
		"l3out: L3O_S1\n", "l3out: L3O_S1\n      outside: {l3out: L3O_OUT, leaf: leaf103, port: 1/48, vlan: 108, address: 10.108.0.1/30}\n",
		"  nodes:\n", `  racks:
    - name: r1
      nodeNetwork: {subnet: 10.1.0.0/24, vlan: 11, gateway: 10.1.0.254}
      leaves:
        - {name: leaf102, address: 10.1.0.253, node: 102, routerID: 10.255.0.2}
        - {name: leaf101, address: 10.1.0.252, node: 101, routerID: 10.255.0.1}
    - name: r2
      leafASN: 64513
      nodeNetwork: {subnet: 10.1.1.0/24, vlan: 12, gateway: 10.1.1.254}
      leaves:
        - {name: leaf103, address: 10.1.1.253, node: 103}
  nodes:
    - {name: w1, role: worker, rack: r2, address: 10.1.1.1/24, ports: ["leaf103:1/1", "leaf103:1/2"]}
`,
		"name: m0,", "name: m0, rack: r1,",
	}
}

// variants are plans that between them have everything that a tree can hold.
func variants(t testing.TB) map[string]plan.Plan {
	t.Helper()
	const model = "model: node, first: 64600, last: 64699"
	const l3out = "l3out: L3O_S1\n"
	return map[string]plan.Plan{
		"k8c1":     k8c1(t),
		"cluster":  edited(t, small, model, "model: cluster, first: 64600, last: 64600"),
		"floating": edited(t, small, l3out, l3out+"      floatingSVI: {address: 10.1.0.251, domain: PHD_S1}\n"),
		"floating-cluster": edited(t, small, model, "model: cluster, first: 64600, last: 64600",
			l3out, l3out+"      floatingSVI: {address: 10.1.0.251}\n"),
		"racks": edited(t, small, twoRacks()...),
		"bfd":   edited(t, small, "    asn: 64512\n", "    asn: 64512\n    bfd: {interval: 300ms}\n"),
		"pods": edited(t, small, "10.128.0.0/16}", "10.128.0.0/16, outside: true}",
			l3out, l3out+"      applications: [{name: WEB, addresses: [10.128.3.4/32], ports: [8080, 443]}]\n"),
	}
}

func tree(t testing.TB, p plan.Plan, c Cabling) *Object {
	t.Helper()
	root, err := Tree(p, c)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// The lower node ID stands first in a vPC's path, whatever the leaves are called:
// the APIC knows no other.
func TestPathsGoByNodeID(t *testing.T) {
	p := edited(t, small, "name: leaf101, address: 10.1.0.252, node: 101", "name: leaf101, address: 10.1.0.252, node: 112")
	text, err := JSON(tree(t, p, nil))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "/protpaths-102-112/") || strings.Contains(string(text), "/protpaths-112-102/") {
		t.Error("the path is not that of the leaves 102 and 112 in order")
	}
}

// A domain that the plan names is the one that is made and used, and a VLAN that is
// twice in a pool is refused by the APIC.
func TestDomainsAndVLANs(t *testing.T) {
	const l3out = "l3out: L3O_S1\n"
	for _, tc := range []struct {
		replace    []string
		want, none []string
	}{
		{[]string{l3out, l3out + "      floatingSVI: {address: 10.1.0.251, domain: OTHER}\n"}, []string{`"phys-OTHER"`, `"uni/phys-OTHER"`}, []string{"PHD_S1"}},
		{[]string{l3out, l3out + "      floatingSVI: {address: 10.1.0.251}\n"}, []string{`"phys-PHD_S1"`}, nil},
		{[]string{l3out, l3out + "      outside: {l3out: L3O_OUT, leaf: leaf101, port: 1/48, vlan: 11, address: 10.108.0.1/30}\n"}, []string{"from-[vlan-11]-to-[vlan-11]"}, nil},
		{[]string{l3out, l3out + "      outside: {l3out: L3O_OUT, leaf: leaf101, port: 1/48, vlan: 7, address: 10.108.0.1/30}\n"}, []string{"from-[vlan-7]-to-[vlan-7]", "from-[vlan-11]-to-[vlan-11]"}, nil},
		{[]string{l3out, l3out + "      outside: {l3out: L3O_OUT, domain: L3D_OUT, leaf: leaf101, port: 1/48, vlan: 7, address: 10.108.0.1/30}\n"}, []string{"l3dom-L3D_OUT"}, []string{"from-[vlan-7]"}},
	} {
		text, err := JSON(tree(t, edited(t, small, tc.replace...), nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range tc.want {
			if n := strings.Count(string(text), want); n == 0 || strings.HasPrefix(want, "from-") && n != 1 {
				t.Errorf("%s is there %d times, of %q", want, n, tc.replace[1])
			}
		}
		for _, none := range tc.none {
			if strings.Contains(string(text), none) {
				t.Errorf("%s is there, of %q", none, tc.replace[1])
			}
		}
	}
}

func TestTreeIsAsItWas(t *testing.T) {
	base := tree(t, edited(t, small), nil)
	for name, p := range variants(t) {
		if name != "k8c1" {
			golden.Check(t, filepath.Join("testdata", name+".txt"), []byte(changes(base, tree(t, p, nil))))
		}
	}
	for name, root := range map[string]*Object{"k8c1": tree(t, k8c1(t), nil), "small": base} {
		text, err := JSON(root)
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, filepath.Join("testdata", name+".json"), text)
	}
	text, err := Terraform(tree(t, k8c1(t), nil))
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", "k8c1.tf"), text)
}

// changes are the objects that one tree has and the other has not.
func changes(before, after *Object) string {
	old, now := lines(before), lines(after)
	var b strings.Builder
	for _, line := range slices.Sorted(maps.Keys(old)) {
		if !now[line] {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range slices.Sorted(maps.Keys(now)) {
		if !old[line] {
			b.WriteString("+ " + line + "\n")
		}
	}
	return b.String()
}

func lines(root *Object) map[string]bool {
	all := map[string]bool{}
	root.Walk(func(dn string, o *Object) {
		line := dn + " " + o.Class
		for _, name := range slices.Sorted(maps.Keys(o.Attributes)) {
			if name != "annotation" {
				line += " " + name + "=" + o.Attributes[name]
			}
		}
		all[line] = true
	})
	return all
}

// The reference plan is valid, and its fabric is of no fewer objects than
// configuring it by hand takes.
func TestTreeOfTheReferencePlan(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/examples/k8c1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, report := plan.Parse(doc)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	owned := 0
	tree(t, p, nil).Walk(func(_ string, o *Object) {
		if o.Owned() {
			owned++
		}
	})
	if owned < 159 {
		t.Errorf("the tree has %d objects, want at least 159", owned)
	}
}

func TestEveryObjectHasAnOwnerAndADN(t *testing.T) {
	for name, p := range variants(t) {
		seen := map[string]bool{}
		tree(t, p, nil).Walk(func(dn string, o *Object) {
			if seen[dn] {
				t.Errorf("%s: %s is there twice", name, dn)
			}
			seen[dn] = true
			want := Owner(p.Metadata.Name)
			if everywhere(o.Class) {
				want = ""
			}
			if got := o.Attributes["annotation"]; got != want {
				t.Errorf("%s: %s has the annotation %q, want %q", name, dn, got, want)
			}
		})
	}
}

// classes are the APIC's: where an object of a class may stand, and how its RN
// is made of its attributes. Sources: the module sources of
// netascode/terraform-aci-nac-aci, and the provider's documentation.
func classes() map[string]struct{ parents, rn string } {
	return map[string]struct{ parents, rn string }{
		"polUni":               {"", "uni"},
		"l3extDomP":            {"polUni", "l3dom-{name}"},
		"physDomP":             {"polUni", "phys-{name}"},
		"infraRsVlanNs":        {"l3extDomP physDomP", "rsvlanNs"},
		"infraInfra":           {"polUni", "infra"},
		"fvnsVlanInstP":        {"infraInfra", "vlanns-[{name}]-{allocMode}"},
		"fvnsEncapBlk":         {"fvnsVlanInstP", "from-[{from}]-to-[{to}]"},
		"infraAttEntityP":      {"infraInfra", "attentp-{name}"},
		"infraRsDomP":          {"infraAttEntityP", "rsdomP-[{tDn}]"},
		"lacpLagPol":           {"infraInfra", "lacplagp-{name}"},
		"l2IfPol":              {"infraInfra", "l2IfP-{name}"},
		"lldpIfPol":            {"infraInfra", "lldpIfP-{name}"},
		"infraFuncP":           {"infraInfra", "funcprof"},
		"infraAccBndlGrp":      {"infraFuncP", "accbundle-{name}"},
		"infraAccPortGrp":      {"infraFuncP", "accportgrp-{name}"},
		"infraRsAttEntP":       {"infraAccBndlGrp infraAccPortGrp", "rsattEntP"},
		"infraRsLacpPol":       {"infraAccBndlGrp", "rslacpPol"},
		"infraRsL2IfPol":       {"infraAccBndlGrp infraAccPortGrp", "rsl2IfPol"},
		"infraRsLldpIfPol":     {"infraAccBndlGrp infraAccPortGrp", "rslldpIfPol"},
		"infraAccPortP":        {"infraInfra", "accportprof-{name}"},
		"infraHPortS":          {"infraAccPortP", "hports-{name}-typ-{type}"},
		"infraRsAccBaseGrp":    {"infraHPortS", "rsaccBaseGrp"},
		"infraPortBlk":         {"infraHPortS", "portblk-{name}"},
		"infraNodeP":           {"infraInfra", "nprof-{name}"},
		"infraLeafS":           {"infraNodeP", "leaves-{name}-typ-{type}"},
		"infraNodeBlk":         {"infraLeafS", "nodeblk-{name}"},
		"infraRsAccPortP":      {"infraNodeP", "rsaccPortP-[{tDn}]"},
		"fvTenant":             {"polUni", "tn-{name}"},
		"fvCtx":                {"fvTenant", "ctx-{name}"},
		"fvRsCtxToBgpCtxAfPol": {"fvCtx", "rsctxToBgpCtxAfPol-[{tnBgpCtxAfPolName}]-{af}"},
		"bgpCtxAfPol":          {"fvTenant", "bgpCtxAfP-{name}"},
		"bgpCtxPol":            {"fvTenant", "bgpCtxP-{name}"},
		"bgpBestPathCtrlPol":   {"fvTenant", "bestpath-{name}"},
		"bgpPeerPfxPol":        {"fvTenant", "bgpPfxP-{name}"},
		"bfdIfPol":             {"fvTenant", "bfdIfPol-{name}"},
		"ospfIfPol":            {"fvTenant", "ospfIfPol-{name}"},
		"vzFilter":             {"fvTenant", "flt-{name}"},
		"vzEntry":              {"vzFilter", "e-{name}"},
		"vzBrCP":               {"fvTenant", "brc-{name}"},
		"vzSubj":               {"vzBrCP", "subj-{name}"},
		"vzRsSubjFiltAtt":      {"vzSubj", "rssubjFiltAtt-{tnVzFilterName}"},
		"rtctrlSubjP":          {"fvTenant", "subj-{name}"},
		"rtctrlMatchRtDest":    {"rtctrlSubjP", "dest-[{ip}]"},
		"l3extOut":             {"fvTenant", "out-{name}"},
		"l3extRsEctx":          {"l3extOut", "rsectx"},
		"l3extRsL3DomAtt":      {"l3extOut", "rsl3DomAtt"},
		"bgpExtP":              {"l3extOut", "bgpExtP"},
		"ospfExtP":             {"l3extOut", "ospfExtP"},
		"rtctrlProfile":        {"l3extOut", "prof-{name}"},
		"rtctrlCtxP":           {"rtctrlProfile", "ctx-{name}"},
		"rtctrlRsCtxPToSubjP":  {"rtctrlCtxP", "rsctxPToSubjP-{tnRtctrlSubjPName}"},
		"l3extLNodeP":          {"l3extOut", "lnodep-{name}"},
		"l3extRsNodeL3OutAtt":  {"l3extLNodeP", "rsnodeL3OutAtt-[{tDn}]"},
		"l3extLoopBackIfP":     {"l3extRsNodeL3OutAtt", "lbp-[{addr}]"},
		"bgpProtP":             {"l3extLNodeP", "protp"},
		"bgpRsBgpNodeCtxPol":   {"bgpProtP", "rsbgpNodeCtxPol"},
		"bgpRsBestPathCtrlPol": {"bgpProtP", "rsBestPathCtrlPol"},
		"l3extLIfP":            {"l3extLNodeP", "lifp-{name}"},
		"bfdIfP":               {"l3extLIfP", "bfdIfP"},
		"bfdRsIfPol":           {"bfdIfP", "rsIfPol"},
		"ospfIfP":              {"l3extLIfP", "ospfIfP"},
		"ospfRsIfPol":          {"ospfIfP", "rsIfPol"},
		"l3extRsPathL3OutAtt":  {"l3extLIfP", "rspathL3OutAtt-[{tDn}]"},
		"l3extMember":          {"l3extRsPathL3OutAtt", "mem-{side}"},
		"l3extIp":              {"l3extMember l3extRsPathL3OutAtt l3extVirtualLIfP", "addr-[{addr}]"},
		"l3extVirtualLIfP":     {"l3extLIfP", "vlifp-[{nodeDn}]-[{encap}]"},
		"l3extRsDynPathAtt":    {"l3extVirtualLIfP", "rsdynPathAtt-[{tDn}]"},
		"bgpPeerP":             {"l3extRsPathL3OutAtt l3extVirtualLIfP", "peerP-[{addr}]"},
		"bgpAsP":               {"bgpPeerP", "as"},
		"bgpLocalAsnP":         {"bgpPeerP", "localasn"},
		"bgpRsPeerPfxPol":      {"bgpPeerP", "rspeerPfxPol"},
		"l3extInstP":           {"l3extOut", "instP-{name}"},
		"l3extSubnet":          {"l3extInstP", "extsubnet-[{ip}]"},
		"fvRsProv":             {"l3extInstP", "rsprov-{tnVzBrCPName}"},
		"fvRsCons":             {"l3extInstP", "rscons-{tnVzBrCPName}"},
	}
}

func TestRNsAreTheAPICs(t *testing.T) {
	table, used := classes(), map[string]bool{}
	field := regexp.MustCompile(`\{\w+\}`)
	var check func(parent string, o *Object)
	check = func(parent string, o *Object) {
		class, known := table[o.Class]
		used[o.Class] = true
		if !known || !slices.Contains(strings.Split(class.parents, " "), parent) {
			t.Errorf("%s in %q, want it in one of %q", o.Class, parent, class.parents)
		}
		rn := field.ReplaceAllStringFunc(class.rn, func(name string) string { return o.Attributes[name[1:len(name)-1]] })
		if o.RN != rn {
			t.Errorf("%s is called %s, its attributes say %s", o.Class, o.RN, rn)
		}
		for _, child := range o.Children {
			check(o.Class, child)
		}
	}
	for _, p := range variants(t) {
		check("", tree(t, p, nil))
	}
	for class := range table {
		if !used[class] {
			t.Errorf("no plan here makes an object of class %s", class)
		}
	}
}

// pointsTo is where the target of a relation by name stands. The policies' own
// tenant is the relation's.
func pointsTo() map[string]string {
	return map[string]string{
		"tnLacpLagPolName":         "uni/infra/lacplagp-",
		"tnL2IfPolName":            "uni/infra/l2IfP-",
		"tnLldpIfPolName":          "uni/infra/lldpIfP-",
		"tnFvCtxName":              "TENANT/ctx-",
		"tnBgpCtxAfPolName":        "TENANT/bgpCtxAfP-",
		"tnBgpCtxPolName":          "TENANT/bgpCtxP-",
		"tnBgpBestPathCtrlPolName": "TENANT/bestpath-",
		"tnBgpPeerPfxPolName":      "TENANT/bgpPfxP-",
		"tnBfdIfPolName":           "TENANT/bfdIfPol-",
		"tnOspfIfPolName":          "TENANT/ospfIfPol-",
		"tnVzFilterName":           "TENANT/flt-",
		"tnVzBrCPName":             "TENANT/brc-",
		"tnRtctrlSubjPName":        "TENANT/subj-",
	}
}

var (
	hardware    = regexp.MustCompile(`^topology/pod-\d+/(node-\d+|paths-\d+/pathep-\[eth\d+/\d+\])$`)
	portChannel = regexp.MustCompile(`^topology/pod-\d+/(?:paths-\d+|protpaths-\d+-\d+)/pathep-\[([^\]/]+)\]$`)
)

func TestNoRelationDangles(t *testing.T) {
	for name, p := range variants(t) {
		root := tree(t, p, nil)
		exists := map[string]bool{"uni/l3dom-L3D_EXTERNAL": true} // the plan names it: the router's port has it
		root.Walk(func(dn string, _ *Object) { exists[dn] = true })
		places := pointsTo()
		root.Walk(func(dn string, o *Object) {
			target := ""
			for attribute, value := range o.Attributes {
				if place, relation := places[attribute]; relation {
					target = strings.Replace(place, "TENANT", "uni/tn-"+p.Spec.Fabric.ACI.Tenant, 1) + value
				} else if strings.HasPrefix(attribute, "tn") {
					t.Errorf("%s: %s points by %s, which this test does not know", name, dn, attribute)
				}
			}
			if tDn, ok := o.Attributes["tDn"]; ok {
				target = tDn
			}
			if m := portChannel.FindStringSubmatch(target); m != nil && !hardware.MatchString(target) {
				target = "uni/infra/funcprof/accbundle-" + m[1]
			}
			relation := strings.Contains(o.Class, "Rs")
			if relation != (target != "") || relation && !exists[target] && !hardware.MatchString(target) {
				t.Errorf("%s: %s points to %q, which is not there", name, dn, target)
			}
		})
	}
}

// A leaf knows a dynamic neighbour once, whatever number of paths its SVI has.
func TestClusterModelHasOnePeer(t *testing.T) {
	p := k8c1(t, "model: node", "model: cluster")
	p.Spec.ASN.Last = p.Spec.ASN.First
	want := map[string]string{"addr": "192.168.9.192/28", "ctrl": "as-override,dis-peer-as-check", "annotation": Owner("k8c1")}
	var got []map[string]string
	tree(t, p, nil).Walk(func(_ string, o *Object) {
		if o.Class == "bgpPeerP" {
			got = append(got, o.Attributes)
		}
	})
	if diff := cmp.Diff([]map[string]string{want}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Contracts, filters, rules and policies that nothing points to have no purpose.
func TestNothingIsWithoutAPurpose(t *testing.T) {
	for name, p := range variants(t) {
		root := tree(t, p, nil)
		used := map[string]bool{}
		root.Walk(func(_ string, o *Object) {
			for attribute, value := range o.Attributes {
				if place, relation := pointsTo()[attribute]; relation {
					used[strings.Replace(place, "TENANT", "uni/tn-"+p.Spec.Fabric.ACI.Tenant, 1)+value] = true
				}
			}
		})
		places := slices.Collect(maps.Values(pointsTo()))
		root.Walk(func(dn string, _ *Object) {
			for _, place := range places {
				prefix := strings.Replace(place, "TENANT", "uni/tn-"+p.Spec.Fabric.ACI.Tenant, 1)
				if rest, ok := strings.CutPrefix(dn, prefix); ok && !strings.Contains(rest, "/") && !used[dn] {
					t.Errorf("%s: nothing uses %s", name, dn)
				}
			}
		})
	}
}
