// SPDX-License-Identifier: Apache-2.0

package leaf

import "github.com/nodeprep/nodeprep/pkg/plan"

// FRR prints frr.conf of one leaf for FRR 8.4, one file for all daemons (vtysh's
// integrated configuration). It has the routing; links, addresses and VLANs are
// the operating system's and named in comments.
//
// Source: docs.frrouting.org/en/stable-8.4, bgp, filter, routemap and bfd.
func FRR(p plan.Plan, leaf string) ([]byte, error) {
	c, err := ConfigOf(p, leaf)
	if err != nil {
		return nil, err
	}
	f := frr{ios{Config: c}}
	f.head()
	f.prefixLists()
	f.routeMap(c.from())
	f.routeMap(c.to())
	f.bfd()
	f.router()
	return f.Bytes(), nil
}

type frr struct{ ios }

func (f *frr) head() {
	f.line("! The operating system has the interface of VLAN %d: %s, MTU %d,", f.VLAN, f.Address, f.MTU)
	f.line("! and with it %s, the gateway that the leaves share. It forwards IPv4 and", f.Gateway)
	f.line("! sends no redirects there (net.ipv4.conf.*.send_redirects=0).")
	f.line("frr version 8.4")
	f.line("frr defaults traditional")
	f.line("hostname %s", f.Name)
	f.line("log syslog informational")
	f.line("service integrated-vtysh-config")
	f.line("!")
}

// routeMap is one direction's policy, explicit as RFC 8212 wants it; a route
// map ends in a refusal.
func (f *frr) routeMap(name string) {
	f.line("route-map %s permit 10", name)
	f.line(" match ip address prefix-list %s", name)
	f.line("exit")
	f.line("!")
}

func (f *frr) bfd() {
	if f.BFD.Interval == 0 {
		return
	}
	f.line("bfd")
	f.line(" profile %s", f.group())
	f.line("  detect-multiplier %d", f.BFD.Multiplier)
	f.line("  receive-interval %d", milliseconds(f.BFD.Interval))
	f.line("  transmit-interval %d", milliseconds(f.BFD.Interval))
	f.line(" exit")
	f.line("exit")
	f.line("!")
}

func (f *frr) router() {
	f.line("router bgp %d", f.AS())
	f.line(" bgp router-id %s", f.RouterID)
	f.line(" bgp log-neighbor-changes")
	f.line(" bgp ebgp-requires-policy") // RFC 8212
	f.line(" no bgp default ipv4-unicast")
	f.line(" bgp bestpath as-path multipath-relax")
	if len(f.Advertised) > 0 {
		f.line(" bgp network import-check") // announced while there is a route
	}
	f.common()
	f.neighbours()
	f.line(" !")
	f.family()
	f.line("exit")
}

// common is what all sessions are. The connect timer is short, since nodes
// appear one after another and after every restart.
func (f *frr) common() {
	f.line(" neighbor %s peer-group", f.group())
	if f.Model == plan.PerCluster {
		f.line(" neighbor %s remote-as %d", f.group(), f.NodeASN)
	}
	if f.Internal != 0 {
		f.line(" neighbor %s local-as %d", f.group(), f.ASN)
	}
	f.line(" neighbor %s timers %d %d", f.group(), seconds(f.Timers.Keepalive), seconds(f.Timers.Hold))
	f.line(" neighbor %s timers connect 10", f.group())
	if f.BFD.Interval != 0 {
		f.line(" neighbor %s bfd", f.group())
		f.line(" neighbor %s bfd profile %s", f.group(), f.group())
	}
}

// neighbours are the nodes and in the cluster model whoever else calls from the
// subnet.
//
// With as-override a node does not see that a route is its own, so none may come
// back to it: BIRD would take a pod's address, if it is of another node's block,
// for one behind the leaf. Solo keeps FRR from sending a route to who announced
// it. FRR 8.4 does not hand it on to neighbours that it did not know, which is
// why the nodes are listed here too.
func (f *frr) neighbours() {
	cluster := f.Model == plan.PerCluster
	if cluster {
		f.line(" neighbor %s solo", f.group())
		f.line(" bgp listen limit %d", min(f.Peers, 5000))
		f.line(" bgp listen range %s peer-group %s", f.Address.Masked(), f.group())
	}
	for _, n := range f.Nodes {
		if !cluster {
			f.line(" neighbor %s remote-as %d", n.Address, n.ASN)
		}
		f.line(" neighbor %s peer-group %s", n.Address, f.group())
		if cluster {
			f.line(" neighbor %s solo", n.Address)
		}
		f.line(" neighbor %s description %s", n.Address, free(n.Name))
	}
}

func (f *frr) family() {
	f.line(" address-family ipv4 unicast")
	for _, p := range f.Advertised {
		f.line("  network %s", p)
	}
	f.line("  maximum-paths %d", MaxPaths)
	f.line("  neighbor %s activate", f.group())
	f.line("  neighbor %s next-hop-self", f.group())
	if f.Model == plan.PerCluster {
		f.line("  neighbor %s as-override", f.group())
	}
	if f.DefaultRoute {
		f.line("  neighbor %s default-originate", f.group())
	}
	f.line("  neighbor %s maximum-prefix %d restart %d", f.group(), f.MaxPrefixes, restartMinutes)
	f.line("  neighbor %s route-map %s in", f.group(), f.from())
	f.line("  neighbor %s route-map %s out", f.group(), f.to())
	f.line(" exit-address-family")
}
