// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// ports are the leaf ports of a node's legs: as the plan has them, else as LLDP
// saw them.
func (k *checker) ports(at int, r plan.Rack, seen map[string]LeafPort) []plan.Port {
	n, legs := k.plan.Spec.Nodes[at], k.plan.Spec.Bond.Legs
	before := len(k.report)
	var ports []plan.Port
	for i, leg := range legs {
		l := legOf{at: k.places[at], node: n.Name, index: i, name: leg}
		if port, ok := k.leg(l, n.Ports, r, seen); ok && k.usable(l, port, r) {
			ports = append(ports, port)
		}
	}
	if len(k.report) == before {
		k.bothLeaves(k.places[at], ports, r)
	}
	return ports
}

// A legOf names one leg of one node in messages.
type legOf struct {
	at    place
	node  string
	index int
	name  string
}

func (l legOf) path() string { return fmt.Sprintf("%s.ports[%d]", l.at.path, l.index) }

// leg finds the port of a leg.
func (k *checker) leg(l legOf, planned []plan.Port, r plan.Rack, seen map[string]LeafPort) (plan.Port, bool) {
	saw, observed := seen[l.name]
	if !observed && l.index >= len(planned) {
		k.errorf(l.at.path+".ports", "%s%s leads nowhere: neither a port here, such as %s:1/3, nor an ACI leaf in %s.json of the LLDP reports",
			l.at.prefix, l.name, exampleLeaf(r, l.index), l.node)
		return plan.Port{}, false
	}
	if !observed {
		return planned[l.index], true
	}
	real, found := k.portOf(saw, r)
	if l.index < len(planned) && (!found || real != planned[l.index]) {
		k.errorf(l.path(), "%sis %s in the plan, LLDP on %s saw %s", l.at.prefix, planned[l.index], l.name, saw)
		return plan.Port{}, false
	}
	if !found {
		k.errorf(l.at.path+".ports", "%sLLDP on %s saw %s, a port of no leaf of %s in pod %d", l.at.prefix, l.name, saw, rackName(r), k.pod)
	}
	return real, found
}

func exampleLeaf(r plan.Rack, leg int) string {
	if len(r.Leaves) == 0 {
		return "leaf"
	}
	return r.Leaves[leg%len(r.Leaves)].Name
}

// portOf is the plan's name of a port that LLDP saw.
func (k *checker) portOf(saw LeafPort, r plan.Rack) (plan.Port, bool) {
	for _, leaf := range r.Leaves {
		if leaf.Node == saw.Node && saw.Pod == k.pod {
			return plan.Port{Leaf: leaf.Name, ID: saw.ID}, true
		}
	}
	return plan.Port{}, false
}

// usable wants a port of a leaf of the rack that nobody else has.
func (k *checker) usable(l legOf, port plan.Port, r plan.Rack) bool {
	user := fmt.Sprintf("%s of %s", l.name, l.node)
	socket := leafSocket{port.Leaf, port.ID}
	switch other, taken := k.used[socket]; {
	case !slices.ContainsFunc(r.Leaves, func(leaf plan.Leaf) bool { return leaf.Name == port.Leaf }):
		k.errorf(l.path(), "%s%s is a port of no leaf of %s", l.at.prefix, port, rackName(r))
	case strings.Count(port.ID, "/") != 1:
		k.errorf(l.path(), "%s%s is behind a fabric extender; want a port of the leaf itself", l.at.prefix, port)
	case taken:
		k.errorf(l.path(), "%s%s leads to %s already", l.at.prefix, port, other)
	default:
		k.used[socket] = user
		return true
	}
	return false
}

// rackName is what a rack is called in messages.
func rackName(r plan.Rack) string {
	if r.Name == "" {
		return "the plan"
	}
	return "rack " + r.Name
}

// bothLeaves wants a node of a pair to have a leg to each: the two ends of a
// virtual port channel.
func (k *checker) bothLeaves(at place, ports []plan.Port, r plan.Rack) {
	for _, leaf := range r.Leaves {
		if !slices.ContainsFunc(ports, func(p plan.Port) bool { return p.Leaf == leaf.Name }) {
			k.errorf(at.path+".ports", "%sno leg leads to %s; a virtual port channel needs both leaves", at.prefix, leaf.Name)
		}
	}
}
