// SPDX-License-Identifier: Apache-2.0

package apic

import "strings"

// classes are all that a plan has ever made objects of. Each is asked for by
// our annotation, so that what a plan wants no longer is found wherever it is:
// a class stays here when no plan makes it any more.
func classes() []string {
	return []string{
		"l3extDomP", "physDomP", "infraRsVlanNs",
		"fvnsVlanInstP", "fvnsEncapBlk",
		"infraAttEntityP", "infraRsDomP",
		"lacpLagPol", "l2IfPol", "lldpIfPol",
		"infraAccBndlGrp", "infraAccPortGrp", "infraRsAttEntP", "infraRsLacpPol", "infraRsL2IfPol", "infraRsLldpIfPol",
		"infraAccPortP", "infraHPortS", "infraRsAccBaseGrp", "infraPortBlk",
		"infraNodeP", "infraLeafS", "infraNodeBlk", "infraRsAccPortP",
		"fvTenant", "fvCtx", "fvRsCtxToBgpCtxAfPol", "fvRsBgpCtxPol",
		"bgpCtxAfPol", "bgpCtxPol", "bgpBestPathCtrlPol", "bgpPeerPfxPol", "bfdIfPol", "ospfIfPol",
		"vzFilter", "vzEntry", "vzBrCP", "vzSubj", "vzRsSubjFiltAtt",
		"rtctrlSubjP", "rtctrlMatchRtDest", "rtctrlProfile", "rtctrlCtxP", "rtctrlRsCtxPToSubjP",
		"l3extOut", "l3extRsEctx", "l3extRsL3DomAtt", "bgpExtP", "ospfExtP", "l3extDefaultRouteLeakP",
		"l3extLNodeP", "l3extRsNodeL3OutAtt", "l3extLoopBackIfP", "bgpProtP", "bgpRsBgpNodeCtxPol", "bgpRsBestPathCtrlPol",
		"l3extLIfP", "bfdIfP", "bfdRsIfPol", "ospfIfP", "ospfRsIfPol",
		"l3extRsPathL3OutAtt", "l3extMember", "l3extIp", "l3extVirtualLIfP", "l3extRsDynPathAtt",
		"bgpPeerP", "bgpAsP", "bgpLocalAsnP", "bgpRsPeerPfxPol",
		"l3extInstP", "l3extSubnet", "fvRsProv", "fvRsCons",
	}
}

// exclusive says that a fabric takes what objects of the class hold once only:
// an address, a subnet, a VLAN, a port. Where such a thing moves, the old place
// has to let go of it first.
func exclusive(class string) bool {
	switch class {
	case "fvnsEncapBlk", "infraPortBlk", "l3extLoopBackIfP", "l3extMember", "l3extIp", "l3extSubnet", "bgpPeerP":
		return true
	}
	return false
}

// relation says that objects of the class point at others. The APIC makes many
// of them by itself, together with the object that they are of.
func relation(class string) bool { return strings.Contains(class, "Rs") }
