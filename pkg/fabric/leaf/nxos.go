// SPDX-License-Identifier: Apache-2.0

package leaf

import "github.com/nodeprep/nodeprep/pkg/plan"

// NXOS prints what one leaf with Cisco NX-OS (Nexus 9000) needs for its nodes:
// VLAN, interface and shared gateway (HSRP), a port channel for each node that
// has ports in the plan, and BGP. The vPC domain and the uplinks are there
// already and stay as they are.
//
// Written from documents, never run: Cisco's BGP command references for NX-OS
// (Nexus 5500 and 3548), its Nexus 9000 Interfaces Configuration Guide 10.4(x)
// (vPC) and technical note 118997 (routing over vPC), the examples of Ansible's
// collection cisco.nxos, and Batfish's grammar of NX-OS with its test
// configurations.
func NXOS(p plan.Plan, leaf string) ([]byte, error) {
	c, err := ConfigOf(p, leaf)
	if err != nil {
		return nil, err
	}
	if err := nxosProblems(c).err(leaf); err != nil {
		return nil, err
	}
	n := nxos{ios{Config: c}}
	n.features()
	n.subnet()
	for _, node := range c.Nodes {
		n.ports(node)
	}
	n.prefixLists()
	n.routeMap(c.from())
	n.routeMap(c.to())
	n.router()
	return n.Bytes(), nil
}

func nxosProblems(c Config) problems {
	var ps problems
	ps.name(c, 63) // route maps and templates
	ps.channels(c)
	ps.within("spec.fabric.timers.keepalive", seconds(c.Timers.Keepalive), 0, 3600, "s")
	ps.within("spec.fabric.timers.hold", seconds(c.Timers.Hold), 0, 3600, "s")
	if c.BFD.Interval != 0 {
		ps.within("spec.fabric.bfd.interval", milliseconds(c.BFD.Interval), 50, 999, "ms")
		ps.within("spec.fabric.bfd.multiplier", c.BFD.Multiplier, 1, 50, "")
	}
	return ps
}

type nxos struct{ ios }

func (n *nxos) features() {
	n.line("! The vPC domain has to have `peer-gateway` and `layer3 peer-router`: nodes hold")
	n.line("! a session with either leaf over one port channel. Its peer link has to carry")
	n.line("! VLAN %d, else NX-OS suspends it on the port channels.", n.VLAN)
	for _, feature := range []string{"bgp", "interface-vlan", "hsrp", "lacp"} {
		n.line("feature %s", feature)
	}
	if n.BFD.Interval != 0 {
		n.line("feature bfd")
	}
	n.line("!")
}

// subnet is the nodes' VLAN and the leaf's place in it. With redirects the
// leaf would tell nodes to talk past it; BFD wants none either.
func (n *nxos) subnet() {
	n.line("vlan %d", n.VLAN)
	n.line("  name %s", n.vlanName())
	n.line("!")
	n.line("interface Vlan%d", n.VLAN)
	n.line("  description nodes of %s", n.Cluster)
	n.line("  no shutdown")
	n.line("  mtu %d", n.MTU)
	n.line("  no ip redirects")
	n.line("  ip address %s", n.Address)
	if n.BFD.Interval != 0 {
		interval := milliseconds(n.BFD.Interval)
		n.line("  bfd interval %d min_rx %d multiplier %d", interval, interval, n.BFD.Multiplier)
	}
	n.line("  hsrp version 2")
	n.line("  hsrp %d", n.VLAN)
	n.line("    ip %s", n.Gateway)
	n.line("!")
}

// ports are one node's. What a channel's members share has to be the same on
// them before they join.
func (n *nxos) ports(node Node) {
	if len(node.Ports) == 0 {
		return
	}
	n.line("interface port-channel%d", node.Channel)
	n.trunk(node)
	n.line("  spanning-tree port type edge trunk")
	if node.Shared {
		n.line("  vpc %d", node.Channel)
	}
	n.line("!")
	for _, port := range node.Ports {
		n.line("interface Ethernet%s", port)
		n.trunk(node)
		n.line("  channel-group %d mode active", node.Channel)
		n.line("  no shutdown")
		n.line("!")
	}
}

// trunk has the only large MTU that a layer 2 port takes, the system's.
func (n *nxos) trunk(node Node) {
	n.line("  description %s", free(node.Host))
	n.line("  switchport")
	n.line("  switchport mode trunk")
	n.line("  switchport trunk allowed vlan %d", n.VLAN)
	if n.MTU > 1500 {
		n.line("  mtu 9216")
	}
}

func (n *nxos) routeMap(name string) {
	n.line("route-map %s permit 10", name)
	n.line("  match ip address prefix-list %s", name)
	n.line("!")
}

func (n *nxos) router() {
	n.line("router bgp %d", n.AS())
	n.line("  router-id %s", n.RouterID)
	n.line("  log-neighbor-changes")
	n.line("  bestpath as-path multipath-relax")
	n.line("  address-family ipv4 unicast")
	for _, p := range n.Advertised {
		n.line("    network %s", p) // announced while there is a route
	}
	n.line("    maximum-paths %d", MaxPaths)
	n.template()
	n.neighbours()
}

// template is what all sessions are. disable-peer-as-check goes with
// as-override: without it NX-OS does not even try to announce a route to a
// neighbour whose number is in the path.
func (n *nxos) template() {
	n.line("  template peer %s", n.group())
	if n.Internal != 0 {
		n.line("    local-as %d", n.ASN)
	}
	n.line("    timers %d %d", seconds(n.Timers.Keepalive), seconds(n.Timers.Hold))
	if n.BFD.Interval != 0 {
		n.line("    bfd")
	}
	n.line("    address-family ipv4 unicast")
	if n.Model == plan.PerCluster {
		n.line("      as-override")
		n.line("      disable-peer-as-check")
	}
	n.line("      next-hop-self")
	if n.DefaultRoute {
		n.line("      default-originate")
	}
	n.line("      maximum-prefix %d restart %d", n.MaxPrefixes, restartMinutes)
	n.line("      route-map %s in", n.from())
	n.line("      route-map %s out", n.to())
}

// neighbours are the nodes, or in the cluster model whoever calls from the
// subnet: NX-OS calls that a prefix peer.
func (n *nxos) neighbours() {
	if n.Model == plan.PerCluster {
		n.line("  neighbor %s", n.Address.Masked())
		n.line("    inherit peer %s", n.group())
		n.line("    remote-as %d", n.NodeASN)
		n.line("    maximum-peers %d", min(n.Peers, 1000))
		return
	}
	for _, node := range n.Nodes {
		n.line("  neighbor %s", node.Address)
		n.line("    inherit peer %s", n.group())
		n.line("    remote-as %d", node.ASN)
		n.line("    description %s", free(node.Name))
	}
}

// vlanName fits the 32 characters of NX-OS and EOS.
func (i *ios) vlanName() string { return i.group()[:min(len(i.group()), 32)] }
