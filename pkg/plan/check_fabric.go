// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

func (c *checker) fabric(s Spec) {
	f := s.Fabric
	if c.speaker("spec.fabric.asn", f.ASN) {
		c.publicASN("spec.fabric.asn", f.ASN, f.ASN, s.ASN.Owned)
	}
	c.internalASN(s)
	if c.mtu("spec.fabric.mtu", f.MTU) && f.MTU != s.Bond.MTU {
		c.warnf("spec.fabric.mtu", "%d is not spec.bond.mtu %d: packets that one side may send are too large for the other; want the same on both", f.MTU, s.Bond.MTU)
	}
	c.timers(f.Timers)
	c.bfd(f.BFD)
	if f.MaxPrefixes < 1 || f.MaxPrefixes > 300_000 {
		c.errorf("spec.fabric.maxPrefixes", "%d is not in 1–300000", f.MaxPrefixes) // bgpPeerPfxPol
	}
	c.advertised(f.Advertised)
}

func (c *checker) internalASN(s Spec) {
	const path = "spec.fabric.internalASN"
	f := s.Fabric
	switch {
	case f.InternalASN == 0 && f.ACI != nil:
		c.warnf(path, "is missing: ACI's route reflectors have an AS of their own, and it is in the path of all that nodes receive; without it, %d has to be that number", f.ASN)
	case f.InternalASN == 0:
	case f.InternalASN == f.ASN:
		c.errorf(path, "%d is spec.fabric.asn itself; leave it out where the switches show their own number", f.InternalASN)
	default:
		if c.number(path, f.InternalASN) {
			c.publicASN(path, f.InternalASN, f.InternalASN, s.ASN.Owned)
		}
	}
}

func (c *checker) timers(t Timers) {
	for _, timer := range []struct {
		path string
		d    time.Duration
	}{{"spec.fabric.timers.keepalive", t.Keepalive}, {"spec.fabric.timers.hold", t.Hold}} {
		if timer.d <= 0 || timer.d%time.Second != 0 || timer.d > 3600*time.Second {
			c.errorf(timer.path, "%s is not a whole number of seconds up to 1h", timer.d)
			return
		}
	}
	switch {
	case t.Hold < 3*time.Second:
		c.errorf("spec.fabric.timers.hold", "%s is below 3s, the least that a speaker may ask for (RFC 4271 section 4.2)", t.Hold)
	case t.Hold < 3*t.Keepalive:
		c.errorf("spec.fabric.timers.keepalive", "%s is more than a third of spec.fabric.timers.hold %s (RFC 4271 section 4.4)", t.Keepalive, t.Hold)
	case t.Hold < 9*time.Second:
		c.warnf("spec.fabric.timers", "%s and %s make Calico's BIRD lose sessions about once a day (projectcalico/calico#7086); want a hold time of 9s or more", t.Keepalive, t.Hold)
	}
}

func (c *checker) bfd(b BFD) {
	if b == (BFD{}) {
		return
	}
	if b.Interval < 50*time.Millisecond || b.Interval > 999*time.Millisecond || b.Interval%time.Millisecond != 0 {
		c.errorf("spec.fabric.bfd.interval", "%s is not a whole number of milliseconds in 50–999", b.Interval)
	}
	if b.Multiplier < 1 || b.Multiplier > 50 {
		c.errorf("spec.fabric.bfd.multiplier", "%d is not in 1–50", b.Multiplier)
	}
	c.warnf("spec.fabric.bfd", "is for leaves alone: the BIRD of open-source Calico answers no BFD (projectcalico/calico#4607); leave it out unless the nodes' does")
}

func (c *checker) advertised(list []netip.Prefix) {
	ranges := seen{}
	for i, p := range list {
		path := fmt.Sprintf("spec.fabric.advertised[%d]", i)
		switch {
		case !c.prefix(path, p):
		case p.Bits() == 0:
			c.errorf(path, "%s is the default route; want spec.fabric.defaultRoute: true", p)
		default:
			c.unique(path, p.String(), ranges)
			c.documentation(path, p)
		}
	}
}

// leafSeen is what no two leaves of a plan may share.
type leafSeen struct{ names, routerIDs, nodes seen }

func leavesSeen() leafSeen { return leafSeen{seen{}, seen{}, seen{}} }

func (c *checker) leaves(s Spec, path string, r Rack, taken leafSeen) {
	if len(r.Leaves) == 0 {
		c.errorf(path, "is empty; want at least one leaf")
	}
	for i, leaf := range r.Leaves {
		at := fmt.Sprintf("%s[%d]", path, i)
		c.name(at+".name", leaf.Name, taken.names)
		c.inSubnet(at+".address", leaf.Address, r.NodeNetwork.Subnet)
		c.unique(at+".address", text(leaf.Address), c.addresses)
		c.routerID(at+".routerID", leaf, taken.routerIDs)
		c.leafNode(s, at+".node", leaf.Node, taken.nodes)
	}
}

func (c *checker) routerID(path string, l Leaf, taken seen) {
	id := l.RouterID
	if id == l.Address {
		return
	}
	if !id.Is4() || id.IsUnspecified() {
		c.errorf(path, "%s is no router id: want four bytes in dots, not all 0 (RFC 6286)", id)
		return
	}
	c.unique(path, id.String(), taken)
	if public(id) {
		c.warnf(path, "%s is a public address that somebody may own; want a private one, or none: it is then the leaf's address", id)
	}
}

// public says whether an address belongs to somebody (RFC 6890 lists which do not).
func public(a netip.Addr) bool {
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10) // RFC 6598
	return a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a)
}

func (c *checker) leafNode(s Spec, path string, node uint16, taken seen) {
	switch {
	case node == 0 && s.Fabric.ACI == nil:
	case node == 0:
		c.errorf(path, "is missing; want the leaf's node ID in the fabric, such as 201")
	case node < 101 || node > 4000:
		c.errorf(path, "%d is no node ID of a leaf: want 101–4000", node)
	default:
		c.unique(path, strconv.Itoa(int(node)), taken)
	}
}
