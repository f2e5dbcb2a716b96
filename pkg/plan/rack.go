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

// ASNs are the AS numbers that the nodes prefer, in their order: a node's own;
// else in the cluster model the one, in the node model the first of the range
// of its rack (else of the plan) plus its place among the nodes of that range.
// A lease decides whether a node gets it.
func (s Spec) ASNs() []uint32 {
	racks := make(map[string]ASNRange, len(s.Racks))
	for _, r := range s.Racks {
		racks[r.Name] = r.ASNs
	}
	place := map[uint32]uint32{} // by the first number of a range
	asns := make([]uint32, len(s.Nodes))
	for i, n := range s.Nodes {
		first := s.ASN.First
		if r := racks[n.Rack]; r != (ASNRange{}) {
			first = r.First
		}
		asns[i] = n.ASN
		if n.ASN == 0 {
			asns[i] = first + place[first]
		}
		if n.ASN == 0 && s.ASN.Model == PerCluster {
			asns[i] = s.ASN.First
		}
		place[first]++
	}
	return asns
}

// perRack counts the nodes of each rack.
func (s Spec) perRack() map[string]int {
	count := make(map[string]int, len(s.Racks))
	for _, n := range s.Nodes {
		count[n.Rack]++
	}
	return count
}
