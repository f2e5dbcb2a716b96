// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
)

// outsideL3Out leads out of the fabric by OSPF over one sub-interface, and
// tells the routers there of the nodes, the pods and the load balancers.
func (l layout) outsideL3Out() []*Object {
	leaf, ok := l.outsideLeaf()
	if !ok {
		return nil
	}
	out := l.aci.Outside
	profile := l.named("NDP")
	return []*Object{mo("l3extOut", "out-"+out.L3Out, attributes{"name": out.L3Out, "enforceRtctrl": "export"}, slices.Concat(
		l.l3outRelations(l.outsideDomain()),
		[]*Object{mo("ospfExtP", "ospfExtP", attributes{
			"areaId": areaID(out.Area), "areaType": "regular", "areaCost": "1", "areaCtrl": "redistribute,summary",
		})},
		routeMap("default-export", l.matchNodes(), l.matchPods(), l.matchLoadBalancers()),
		[]*Object{mo("l3extLNodeP", "lnodep-"+profile, attributes{"name": profile}, l.leafNode(leaf), l.outsideInterface(leaf.Node))},
		l.outsideEPGs(),
	)...)}
}

// areaID is an OSPF area as the APIC prints it: "0.0.0.108", and "backbone".
func areaID(area uint32) string {
	if area == 0 {
		return "backbone"
	}
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, area))).String()
}

func (l layout) outsideInterface(node uint16) *Object {
	out, name := l.aci.Outside, l.named("IFP")
	path := LeafPort{Pod: l.aci.Pod, Node: node, ID: out.Port}.String()
	return mo("l3extLIfP", "lifp-"+name, attributes{"name": name},
		mo("ospfIfP", "ospfIfP", attributes{"name": l.named("OSPF"), "authType": "none"},
			mo("ospfRsIfPol", "rsIfPol", attributes{"tnOspfIfPolName": l.named("OSPF")})),
		mo("l3extRsPathL3OutAtt", "rspathL3OutAtt-["+path+"]", attributes{
			"tDn": path, "ifInstT": "sub-interface", "encap": encap(out.VLAN), "mode": "regular",
			"addr": out.Address.String(), "mtu": strconv.Itoa(l.Spec.Fabric.MTU),
		}))
}

// outsideEPGs: all that is not of the fabric is EPG_DEFAULT, which reaches the
// nodes and the applications; and what OSPF tells, prefix by prefix.
func (l layout) outsideEPGs() []*Object {
	outer := externalEPG("EPG_DEFAULT", classify, []netip.Prefix{everything()}, provides(internet), consumes(management))
	for _, app := range l.aci.Applications {
		outer.Children = append(outer.Children, consumes(appSuffix(app)))
	}
	ranges := append(l.nodeSubnets(), l.Spec.Pods.Subnet)
	if subnet := l.Spec.LoadBalancers.Subnet; subnet.IsValid() {
		ranges = append(ranges, subnet)
	}
	return []*Object{outer, externalEPG("EPG_TRANSIT_OUT_K8_CIDRS", announce, ranges)}
}
