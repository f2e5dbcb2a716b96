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
	s := newStore(Options{Leaves: []int{201, 202, 203}, Pairs: [][2]int{{201, 202}}})
	for _, p := range [][2]string{
		{"uni/l3dom-D", `{"l3extDomP": {"attributes": {"name": "D"}}}`},
		{"uni/infra/funcprof/accbundle-H", `{"infraAccBndlGrp": {"attributes": {"lagT": "node"}}}`},
		{"uni/tn-T", `{"fvTenant": {"attributes": {"name": "T"}, "children": [
			{"fvCtx": {"attributes": {"name": "V"}}},
			{"vzBrCP": {"attributes": {"name": "C"}}},
			` + l3outOf("O", "203", "2.0.0.3", "10.0.0.0/8") + `]}}`},
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

const (
	inTenant    = "uni/tn-T"
	inProfile   = "uni/tn-T/out-O/lnodep-N/lifp-I"
	onChannel   = inProfile + "/rspathL3OutAtt-[topology/pod-1/protpaths-201-202/pathep-[H]]"
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
		{"dangling tDn", "uni/l3dom-D", `{"l3extDomP": {"children": [{"infraRsVlanNs": {"attributes": {"tDn": "uni/infra/vlanns-[P]-static"}}}]}}`, codeTarget, "is no fvnsVlanInstP"},
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
	body := `{"vzFilter": {"attributes": {"name": "F"}, "children": [{"vzEntry": {"attributes": {"name": "E", "dFromPort": "443", "dToPort": "8443", "stateful": "true", "tcpRules": "ack,est"}}}]}}`
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
