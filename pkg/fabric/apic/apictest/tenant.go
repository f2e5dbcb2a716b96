// SPDX-License-Identifier: Apache-2.0

package apictest

// prio and dscp are the quality of service that many classes have.
func prio() value {
	return enum("unspecified", "level1", "level2", "level3", "level4", "level5", "level6")
}

func dscp() value {
	return enum("unspecified", "CS0", "CS1", "AF11", "AF12", "AF13", "CS2", "AF21", "AF22", "AF23", "CS3", "AF31", "AF32", "AF33",
		"CS4", "AF41", "AF42", "AF43", "CS5", "VA", "EF", "CS6", "CS7")
}

// tenant are a tenant, its VRFs, and the contracts and route maps of it.
func tenant() []class {
	in := []string{"fvTenant"}
	return []class{
		{
			name: "fvTenant", in: []string{"polUni"}, rn: "tn-{name}", attributes: attrs{"name": matching(tenantName, 63)},
			makes: []string{"fvRsTenantMonPol", "fvEpTags", "vnsSvcCont"},
		},
		{name: "fvRsTenantMonPol", in: in, rn: "rsTenantMonPol", attributes: attrs{"tnMonEPGPolName": optionalName()}, permanent: true},
		{name: "fvEpTags", in: in, rn: "eptags", permanent: true},
		{name: "vnsSvcCont", in: in, rn: "svcCont", permanent: true},
		{
			name: "fvCtx", in: in, rn: "ctx-{name}", attributes: attrs{
				"name": matching(tenantName, 64), "pcEnfPref": enum("enforced", "unenforced"), "pcEnfDir": enum("ingress", "egress"),
				"knwMcastAct": enum("permit", "deny"), "bdEnforcedEnable": yesNo(), "ipDataPlaneLearning": enum("enabled", "disabled"),
			}, defaults: map[string]string{"pcEnfPref": "enforced", "pcEnfDir": "ingress", "knwMcastAct": "permit", "bdEnforcedEnable": "no", "ipDataPlaneLearning": "enabled"},
			makes: []string{"fvRsBgpCtxPol", "fvRsCtxToEpRet", "vzAny"},
		},
		{name: "fvRsBgpCtxPol", in: []string{"fvCtx"}, rn: "rsbgpCtxPol", attributes: attrs{"tnBgpCtxPolName": optionalName()}, target: []string{"bgpCtxPol"}, permanent: true},
		{name: "fvRsCtxToEpRet", in: []string{"fvCtx"}, rn: "rsctxToEpRet", attributes: attrs{"tnFvEpRetPolName": optionalName()}, permanent: true},
		{name: "vzAny", in: []string{"fvCtx"}, rn: "any", attributes: attrs{"prefGrMemb": enum("enabled", "disabled")}, permanent: true},
		{
			name: "fvRsCtxToBgpCtxAfPol", in: []string{"fvCtx"}, rn: "rsctxToBgpCtxAfPol-[{tnBgpCtxAfPolName}]-{af}",
			attributes: attrs{"tnBgpCtxAfPolName": name(64), "af": enum("ipv4-ucast", "ipv6-ucast")}, target: []string{"bgpCtxAfPol"},
		},
		{name: "fvAp", in: in, rn: "ap-{name}", attributes: attrs{"name": name(64), "prio": prio()}},
		{name: "fvAEPg", in: []string{"fvAp"}, rn: "epg-{name}", attributes: attrs{"name": name(64), "prio": prio()}},

		{name: "vzFilter", in: in, rn: "flt-{name}", attributes: attrs{"name": name(64)}},
		{name: "vzEntry", in: []string{"vzFilter"}, rn: "e-{name}", attributes: attrs{
			"name": name(64), "etherT": enum("unspecified", "ipv4", "trill", "arp", "ipv6", "mpls_ucast", "mac_security", "fcoe", "ip"),
			"prot":      number(0, 255, "unspecified", "icmp", "igmp", "tcp", "egp", "igp", "udp", "icmpv6", "eigrp", "ospfigp", "pim", "l2tp"),
			"dFromPort": port(), "dToPort": port(), "sFromPort": port(), "sToPort": port(),
			"stateful": yesNo(), "applyToFrag": yesNo(), "tcpRules": flags("est", "syn", "ack", "fin", "rst", "unspecified"),
		}},
		{name: "vzBrCP", in: in, rn: "brc-{name}", attributes: attrs{
			"name": name(64), "scope": enum("application-profile", "context", "global", "tenant"), "prio": prio(), "targetDscp": dscp(), "intent": enum("install", "estimate_add", "estimate_delete"),
		}},
		{name: "vzSubj", in: []string{"vzBrCP"}, rn: "subj-{name}", attributes: attrs{
			"name": name(64), "revFltPorts": yesNo(), "prio": prio(), "targetDscp": dscp(),
			"consMatchT": enum("All", "AtleastOne", "AtmostOne", "None"), "provMatchT": enum("All", "AtleastOne", "AtmostOne", "None"),
		}},
		{name: "vzRsSubjFiltAtt", in: []string{"vzSubj"}, rn: "rssubjFiltAtt-{tnVzFilterName}", attributes: attrs{
			"tnVzFilterName": name(64), "action": enum("permit", "deny"), "directives": flags("log", "no_stats", "none"),
			"priorityOverride": enum("default", "level1", "level2", "level3"),
		}, target: []string{"vzFilter"}},

		{name: "rtctrlSubjP", in: in, rn: "subj-{name}", attributes: attrs{"name": name(64)}},
		{name: "rtctrlMatchRtDest", in: []string{"rtctrlSubjP"}, rn: "dest-[{ip}]", attributes: attrs{
			"ip": subnet(), "aggregate": yesNo(), "fromPfxLen": number(0, 128), "toPfxLen": number(0, 128), "name": name(64),
		}},
	}
}

// policies are the routing policies of a tenant.
func policies() []class {
	in := []string{"fvTenant"}
	interval := number(50, 999)
	return []class{
		{name: "bgpCtxAfPol", in: in, rn: "bgpCtxAfP-{name}", attributes: attrs{
			"name": name(64), "maxEcmp": number(1, 64), "maxEcmpIbgp": number(1, 64), "maxLocalEcmp": number(1, 16),
			"eDist": number(1, 255), "iDist": number(1, 255), "localDist": number(1, 255), "ctrl": flags("host-rt-leak"),
		}},
		{name: "bgpCtxPol", in: in, rn: "bgpCtxP-{name}", attributes: attrs{
			"name": name(64), "kaIntvl": number(0, 3600), "holdIntvl": number(0, 3600), "staleIntvl": number(1, 3600, "default"),
			"grCtrl": flags("helper", "complete"), "maxAsLimit": number(0, 2000),
		}},
		{name: "bgpBestPathCtrlPol", in: in, rn: "bestpath-{name}", attributes: attrs{"name": name(64), "ctrl": flags("asPathMultipathRelax", "ignoreIgpMetric")}},
		{name: "bgpPeerPfxPol", in: in, rn: "bgpPfxP-{name}", attributes: attrs{
			"name": name(64), "action": enum("log", "reject", "restart", "shut"), "maxPfx": number(1, 300000),
			"restartTime": number(1, 65535, "infinite"), "thresh": number(1, 100),
		}, defaults: map[string]string{"action": "reject", "maxPfx": "20000", "restartTime": "infinite", "thresh": "75"}},
		{name: "bfdIfPol", in: in, rn: "bfdIfPol-{name}", attributes: attrs{
			"name": name(64), "adminSt": enum("enabled", "disabled"), "detectMult": number(1, 50), "echoAdminSt": enum("enabled", "disabled"),
			"echoRxIntvl": interval, "minRxIntvl": interval, "minTxIntvl": interval, "ctrl": flags("opt-subif"),
		}},
		{name: "ospfIfPol", in: in, rn: "ospfIfPol-{name}", attributes: attrs{
			"name": name(64), "cost": number(1, 65535, "unspecified"), "deadIntvl": number(1, 65535), "helloIntvl": number(1, 65535),
			"nwT": enum("unspecified", "p2p", "bcast"), "prio": number(0, 255), "rexmitIntvl": number(1, 65535), "xmitDelay": number(1, 450),
			"ctrl": flags("advert-subnet", "bfd", "mtu-ignore", "passive", "unspecified"),
		}},
	}
}
