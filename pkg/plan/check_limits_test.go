// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A limit is what is said at one path of the values on both sides of it.
type limit struct {
	path   string
	with   func(value string) []edit
	values [][2]string // a value, and a part of the one line that it gets; "" for none
}

// in has the value in place of %s of an edit's new text.
func in(old, updated string) func(string) []edit {
	return func(value string) []edit { return []edit{{old, strings.ReplaceAll(updated, "%s", value)}} }
}

func TestLimits(t *testing.T) {
	for _, l := range slices.Concat(numberLimits(), fabricLimits(), hostLimits(), rangeLimits()) {
		for _, v := range l.values {
			t.Run(l.path+" "+v[0], func(t *testing.T) { l.run(t, v[0], v[1]) })
		}
	}
}

func (l limit) run(t *testing.T, value, want string) {
	_, report := plan.Parse(edited(t, l.with(value)...))
	var got []string
	for _, problem := range report {
		if problem.Path == l.path {
			got = append(got, problem.String())
		}
	}
	switch {
	case want == "" && len(got) > 0:
		t.Errorf("got %q, want nothing", got)
	case want != "" && (len(got) != 1 || !strings.Contains(got[0], want)):
		t.Errorf("got %q, want one line with %q", got, want)
	}
}

func numberLimits() []limit {
	const documentation, reserved, public = "for documentation", "IANA has reserved", "is public"
	return []limit{
		{"spec.fabric.internalASN", in("internalASN: 65000", "internalASN: %s"), [][2]string{
			{"64495", public},
			{"64496", documentation},
			{"64511", documentation},
			{"64512", ""},
			{"65534", ""},
			{"65535", "RFC 7300"},
			{"65536", documentation},
			{"65551", documentation},
			{"65552", reserved},
			{"131071", reserved},
			{"131072", public},
			{"4199999999", public},
			{"4200000000", ""},
			{"4294967294", ""},
			{"4294967295", "RFC 7300"},
		}},
		{"spec.fabric.asn", in("asn: 63500", "asn: %s"), [][2]string{
			{"2147483647", public}, {"2147483648", "the largest that Calico's BGPPeer stores"},
		}},
	}
}

func fabricLimits() []limit {
	fabric := func(lines string) func(string) []edit {
		return in("    defaultRoute: true\n", "    defaultRoute: true\n    "+lines+"\n")
	}
	return []limit{
		{"spec.fabric.timers", fabric("timers: {keepalive: 1s, hold: %s}"), [][2]string{{"8s", "#7086"}, {"9s", ""}}},
		{"spec.fabric.timers.hold", fabric("timers: {keepalive: 1s, hold: %s}"), [][2]string{{"2s", "RFC 4271"}, {"3s", ""}, {"1h", ""}, {"3601s", "up to 1h"}}},
		{"spec.fabric.bfd.interval", fabric("bfd: {interval: %s}"), [][2]string{{"49ms", "50–999"}, {"50ms", ""}, {"999ms", ""}, {"1s", "50–999"}, {"50500us", "whole number"}}},
		{"spec.fabric.bfd.multiplier", fabric("bfd: {interval: 300ms, multiplier: %s}"), [][2]string{{"1", ""}, {"50", ""}, {"51", "1–50"}}},
		{"spec.fabric.maxPrefixes", fabric("maxPrefixes: %s"), [][2]string{{"1", ""}, {"300000", ""}, {"300001", "1–300000"}}},
		{"spec.fabric.leaves[0].node", in("node: 201", "node: %s"), [][2]string{{"100", "101–4000"}, {"101", ""}, {"4000", ""}, {"4001", "101–4000"}}},
		{"spec.fabric.aci.outside.vlan", in("vlan: 108", "vlan: %s"), [][2]string{{"1", ""}, {"4094", ""}, {"4095", "1–4094"}}},
		{"spec.fabric.aci.l3out", in("l3out: L3O_K8_C1", "l3out: %s"), [][2]string{{"a.b:c", ""}, {"a b", "no name for an APIC"}}},
		{"spec.fabric.aci.tenant", in("tenant: TEN_K8_C1", "tenant: %s"), [][2]string{{strings.Repeat("t", 63), ""}, {strings.Repeat("t", 64), "1 to 63"}, {"a:b", "no name"}}},
		{"spec.fabric.aci.vrf", in("vrf: VRF_K8_C1", "vrf: %s"), [][2]string{{strings.Repeat("v", 64), ""}, {strings.Repeat("v", 65), "1 to 64"}}},
		{"spec.fabric.leaves[0].routerID", in("routerID: 2.0.0.1", "routerID: %s"), [][2]string{
			{"10.0.0.1", ""}, {"100.63.255.255", "public"}, {"100.64.0.0", ""}, {"100.127.255.255", ""}, {"100.128.0.0", "public"}, {"0.0.0.0", "not all 0"}, {"2.0.0.2", "public"},
		}},
		{"spec.fabric.aci.outside.l3out", in("l3out: L3O_EXTERNAL", "l3out: %s"), [][2]string{{"a.b:c-d_e", ""}, {"a b", "no name for an APIC"}, {"L3O_K8_C1", "another name"}}},
		{"spec.fabric.aci.outside.domain", in("domain: L3D_EXTERNAL", "domain: %s"), [][2]string{{"a.b:c-d_e", ""}, {"a b", "no name for an APIC"}}},
		{"spec.fabric.aci.floatingSVI.address", in("      outside:\n", "      floatingSVI: {address: %s}\n      outside:\n"), [][2]string{
			{"192.168.9.203", ""}, {"192.168.9.209", "outside"}, {"192.168.9.207", "broadcast"}, {"192.168.9.206", "taken by spec.nodeNetwork.gateway"},
		}},
		{"spec.fabric.aci.applications[0].ports", in("ports: [80]", "ports: [%s]"), [][2]string{{"", "is empty"}, {"1, 65535", ""}}},
		{"spec.fabric.aci.applications[0].ports[0]", in("ports: [80]", "ports: [%s]"), [][2]string{{"0", "no TCP port"}, {"65536", "whole number"}}},
		{"spec.fabric.aci.applications[0].addresses[0]", in("172.29.0.6/32", "%s"), [][2]string{
			{"172.29.0.0/24", ""}, {"172.28.0.0/15", "outside"}, {"172.30.0.0/24", "outside"}, {"172.27.0.9/32", "is a pod's"},
		}},
	}
}

func hostLimits() []limit {
	const bounds = "1280–9216"
	return []limit{
		{"spec.bond.mtu", in("mtu: 9000", "mtu: %s"), [][2]string{{"1279", bounds}, {"1280", ""}, {"9216", ""}, {"9217", bounds}}},
		{"spec.bond.minLinks", in("minLinks: 1", "minLinks: %s"), [][2]string{{"-1", "1–2"}, {"1", ""}, {"2", ""}, {"3", "1–2"}}},
		{"spec.bond.updelay", in("updelay: 2400ms", "updelay: %s"), [][2]string{{"-1s", "not a number"}, {"2s", ""}, {"999ms", "rounds it down to 0s"}}},
		{"spec.bond.miimon", in("miimon: 1s", "miimon: %s"), [][2]string{{"1ms", ""}, {"999us", "not a positive"}, {"1500us", "not a positive"}}},
		{"spec.nodeNetwork.gatewayMetric", in("vlan: 1500", "vlan: 1500\n    gatewayMetric: %s"), [][2]string{{"0", "shadow"}, {"1", ""}}},
		{"spec.nodeNetwork.gatewayMetric", func(value string) []edit {
			return []edit{{"vlan: 1500", "vlan: 1500\n    gatewayMetric: " + value}, {"    defaultRoute: true\n", ""}}
		}, [][2]string{{"0", ""}}},
		{"spec.nodeNetwork.vlan", in("vlan: 1500", "vlan: %s"), [][2]string{{"0", "1–4094"}, {"1", ""}, {"4094", ""}, {"4095", "1–4094"}}},
		{"spec.nodeNetwork.gateway", in("gateway: 192.168.9.206", "gateway: %s"), [][2]string{{"192.168.9.193", ""}, {"192.168.9.205", ""}}},
		{"spec.nodeNetwork.dns[0]", in("dns: [192.168.178.246, 8.8.8.8]", "dns: [%s]"), [][2]string{{"224.0.0.53", "no server"}, {"0.0.0.0", "no server"}, {"127.0.0.1", ""}}},
		{"spec.nodes[1].address", in("192.168.9.194/28", "%s"), [][2]string{
			{"192.168.9.194/27", "length /27"}, {"192.168.9.194/29", "length /29"}, {"192.168.9.194/28", ""}, {"192.168.9.192/28", "network address"},
		}},
		{"spec.nodes", in("role: control-plane", "role: %s"), [][2]string{{"control-plane", ""}, {"worker", "0 nodes"}}},
	}
}

func rangeLimits() []limit {
	pods := func(value string) []edit {
		subnet, block, _ := strings.Cut(value, " ")
		return []edit{{"172.27.0.0/16", subnet}, {"blockSize: 26", "blockSize: " + block}}
	}
	return []limit{
		{"spec.pods.subnet", pods, [][2]string{
			{"10.0.0.0/7 26", "between a /8"}, {"10.0.0.0/8 26", ""}, {"10.0.0.0/24 26", ""}, {"10.0.0.0/25 28", "between a /8"},
		}},
		{"spec.pods.blockSize", pods, [][2]string{
			{"10.0.0.0/16 19", "20–32"},
			{"10.0.0.0/16 20", ""},
			{"10.0.0.0/16 32", ""},
			{"10.0.0.0/16 33", "20–32"},
			{"10.0.0.0/24 26", ""},
			{"10.0.0.0/24 25", "a range of /23"},
		}},
		{"spec.services.subnet", in("172.28.0.0/16", "%s"), [][2]string{
			{"192.0.2.0/24", "documentation"},
			{"192.0.2.128/25", "documentation"},
			{"192.0.0.0/22", ""},
			{"192.0.3.0/24", ""},
			{"10.0.0.0/11", "between a /12"},
			{"10.0.0.0/12", ""},
			{"10.0.0.0/28", ""},
			{"10.0.0.0/29", "between a /12"},
		}},
		{"spec.pods.subnet", pods, [][2]string{{"198.51.100.0/24 26", "documentation"}}},
		{"spec.loadBalancers.subnet", in("172.29.0.0/16", "%s"), [][2]string{{"203.0.113.0/24", "documentation"}, {"203.0.112.0/24", ""}}},
		{"spec.fabric.advertised[0]", in("10.243.176.0/24", "%s"), [][2]string{{"198.51.100.0/24", "documentation"}, {"0.0.0.0/0", "the default route"}, {"0.0.0.0/1", ""}}},
		{"spec.loadBalancers.metallb.version", in("version: 0.16.1", "version: %s"), [][2]string{
			{"0.8.9", "older than 0.9"}, {"0.9.0", "PodSecurityPolicies"}, {"0.12.1", "PodSecurityPolicies"}, {"0.13.0", ""},
		}},
		{"spec.kubernetes.version", in("version: 1.37.2", "version: %s"), [][2]string{
			{"1.30.9", "older than 1.31"}, {"1.31.0", ""}, {"1.37.9", ""}, {"1.38.0", "newer than 1.37"}, {"v1.37.2", "no release"}, {"1.37", "no release"},
		}},
	}
}
