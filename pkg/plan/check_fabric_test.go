// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestFabricNumbers(t *testing.T) {
	internal := func(n string) edit { return edit{"internalASN: 65000", "internalASN: " + n} }
	for _, tt := range []reportTest{
		{"two names for one number", []edit{internal("63500")}, []string{
			"error: spec.fabric.internalASN: 63500 is spec.fabric.asn itself; leave it out where the switches show their own number",
		}},
		{"the switches' number among the nodes'", []edit{internal("63553")}, []string{
			"warning: spec.fabric.internalASN: 63553 is public; set spec.asn.owned: true if it is registered to you, or use 64512–65534 (RFC 6996)",
			"error: spec.asn: 63551–63562 holds spec.fabric.internalASN 63553; eBGP needs two numbers",
		}},
		{"a number of 32 bits that no node peers with", []edit{internal("4200000001")}, nil},
		{"a reserved one", []edit{internal("4294967295")}, []string{
			"error: spec.fabric.internalASN: 4294967295 is reserved (RFC 7300)",
		}},
		{"no ACI, no internal number", []edit{internal("0"), {"    aci:\n", "    aci:\n      nothing: 1\n"}}, []string{
			"error: spec.fabric.aci.nothing: unknown field; known here: applications, floatingSVI, l3out, outside, pod, tenant, vrf",
			"warning: spec.fabric.internalASN: is missing: ACI's route reflectors have an AS of their own, and it is in the path of all that nodes receive; without it, 63500 has to be that number",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestClusterModel(t *testing.T) {
	model := edit{"model: node", "model: cluster\n    owned: true"}
	for _, tt := range []reportTest{
		{"one number", []edit{model, {"last: 63562", "last: 63551"}}, nil},
		{"a range", []edit{model}, []string{
			"error: spec.asn.last: is 63562, but all nodes of the model cluster share one number; want 63551",
		}},
		{"a node with another", []edit{model, {"last: 63562", "last: 63551"}, {"role: worker", "role: worker\n      asn: 63552"}}, []string{
			"error: spec.nodes[1].asn: 63552 is outside spec.asn 63551–63551",
		}},
		{"no such model", []edit{{"model: node", "model: rack"}}, []string{
			"error: spec.asn.model: rack: want node or cluster",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestSessions(t *testing.T) {
	fabric := func(lines string) []edit {
		return []edit{{"    defaultRoute: true\n", "    defaultRoute: true\n" + lines}}
	}
	for _, tt := range []reportTest{
		{"one second and three", fabric("    timers: {keepalive: 1s, hold: 3s}\n"), []string{
			"warning: spec.fabric.timers: 1s and 3s make Calico's BIRD lose sessions about once a day (projectcalico/calico#7086); want a hold time of 9s or more",
		}},
		{"a hold time that is none", fabric("    timers: {keepalive: 1s, hold: 2s}\n"), []string{
			"error: spec.fabric.timers.hold: 2s is below 3s, the least that a speaker may ask for (RFC 4271 section 4.2)",
		}},
		{"a hold time, of which a third is the default", fabric("    timers: {hold: 9s}\n"), nil},
		{"keepalives too rare", fabric("    timers: {keepalive: 10s, hold: 20s}\n"), []string{
			"error: spec.fabric.timers.keepalive: 10s is more than a third of spec.fabric.timers.hold 20s (RFC 4271 section 4.4)",
		}},
		{"half seconds", fabric("    timers: {keepalive: 2500ms, hold: 9s}\n"), []string{
			"error: spec.fabric.timers.keepalive: 2.5s is not a whole number of seconds up to 1h",
		}},
		{"BFD", fabric("    bfd: {interval: 300ms}\n"), []string{
			"warning: spec.fabric.bfd: is for leaves alone: the BIRD of open-source Calico answers no BFD (projectcalico/calico#4607); leave it out unless the nodes' does",
		}},
		{"BFD too fast and too patient", fabric("    bfd: {interval: 10ms, multiplier: 51}\n"), []string{
			"error: spec.fabric.bfd.interval: 10ms is not a whole number of milliseconds in 50–999",
			"error: spec.fabric.bfd.multiplier: 51 is not in 1–50",
			"warning: spec.fabric.bfd: is for leaves alone: the BIRD of open-source Calico answers no BFD (projectcalico/calico#4607); leave it out unless the nodes' does",
		}},
		{"no prefixes", fabric("    maxPrefixes: -1\n"), []string{
			"error: spec.fabric.maxPrefixes: -1 is not in 1–300000",
		}},
		{"the default route among the ranges", []edit{{"10.243.176.0/24", "0.0.0.0/0"}}, []string{
			"error: spec.fabric.advertised[0]: 0.0.0.0/0 is the default route; want spec.fabric.defaultRoute: true",
		}},
		{"one range twice, and one within another", []edit{{"[10.243.176.0/24, 172.16.1.0/24]", "[10.243.176.0/24, 10.0.0.0/8, 10.243.176.0/24]"}}, []string{
			"error: spec.fabric.advertised[2]: 10.243.176.0/24 is taken by spec.fabric.advertised[0]",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestLeaves(t *testing.T) {
	for _, tt := range []reportTest{
		{"one router id twice", []edit{{"routerID: 2.0.0.2", "routerID: 2.0.0.1"}}, []string{
			"error: spec.fabric.leaves[1].routerID: 2.0.0.1 is taken by spec.fabric.leaves[0].routerID",
			"warning: spec.fabric.leaves[1].routerID: 2.0.0.1 is a public address that somebody may own; want a private one, or none: it is then the leaf's address",
		}},
		{"a private router id", []edit{{"routerID: 2.0.0.1", "routerID: 10.0.0.201"}, {"routerID: 2.0.0.2", "routerID: 100.64.0.2"}}, nil},
		{"no router id", []edit{{"routerID: 2.0.0.1", "routerID: 0.0.0.0"}, {"routerID: 2.0.0.2", "routerID: fd00::2"}}, []string{
			"error: spec.fabric.leaves[0].routerID: 0.0.0.0 is no router id: want four bytes in dots, not all 0 (RFC 6286)",
			"error: spec.fabric.leaves[1].routerID: fd00::2 is no router id: want four bytes in dots, not all 0 (RFC 6286)",
		}},
		{"node IDs", []edit{{"node: 201", "node: 1"}, {"        node: 202\n", ""}}, []string{
			"error: spec.fabric.leaves[0].node: 1 is no node ID of a leaf: want 101–4000",
			"error: spec.fabric.leaves[1].node: is missing; want the leaf's node ID in the fabric, such as 201",
		}},
		{"one node ID twice", []edit{{"node: 202", "node: 201"}}, []string{
			"error: spec.fabric.leaves[1].node: 201 is taken by spec.fabric.leaves[0].node",
		}},
		{"leaves that are no list", []edit{{"    leaves:\n      - name: leaf201\n        address: 192.168.9.204\n        routerID: 2.0.0.1\n        node: 201\n      - name: leaf202\n        address: 192.168.9.205\n        routerID: 2.0.0.2\n        node: 202\n", "    leaves: leaf201\n"}}, []string{
			`error: spec.fabric.leaves: is "leaf201", want a list`,
		}},
		{"more ports than legs", []edit{{`["leaf201:1/3", "leaf202:1/3"]`, `["leaf201:1/3", "leaf202:1/3", "leaf202:1/6"]`}}, []string{
			"error: spec.nodes[0].ports: has 3 ports for the 2 legs of spec.bond",
		}},
		{"ports", []edit{{`"leaf202:1/3"`, `"leaf201:1/4"`}, {`"leaf202:1/5"`, `leaf202`}, {`"leaf202:1/4"`, `"leaf209:1/4"`}}, []string{
			"error: spec.nodes[2].ports[1]: leaf202: want a leaf and its port, such as leaf201:1/3",
			"error: spec.nodes[1].ports[0]: leaf201:1/4 is taken by spec.nodes[0].ports[1]",
			"error: spec.nodes[1].ports[1]: leaf209:1/4 is on no leaf of the node's rack",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestACI(t *testing.T) {
	for _, tt := range []reportTest{
		{"names", []edit{{"tenant: TEN_K8_C1", "tenant: K8 C1"}, {"      vrf: VRF_K8_C1\n", ""}}, []string{
			`error: spec.fabric.aci.tenant: "K8 C1" is no name for an APIC there: want 1 to 63 letters, digits and _.-`,
			`error: spec.fabric.aci.vrf: "" is no name for an APIC there: want 1 to 64 letters, digits and _.-`,
		}},
		{"names with a colon, or too long", []edit{{"tenant: TEN_K8_C1", "tenant: " + strings.Repeat("t", 64)}, {"vrf: VRF_K8_C1", "vrf: VRF:K8"}}, []string{
			fmt.Sprintf("error: spec.fabric.aci.tenant: %q is no name for an APIC there: want 1 to 63 letters, digits and _.-", strings.Repeat("t", 64)),
			`error: spec.fabric.aci.vrf: "VRF:K8" is no name for an APIC there: want 1 to 64 letters, digits and _.-`,
		}},
		{"the way out", []edit{{"leaf: leaf201\n", "leaf: leaf209\n"}, {"port: 1/48", "port: eth1/48"}, {"vlan: 108", "vlan: 0"}, {"10.108.0.1/30", "10.108.0.3/30"}}, []string{
			`error: spec.fabric.aci.outside.leaf: "leaf209" is no leaf of the plan`,
			`error: spec.fabric.aci.outside.port: "eth1/48" is no port; want one such as 1/48`,
			"error: spec.fabric.aci.outside.vlan: 0 is not in 1–4094",
			"error: spec.fabric.aci.outside.address: 10.108.0.3 is the broadcast address of 10.108.0.0/30",
		}},
		{"the way out by the way in", []edit{{"l3out: L3O_EXTERNAL", "l3out: L3O_K8_C1"}}, []string{
			"error: spec.fabric.aci.outside.l3out: L3O_K8_C1 is spec.fabric.aci.l3out, which leads to the nodes; want another name",
		}},
		{"three leaves", []edit{{"    mtu: 9000\n    defaultRoute", "      - {name: leaf203, address: 192.168.9.203, node: 203}\n    mtu: 9000\n    defaultRoute"}}, []string{
			"error: spec.fabric.leaves: has 3 leaves; ACI's virtual port channels have two: want two, or one",
		}},
		{"all pods as one application", []edit{{"addresses: [172.29.0.6/32]", "addresses: [172.27.0.0/16]"}}, []string{
			"error: spec.fabric.aci.applications[0].addresses[0]: 172.27.0.0/16 is the range of all pods, which have an EPG of their own; want an address of spec.loadBalancers",
		}},
		{"the way out with IPv6", []edit{{"10.108.0.1/30", "2001:db8::1/64"}}, []string{
			"error: spec.fabric.aci.outside.address: is missing or not IPv4; want the leaf's address with its length, such as 10.108.0.1/30",
		}},
		{"a floating SVI's domain alone", []edit{{"      outside:\n", "      floatingSVI: {domain: PHD K8}\n      outside:\n"}}, []string{
			`error: spec.fabric.aci.floatingSVI.domain: "PHD K8" is no name for an APIC: want 1 to 64 letters, digits and _.:-`,
			"error: spec.fabric.aci.floatingSVI.address: is missing; want an address of the nodes' subnet",
		}},
		{"the way out through the nodes' subnet", []edit{{"10.108.0.1/30", "192.168.9.201/30"}}, []string{
			"error: spec.fabric.aci.outside.address: 192.168.9.200/30 overlaps 192.168.9.192/28 of spec.nodeNetwork.subnet",
		}},
		{"an application without anything", []edit{{"name: K8_DASHBOARD\n          addresses: [172.29.0.7/32]\n          ports: [443]", "name: MCAST\n          addresses: []\n          ports: [0]"}}, []string{
			"error: spec.fabric.aci.applications[1].name: MCAST is taken by spec.fabric.aci.applications[0].name",
			"error: spec.fabric.aci.applications[1].addresses: is empty; want addresses such as 172.29.0.6/32",
			"error: spec.fabric.aci.applications[1].ports[0]: 0 is no TCP port: want 1–65535",
		}},
		{"one port of an application twice", []edit{{"ports: [443]", "ports: [443, 8443, 443]"}}, []string{
			"error: spec.fabric.aci.applications[1].ports[2]: 443 is taken by spec.fabric.aci.applications[1].ports[0]",
		}},
		{"one address of two applications", []edit{{"172.29.0.7/32", "172.29.0.6/32"}}, []string{
			"error: spec.fabric.aci.applications[1].addresses[0]: 172.29.0.6/32 is taken by spec.fabric.aci.applications[0].addresses[0]",
		}},
		{"the way out through a host's port", []edit{{"port: 1/48", "port: 1/4"}}, []string{
			"error: spec.nodes[1].ports[0]: leaf201:1/4 is taken by spec.fabric.aci.outside.port",
		}},
		{"an application over more than the load balancers", []edit{{"172.29.0.0/16\n    metallb", "172.30.0.0/16\n    metallb"}, {"172.29.0.6/32", "172.30.0.0/15"}, {"172.29.0.7/32", "172.30.0.7/32"}}, []string{
			"error: spec.fabric.aci.applications[0].addresses[0]: 172.30.0.0/15 is outside spec.loadBalancers 172.30.0.0/16",
		}},
		{"a floating address where eleven hosts were", []edit{
			{"      outside:\n", "      floatingSVI: {address: 192.168.9.203}\n      outside:\n"},
			{"  nodes:\n", "  pools: [{names: \"k8c1a{1..8}\", role: worker, addresses: 192.168.9.196-192.168.9.203}]\n  nodes:\n"},
		}, []string{
			"error: spec.nodeNetwork.subnet: 192.168.9.192/28 has room for 10 hosts beside 4 addresses of the leaves, the plan has 11; want a /27, which has room for 26",
			"error: spec.pools[0].addresses: k8c1a8: 192.168.9.203 is taken by spec.fabric.aci.floatingSVI.address",
		}},
		{"a floating address that is a host's", []edit{{"      outside:\n", "      floatingSVI: {address: 192.168.9.194, domain: PHD_K8}\n      outside:\n"}}, []string{
			"error: spec.nodes[1].address: 192.168.9.194 is taken by spec.fabric.aci.floatingSVI.address",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestRuntime(t *testing.T) {
	runtime := func(lines string) edit { return edit{"  packages:\n", "  runtime: " + lines + "\n  packages:\n"} }
	for _, tt := range []reportTest{
		{"docker", []edit{runtime("{name: docker}")}, []string{
			"error: spec.runtime.name: docker: hosts are prepared with containerd alone; want containerd",
		}},
		{"another runtime", []edit{runtime("{name: cri-o}")}, []string{
			"error: spec.runtime.name: cri-o: want containerd",
		}},
		{"what only docker has", []edit{runtime("{criDockerd: true, dockerBridge: 172.20.0.1/16, cgroups: v1}")}, []string{
			"error: spec.runtime.criDockerd: unknown field; known here: name",
			"error: spec.runtime.dockerBridge: unknown field; known here: name",
			"error: spec.runtime.cgroups: unknown field; known here: name",
		}},
		{"a release of tomorrow", []edit{{"version: 1.37.2", "version: 1.38.0"}}, []string{
			"warning: spec.kubernetes.version: 1.38.0 is newer than 1.37, the last that this version was tested with",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestLoadBalancers(t *testing.T) {
	metallb := func(version string) edit { return edit{"version: 0.16.1", "version: " + version} }
	for _, tt := range []reportTest{
		{"an owner that nothing sets up", []edit{{"    metallb:\n", "    calicoIPAM: true\n    metallb:\n"}}, []string{
			"error: spec.loadBalancers.calicoIPAM: unknown field; known here: metallb, subnet",
		}},
		{"MetalLB before its CRDs", []edit{metallb("0.9.6")}, []string{
			"warning: spec.loadBalancers.metallb.version: 0.9.6 comes with PodSecurityPolicies, which Kubernetes 1.25 and later do not know: leave those objects out, or take 0.13 or later",
		}},
		{"MetalLB before Calico announced for it", []edit{metallb("0.8.3")}, []string{
			"error: spec.loadBalancers.metallb.version: 0.8.3 is older than 0.9, the first whose addresses Calico can announce for it",
		}},
		{"no release", []edit{metallb("latest")}, []string{
			`error: spec.loadBalancers.metallb.version: "latest" is no release; want one such as 0.16.1`,
		}},
		{"an owner of nothing", []edit{{"  loadBalancers:\n    subnet: 172.29.0.0/16\n", "  loadBalancers:\n"}}, []string{
			"error: spec.loadBalancers.subnet: is missing; want a subnet such as 192.168.9.192/28",
			"error: spec.fabric.aci.applications[0].addresses[0]: 172.29.0.6/32 is in no range that nodes announce: the plan has no spec.loadBalancers",
			"error: spec.fabric.aci.applications[1].addresses[0]: 172.29.0.7/32 is in no range that nodes announce: the plan has no spec.loadBalancers",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestSite(t *testing.T) {
	site := func(list string) edit { return edit{"  kubernetes:\n", "  site: " + list + "\n  kubernetes:\n"} }
	for _, tt := range []reportTest{
		{"beside the plan's ranges, and one that the leaves announce", []edit{site("[192.168.178.0/24, 10.243.176.0/24]")}, nil},
		{"over them", []edit{site("[172.16.0.0/12]")}, []string{
			"error: spec.site[0]: 172.16.0.0/12 overlaps 172.27.0.0/16 of spec.pods.subnet",
			"error: spec.site[0]: 172.16.0.0/12 overlaps 172.28.0.0/16 of spec.services.subnet",
			"error: spec.site[0]: 172.16.0.0/12 overlaps 172.29.0.0/16 of spec.loadBalancers.subnet",
		}},
		{"over all of them", []edit{site("[0.0.0.0/0]")}, []string{
			"error: spec.site[0]: 0.0.0.0/0 overlaps 192.168.9.192/28 of spec.nodeNetwork.subnet",
			"error: spec.site[0]: 0.0.0.0/0 overlaps 172.27.0.0/16 of spec.pods.subnet",
			"error: spec.site[0]: 0.0.0.0/0 overlaps 172.28.0.0/16 of spec.services.subnet",
			"error: spec.site[0]: 0.0.0.0/0 overlaps 172.29.0.0/16 of spec.loadBalancers.subnet",
		}},
		{"host bits", []edit{site("[192.168.178.1/24]")}, []string{
			"error: spec.site[0]: 192.168.178.1/24 has host bits set; the subnet is 192.168.178.0/24",
		}},
		{"documentation", []edit{
			{"172.27.0.0/16", "198.51.100.0/24"},
			{"172.28.0.0/16", "192.0.2.0/25"},
			{"172.29.0.0/16\n    metallb:\n", "203.0.113.0/25\n    metallb:\n"},
			{"172.29.0.6/32", "203.0.113.6/32"},
			{"172.29.0.7/32", "203.0.113.7/32"},
			{"172.16.1.0/24", "203.0.113.128/25"},
		}, []string{
			"warning: spec.fabric.advertised[1]: 203.0.113.128/25 is for documentation only (RFC 5737)",
			"warning: spec.pods.subnet: 198.51.100.0/24 is for documentation only (RFC 5737)",
			"warning: spec.services.subnet: 192.0.2.0/25 is for documentation only (RFC 5737)",
			"warning: spec.loadBalancers.subnet: 203.0.113.0/25 is for documentation only (RFC 5737)",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}
