// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/fabric/leaf"
)

// What an ACI leaf takes from nodes and tells them are the prefixes that leaves
// of every other platform do.
func TestRouteMapsAreThoseOfOtherLeaves(t *testing.T) {
	for name, p := range variants(t) {
		root := tree(t, p, nil)
		for _, r := range p.Spec.AllRacks() {
			config, err := leaf.ConfigOf(p, r.Leaves[0].Name)
			if err != nil {
				t.Fatal(err)
			}
			for profile, matches := range map[string][]leaf.Match{"default-import": config.FromNodes, "default-export": config.ToNodes} {
				want := map[netip.Prefix]bool{}
				for _, m := range matches {
					want[m.Prefix] = want[m.Prefix] || m.Max > m.Prefix.Bits()
				}
				if diff := cmp.Diff(want, permitted(root, p.Spec.Fabric.ACI.L3Out, profile), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
					t.Errorf("%s: %s (-others +ACI):\n%s", name, profile, diff)
				}
			}
		}
	}
}

// permitted are the prefixes that a route map of an L3Out lets through, and of
// each whether what lies within it passes, too.
func permitted(root *Object, l3out, profile string) map[netip.Prefix]bool {
	rules := map[string]*Object{}
	var contexts []*Object
	root.Walk(func(dn string, o *Object) {
		switch {
		case o.Class == "rtctrlSubjP":
			rules[o.Attributes["name"]] = o
		case o.Class == "rtctrlProfile" && o.RN == "prof-"+profile && slices.Contains(out(root, l3out).Children, o):
			contexts = o.Children
		}
	})
	prefixes := map[netip.Prefix]bool{}
	for _, context := range contexts {
		for _, rule := range context.Children {
			for _, dest := range rules[rule.Attributes["tnRtctrlSubjPName"]].Children {
				prefixes[netip.MustParsePrefix(dest.Attributes["ip"])] = dest.Attributes["aggregate"] == "yes"
			}
		}
	}
	return prefixes
}

func out(root *Object, name string) *Object {
	var found *Object
	root.Walk(func(_ string, o *Object) {
		if o.Class == "l3extOut" && o.Attributes["name"] == name {
			found = o
		}
	})
	return found
}
