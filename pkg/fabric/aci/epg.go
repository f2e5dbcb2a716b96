// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"net/netip"
	"slices"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// What a subnet is to its external EPG.
const (
	classify = "import-security" // traffic from it belongs to the EPG
	announce = "export-rtctrl"   // this exact prefix is announced
)

// nodeEPGs are the external EPGs of the L3Out to the nodes.
func (l layout) nodeEPGs() []*Object {
	nodes := externalEPG("EPG_K8_NODES", classify, l.nodeSubnets(), provides(management), provides(apiServer), consumes(internet))
	pods := externalEPG("EPG_K8_PODS", classify, []netip.Prefix{l.Spec.Pods.Subnet}, consumes(apiServer))
	if l.Spec.Pods.Outside {
		pods.Children = append(pods.Children, consumes(internet))
	}
	epgs := []*Object{nodes, pods}
	if l.Spec.Fabric.DefaultRoute {
		epgs = append(epgs, externalEPG("EPG_TRANSIT_OUT", announce, []netip.Prefix{everything()}))
	}
	for _, app := range l.aci.Applications {
		epgs = append(epgs, l.applicationEPG(app))
	}
	return epgs
}

// applicationEPG has an application's addresses. Those of pods leave
// EPG_K8_PODS by it, for the longest prefix decides, and with that its contract
// with the nodes. The EPG then consumes it for the nodes, and provides it for
// the other pods, who consume it.
func (l layout) applicationEPG(app plan.Application) *Object {
	epg := externalEPG(appName("EPG", app), classify, app.Addresses, provides(appSuffix(app)))
	if slices.ContainsFunc(app.Addresses, l.Spec.Pods.Subnet.Overlaps) {
		epg.Children = append(epg.Children, provides(apiServer), consumes(apiServer))
	}
	return epg
}

func externalEPG(name, scope string, subnets []netip.Prefix, contracts ...*Object) *Object {
	epg := mo("l3extInstP", "instP-"+name, attributes{"name": name})
	for _, subnet := range subnets {
		ip := subnet.String()
		epg.Children = append(epg.Children, mo("l3extSubnet", "extsubnet-["+ip+"]", attributes{"ip": ip, "scope": scope}))
	}
	epg.Children = append(epg.Children, contracts...)
	return epg
}

func provides(suffix string) *Object {
	return mo("fvRsProv", "rsprov-CNT_"+suffix, attributes{"tnVzBrCPName": "CNT_" + suffix})
}

func consumes(suffix string) *Object {
	return mo("fvRsCons", "rscons-CNT_"+suffix, attributes{"tnVzBrCPName": "CNT_" + suffix})
}
