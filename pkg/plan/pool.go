// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"net/netip"
)

// A place is where the document speaks of a node: a list item of its own, or a
// pool, of which the node's name then has to be said.
type place struct {
	path string // "spec.nodes[2]" or "spec.pools[0]"
	pool string // the node's name, if a pool made it
}

// at is the path of a node's field and what its message has to begin with.
func (p place) at(field string) (path, prefix string) {
	if p.pool == "" {
		return p.path + "." + field, ""
	}
	plural := map[string]string{"name": "names", "address": "addresses", "asn": "asns"}
	if many, ok := plural[field]; ok {
		field = many
	}
	return p.path + "." + field, p.pool + ": "
}

// expand adds the nodes of the pools to those that are listed, and remembers
// where each is spoken of.
func (c *checker) expand(p *Plan) {
	s := &p.Spec
	for i := range s.Nodes {
		c.places = append(c.places, place{path: fmt.Sprintf("spec.nodes[%d]", i)})
	}
	for i, pool := range s.Pools {
		path := fmt.Sprintf("spec.pools[%d]", i)
		if !c.pool(path, pool) {
			continue
		}
		bits := poolBits(*s, pool)
		for j := range pool.Names.Len() {
			n := pool.node(j, bits)
			s.Nodes = append(s.Nodes, n)
			c.places = append(c.places, place{path, n.Name})
		}
	}
}

// poolBits is the length of the subnet that a pool's nodes share.
func poolBits(s Spec, pool Pool) int {
	rack, ok := s.RackOf(Node{Rack: pool.Rack})
	if !ok || !rack.NodeNetwork.Subnet.IsValid() {
		return 32
	}
	return rack.NodeNetwork.Subnet.Bits()
}

func (p Pool) node(i, bits int) Node {
	n := Node{
		Name: p.Names.At(i), Role: p.Role, Rack: p.Rack,
		Address: netip.PrefixFrom(p.Addresses.At(i), bits),
	}
	if p.ASNs.Len() > 0 {
		n.ASN = p.ASNs.First + uint32(i)
	}
	for _, pattern := range p.Ports {
		var port Port
		if port.UnmarshalText([]byte(pattern.At(i%pattern.Len()))) == nil {
			n.Ports = append(n.Ports, port)
		}
	}
	return n
}

// pool says whether a pool's ranges are of one length, so that it has nodes.
func (c *checker) pool(path string, p Pool) bool {
	n := p.Names.Len()
	if n == 1 && p.Names.Prefix == "" {
		c.errorf(path+".names", "is missing; want a pattern such as k8c1a{01..40}")
		return false
	}
	usable := true
	count := func(field string, got int) {
		if got != n {
			c.errorf(path+field, "holds %d, spec.pools[].names %s holds %d", got, p.Names, n)
			usable = false
		}
	}
	count(".addresses", p.Addresses.Len())
	if p.ASNs != (ASNRange{}) {
		count(".asns", p.ASNs.Len())
	}
	for i, pattern := range p.Ports {
		field := fmt.Sprintf(".ports[%d]", i)
		count(field, pattern.Len())
		var port Port
		if err := port.UnmarshalText([]byte(pattern.At(0))); err != nil {
			c.errorf(path+field, "%s: %v", pattern, err)
			usable = false
		}
	}
	return usable
}
