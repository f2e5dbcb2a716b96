// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// maxPaths is the most that a leaf spreads traffic over, eBGP or iBGP; the
// fabric's own default is 16.
const maxPaths = "64"

// tenant is the cluster's tenant with all that is in it.
func (l layout) tenant() *Object {
	return mo("fvTenant", "tn-"+l.aci.Tenant, attributes{"name": l.aci.Tenant}, slices.Concat(
		[]*Object{l.vrf()},
		l.routingPolicies(),
		l.contracts(),
		l.matchRules(),
		[]*Object{l.nodesL3Out()},
		l.outsideL3Out(),
	)...)
}

// vrf is the routing table of everything here. Its BGP paths policy hangs on
// the address family; the timers hang on the node profiles.
func (l layout) vrf() *Object {
	paths := l.named("BGP")
	return mo("fvCtx", "ctx-"+l.aci.VRF, attributes{"name": l.aci.VRF, "pcEnfPref": "enforced"},
		mo("fvRsCtxToBgpCtxAfPol", "rsctxToBgpCtxAfPol-["+paths+"]-ipv4-ucast",
			attributes{"tnBgpCtxAfPolName": paths, "af": "ipv4-ucast"}))
}

// routingPolicies are the protocols' parameters.
func (l layout) routingPolicies() []*Object {
	f, bgp := l.Spec.Fabric, l.named("BGP")
	policies := []*Object{
		mo("bgpCtxAfPol", "bgpCtxAfP-"+bgp, attributes{"name": bgp, "maxEcmp": maxPaths, "maxEcmpIbgp": maxPaths}),
		mo("bgpCtxPol", "bgpCtxP-"+bgp, attributes{
			"name": bgp, "grCtrl": "helper",
			"kaIntvl": seconds(f.Timers.Keepalive), "holdIntvl": seconds(f.Timers.Hold),
		}),
		// Nodes announce one address with different AS numbers; without this
		// only one of them would be used.
		mo("bgpBestPathCtrlPol", "bestpath-"+bgp, attributes{"name": bgp, "ctrl": "asPathMultipathRelax"}),
		mo("bgpPeerPfxPol", "bgpPfxP-"+bgp, attributes{"name": bgp, "action": "reject", "maxPfx": strconv.Itoa(f.MaxPrefixes)}),
	}
	if l.bfd() {
		policies = append(policies, l.bfdPolicy())
	}
	if l.aci.Outside.L3Out != "" {
		name := l.named("OSPF")
		policies = append(policies, mo("ospfIfPol", "ospfIfPol-"+name, attributes{"name": name, "nwT": "bcast"}))
	}
	return policies
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

func (l layout) bfd() bool { return l.Spec.Fabric.BFD.Interval != 0 }

// bfdPolicy has no echo packets: a host that speaks BFD in software answers
// control packets only.
func (l layout) bfdPolicy() *Object {
	name, bfd := l.named("BFD"), l.Spec.Fabric.BFD
	interval := strconv.FormatInt(bfd.Interval.Milliseconds(), 10)
	return mo("bfdIfPol", "bfdIfPol-"+name, attributes{
		"name": name, "minTxIntvl": interval, "minRxIntvl": interval,
		"detectMult": strconv.Itoa(bfd.Multiplier), "echoAdminSt": "disabled",
	})
}

// nodeSubnets are the racks' subnets, each once.
func (l layout) nodeSubnets() []netip.Prefix {
	var subnets []netip.Prefix
	for _, r := range l.racks {
		subnets = append(subnets, r.NodeNetwork.Subnet)
	}
	slices.SortFunc(subnets, netip.Prefix.Compare)
	return slices.Compact(subnets)
}

// everything is 0.0.0.0/0.
func everything() netip.Prefix { return netip.PrefixFrom(netip.IPv4Unspecified(), 0) }
