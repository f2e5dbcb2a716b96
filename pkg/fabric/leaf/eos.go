// SPDX-License-Identifier: Apache-2.0

package leaf

import "github.com/nodeprep/nodeprep/pkg/plan"

// EOS prints what one leaf with Arista EOS needs for its nodes: VLAN, interface
// and shared gateway (VARP), a port channel for each node that has ports in the
// plan, and BGP. MLAG and the uplinks are there already and stay as they are.
// Ports are called as in the plan: 1/3 is Ethernet1/3.
//
// EOS knows local-as only with no-prepend and replace-as, so that the route maps
// put into paths what it leaves out.
//
// Written from documents, never run: the templates of Arista's AVD and the
// configurations that they make (October 2024), Arista's note on prepending
// (EOS 4.18.0F: what a route map prepends on the way out stands behind the own
// number), and Batfish's grammar of EOS with its test configurations.
func EOS(p plan.Plan, leaf string) ([]byte, error) {
	c, err := ConfigOf(p, leaf)
	if err != nil {
		return nil, err
	}
	if err := eosProblems(c).err(leaf); err != nil {
		return nil, err
	}
	e := eos{ios{Config: c}}
	e.subnet()
	for _, node := range c.Nodes {
		e.ports(node)
	}
	e.prefixLists()
	e.routeMap(c.from(), c.ASN)
	e.routeMap(c.to(), c.Internal)
	e.router()
	return e.Bytes(), nil
}

func eosProblems(c Config) problems {
	var ps problems
	ps.channels(c)
	ps.within("spec.fabric.timers.keepalive", seconds(c.Timers.Keepalive), 0, 3600, "s")
	ps.within("spec.fabric.timers.hold", seconds(c.Timers.Hold), 0, 7200, "s")
	if c.BFD.Interval != 0 {
		ps.within("spec.fabric.bfd.interval", milliseconds(c.BFD.Interval), 50, 60000, "ms")
		ps.within("spec.fabric.bfd.multiplier", c.BFD.Multiplier, 3, 50, "")
	}
	return ps
}

type eos struct{ ios }

// subnet is the nodes' VLAN and the leaf's place in it. The MAC address of the
// shared gateway is one a switch, and the same on both of a pair. A switch that
// has never routed does not until it is told so.
func (e *eos) subnet() {
	e.line("ip routing")
	e.line("!")
	e.line("vlan %d", e.VLAN)
	e.line("   name %s", e.vlanName())
	e.line("!")
	e.line("! Leave this line out where the leaves have a virtual MAC address already.")
	e.line("ip virtual-router mac-address 00:1c:73:00:00:99")
	e.line("!")
	e.line("interface Vlan%d", e.VLAN)
	e.line("   description nodes of %s", e.Cluster)
	e.line("   no shutdown")
	e.line("   mtu %d", e.MTU)
	e.line("   ip address %s", e.Address)
	e.line("   ip virtual-router address %s", e.Gateway)
	e.line("!")
}

// ports are one node's. Layer 2 ports of EOS pass frames of 9214 bytes.
func (e *eos) ports(node Node) {
	if len(node.Ports) == 0 {
		return
	}
	e.line("interface Port-Channel%d", node.Channel)
	e.line("   description %s", free(node.Host))
	e.line("   switchport trunk allowed vlan %d", e.VLAN)
	e.line("   switchport mode trunk")
	e.line("   switchport")
	if node.Shared {
		e.line("   mlag %d", node.Channel)
	}
	e.line("   spanning-tree portfast")
	e.line("!")
	for _, port := range node.Ports {
		e.line("interface Ethernet%s", port)
		e.line("   description %s", free(node.Host))
		e.line("   no shutdown")
		e.line("   channel-group %d mode active", node.Channel)
		e.line("!")
	}
}

// routeMap is one direction's policy, with the number that local-as leaves out.
func (e *eos) routeMap(name string, as uint32) {
	e.line("route-map %s permit 10", name)
	e.line("   match ip address prefix-list %s", name)
	if e.Internal != 0 {
		e.line("   set as-path prepend %d", as)
	}
	e.line("!")
}

func (e *eos) router() {
	e.line("router bgp %d", e.AS())
	e.line("   router-id %s", e.RouterID)
	e.line("   maximum-paths %d ecmp %d", MaxPaths, MaxPaths)
	e.line("   bgp log-neighbor-changes")
	e.line("   bgp bestpath as-path multipath-relax")
	e.common()
	e.neighbours()
	e.line("   !")
	e.line("   address-family ipv4")
	e.line("      neighbor %s activate", e.group())
	for _, p := range e.Advertised {
		e.line("      network %s", p) // announced while there is a route
	}
}

// common is what all sessions are. A policy that somebody removes refuses
// everything (RFC 8212).
func (e *eos) common() {
	group := e.group()
	e.line("   neighbor %s peer group", group)
	if e.Internal != 0 {
		e.line("   neighbor %s local-as %d no-prepend replace-as", group, e.ASN)
	}
	if e.Model == plan.PerCluster {
		e.line("   neighbor %s as-path remote-as replace out", group)
	}
	e.line("   neighbor %s next-hop-self", group)
	e.line("   neighbor %s timers %d %d", group, seconds(e.Timers.Keepalive), seconds(e.Timers.Hold))
	e.line("   neighbor %s idle-restart-timer %d", group, 60*restartMinutes)
	if e.BFD.Interval != 0 {
		interval := milliseconds(e.BFD.Interval)
		e.line("   neighbor %s bfd", group)
		e.line("   neighbor %s bfd interval %d min-rx %d multiplier %d", group, interval, interval, e.BFD.Multiplier)
	}
	e.line("   neighbor %s maximum-routes %d", group, e.MaxPrefixes)
	if e.DefaultRoute {
		e.line("   neighbor %s default-originate always", group)
	}
	e.line("   neighbor %s missing-policy address-family all direction in action deny", group)
	e.line("   neighbor %s missing-policy address-family all direction out action deny", group)
	e.line("   neighbor %s route-map %s in", group, e.from())
	e.line("   neighbor %s route-map %s out", group, e.to())
}

// neighbours are the nodes, or in the cluster model whoever calls from the subnet.
func (e *eos) neighbours() {
	if e.Model == plan.PerCluster {
		e.line("   dynamic peer max %d", min(e.Peers, 1000)) // once bgp listen limit
		e.line("   bgp listen range %s peer-group %s remote-as %d", e.Address.Masked(), e.group(), e.NodeASN)
		return
	}
	for _, node := range e.Nodes {
		e.line("   neighbor %s peer group %s", node.Address, e.group())
		e.line("   neighbor %s remote-as %d", node.Address, node.ASN)
		e.line("   neighbor %s description %s", node.Address, free(node.Name))
	}
}
