// SPDX-License-Identifier: Apache-2.0

// Package summary derives what a plan means for each node, and what is left of
// its ranges.
package summary

import (
	"net/netip"
	"slices"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A Summary is a plan with nothing left to derive.
type Summary struct {
	Plan     plan.Plan `json:"-"` // as Resolve leaves it
	Racks    []Rack    `json:"racks"`
	Nodes    []Node    `json:"nodes"`
	Capacity Capacity  `json:"capacity"`
}

// A Rack is one pair of leaves with what is behind it.
type Rack struct {
	Name    string       `json:"name"` // empty in a plan without racks
	Subnet  netip.Prefix `json:"subnet"`
	VLAN    uint16       `json:"vlan"`
	Gateway netip.Addr   `json:"gateway"`
	LeafASN uint32       `json:"leafASN"`
	Leaves  []plan.Leaf  `json:"leaves"`
	Nodes   int          `json:"nodes"`
	// AddressesLeft is how many more hosts the subnet takes.
	AddressesLeft int `json:"addressesLeft"`
	// ASNsLeft is how many more numbers the rack's own range has; nil says that
	// the rack has none and shares the plan's.
	ASNsLeft *int `json:"asnsLeft,omitempty"`
}

// A Node is one host with its BGP sessions.
type Node struct {
	Name     string       `json:"name"` // fully qualified
	Role     plan.Role    `json:"role"`
	Rack     string       `json:"rack,omitempty"`
	Address  netip.Prefix `json:"address"`
	ASN      uint32       `json:"asn"` // that it prefers; a lease decides
	Sessions []Session    `json:"sessions"`
	Ports    []plan.Port  `json:"ports,omitempty"`
}

// A Session is one planned BGP session of a node.
type Session struct {
	Leaf    string     `json:"leaf"`
	PeerIP  netip.Addr `json:"peerIP"`
	PeerASN uint32     `json:"peerASN"`
}

// Capacity is what the ranges of the whole cluster hold.
type Capacity struct {
	ASNs     int `json:"asns"` // in spec.asn; one in the cluster model
	ASNsLeft int `json:"asnsLeft"`
	// PodBlocks are the blocks of the pods' range. A node takes one for its
	// first pod, and a further one whenever one is full.
	PodBlocks     int `json:"podBlocks"`
	PodBlocksLeft int `json:"podBlocksLeft"` // when every node has one
}

// Of derives the summary of a plan that has no errors.
func Of(p plan.Plan) Summary {
	asns := p.Spec.ASNs()
	s := Summary{Plan: Resolve(p), Nodes: make([]Node, len(p.Spec.Nodes)), Capacity: capacity(p.Spec)}
	racks, at := p.Spec.AllRacks(), map[string]int{}
	for i, r := range racks {
		at[r.Name] = i
	}
	hosts := make([]int, len(racks))
	for i, n := range p.Spec.Nodes {
		s.Nodes[i] = Node{Name: p.FQDN(n), Role: n.Role, Rack: n.Rack, Address: n.Address, ASN: asns[i], Ports: n.Ports}
		if rack, ok := at[n.Rack]; ok {
			s.Nodes[i].Sessions = sessions(racks[rack])
			hosts[rack]++
		}
	}
	for i, r := range racks {
		s.Racks = append(s.Racks, summarise(r, p.Spec, hosts[i]))
	}
	return s
}

// Resolve writes into a plan what Parse and the leases would derive: pools have
// become nodes, and every node has its number. The result is a plan again.
func Resolve(p plan.Plan) plan.Plan {
	asns := p.Spec.ASNs()
	p.Spec.Nodes = slices.Clone(p.Spec.Nodes)
	for i := range p.Spec.Nodes {
		p.Spec.Nodes[i].ASN = asns[i]
	}
	p.Spec.Pools = nil // Parse has added their nodes
	return p
}

func sessions(r plan.Rack) []Session {
	out := make([]Session, len(r.Leaves))
	for i, leaf := range r.Leaves {
		out[i] = Session{Leaf: leaf.Name, PeerIP: leaf.Address, PeerASN: r.LeafASN}
	}
	return out
}

func summarise(r plan.Rack, s plan.Spec, nodes int) Rack {
	out := Rack{
		Name: r.Name, Subnet: r.NodeNetwork.Subnet, VLAN: r.NodeNetwork.VLAN, Gateway: r.NodeNetwork.Gateway,
		LeafASN: r.LeafASN, Leaves: r.Leaves, Nodes: nodes,
		AddressesLeft: addressesLeft(r, s, nodes),
	}
	if n := r.ASNs.Len(); n > 0 {
		out.ASNsLeft = new(n - nodes)
	}
	return out
}

// addressesLeft takes off what nobody can have (the network and the broadcast
// address), what the leaves have, and what the nodes have.
func addressesLeft(r plan.Rack, s plan.Spec, nodes int) int {
	subnet := r.NodeNetwork.Subnet
	taken := map[netip.Addr]bool{r.NodeNetwork.Gateway: true}
	for _, leaf := range r.Leaves {
		taken[leaf.Address] = true
	}
	if s.Fabric.ACI != nil {
		taken[s.Fabric.ACI.FloatingSVI.Address] = true
	}
	left := power(subnet.Addr().BitLen()-subnet.Bits()) - 2 - nodes
	for a := range taken {
		if subnet.Contains(a) {
			left--
		}
	}
	return max(left, 0)
}

// capacity counts on what Parse has held: numbers and blocks for all nodes.
func capacity(s plan.Spec) Capacity {
	nodes := len(s.Nodes)
	c := Capacity{
		ASNs:      plan.ASNRange{First: s.ASN.First, Last: s.ASN.Last}.Len(),
		PodBlocks: power(s.Pods.BlockSize - s.Pods.Subnet.Bits()),
	}
	if s.ASN.Model == plan.PerNode {
		c.ASNsLeft = c.ASNs - nodes
	}
	c.PodBlocksLeft = c.PodBlocks - nodes
	return c
}

// power is 2 to the n, within what an int holds everywhere.
func power(n int) int { return 1 << min(max(n, 0), 30) }
