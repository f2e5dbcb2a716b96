// SPDX-License-Identifier: Apache-2.0

package plan

// AllRacks are the racks of a plan, what they leave out filled in. A plan that
// names none is one rack without a name.
func (s Spec) AllRacks() []Rack {
	if len(s.Racks) > 0 {
		return s.Racks
	}
	return []Rack{{NodeNetwork: s.NodeNetwork, LeafASN: s.Fabric.ASN, Leaves: s.Fabric.Leaves}}
}

// RackOf is the rack that a node stands in; false says that the plan has none
// of that name.
func (s Spec) RackOf(n Node) (Rack, bool) {
	for _, r := range s.AllRacks() {
		if r.Name == n.Rack {
			return r, true
		}
	}
	return Rack{}, false
}

// NodesOf are the places in Nodes of a rack's nodes.
func (s Spec) NodesOf(rack string) []int {
	var at []int
	for i, n := range s.Nodes {
		if n.Rack == rack {
			at = append(at, i)
		}
	}
	return at
}

// perRack counts the nodes of each rack.
func (s Spec) perRack() map[string]int {
	count := make(map[string]int, len(s.Racks))
	for _, n := range s.Nodes {
		count[n.Rack]++
	}
	return count
}
