// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

func (c *checker) nodes(s Spec) {
	names, macs, asns, ports := seen{}, seen{}, seen{}, s.Fabric.portsTaken()
	peers := map[string]peering{}
	racks := make(map[string]Rack, len(s.Racks))
	for _, r := range slices.Backward(s.AllRacks()) {
		racks[r.Name] = r // of two with one name the first, as RackOf has it
	}
	numbers := s.ASNs()
	for i, n := range s.Nodes {
		at := c.places[i]
		path, _ := at.at("name") // a name says by itself whose it is
		c.name(path, n.Name, names)
		rack, ok := racks[n.Rack]
		if !ok {
			c.noRack(at, n.Rack, len(s.Racks))
		}
		c.peerNames(at, n, rack, peers)
		c.nodeAddress(at, n.Address, rack.NodeNetwork.Subnet)
		c.nodeASN(at, s, n, numbers[i], rack, asns)
		for j, mac := range n.MACs {
			c.unique(fmt.Sprintf("%s.macs[%d]", at.path, j), string(mac), macs)
		}
		c.legsFor(at.path+".ports", len(n.Ports), s.Bond)
		c.ports(at, n, rack, ports)
	}
	c.roles(s)
}

// A peering is a node and a leaf that it peers with, by their names.
type peering struct{ leaf, node string }

// peerNames wants a name of its own for each BGPPeer. Leaves sw and sw-a with
// nodes a-n1 and n1 would share sw-a-n1, and one node lose its session.
func (c *checker) peerNames(at place, n Node, r Rack, taken map[string]peering) {
	path, about := at.at("name")
	for _, leaf := range r.Leaves {
		name, p := PeerName(leaf.Name, n.Name), peering{leaf.Name, n.Name}
		other, ok := taken[name]
		if ok && other != p {
			c.errorf(path, "%sthe BGPPeer of %s and leaf %s would be called %s, as that of %s and leaf %s; rename one of them", about, p.node, p.leaf, name, other.node, other.leaf)
			continue
		}
		taken[name] = p
	}
}

// roles wants one control plane, if all nodes are known with their roles.
func (c *checker) roles(s Spec) {
	planes, known := 0, !c.partial
	for i, n := range s.Nodes {
		if n.Role == "" {
			c.errorf(c.places[i].path+".role", "is missing; want %s or %s", ControlPlane, Worker)
			known = false
		}
		if n.Role == ControlPlane {
			planes++
		}
	}
	if known && planes != 1 {
		c.errorf("spec.nodes", "%d nodes have the role %s; this version joins clusters of exactly one", planes, ControlPlane)
	}
}

func (c *checker) noRack(at place, rack string, racks int) {
	path, about := at.at("rack")
	switch {
	case racks == 0:
		c.errorf(path, "%s%q is no rack of the plan, which has none", about, rack)
	case rack == "":
		c.errorf(path, "%sis missing; want the name of one of spec.racks", about)
	default:
		c.errorf(path, "%s%q is no rack of the plan", about, rack)
	}
}

func (c *checker) nodeAddress(at place, a netip.Prefix, subnet netip.Prefix) {
	path, about := at.at("address")
	switch {
	case !a.IsValid():
		c.errorf(path, "%sis missing; want an address such as 192.168.9.193/28", about)
		return
	case subnet.IsValid() && !subnet.Contains(a.Addr()):
		c.errorf(path, "%s%s is outside %s", about, a, subnet)
		return
	case subnet.IsValid() && a.Bits() != subnet.Bits():
		c.errorf(path, "%s%s has length /%d, the subnet %s has /%d", about, a, a.Bits(), subnet, subnet.Bits())
	}
	if what := reserved(a.Addr(), subnet); what != "" {
		c.errorf(path, "%s%s is the %s address of %s", about, a.Addr(), what, subnet)
	}
	if owner, ok := c.addresses.first(a.Addr().String(), at.owner("address")); !ok {
		c.errorf(path, "%s%s is taken by %s", about, a.Addr(), owner)
	}
}

func (c *checker) nodeASN(at place, s Spec, n Node, asn uint32, r Rack, taken seen) {
	if at.pool != "" && s.ASN.Model == PerCluster {
		return // its numbers were refused as a whole
	}
	path, about := at.at("asn")
	all := ASNRange{s.ASN.First, s.ASN.Last}
	if n.ASN != 0 && all.usable() && !all.contains(n.ASN) {
		c.errorf(path, "%s%d is outside spec.asn %d–%d", about, n.ASN, all.First, all.Last)
	}
	if s.ASN.Model == PerCluster {
		return
	}
	if n.ASN != 0 && r.ASNs.usable() && !r.ASNs.contains(n.ASN) {
		c.errorf(path, "%s%d is outside %s of the rack %s", about, n.ASN, r.ASNs, r.Name)
	}
	if owner, ok := taken.first(strconv.FormatUint(uint64(asn), 10), at.owner("asn")); !ok {
		c.errorf(path, "%s%d is taken by %s", about, asn, owner)
	}
}

// legsFor wants no more ports than legs: each ends in one.
func (c *checker) legsFor(path string, ports int, b Bond) {
	if len(b.Legs) > 0 && ports > len(b.Legs) {
		c.errorf(path, "has %d ports for the %d legs of spec.bond", ports, len(b.Legs))
	}
}

func (c *checker) ports(at place, n Node, r Rack, taken seen) {
	for i, p := range n.Ports {
		path, about := at.at(fmt.Sprintf("ports[%d]", i))
		if len(r.Leaves) > 0 && !r.has(p.Leaf) { // that there is none was said
			c.errorf(path, "%s%s is on no leaf of the node's rack", about, p)
		}
		if owner, ok := taken.first(p.String(), path); !ok {
			c.errorf(path, "%s%s is taken by %s", about, p, owner)
		}
	}
}

// portsTaken are those that lead elsewhere than to a node.
func (f Fabric) portsTaken() seen {
	taken := seen{}
	if f.ACI != nil && f.ACI.Outside != (Outside{}) {
		taken.first(Port{f.ACI.Outside.Leaf, f.ACI.Outside.Port}.String(), "spec.fabric.aci.outside.port")
	}
	return taken
}

func (r Rack) has(leaf string) bool {
	for _, l := range r.Leaves {
		if l.Name == leaf {
			return true
		}
	}
	return false
}
