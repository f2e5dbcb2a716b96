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
