// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// nodesL3Out leads to the nodes, with one node profile for each rack.
//
// It takes from the nodes only what the plan lets them announce, so that a node
// gone wrong cannot draw the fabric's traffic to itself. It tells them the
// default route, what the plan lists, and other nodes' routes, as the leaves of
// every other platform do: without those, pods would reach each other by the
// default route alone, and as-override would have nothing to work on.
func (l layout) nodesL3Out() *Object {
	return mo("l3extOut", "out-"+l.aci.L3Out, attributes{"name": l.aci.L3Out, "enforceRtctrl": "export,import"}, slices.Concat(
		l.l3outRelations(l.named("L3D")),
		[]*Object{mo("bgpExtP", "bgpExtP", attributes{})},
		routeMap("default-export", l.matchDefault(), l.matchAdvertised(), l.matchPods(), l.matchLoadBalancers()),
		routeMap("default-import", l.matchPods(), l.matchLoadBalancers()),
		l.nodeProfiles(),
		l.nodeEPGs(),
	)...)
}

func (l layout) l3outRelations(domain string) []*Object {
	return []*Object{
		mo("l3extRsEctx", "rsectx", attributes{"tnFvCtxName": l.aci.VRF}),
		mo("l3extRsL3DomAtt", "rsl3DomAtt", attributes{"tDn": "uni/l3dom-" + domain}),
	}
}

func (l layout) nodeProfiles() []*Object {
	var profiles []*Object
	for _, r := range l.racks {
		name := l.named("NDP", r.Name)
		var leaves []*Object
		for _, leaf := range r.Leaves {
			leaves = append(leaves, l.leafNode(leaf, loopbacks(leaf)...))
		}
		profiles = append(profiles, mo("l3extLNodeP", "lnodep-"+name, attributes{"name": name},
			append(leaves, l.bgpProtocol(), l.interfaceProfile(r))...))
	}
	return profiles
}

// leafNode puts a leaf into an L3Out. A leaf has one router ID in all L3Outs of
// a VRF; the loopback that has it is made in the L3Out to the nodes only.
func (l layout) leafNode(leaf plan.Leaf, loopbacks ...*Object) *Object {
	dn := l.leafDN(leaf)
	return mo("l3extRsNodeL3OutAtt", "rsnodeL3OutAtt-["+dn+"]",
		attributes{"tDn": dn, "rtrId": leaf.RouterID.String(), "rtrIdLoopBack": "no"}, loopbacks...)
}

func (l layout) leafDN(leaf plan.Leaf) string {
	return fmt.Sprintf("topology/pod-%d/node-%d", l.aci.Pod, leaf.Node)
}

// loopbacks are a leaf's one loopback, or none where the router ID is the
// address that its SVI has already.
func loopbacks(leaf plan.Leaf) []*Object {
	if leaf.RouterID == leaf.Address {
		return nil
	}
	addr := leaf.RouterID.String()
	return []*Object{mo("l3extLoopBackIfP", "lbp-["+addr+"]", attributes{"addr": addr})}
}

// bgpProtocol gives the leaves of a node profile the timers and the choice of
// paths.
func (l layout) bgpProtocol() *Object {
	name := l.named("BGP")
	return mo("bgpProtP", "protp", attributes{"name": name},
		mo("bgpRsBgpNodeCtxPol", "rsbgpNodeCtxPol", attributes{"tnBgpCtxPolName": name}),
		mo("bgpRsBestPathCtrlPol", "rsBestPathCtrlPol", attributes{"tnBgpBestPathCtrlPolName": name}))
}

func (l layout) interfaceProfile(r rack) *Object {
	name := l.named("IFP", r.Name)
	profile := mo("l3extLIfP", "lifp-"+name, attributes{"name": name})
	if l.bfd() {
		profile.Children = append(profile.Children, mo("bfdIfP", "bfdIfP", attributes{"type": "none"},
			mo("bfdRsIfPol", "rsIfPol", attributes{"tnBfdIfPolName": l.named("BFD")})))
	}
	if l.floating() {
		profile.Children = append(profile.Children, l.anchors(r)...)
	} else {
		profile.Children = append(profile.Children, l.paths(r)...)
	}
	return profile
}

// paths are the hosts' port channels, each with the one SVI of the rack: a leaf
// joins the paths of one VLAN into one bridge.
func (l layout) paths(r rack) []*Object {
	var paths []*Object
	for i, h := range r.hosts {
		paths = append(paths, l.path(r, h, l.pathPeers(r, i)))
	}
	return paths
}

func (l layout) path(r rack, h host, peers []*Object) *Object {
	attrs := l.svi(r)
	if !r.paired() {
		leaf := r.Leaves[0]
		attrs["tDn"] = fmt.Sprintf("topology/pod-%d/paths-%d/pathep-[%s]", l.aci.Pod, leaf.Node, l.portChannel(r, h))
		attrs["addr"] = r.inSubnet(leaf.Address)
		return mo("l3extRsPathL3OutAtt", "rspathL3OutAtt-["+attrs["tDn"]+"]", attrs, append(peers, r.gateway())...)
	}
	a, b := r.Leaves[0], r.Leaves[1]
	attrs["tDn"] = fmt.Sprintf("topology/pod-%d/protpaths-%d-%d/pathep-[%s]", l.aci.Pod, a.Node, b.Node, l.portChannel(r, h))
	attrs["addr"] = "0.0.0.0" // each member has its own
	return mo("l3extRsPathL3OutAtt", "rspathL3OutAtt-["+attrs["tDn"]+"]", attrs,
		append([]*Object{r.member("A", a), r.member("B", b)}, peers...)...)
}

// svi are the attributes that the rack's subnet interface has everywhere.
func (l layout) svi(r rack) attributes {
	return attributes{
		"ifInstT": "ext-svi", "encap": encap(r.NodeNetwork.VLAN), "encapScope": "local",
		"mode": "regular", "mtu": strconv.Itoa(l.Spec.Fabric.MTU),
	}
}

func (r rack) member(side string, leaf plan.Leaf) *Object {
	return mo("l3extMember", "mem-"+side, attributes{"side": side, "addr": r.inSubnet(leaf.Address)}, r.gateway())
}

// gateway is the leaves' shared, secondary address.
func (r rack) gateway() *Object {
	addr := r.inSubnet(r.NodeNetwork.Gateway)
	return mo("l3extIp", "addr-["+addr+"]", attributes{"addr": addr})
}

// inSubnet is an address with the length of the rack's subnet.
func (r rack) inSubnet(a netip.Addr) string {
	return netip.PrefixFrom(a, r.NodeNetwork.Subnet.Bits()).String()
}

// anchors are the leaves that hold a floating SVI. The other leaves of the
// fabric have its floating address.
func (l layout) anchors(r rack) []*Object {
	domain := "uni/phys-" + l.physicalDomain()
	var anchors []*Object
	for _, leaf := range r.Leaves {
		attrs := l.svi(r)
		attrs["nodeDn"], attrs["addr"] = l.leafDN(leaf), r.inSubnet(leaf.Address)
		anchors = append(anchors, mo("l3extVirtualLIfP", "vlifp-["+attrs["nodeDn"]+"]-["+attrs["encap"]+"]", attrs, slices.Concat(
			[]*Object{
				mo("l3extRsDynPathAtt", "rsdynPathAtt-["+domain+"]",
					attributes{"tDn": domain, "floatingAddr": r.inSubnet(l.aci.FloatingSVI.Address)}),
				r.gateway(),
			},
			l.anchorPeers(r),
		)...))
	}
	return anchors
}
