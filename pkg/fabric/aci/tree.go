// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// attributes are an object's; a short name for many literals.
type attributes = map[string]string

// mo is a managed object. Who owns it is written once the tree is whole.
func mo(class, rn string, attrs attributes, children ...*Object) *Object {
	return &Object{Class: class, RN: rn, Attributes: attrs, Children: children}
}

// Tree is all that a fabric needs for a plan, beneath the APIC's root "uni":
// the access policies of the hosts' ports, and a tenant with the L3Outs to the
// nodes and out of the fabric. Every object carries the annotation Owner, but
// for those that every fabric has and that stand there as parents.
//
// The error is a *plan.InvalidError of all that is wrong, each with its path.
func Tree(p plan.Plan, c Cabling) (*Object, error) {
	l, report := newLayout(p, c)
	if err := report.Err(); err != nil {
		return nil, err
	}
	root := mo("polUni", "uni", attributes{}, slices.Concat(
		l.domains(),
		[]*Object{l.accessPolicies(), l.tenant()},
	)...)
	owner := Owner(p.Metadata.Name)
	root.each(func(o *Object) {
		if !everywhere(o.Class) {
			o.Attributes["annotation"] = owner
		}
	})
	return root, nil
}

// everywhere says whether every fabric has the one object of a class.
func everywhere(class string) bool {
	return class == "polUni" || class == "infraInfra" || class == "infraFuncP"
}

// named is the name of one of the cluster's objects: VPC_K8C1_K8C1M0. The parts
// are DNS labels, which have no underscore, so that no two names are alike.
func named(p plan.Plan, kind string, parts ...string) string {
	name := kind + "_" + p.Metadata.Name
	for _, part := range parts {
		if part != "" {
			name += "_" + part
		}
	}
	return strings.ToUpper(name)
}

func (l layout) named(kind string, parts ...string) string { return named(l.Plan, kind, parts...) }

// floating says whether the leaves are anchors of one floating SVI.
func (l layout) floating() bool { return l.aci.FloatingSVI.Address.IsValid() }

// outsideLeaf is the leaf that the way out of the fabric begins at.
func (l layout) outsideLeaf() (plan.Leaf, bool) {
	for _, r := range l.racks {
		for _, leaf := range r.Leaves {
			if l.aci.Outside.L3Out != "" && leaf.Name == l.aci.Outside.Leaf {
				return leaf, true
			}
		}
	}
	return plan.Leaf{}, false
}

// ownsOutsidePort says whether the port of the way out gets its access policies
// from here. A plan that names a domain says that the port has them: a router
// is there already, with a VLAN for each of several tenants.
func (l layout) ownsOutsidePort() bool {
	return l.aci.Outside.L3Out != "" && l.aci.Outside.Domain == ""
}
