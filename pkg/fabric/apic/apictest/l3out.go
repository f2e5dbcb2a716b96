// SPDX-License-Identifier: Apache-2.0

package apictest

// l3out are an L3Out with its route maps, nodes and external EPGs.
func l3out() []class {
	in := []string{"l3extOut"}
	return []class{
		{name: "l3extOut", in: []string{"fvTenant"}, rn: "out-{name}", attributes: attrs{
			"name": name(64), "enforceRtctrl": flags("export", "import"), "targetDscp": dscp(), "mplsEnabled": yesNo(),
		}, makes: []string{"l3extRsEctx"}},
		{name: "l3extRsEctx", in: in, rn: "rsectx", attributes: attrs{"tnFvCtxName": optionalName()}, target: []string{"fvCtx"}, permanent: true},
		{name: "l3extRsL3DomAtt", in: in, rn: "rsl3DomAtt", attributes: attrs{"tDn": dn()}, target: []string{"l3extDomP"}},
		{name: "bgpExtP", in: in, rn: "bgpExtP"},
		{name: "ospfExtP", in: in, rn: "ospfExtP", attributes: attrs{
			"areaId": area(), "areaType": enum("regular", "stub", "nssa"), "areaCost": number(0, 16777215),
			"areaCtrl": flags("redistribute", "summary", "suppress-fa", "unspecified"), "multipodInternal": yesNo(),
		}},
		{name: "l3extDefaultRouteLeakP", in: in, rn: "defrtleak", attributes: attrs{
			"always": yesNo(), "criteria": enum("only", "in-addition"), "scope": flags("l3-out", "ctx"),
		}},
		{name: "rtctrlProfile", in: []string{"fvTenant", "l3extOut"}, rn: "prof-{name}", attributes: attrs{
			"name": name(64), "type": enum("combinable", "global"), "autoContinue": yesNo(),
		}},
		{name: "rtctrlCtxP", in: []string{"rtctrlProfile"}, rn: "ctx-{name}", attributes: attrs{"name": name(64), "order": number(0, 9), "action": enum("permit", "deny")}},
		{
			name: "rtctrlRsCtxPToSubjP", in: []string{"rtctrlCtxP"}, rn: "rsctxPToSubjP-{tnRtctrlSubjPName}",
			attributes: attrs{"tnRtctrlSubjPName": name(64)}, target: []string{"rtctrlSubjP"},
		},

		{name: "l3extInstP", in: in, rn: "instP-{name}", attributes: attrs{
			"name": name(64), "prio": prio(), "targetDscp": dscp(), "pcEnfPref": enum("enforced", "unenforced"), "prefGrMemb": enum("include", "exclude"),
			"matchT": enum("All", "AtleastOne", "AtmostOne", "None"), "floodOnEncap": enum("enabled", "disabled"),
		}},
		{name: "l3extSubnet", in: []string{"l3extInstP"}, rn: "extsubnet-[{ip}]", attributes: attrs{
			"ip": subnet(), "name": name(64), "aggregate": flags("import-rtctrl", "export-rtctrl", "shared-rtctrl"),
			"scope": flags("import-security", "export-rtctrl", "import-rtctrl", "shared-rtctrl", "shared-security"),
		}},
		{name: "fvRsProv", in: []string{"l3extInstP", "fvAEPg"}, rn: "rsprov-{tnVzBrCPName}", attributes: attrs{
			"tnVzBrCPName": name(64), "prio": prio(), "matchT": enum("All", "AtleastOne", "AtmostOne", "None"), "intent": enum("install", "estimate_add", "estimate_delete"),
		}, target: []string{"vzBrCP"}},
		{name: "fvRsCons", in: []string{"l3extInstP", "fvAEPg"}, rn: "rscons-{tnVzBrCPName}", attributes: attrs{
			"tnVzBrCPName": name(64), "prio": prio(), "intent": enum("install", "estimate_add", "estimate_delete"),
		}, target: []string{"vzBrCP"}},
	}
}

// interfaces are the node and interface profiles of an L3Out, with their
// addresses and BGP neighbours.
func interfaces() []class {
	mtu := number(576, 9216, "inherit")
	onOff := enum("Enabled", "Disabled")
	paths := []string{"l3extRsPathL3OutAtt", "l3extVirtualLIfP"}
	return []class{
		{name: "l3extLNodeP", in: []string{"l3extOut"}, rn: "lnodep-{name}", attributes: attrs{"name": name(64), "targetDscp": dscp(), "tag": name(64)}},
		{
			name: "l3extRsNodeL3OutAtt", in: []string{"l3extLNodeP"}, rn: "rsnodeL3OutAtt-[{tDn}]",
			attributes: attrs{"tDn": dn(), "rtrId": address(), "rtrIdLoopBack": yesNo()}, target: []string{"fabricNode"},
		},
		{name: "l3extLoopBackIfP", in: []string{"l3extRsNodeL3OutAtt"}, rn: "lbp-[{addr}]", attributes: attrs{"addr": address(), "name": name(64)}},
		{name: "bgpProtP", in: []string{"l3extLNodeP"}, rn: "protp", attributes: attrs{"name": optionalName()}},
		{name: "bgpRsBgpNodeCtxPol", in: []string{"bgpProtP"}, rn: "rsbgpNodeCtxPol", attributes: attrs{"tnBgpCtxPolName": optionalName()}, target: []string{"bgpCtxPol"}},
		{name: "bgpRsBestPathCtrlPol", in: []string{"bgpProtP"}, rn: "rsBestPathCtrlPol", attributes: attrs{"tnBgpBestPathCtrlPolName": optionalName()}, target: []string{"bgpBestPathCtrlPol"}},
		{name: "l3extLIfP", in: []string{"l3extLNodeP"}, rn: "lifp-{name}", attributes: attrs{"name": name(64), "prio": prio(), "tag": name(64)}},
		{name: "bfdIfP", in: []string{"l3extLIfP"}, rn: "bfdIfP", attributes: attrs{"type": enum("none", "sha1"), "keyId": number(1, 255), "key": password()}},
		{name: "bfdRsIfPol", in: []string{"bfdIfP"}, rn: "rsIfPol", attributes: attrs{"tnBfdIfPolName": optionalName()}, target: []string{"bfdIfPol"}},
		{name: "ospfIfP", in: []string{"l3extLIfP"}, rn: "ospfIfP", attributes: attrs{
			"name": optionalName(), "authType": enum("none", "simple", "md5"), "authKeyId": number(1, 255), "authKey": password(),
		}},
		{name: "ospfRsIfPol", in: []string{"ospfIfP"}, rn: "rsIfPol", attributes: attrs{"tnOspfIfPolName": optionalName()}, target: []string{"ospfIfPol"}},
		{name: "l3extRsPathL3OutAtt", in: []string{"l3extLIfP"}, rn: "rspathL3OutAtt-[{tDn}]", attributes: attrs{
			"tDn": dn(), "addr": interfaceAddress(), "ifInstT": enum("ext-svi", "l3-port", "sub-interface"), "encap": encap(), "encapScope": enum("local", "ctx"),
			"mode": enum("regular", "native", "untagged"), "mtu": mtu, "autostate": enum("enabled", "disabled"), "ipv6Dad": enum("enabled", "disabled"),
			"mac": {valid: func(s string) bool { return len(s) == 17 }}, "llAddr": address(), "targetDscp": dscp(),
		}, target: []string{"fabricPathEp"}},
		{name: "l3extMember", in: paths[:1], rn: "mem-{side}", attributes: attrs{
			"side": enum("A", "B"), "addr": interfaceAddress(), "ipv6Dad": enum("enabled", "disabled"), "llAddr": address(),
		}},
		{name: "l3extIp", in: append([]string{"l3extMember"}, paths...), rn: "addr-[{addr}]", attributes: attrs{"addr": interfaceAddress(), "ipv6Dad": enum("enabled", "disabled")}},
		{name: "l3extVirtualLIfP", in: []string{"l3extLIfP"}, rn: "vlifp-[{nodeDn}]-[{encap}]", attributes: attrs{
			"nodeDn": dn(), "encap": encap(), "addr": interfaceAddress(), "ifInstT": enum("ext-svi"), "encapScope": enum("local", "ctx"),
			"mode": enum("regular", "native", "untagged"), "mtu": mtu, "autostate": enum("enabled", "disabled"), "ipv6Dad": enum("enabled", "disabled"),
			"mac": {valid: func(s string) bool { return len(s) == 17 }}, "llAddr": address(), "targetDscp": dscp(),
		}},
		{name: "l3extRsDynPathAtt", in: paths[1:], rn: "rsdynPathAtt-[{tDn}]", attributes: attrs{
			"tDn": dn(), "floatingAddr": interfaceAddress(), "encap": encap(), "forgedTransmit": onOff, "macChange": onOff, "promMode": onOff,
		}, target: []string{"physDomP"}},
		{name: "bgpPeerP", in: append([]string{"l3extLNodeP"}, paths...), rn: "peerP-[{addr}]", attributes: attrs{
			"addr": peer(), "name": optionalName(), "adminSt": enum("enabled", "disabled"), "ttl": number(1, 255), "weight": number(0, 65535), "allowedSelfAsCnt": number(1, 10),
			"addrTCtrl":     flags("af-mcast", "af-ucast"),
			"ctrl":          flags("allow-self-as", "as-override", "dis-peer-as-check", "nh-self", "send-com", "send-ext-com"),
			"peerCtrl":      flags("bfd", "dis-conn-check"),
			"privateASctrl": flags("remove-all", "remove-exclusive", "replace-as"),
			"password":      password(),
		}},
		{name: "bgpAsP", in: []string{"bgpPeerP"}, rn: "as", attributes: attrs{"asn": number(1, 1<<32-1), "name": optionalName()}},
		{name: "bgpLocalAsnP", in: []string{"bgpPeerP"}, rn: "localasn", attributes: attrs{
			"localAsn": number(1, 1<<32-1), "asnPropagate": enum("none", "no-prepend", "replace-as", "dual-as"),
		}},
		{name: "bgpRsPeerPfxPol", in: []string{"bgpPeerP"}, rn: "rspeerPfxPol", attributes: attrs{"tnBgpPeerPfxPolName": optionalName()}, target: []string{"bgpPeerPfxPol"}},
	}
}
