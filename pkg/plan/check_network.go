// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"net/netip"
	"slices"
)

// racks checks every rack's network and leaves; in a plan without racks, the
// plan's own.
func (c *checker) racks(s Spec) {
	if len(s.Racks) == 0 {
		c.rack(s, s.AllRacks()[0], "spec.nodeNetwork", "spec.fabric.leaves", leavesSeen())
		c.room(s, s.AllRacks()[0], len(s.Nodes), "spec.nodeNetwork.subnet")
		return
	}
	c.common(s)
	racks, leaves, hosts := seen{}, leavesSeen(), s.perRack()
	for i, r := range s.Racks {
		path := fmt.Sprintf("spec.racks[%d]", i)
		c.name(path+".name", r.Name, racks)
		if r.LeafASN != s.Fabric.ASN && c.speaker(path+".leafASN", r.LeafASN) {
			c.publicASN(path+".leafASN", r.LeafASN, r.LeafASN, s.ASN.Owned)
		}
		c.rack(s, r, path+".nodeNetwork", path+".leaves", leaves)
		c.room(s, r, hosts[r.Name], path+".nodeNetwork.subnet")
	}
}

// common refuses what a plan with racks says where no rack would find it, and
// checks what it says for all of them.
func (c *checker) common(s Spec) {
	const why = "is of no rack; in a plan with racks each has its own"
	if s.NodeNetwork.Subnet.IsValid() {
		c.errorf("spec.nodeNetwork.subnet", "%s %s", s.NodeNetwork.Subnet, why)
	}
	if s.NodeNetwork.Gateway.IsValid() {
		c.errorf("spec.nodeNetwork.gateway", "%s %s", s.NodeNetwork.Gateway, why)
	}
	for i, l := range s.Fabric.Leaves {
		c.errorf(fmt.Sprintf("spec.fabric.leaves[%d]", i), "%s %s", l.Name, why)
	}
	if s.NodeNetwork.VLAN != 0 {
		c.vlan("spec.nodeNetwork.vlan", s.NodeNetwork.VLAN)
	}
	c.nameServers(s, "spec.nodeNetwork.dns", s.NodeNetwork.DNS)
	c.gatewayMetric(s, "spec.nodeNetwork", s.NodeNetwork)
}

// maxNameServers is how many a resolver reads (resolv.conf(5), MAXNS). Hosts
// refuse more, and kubelet passes no more on to pods.
const maxNameServers = 3

// nameServers wants servers that answer before there is a cluster, and that
// CoreDNS, which asks them, is not itself.
func (c *checker) nameServers(s Spec, path string, servers []netip.Addr) {
	if n := len(servers); n > maxNameServers {
		c.errorf(path, "has %d servers; a host's resolver reads %d", n, maxNameServers)
	}
	for i, a := range servers {
		at := fmt.Sprintf("%s[%d]", path, i)
		for _, inside := range []span{{"spec.pods.subnet", s.Pods.Subnet}, {"spec.services.subnet", s.Services.Subnet}} {
			if inside.prefix.Contains(a) {
				c.errorf(at, "%s is in %s of %s, where nothing answers until the cluster runs; want a server outside of it", a, inside.prefix, inside.path)
			}
		}
		if a.IsUnspecified() || a.IsMulticast() {
			c.errorf(at, "%s is the address of no server", a)
		}
	}
}

func (c *checker) rack(s Spec, r Rack, network, leaves string, taken leafSeen) {
	n := r.NodeNetwork
	if c.prefix(network+".subnet", n.Subnet) {
		c.documentation(network+".subnet", n.Subnet)
	}
	// What a rack has from the plan was said of the plan, see common.
	plans := s.NodeNetwork
	own := len(s.Racks) == 0
	if own || n.VLAN == 0 || n.VLAN != plans.VLAN {
		c.vlan(network+".vlan", n.VLAN)
	}
	if own || !slices.Equal(n.DNS, plans.DNS) {
		c.nameServers(s, network+".dns", n.DNS)
	}
	if own || n.GatewayMetric != plans.GatewayMetric {
		c.gatewayMetric(s, network, n)
	}
	c.inSubnet(network+".gateway", n.Gateway, n.Subnet)
	c.unique(network+".gateway", text(n.Gateway), c.addresses)
	c.leaves(s, leaves, r, taken)
	c.floating(s, r)
}

func (c *checker) vlan(path string, id uint16) {
	if id < 1 || id > 4094 {
		c.errorf(path, "%d is not in 1–4094", id)
	}
}

func (c *checker) gatewayMetric(s Spec, network string, n NodeNetwork) {
	if s.Fabric.DefaultRoute && *n.GatewayMetric == 0 {
		c.warnf(network+".gatewayMetric", "0 lets the static default route shadow the one that the leaves announce (spec.fabric.defaultRoute), which BIRD installs with metric 0 too; leave it out, it is then %d", GatewayMetric)
	}
}

// room wants a subnet for the hosts, the leaves and the addresses that they
// share, and says how many hosts fit.
func (c *checker) room(s Spec, r Rack, hosts int, path string) {
	subnet := r.NodeNetwork.Subnet
	if !subnet.IsValid() || !subnet.Addr().Is4() {
		return
	}
	shared := len(r.Leaves) + 1
	if s.Fabric.floating() {
		shared++
	}
	if fit := capacity(subnet.Bits()) - shared; hosts > fit {
		c.errorf(path, "%s has room for %d hosts beside %d addresses of the leaves, the plan has %d; want a /%d, which has room for %d",
			subnet, max(fit, 0), shared, hosts, roomy(hosts+shared), capacity(roomy(hosts+shared))-shared)
	}
}

// capacity is how many addresses a subnet has for machines.
func capacity(bits int) int { return max(1<<(32-bits)-2, 0) }

// roomy is the length of the smallest subnet with n addresses for machines.
func roomy(n int) int {
	bits := 30
	for capacity(bits) < n && bits > 0 {
		bits--
	}
	return bits
}

func (f Fabric) floating() bool { return f.ACI != nil && f.ACI.FloatingSVI.Address.IsValid() }

// prefix wants an IPv4 prefix without host bits.
func (c *checker) prefix(path string, p netip.Prefix) bool {
	switch {
	case !p.IsValid():
		c.errorf(path, "is missing; want a subnet such as 192.168.9.192/28")
	case !p.Addr().Is4():
		c.errorf(path, "%s is not IPv4", p)
	case p.Masked() != p:
		c.errorf(path, "%s has host bits set; the subnet is %s", p, p.Masked())
	default:
		return true
	}
	return false
}

// inSubnet wants an address that a machine in subnet can have.
func (c *checker) inSubnet(path string, a netip.Addr, subnet netip.Prefix) {
	switch {
	case !a.IsValid() && !subnet.IsValid():
		c.errorf(path, "is missing; want an address in the nodes' subnet")
	case !a.IsValid():
		c.errorf(path, "is missing; want an address in %s", subnet)
	case !subnet.IsValid():
	case !subnet.Contains(a):
		c.errorf(path, "%s is outside %s", a, subnet)
	case reserved(a, subnet) != "":
		c.errorf(path, "%s is the %s address of %s", a, reserved(a, subnet), subnet)
	}
}

// reserved says what an address of a subnet is that no machine can have.
func reserved(a netip.Addr, subnet netip.Prefix) string {
	switch {
	case !subnet.IsValid():
	case a == subnet.Masked().Addr():
		return "network"
	case a == broadcast(subnet):
		return "broadcast"
	}
	return ""
}

func broadcast(p netip.Prefix) netip.Addr {
	if !p.Addr().Is4() {
		return netip.Addr{}
	}
	return address(ordinal(p.Masked().Addr()) | uint32(1<<(32-p.Bits())-1))
}
