// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nodeprep/nodeprep/pkg/fabric/aci"
	"github.com/nodeprep/nodeprep/pkg/fabric/apic/apictest"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

const (
	owner    = "orchestrator:joinsvc-k8c1"
	user     = "joinsvc"
	password = "correct horse battery staple"
	tenant   = "uni/tn-TEN_K8_C1"
)

// fabric is an APIC with the leaves of k8c1.
func fabric(t testing.TB, edit func(*apictest.Options)) *apictest.Server {
	t.Helper()
	o := apictest.Options{User: user, Password: password, Leaves: []int{201, 202}, Pairs: [][2]int{{201, 202}}, ASN: 65000, MaxPage: 100}
	if edit != nil {
		edit(&o)
	}
	s := apictest.Start(o)
	t.Cleanup(s.Close)
	return s
}

func client(t testing.TB, s *apictest.Server, edit func(*Config)) *Client {
	t.Helper()
	c := Config{URL: s.URL(), User: user, Password: password, Trust: Trust{CA: s.CA()}, Owner: owner, PageSize: 100}
	if edit != nil {
		edit(&c)
	}
	made, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// k8c1 is the tree of the shipped plan, with texts of the plan replaced by
// others: old, new, old, new.
func k8c1(t testing.TB, replace ...string) *aci.Object {
	t.Helper()
	doc, err := os.ReadFile("../../../docs/examples/k8c1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(doc)
	for pair := range slices.Chunk(replace, 2) {
		if !strings.Contains(text, pair[0]) {
			t.Fatalf("the plan has no %q", pair[0])
		}
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	p, report := plan.Parse([]byte(text))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	root, err := aci.Tree(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func diff(t testing.TB, c *Client, root *aci.Object) Changes {
	t.Helper()
	changes, err := c.Diff(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func push(t testing.TB, c *Client, root *aci.Object) Changes {
	t.Helper()
	changes := diff(t, c, root)
	if err := c.Push(t.Context(), changes, func(string) {}); err != nil {
		t.Fatal(err)
	}
	return changes
}

func theirs(t testing.TB, s *apictest.Server, dn, body string) {
	t.Helper()
	if err := s.Post(dn, body); err != nil {
		t.Fatal(err)
	}
}

// noChange wants a tree to be there, and a push of it to write nothing.
func noChange(t testing.TB, s *apictest.Server, c *Client, root *aci.Object) {
	t.Helper()
	s.Requests()
	changes := push(t, c, root)
	if !changes.Empty() {
		t.Errorf("after a push there is still to do:\n%+v", changes)
	}
	if w := s.Writes(); len(w) > 0 {
		t.Errorf("nothing was to do, and yet it sent %q", w)
	}
}

func TestPushAndDelete(t *testing.T) {
	trees := map[string]*aci.Object{
		"article":  k8c1(t),
		"floating": k8c1(t, "l3out: L3O_K8_C1", "l3out: L3O_K8_C1\n      floatingSVI: {address: 192.168.9.203, domain: PHD_K8_C1}"),
		"cluster":  k8c1(t, "model: node", "model: cluster", "last: 63562", "last: 63551"),
		"BFD, a port of its own": k8c1(t, "        domain: L3D_EXTERNAL\n", "",
			"defaultRoute: true", "defaultRoute: true\n    bfd: {interval: 300ms}"),
	}
	for name, root := range trees {
		t.Run(name, func(t *testing.T) {
			s := fabric(t, nil)
			theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
			before := s.Dump()
			c := client(t, s, nil)
			if made := push(t, c, root); len(made.Create) < 100 {
				t.Errorf("made %d objects only", len(made.Create))
			}
			noChange(t, s, c, root)
			changes := push(t, c, nil)
			if len(changes.Kept) > 0 {
				t.Errorf("kept %v", changes.Kept)
			}
			if diff := cmp.Diff(before, s.Dump()); diff != "" {
				t.Errorf("push and delete left something (-before +after):\n%s", diff)
			}
		})
	}
}

// Two hosts that change their addresses: a leaf has each neighbour once, so the
// old ones go before the new ones come.
func TestNeighboursMove(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
	c := client(t, s, nil)
	push(t, c, k8c1(t))
	swapped := k8c1(t, "address: 192.168.9.194/28", "address: X", "address: 192.168.9.195/28", "address: 192.168.9.194/28", "address: X", "address: 192.168.9.195/28")
	push(t, c, swapped)
	noChange(t, s, c, swapped)
}

// A description is for people: somebody else's of what is as planned stays.
func TestDescriptionsOfOthersDoNotMatter(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
	c := client(t, s, nil)
	push(t, c, k8c1(t))
	peer := tenant + "/out-L3O_K8_C1/lnodep-NDP_K8C1/lifp-IFP_K8C1/rspathL3OutAtt-[topology/pod-1/protpaths-201-202/pathep-[VPC_K8C1_K8C1M0]]/peerP-[192.168.9.193]"
	theirs(t, s, peer, `{"bgpPeerP": {"attributes": {"annotation": "orchestrator:ansible", "descr": "the control plane"}}}`)
	if changes := diff(t, c, k8c1(t)); !changes.Empty() || !slices.Equal(changes.Used, []string{peer}) {
		t.Errorf("used %q, conflicts %v", changes.Used, changes.Conflicts)
	}
}

// What the APIC made with somebody else's object is somebody else's to set: an
// L3Out that is in no VRF yet.
func TestRelationOfOthersIsNotSet(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, tenant, `{"fvTenant": {"children": [{"l3extOut": {"attributes": {"name": "L3O_K8_C1", "enforceRtctrl": "export"}}}]}}`)
	changes := diff(t, client(t, s, nil), k8c1(t))
	var names []string
	for _, conflict := range changes.Conflicts {
		names = append(names, conflict.DN)
	}
	if want := []string{tenant + "/out-L3O_K8_C1", tenant + "/out-L3O_K8_C1/rsectx"}; !slices.Equal(names, want) || len(changes.Change) > 0 {
		t.Errorf("conflicts %q, want %q; changes %v", names, want, changes.Change)
	}
}

// What an APIC notes by itself below ours goes with ours.
func TestForeign(t *testing.T) {
	c := client(t, fabric(t, nil), nil)
	for _, tt := range []struct {
		attributes map[string]string
		want       bool
	}{
		{map[string]string{"annotation": owner, "uid": "15374"}, false},
		{map[string]string{"annotation": "orchestrator:terraform", "uid": "15374"}, true},
		{map[string]string{"annotation": "", "uid": "15374"}, true},
		{map[string]string{"annotation": "", "uid": "0"}, false},
		{map[string]string{"code": "F0467"}, false}, // a fault
	} {
		if got := c.foreign(object{attributes: tt.attributes}); got != tt.want {
			t.Errorf("%v: somebody else's %v, want %v", tt.attributes, got, tt.want)
		}
	}
}

// Three racks with leaves, a subnet and a VLAN of their own are one L3Out.
func TestPushOfRacks(t *testing.T) {
	p, report := plan.Parse(plantest.Pooled(12, 3))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	root, err := aci.Tree(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := fabric(t, func(o *apictest.Options) {
		o.Leaves = []int{101, 102, 103, 104, 105, 106}
		o.Pairs = [][2]int{{101, 102}, {103, 104}, {105, 106}}
	})
	before := s.Dump()
	c := client(t, s, func(c *Config) { c.Owner = aci.Owner(p.Metadata.Name) })
	push(t, c, root)
	noChange(t, s, c, root)
	push(t, c, nil)
	if diff := cmp.Diff(before, s.Dump()); diff != "" {
		t.Errorf("push and delete left something (-before +after):\n%s", diff)
	}
}

// The tree as one POST, which is how people without joinsvc's own push use it.
func TestTheWholeTreeIsOneTransaction(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
	text, err := aci.JSON(k8c1(t))
	if err != nil {
		t.Fatal(err)
	}
	theirs(t, s, "uni", string(text))
	noChange(t, s, client(t, s, nil), k8c1(t))
}

// A tenant and a VRF that somebody else made are used, and stay with all else
// that is not ours.
func TestOthersObjectsStay(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
	theirs(t, s, tenant, `{"fvTenant": {"attributes": {"name": "TEN_K8_C1", "descr": "of the network team"}, "children": [
		{"fvCtx": {"attributes": {"name": "VRF_K8_C1", "annotation": "orchestrator:terraform"}}},
		{"vzBrCP": {"attributes": {"name": "CNT_THEIRS"}}}]}}`)
	theirs(t, s, "uni/infra", `{"infraInfra": {"children": [{"lacpLagPol": {"attributes": {"name": "LACP_THEIRS", "mode": "passive"}}}]}}`)
	before := s.Dump()
	c := client(t, s, nil)
	made := push(t, c, k8c1(t))
	if want := []string{tenant, tenant + "/ctx-VRF_K8_C1"}; !cmp.Equal(want, made.Used) {
		t.Errorf("used %q, want %q", made.Used, want)
	}
	noChange(t, s, c, k8c1(t))
	push(t, c, nil)
	if diff := cmp.Diff(before, s.Dump()); diff != "" {
		t.Errorf("push and delete changed what others have (-before +after):\n%s", diff)
	}
}

func TestConflict(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, tenant, `{"fvTenant": {"attributes": {"name": "TEN_K8_C1"}, "children": [
		{"fvCtx": {"attributes": {"name": "VRF_K8_C1", "annotation": "orchestrator:terraform"}}},
		{"bgpPeerPfxPol": {"attributes": {"name": "BGP_K8C1", "annotation": "orchestrator:ansible", "maxPfx": "20"}}}]}}`)
	c := client(t, s, nil)
	changes := diff(t, c, k8c1(t))
	want := []Conflict{{
		DN: tenant + "/bgpPfxP-BGP_K8C1", Class: "bgpPeerPfxPol", Owner: "orchestrator:ansible",
		Attributes: []Difference{{"maxPfx", "20", "500"}},
	}}
	if diff := cmp.Diff(want, changes.Conflicts); diff != "" {
		t.Errorf("conflicts (-want +got):\n%s", diff)
	}
	s.Requests()
	err := c.Push(t.Context(), changes, func(string) {})
	var conflict *ConflictError
	if !errors.As(err, &conflict) || changes.Empty() {
		t.Fatalf("pushed against a conflict: %v", err)
	}
	for _, part := range []string{"bgpPfxP-BGP_K8C1", "orchestrator:ansible", `maxPfx is "20", the plan has "500"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in %s", part, err)
		}
	}
	if w := s.Writes(); len(w) > 0 {
		t.Errorf("against a conflict it sent %q", w)
	}
}

// Somebody else's EPG in a tenant that we made keeps the tenant, and nothing
// but what it is in.
func TestOthersBelowOurs(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
	c := client(t, s, nil)
	push(t, c, k8c1(t))
	epg := tenant + "/ap-SHOP"
	theirs(t, s, epg, `{"fvAp": {"attributes": {"name": "SHOP", "annotation": "orchestrator:joinsvc-k8c10"}, "children": [{"fvAEPg": {"attributes": {"name": "WEB"}}}]}}`)
	changes := push(t, c, nil)
	want := []Kept{{tenant, "fvTenant", epg}}
	if diff := cmp.Diff(want, changes.Kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	var left []string
	for line := range strings.Lines(s.Dump()) {
		if fields := strings.Fields(line); strings.Contains(line, "TEN_K8_C1") {
			left = append(left, fields[1])
		}
	}
	wantLeft := []string{tenant, epg, epg + "/epg-WEB", tenant + "/eptags", tenant + "/rsTenantMonPol", tenant + "/svcCont"}
	if diff := cmp.Diff(wantLeft, left); diff != "" {
		t.Errorf("left in the tenant (-want +got):\n%s", diff)
	}
	if again := diff(t, c, nil); !again.Empty() {
		t.Errorf("a second delete wants %+v", again)
	}
}

func TestChangesAndLeftovers(t *testing.T) {
	const dashboard = "        - name: K8_DASHBOARD\n          addresses: [172.29.0.7/32]\n          ports: [443]\n"
	s := fabric(t, nil)
	theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
	c := client(t, s, nil)
	push(t, c, k8c1(t))
	next := k8c1(t, dashboard, "", "updelay: 2400ms", "updelay: 2s", "defaultRoute: true", "defaultRoute: true\n    maxPrefixes: 600")
	changes := push(t, c, next)
	want := []Modification{{tenant + "/bgpPfxP-BGP_K8C1", "bgpPeerPfxPol", []Difference{{"maxPfx", "500", "600"}}}}
	if diff := cmp.Diff(want, changes.Change); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	var deleted []string
	for _, d := range changes.Delete {
		deleted = append(deleted, d.DN)
	}
	if len(deleted) < 3 || !slices.ContainsFunc(deleted, func(dn string) bool { return strings.Contains(dn, "instP-EPG_K8_APP_K8_DASHBOARD") }) {
		t.Errorf("deleted %q", deleted)
	}
	noChange(t, s, c, next)
}

// An address that moves to another external EPG is let go of before it is taken.
func TestMovedAddress(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
	c := client(t, s, nil)
	push(t, c, k8c1(t))
	renamed := k8c1(t, "name: MCAST", "name: FCAST", "name: k8c1s2", "name: k8c1s9")
	push(t, c, renamed)
	noChange(t, s, c, renamed)
}

// What the plan no longer says of a policy group that stays cannot be deleted.
func TestRelationThatGoesWithItsParentOnly(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
	c := client(t, s, nil)
	before := s.Dump()
	push(t, c, k8c1(t))
	next := k8c1(t)
	next.Walk(func(_ string, o *aci.Object) {
		o.Children = slices.DeleteFunc(o.Children, func(child *aci.Object) bool { return child.Class == "infraRsL2IfPol" })
	})
	push(t, c, next)
	noChange(t, s, c, next)
	if strings.Contains(s.Dump(), `tnL2IfPolName="L2_K8C1"`) {
		t.Error("the relation still has its target")
	}
	push(t, c, nil)
	if diff := cmp.Diff(before, s.Dump()); diff != "" {
		t.Errorf("push and delete left something (-before +after):\n%s", diff)
	}
}

// A relation that the APIC made with an object of ours is nobody's yet.
func TestRelationThatTheAPICMade(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
	c := client(t, s, nil)
	without := k8c1(t)
	without.Walk(func(_ string, o *aci.Object) {
		o.Children = slices.DeleteFunc(o.Children, func(child *aci.Object) bool { return child.Class == "infraRsL2IfPol" })
	})
	push(t, c, without)
	changes := push(t, c, k8c1(t))
	if len(changes.Change) != 3 || len(changes.Create)+len(changes.Conflicts) > 0 {
		t.Errorf("got %+v", changes)
	}
	noChange(t, s, c, k8c1(t))
}

// A push that was refused half way is gone on with by the next.
func TestPartialFailure(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
	c := client(t, s, nil)
	s.Fail(tenant, "1", "the shard is read-only")
	var told []string
	err := c.Push(t.Context(), diff(t, c, k8c1(t)), func(line string) { told = append(told, line) })
	var refused *Error
	if !errors.As(err, &refused) || refused.DN != tenant || !strings.Contains(err.Error(), "the shard is read-only") {
		t.Errorf("the error does not name the tenant: %v", err)
	}
	if len(told) < 5 || !strings.Contains(told[len(told)-1], tenant) {
		t.Errorf("told %q", told)
	}
	s.Fail(tenant, "", "")
	if rest := push(t, c, k8c1(t)); len(rest.Create) == 0 {
		t.Error("nothing was left to do")
	}
	noChange(t, s, c, k8c1(t))
	s.Fail(tenant, "1", "the shard is read-only")
	err = c.Push(t.Context(), diff(t, c, nil), func(string) {})
	if !errors.As(err, &refused) || refused.Method != "DELETE" || refused.DN != tenant {
		t.Errorf("the error does not name the tenant: %v", err)
	}
	s.Fail(tenant, "", "")
	push(t, c, nil)
	if strings.Contains(s.Dump(), owner) {
		t.Error("objects of ours are left")
	}
}

// Somebody makes an object between a diff and its push.
func TestSomebodyWasFaster(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
	c := client(t, s, nil)
	changes := diff(t, c, k8c1(t))
	theirs(t, s, tenant, `{"fvTenant": {"attributes": {"name": "TEN_K8_C1"}}}`)
	var refused *Error
	if err := c.Push(t.Context(), changes, func(string) {}); !errors.As(err, &refused) || refused.Code != "103" {
		t.Errorf("got %v, want a refusal with code 103", err)
	}
	push(t, c, k8c1(t))
	noChange(t, s, c, k8c1(t))
	// And somebody deletes one that is to be changed.
	changes = diff(t, c, k8c1(t, "defaultRoute: true", "defaultRoute: true\n    maxPrefixes: 600"))
	theirs(t, s, tenant+"/bgpPfxP-BGP_K8C1", `{"bgpPeerPfxPol": {"attributes": {"status": "deleted"}}}`)
	if err := c.Push(t.Context(), changes, func(string) {}); !errors.As(err, &refused) || refused.Code != "102" {
		t.Errorf("got %v, want a refusal with code 102", err)
	}
}

// Of a tenant that is not there nobody asks what is in it.
func TestFewQuestions(t *testing.T) {
	s := fabric(t, nil)
	diff(t, client(t, s, nil), k8c1(t))
	in := 0
	for _, r := range s.Requests() {
		if r == "GET /api/mo/"+tenant+".json" {
			in++
		}
	}
	if in != 1 {
		t.Errorf("%d questions about the tenant, want 1", in)
	}
}

func TestTreeOfAnotherOwner(t *testing.T) {
	s := fabric(t, nil)
	c := client(t, s, func(c *Config) { c.Owner = "orchestrator:joinsvc-k8c2" })
	if _, err := c.Diff(t.Context(), k8c1(t)); err == nil || !strings.Contains(err.Error(), owner) {
		t.Errorf("got %v", err)
	}
	twice := &aci.Object{Class: "polUni", RN: "uni", Children: []*aci.Object{{Class: "fvTenant", RN: "tn-A"}, {Class: "fvTenant", RN: "tn-A"}}}
	if _, err := c.Diff(t.Context(), twice); err == nil || !strings.Contains(err.Error(), "uni/tn-A twice") {
		t.Errorf("got %v", err)
	}
}

// Every class of a plan's tree is asked for when it is no longer wanted.
func TestEveryClassIsKnown(t *testing.T) {
	k8c1(t).Walk(func(dn string, o *aci.Object) {
		if o.Owned() && !slices.Contains(classes(), o.Class) {
			t.Errorf("%s: class %s is not in classes()", dn, o.Class)
		}
	})
}

// A rack of many hosts makes more than one transaction, parents first.
func TestUnitsOfALargeTenant(t *testing.T) {
	root := &aci.Object{Class: "fvTenant", RN: "tn-T", Attributes: map[string]string{"name": "T"}}
	var all []Creation
	for i := range 3 * maxPost {
		name := fmt.Sprintf("F%05d", i)
		root.Children = append(root.Children, &aci.Object{Class: "vzFilter", RN: "flt-" + name, Attributes: map[string]string{"name": name}})
	}
	uni := &aci.Object{Class: "polUni", RN: "uni", Children: []*aci.Object{root}}
	uni.Walk(func(dn string, o *aci.Object) {
		if o != uni {
			all = append(all, Creation{DN: dn, Class: o.Class, object: o})
		}
	})
	made := units(all)
	if len(made) != len(all) || made[0].root.DN != "uni/tn-T" {
		t.Errorf("%d transactions, the first %s", len(made), made[0].root.DN)
	}
}

func TestUnitsComeAfterWhatTheyNeed(t *testing.T) {
	made := func(dn, class string, attributes map[string]string) Creation {
		return Creation{DN: dn, Class: class, object: &aci.Object{Class: class, RN: strings.TrimPrefix(dn, parent(dn)+"/"), Attributes: attributes}}
	}
	got := units([]Creation{
		made("uni/l3dom-D", "l3extDomP", map[string]string{"name": "D"}),
		made("uni/l3dom-D/rsvlanNs", "infraRsVlanNs", map[string]string{"tDn": "uni/infra/vlanns-[P]-static"}),
		made("uni/tn-T/out-O", "l3extOut", map[string]string{"name": "O"}),
		made("uni/tn-T/out-O/rsectx", "l3extRsEctx", map[string]string{"tnFvCtxName": "V"}),
		made("uni/tn-T/out-O/p", "l3extRsPathL3OutAtt", map[string]string{"tDn": "topology/pod-1/protpaths-201-202/pathep-[H]"}),
		made("uni/infra/vlanns-[P]-static", "fvnsVlanInstP", map[string]string{"name": "P"}),
		made("uni/infra/funcprof/accbundle-H", "infraAccBndlGrp", map[string]string{"name": "H"}),
		made("uni/tn-T/ctx-V", "fvCtx", map[string]string{"name": "V"}),
	})
	var order []string
	for _, u := range got {
		order = append(order, u.root.DN)
	}
	want := []string{"uni/infra/vlanns-[P]-static", "uni/l3dom-D", "uni/tn-T/ctx-V", "uni/infra/funcprof/accbundle-H", "uni/tn-T/out-O"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestSame(t *testing.T) {
	tests := []struct {
		attribute, a, b string
		want            bool
	}{
		{"ctrl", "as-override,dis-peer-as-check", "dis-peer-as-check,as-override", true},
		{"ctrl", "as-override", "dis-peer-as-check,as-override", false},
		{"ctrl", "", "unspecified", true},
		{"descr", "b,a", "a,b", false},
		{"dFromPort", "443", "https", true},
		{"dFromPort", "443", "http", false},
		{"dFromPort", "0", "unspecified", true},
		{"prot", "tcp", "6", true},
		{"revFltPorts", "true", "yes", true},
		{"kaIntvl", "060", "60", true},
		{"staleIntvl", "default", "300", true},
		{"areaId", "108", "0.0.0.108", true},
		{"areaId", "0", "backbone", true},
		{"areaId", "108", "0.0.0.109", false},
		{"addr", "2001:DB8::0:1/64", "2001:db8::1/64", true},
		{"addr", "192.168.9.204/28", "192.168.9.204/29", false},
		{"rtrId", "2.0.0.1", "2.0.0.1", true},
		{"name", "060", "60", false},
	}
	for _, tt := range tests {
		if got := same(tt.attribute, tt.a, tt.b); got != tt.want {
			t.Errorf("%s %q and %q are the same: %v, want %v", tt.attribute, tt.a, tt.b, got, tt.want)
		}
	}
}

// What an APIC never answers with cannot be compared, and is shown to nobody.
func TestSecretsAreNotCompared(t *testing.T) {
	o := &aci.Object{Attributes: map[string]string{"password": "x", "ctrl": "a"}}
	if d := differences(o, object{attributes: map[string]string{"ctrl": "a"}}); len(d) > 0 {
		t.Errorf("different in %v", d)
	}
	want := map[string]string{"password": "(secret)", "ctrl": "a"}
	if diff := cmp.Diff(want, visible(o.Attributes), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestNames(t *testing.T) {
	const path = "uni/tn-T/out-O/lnodep-N/lifp-I/rspathL3OutAtt-[topology/pod-1/protpaths-201-202/pathep-[H]]/mem-A"
	want := []string{
		"uni/tn-T/out-O/lnodep-N/lifp-I/rspathL3OutAtt-[topology/pod-1/protpaths-201-202/pathep-[H]]",
		"uni/tn-T/out-O/lnodep-N/lifp-I", "uni/tn-T/out-O/lnodep-N", "uni/tn-T/out-O", "uni/tn-T", "uni",
	}
	if diff := cmp.Diff(want, slices.Collect(ancestors(path))); diff != "" {
		t.Error(diff)
	}
	for dn, want := range map[string]string{path: "uni/tn-T", "uni/tn-T": "uni/tn-T", "uni/infra/attentp-A": "uni/infra"} {
		if got := branch(dn); got != want {
			t.Errorf("%s is in branch %s, want %s", dn, got, want)
		}
	}
}
