// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"maps"
	"slices"
	"strings"
)

// maxPost is how many objects one transaction makes at most. Some four hundred
// bytes of JSON each keep it below a megabyte.
const maxPost = 2000

// A unit is what one transaction makes: an object with what is new below it.
type unit struct {
	root     Creation
	children []unit
}

func (u unit) size() int {
	n := 1
	for _, child := range u.children {
		n += child.size()
	}
	return n
}

// body has "created" at its root, so that the APIC refuses it when somebody
// else was faster. Relations may be there by the APIC's own doing.
func (u unit) body() post {
	p := u.nested()
	root := p[u.root.Class]
	root.Attributes["dn"] = u.root.DN
	if !relation(u.root.Class) {
		root.Attributes["status"] = "created"
	}
	return p
}

func (u unit) nested() post {
	b := body{Attributes: maps.Clone(u.root.object.Attributes)}
	b.Attributes["rn"] = u.root.object.RN
	for _, child := range u.children {
		b.Children = append(b.Children, child.nested())
	}
	return post{u.root.Class: b}
}

// units are the transactions that make objects, the used before their users and
// parents before what is below them.
func units(creations []Creation) []unit {
	var all []unit
	for _, u := range forest(creations) {
		all = append(all, u.split()...)
	}
	return sorted(all)
}

// forest puts creations below one another; they come parents first.
func forest(creations []Creation) []unit {
	below := map[string][]Creation{}
	isNew := map[string]bool{}
	var roots []Creation
	for _, c := range creations {
		isNew[c.DN] = true
		if above := parent(c.DN); isNew[above] {
			below[above] = append(below[above], c)
		} else {
			roots = append(roots, c)
		}
	}
	return grow(roots, below)
}

func grow(roots []Creation, below map[string][]Creation) []unit {
	all := make([]unit, len(roots))
	for i, c := range roots {
		all[i] = unit{c, grow(below[c.DN], below)}
	}
	return all
}

// split makes an object of its own of what is too large for one transaction,
// and units of what is below it.
func (u unit) split() []unit {
	if u.size() <= maxPost {
		return []unit{u}
	}
	all := []unit{{root: u.root}}
	for _, child := range u.children {
		all = append(all, child.split()...)
	}
	return all
}

// sorted puts units behind those that they need (depth first); where nothing
// needs anything, the order stays.
func sorted(all []unit) []unit {
	makes := map[string]int{}
	for i, u := range all {
		u.each(func(c Creation) {
			makes[c.DN] = i
			makes[c.Class+" "+c.object.Attributes["name"]] = i
		})
	}
	order := make([]unit, 0, len(all))
	visited := make([]bool, len(all))
	var visit func(i int)
	visit = func(i int) {
		if visited[i] {
			return
		}
		visited[i] = true
		for _, need := range all[i].needs() {
			if j, ok := makes[need]; ok {
				visit(j)
			}
		}
		order = append(order, all[i])
	}
	for i := range all {
		visit(i)
	}
	return order
}

func (u unit) each(visit func(Creation)) {
	visit(u.root)
	for _, child := range u.children {
		child.each(visit)
	}
}

// needs are the names of what a unit stands on: the parent of its root, and all
// that its relations point at.
func (u unit) needs() []string {
	all := []string{parent(u.root.DN)}
	u.each(func(c Creation) {
		for _, name := range slices.Sorted(maps.Keys(c.object.Attributes)) {
			value := c.object.Attributes[name]
			switch class, byName := target(name); {
			case byName:
				all = append(all, class+" "+value)
			case class != "":
				all = append(all, value)
				all = append(all, policyGroup(value))
			}
		}
	})
	return all
}

// target says what an attribute points at: tDn at a distinguished name, and
// tnFvCtxName at a name among the objects of class fvCtx.
func target(attribute string) (class string, byName bool) {
	if attribute == "tDn" {
		return attribute, false
	}
	class, isName := strings.CutSuffix(attribute, "Name")
	class, isTarget := strings.CutPrefix(class, "tn")
	if !isName || !isTarget || class == "" {
		return "", false
	}
	return strings.ToLower(class[:1]) + class[1:], true
}

// policyGroup is the interface policy group that a path is named after:
// topology/pod-1/protpaths-201-202/pathep-[VPC_K8C1M0].
func policyGroup(path string) string {
	_, name, _ := strings.Cut(path, "/pathep-[")
	return "infraAccBndlGrp " + strings.TrimSuffix(name, "]")
}
