// SPDX-License-Identifier: Apache-2.0

package aci

// An Object is one managed object of the APIC's tree.
type Object struct {
	Class string // "fvTenant"
	// RN is the object's name within its parent, "tn-TEN_K8_C1". A child's
	// distinguished name is its parent's, a slash, and its RN.
	RN string
	// Attributes are what the class's attributes are set to, the naming ones
	// and the annotation of its owner included; dn and rn are not among them.
	Attributes map[string]string
	Children   []*Object
}

// Owner is the annotation of every object that is made for a cluster. The
// prefix orchestrator: is what APIC's own tools mark theirs with.
func Owner(cluster string) string { return "orchestrator:joinsvc-" + cluster }

// Owned says whether a plan made the object. What every fabric has (polUni,
// infraInfra) stands in the tree as a parent only, and has no owner.
func (o *Object) Owned() bool { return o.Attributes["annotation"] != "" }

// Walk calls visit for the object and all below it, parents first and children
// in their order, with each one's distinguished name: "uni/tn-TEN_K8_C1".
func (o *Object) Walk(visit func(dn string, o *Object)) { o.walk(o.RN, visit) }

func (o *Object) walk(dn string, visit func(string, *Object)) {
	visit(dn, o)
	for _, child := range o.Children {
		child.walk(dn+"/"+child.RN, visit)
	}
}

// each calls visit for the object and all below it, without the names, which
// are most of what a walk costs.
func (o *Object) each(visit func(*Object)) {
	visit(o)
	for _, child := range o.Children {
		child.each(visit)
	}
}
