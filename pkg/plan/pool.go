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
	switch field {
	case "name", "asn":
		field += "s"
	case "address":
		field += "es"
	}
	return p.path + "." + field, p.pool + ": "
}

// owner is how the report calls the node as the one that has a value already.
func (p place) owner(field string) string {
	path, _ := p.at(field)
	if p.pool == "" {
		return path
	}
	return path + " for " + p.pool
}

// maxNodes is how many nodes a plan may have, so that a handful of lines
// cannot fill the memory: four times what one Kubernetes cluster is said to bear.
const maxNodes = 20_000

// expand adds the nodes of the pools to those that are listed, and remembers
// where each is spoken of.
func (c *checker) expand(p *Plan) {
	s := &p.Spec
	for i := range s.Nodes {
		c.places = append(c.places, place{path: fmt.Sprintf("spec.nodes[%d]", i)})
	}
	for i, pool := range s.Pools {
		path := fmt.Sprintf("spec.pools[%d]", i)
		if !c.pool(path, *s, pool) {
			c.partial = true
			continue
		}
		if n := pool.Names.Len(); len(s.Nodes)+n > maxNodes {
			c.errorf(path+".names", "%s makes more than %d nodes of the plan, the most that it may have", pool.Names, maxNodes)
			c.partial = true
			return
		}
		c.fill(s, path, pool)
	}
}

func (c *checker) fill(s *Spec, path string, pool Pool) {
	bits := poolBits(*s, pool)
	for i := range pool.Names.Len() {
		n := pool.node(i, bits)
		s.Nodes = append(s.Nodes, n)
		c.places = append(c.places, place{path, n.Name})
	}
}

// poolBits is the length of the subnet that a pool's nodes share.
func poolBits(s Spec, pool Pool) int {
	rack, _ := s.RackOf(Node{Rack: pool.Rack}) // that there is one was checked
	if !rack.NodeNetwork.Subnet.IsValid() {
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
		if port.UnmarshalText([]byte(pattern.At(i))) == nil {
			n.Ports = append(n.Ports, port)
		}
	}
	return n
}

// pool says whether a pool's nodes can be told: what is wrong with all of them
// is said once.
func (c *checker) pool(path string, s Spec, p Pool) bool {
	before := len(c.report)
	if !label.MatchString(p.Names.At(0)) {
		c.errorf(path+".names", "%q is no DNS label (lower-case letters, digits, dashes); want a pattern such as k8c1a{01..40}", p.Names.At(0))
	}
	if p.Role == "" {
		c.errorf(path+".role", "is missing; want %s or %s", ControlPlane, Worker)
	}
	if _, ok := s.RackOf(Node{Rack: p.Rack}); !ok {
		c.noRack(place{path: path}, p.Rack, len(s.Racks))
	}
	c.legsFor(path+".ports", len(p.Ports), s.Bond)
	if p.Names != (Pattern{}) { // else nothing can be held against them
		c.poolRanges(path, p)
	}
	return len(c.report) == before
}

// poolRanges wants as many of everything as there are names.
func (c *checker) poolRanges(path string, p Pool) {
	n := p.Names.Len()
	count := func(field string, got int) {
		if got != n {
			c.errorf(path+field, "holds %d, %s.names %s holds %d", got, path, p.Names, n)
		}
	}
	if p.Addresses == (AddrRange{}) {
		c.errorf(path+".addresses", "is missing; want %d, such as 192.168.9.200-192.168.9.203", n)
	} else {
		count(".addresses", p.Addresses.Len())
	}
	if p.ASNs != (ASNRange{}) {
		count(".asns", p.ASNs.Len())
	}
	for i, pattern := range p.Ports {
		field := fmt.Sprintf(".ports[%d]", i)
		count(field, pattern.Len())
		var port Port
		if err := port.UnmarshalText([]byte(pattern.At(0))); err != nil {
			c.errorf(path+field, "%s: %v", pattern, err)
		}
	}
}
