// SPDX-License-Identifier: Apache-2.0

package plan

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

// ASNOf returns the AS number that the node at index i of the plan prefers.
// Who wants many of them asks ASNs.
func (s Spec) ASNOf(i int) uint32 { return s.ASNs()[i] }
