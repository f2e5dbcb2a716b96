// SPDX-License-Identifier: Apache-2.0

package apictest

// system are the classes of objects that every fabric has, and that nobody
// makes or changes.
func system() []class {
	return []class{
		{name: "polUni", rn: "uni"},
		{name: "infraInfra", in: []string{"polUni"}, rn: "infra"},
		{name: "infraFuncP", in: []string{"infraInfra"}, rn: "funcprof"},
		{name: "fabricInst", in: []string{"polUni"}, rn: "fabric"},
		{name: "fabricProtPol", in: []string{"fabricInst"}, rn: "protpol"},
		{name: "fabricExplicitGEp", in: []string{"fabricProtPol"}, rn: "expgep-{name}", attributes: attrs{"name": name(64), "id": number(1, 1000)}},
		{name: "fabricNodePEp", in: []string{"fabricExplicitGEp"}, rn: "nodepep-{id}", attributes: attrs{"id": number(1, 16000)}},
	}
}

// access are the classes of a port's policies: pools, domains, policy groups,
// selectors, all below infra but for the domains.
func access() []class {
	infra := []string{"infraInfra"}
	groups := []string{"infraAccBndlGrp", "infraAccPortGrp"}
	cards, ports := number(1, 100), number(1, 127)
	return []class{
		{name: "l3extDomP", in: []string{"polUni"}, rn: "l3dom-{name}", attributes: attrs{"name": name(64)}},
		{name: "physDomP", in: []string{"polUni"}, rn: "phys-{name}", attributes: attrs{"name": name(64)}},
		{name: "infraRsVlanNs", in: []string{"l3extDomP", "physDomP"}, rn: "rsvlanNs", attributes: attrs{"tDn": dn()}, target: []string{"fvnsVlanInstP"}},
		{name: "fvnsVlanInstP", in: infra, rn: "vlanns-[{name}]-{allocMode}", attributes: attrs{"name": name(64), "allocMode": enum("static", "dynamic")}},
		{name: "fvnsEncapBlk", in: []string{"fvnsVlanInstP"}, rn: "from-[{from}]-to-[{to}]", attributes: attrs{
			"name": name(64), "from": encap(), "to": encap(), "allocMode": enum("static", "dynamic", "inherit"), "role": enum("external", "internal"),
		}},
		{name: "infraAttEntityP", in: infra, rn: "attentp-{name}", attributes: attrs{"name": name(64)}},
		{name: "infraRsDomP", in: []string{"infraAttEntityP"}, rn: "rsdomP-[{tDn}]", attributes: attrs{"tDn": dn()}, target: []string{"l3extDomP", "physDomP"}},
		{name: "lacpLagPol", in: infra, rn: "lacplagp-{name}", attributes: attrs{
			"name": name(64), "mode": enum("off", "active", "passive", "mac-pin", "mac-pin-nicload", "explicit-failover"),
			"minLinks": number(1, 16), "maxLinks": number(1, 64),
			"ctrl": flags("fast-sel-hot-stdby", "graceful-conv", "load-defer", "susp-individual", "symmetric-hash"),
		}},
		{name: "l2IfPol", in: infra, rn: "l2IfP-{name}", attributes: attrs{
			"name": name(64), "vlanScope": enum("global", "portlocal"), "qinq": enum("disabled", "edgePort", "corePort", "doubleQtagPort"), "vepa": enum("disabled", "enabled"),
		}},
		{name: "lldpIfPol", in: infra, rn: "lldpIfP-{name}", attributes: attrs{
			"name": name(64), "adminRxSt": enum("enabled", "disabled"), "adminTxSt": enum("enabled", "disabled"), "portDCBXPVer": enum("CEE", "IEEE"),
		}},
		{
			name: "infraAccBndlGrp", in: []string{"infraFuncP"}, rn: "accbundle-{name}", attributes: attrs{"name": name(64), "lagT": enum("link", "node")},
			makes: []string{"infraRsLacpPol", "infraRsL2IfPol", "infraRsLldpIfPol"},
		},
		{
			name: "infraAccPortGrp", in: []string{"infraFuncP"}, rn: "accportgrp-{name}", attributes: attrs{"name": name(64)},
			makes: []string{"infraRsL2IfPol", "infraRsLldpIfPol"},
		},
		{name: "infraRsAttEntP", in: groups, rn: "rsattEntP", attributes: attrs{"tDn": dn()}, target: []string{"infraAttEntityP"}},
		{name: "infraRsLacpPol", in: groups[:1], rn: "rslacpPol", attributes: attrs{"tnLacpLagPolName": optionalName()}, target: []string{"lacpLagPol"}, permanent: true},
		{name: "infraRsL2IfPol", in: groups, rn: "rsl2IfPol", attributes: attrs{"tnL2IfPolName": optionalName()}, target: []string{"l2IfPol"}, permanent: true},
		{name: "infraRsLldpIfPol", in: groups, rn: "rslldpIfPol", attributes: attrs{"tnLldpIfPolName": optionalName()}, target: []string{"lldpIfPol"}, permanent: true},
		{name: "infraAccPortP", in: infra, rn: "accportprof-{name}", attributes: attrs{"name": name(64)}},
		{name: "infraHPortS", in: []string{"infraAccPortP"}, rn: "hports-{name}-typ-{type}", attributes: attrs{"name": name(128), "type": enum("range", "ALL")}},
		{name: "infraRsAccBaseGrp", in: []string{"infraHPortS"}, rn: "rsaccBaseGrp", attributes: attrs{"tDn": dn(), "fexId": number(101, 199)}, target: groups},
		{name: "infraPortBlk", in: []string{"infraHPortS"}, rn: "portblk-{name}", attributes: attrs{
			"name": name(64), "fromCard": cards, "toCard": cards, "fromPort": ports, "toPort": ports,
		}, defaults: map[string]string{"fromCard": "1", "toCard": "1", "fromPort": "1", "toPort": "1"}},
		{name: "infraNodeP", in: infra, rn: "nprof-{name}", attributes: attrs{"name": name(64)}},
		{name: "infraLeafS", in: []string{"infraNodeP"}, rn: "leaves-{name}-typ-{type}", attributes: attrs{"name": name(64), "type": enum("range", "ALL", "ALL_IN_POD")}},
		{name: "infraNodeBlk", in: []string{"infraLeafS"}, rn: "nodeblk-{name}", attributes: attrs{"name": name(64), "from_": number(1, 16000), "to_": number(1, 16000)}},
		{name: "infraRsAccPortP", in: []string{"infraNodeP"}, rn: "rsaccPortP-[{tDn}]", attributes: attrs{"tDn": dn()}, target: []string{"infraAccPortP"}},
	}
}
