// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"slices"

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
