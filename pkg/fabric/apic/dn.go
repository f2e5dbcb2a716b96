// SPDX-License-Identifier: Apache-2.0

package apic

import "iter"

// parent is the distinguished name above dn, empty for the outermost. Slashes
// within brackets belong to a name: rsdomP-[uni/l3dom-L3D_K8_C1].
func parent(dn string) string {
	depth := 0
	for i := len(dn) - 1; i >= 0; i-- {
		switch dn[i] {
		case ']':
			depth++
		case '[':
			depth--
		case '/':
			if depth == 0 {
				return dn[:i]
			}
		}
	}
	return ""
}

// ancestors are the names above dn, the nearest first.
func ancestors(dn string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for above := parent(dn); above != ""; above = parent(above) {
			if !yield(above) {
				return
			}
		}
	}
}

// branch is the child of uni that dn is, or is below: uni/tn-TEN_K8_C1, uni/infra.
func branch(dn string) string {
	for above := range ancestors(dn) {
		if above == "uni" {
			return dn
		}
		if parent(above) == "uni" {
			return above
		}
	}
	return dn
}
