// SPDX-License-Identifier: Apache-2.0

package leaf_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/fabric/leaf"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

func TestProblems(t *testing.T) {
	for name, test := range map[string]struct {
		emit   func(plan.Plan, string) ([]byte, error)
		change func(*plan.Spec)
		want   []string
	}{
		"leaf of another plan": {
			emit:   leaf.FRR,
			change: func(s *plan.Spec) { s.Fabric.Leaves[0].Name = "leaf101" },
			want:   []string{`configuring leaf "leaf201": spec.fabric.leaves: none is called "leaf201"`},
		},
		"everything at once": {
			emit: leaf.BIRD,
			change: func(s *plan.Spec) {
				s.Fabric.Leaves[0].Address = netip.MustParseAddr("fe80::1%x\nrouter bgp 1")
				s.NodeNetwork.Gateway = netip.Addr{}
				s.NodeNetwork.VLAN = 5000
				s.Pods.Subnet = netip.Prefix{}
				s.Nodes[1].Ports[0].ID = "1/3\nshutdown"
				s.Nodes[2].Name = "K8C1"
			},
			want: []string{
				`leaf201.address: "fe80::1%x\nrouter bgp 1" is no IPv4 address`,
				`spec.nodeNetwork.gateway: "invalid IP" is no IPv4 address`,
				`spec.nodeNetwork.vlan: 5000 is not in 1–4094`,
				`spec.pods.subnet: "invalid Prefix" is no IPv4 subnet`,
				`spec.nodes["k8c1s1"].ports[0]: "1/3\nshutdown" is no port`,
				`spec.nodes["K8C1"].name: "K8C1" is no DNS label`,
			},
		},
		"NX-OS: timers and BFD": {
			emit: leaf.NXOS,
			change: func(s *plan.Spec) {
				s.Fabric.Timers = plan.Timers{Keepalive: 2 * time.Hour, Hold: 6 * time.Hour}
				s.Fabric.BFD = plan.BFD{Interval: 10 * time.Millisecond, Multiplier: 60}
			},
			want: []string{
				"spec.fabric.timers.keepalive: 7200s is not in 0–3600",
				"spec.fabric.timers.hold: 21600s is not in 0–3600",
				"spec.fabric.bfd.interval: 10ms is not in 50–999",
				"spec.fabric.bfd.multiplier: 60 is not in 1–50",
			},
		},
		"EOS: BFD": {
			emit:   leaf.EOS,
			change: func(s *plan.Spec) { s.Fabric.BFD = plan.BFD{Interval: 49 * time.Millisecond, Multiplier: 2} },
			want: []string{
				"spec.fabric.bfd.interval: 49ms is not in 50–60000",
				"spec.fabric.bfd.multiplier: 2 is not in 3–50",
			},
		},
		"a host too far for a port channel": {
			emit: leaf.EOS,
			change: func(s *plan.Spec) {
				s.NodeNetwork.Subnet = netip.MustParsePrefix("192.168.0.0/20")
				s.Nodes[0].Ports = nil
			},
			want: []string{`spec.nodes["k8c1s1"].address: 192.168.9.194 is host 2498 of its subnet`},
		},
		"SONiC: BFD, a short range": {
			emit: leaf.SONiC,
			change: func(s *plan.Spec) {
				s.Fabric.BFD = plan.BFD{Interval: 100 * time.Millisecond, Multiplier: 3}
				s.Pods.Subnet = netip.MustParsePrefix("10.0.0.0/9")
			},
			want: []string{
				"spec.fabric.bfd: SONiC's BFD of BGP sessions is 300ms times 3",
				"SONiC filters 10.0.0.0/9 wrongly",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := example(t)
			test.change(&p.Spec)
			out, err := test.emit(p, "leaf201")
			if err == nil || out != nil {
				t.Fatalf("got %d bytes and the error %v, want an error alone", len(out), err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q\nlacks %q", err, want)
				}
			}
		})
	}
}

// Each value that becomes a word of a configuration is held against what it may
// be, by itself: a plan need not have come from a file that was checked.
func TestEachProblem(t *testing.T) {
	six, sixes := netip.MustParseAddr("2001:db8::1"), netip.MustParsePrefix("2001:db8::/64")
	for want, change := range map[string]func(*plan.Plan){
		`metadata.name: "k8 c1" is no DNS label`:                         func(p *plan.Plan) { p.Metadata.Name = "k8 c1" },
		`spec.fabric.leaves: "Leaf201" is no DNS label`:                  func(p *plan.Plan) { p.Spec.Fabric.Leaves[0].Name = "Leaf201" },
		`leaf201.address: "2001:db8::1" is no IPv4 address`:              func(p *plan.Plan) { p.Spec.Fabric.Leaves[0].Address = six },
		`leaf201.routerID: "2001:db8::1" is no IPv4 address`:             func(p *plan.Plan) { p.Spec.Fabric.Leaves[0].RouterID = six },
		"spec.nodeNetwork.vlan: 0 is not in 1–4094":                      func(p *plan.Plan) { p.Spec.NodeNetwork.VLAN = 0 },
		"spec.nodeNetwork.vlan: 4095 is not in 1–4094":                   func(p *plan.Plan) { p.Spec.NodeNetwork.VLAN = 4095 },
		`spec.nodeNetwork.subnet: "2001:db8::/64" is no IPv4 subnet`:     func(p *plan.Plan) { p.Spec.NodeNetwork.Subnet = sixes },
		`spec.nodeNetwork.gateway: "2001:db8::1" is no IPv4 address`:     func(p *plan.Plan) { p.Spec.NodeNetwork.Gateway = six },
		`spec.pods.subnet: "2001:db8::/64" is no IPv4 subnet`:            func(p *plan.Plan) { p.Spec.Pods.Subnet = sixes },
		`spec.loadBalancers.subnet: "2001:db8::/64" is no IPv4 subnet`:   func(p *plan.Plan) { p.Spec.LoadBalancers.Subnet = sixes },
		`spec.fabric.advertised[1]: "2001:db8::/64" is no IPv4 subnet`:   func(p *plan.Plan) { p.Spec.Fabric.Advertised[1] = sixes },
		`spec.nodes["k8c1m0"].address: "2001:db8::1" is no IPv4 address`: func(p *plan.Plan) { p.Spec.Nodes[0].Address = netip.PrefixFrom(six, 64) },
		`spec.nodes["a b"].name: "a b" is no DNS label`:                  func(p *plan.Plan) { p.Spec.Nodes[0].Name = "a b" },
		`spec.nodes["k8c1m0"].ports[0]: "eth0" is no port`:               func(p *plan.Plan) { p.Spec.Nodes[0].Ports[0].ID = "eth0" },
		"": func(p *plan.Plan) {
			p.Spec.NodeNetwork.VLAN, p.Spec.LoadBalancers, p.Spec.Fabric.Leaves[0].RouterID = 1, plan.LoadBalancers{}, netip.Addr{}
			p.Spec.Nodes[0].Ports[1].ID = "eth0" // of the other leaf
		},
	} {
		p := example(t)
		change(&p)
		_, err := leaf.ConfigOf(p, p.Spec.Fabric.Leaves[0].Name)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// What a platform takes at the most, and at the least, it gets.
func TestLimits(t *testing.T) {
	bfd := func(interval time.Duration, multiplier int) func(*plan.Plan) {
		return func(p *plan.Plan) { p.Spec.Fabric.BFD = plan.BFD{Interval: interval, Multiplier: multiplier} }
	}
	timers := func(keepalive, hold time.Duration) func(*plan.Plan) {
		return func(p *plan.Plan) { p.Spec.Fabric.Timers = plan.Timers{Keepalive: keepalive, Hold: hold} }
	}
	vlan := func(id uint16) func(*plan.Plan) { return func(p *plan.Plan) { p.Spec.NodeNetwork.VLAN = id } }
	name := func(n int) func(*plan.Plan) {
		return func(p *plan.Plan) { p.Metadata.Name = strings.Repeat("x", n) }
	}
	host := func(place int) func(*plan.Plan) { // of its subnet
		return func(p *plan.Plan) {
			p.Spec.NodeNetwork.Subnet = netip.MustParsePrefix("192.168.8.0/21")
			p.Spec.Nodes = p.Spec.Nodes[:1]
			p.Spec.Nodes[0].Address = netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, byte(8 + place/256), byte(place)}), 21)
		}
	}
	pods := func(subnet string) func(*plan.Plan) {
		return func(p *plan.Plan) { p.Spec.Pods.Subnet = netip.MustParsePrefix(subnet) }
	}
	const second, ms = time.Second, time.Millisecond
	type emitter = func(plan.Plan, string) ([]byte, error)
	for _, tc := range []struct {
		platform string
		emit     emitter
		path     string
		taken    []func(*plan.Plan)
		refused  []func(*plan.Plan)
	}{
		{"NX-OS", leaf.NXOS, "spec.fabric.timers.keepalive", []func(*plan.Plan){timers(0, 0), timers(3600*second, 3600*second)}, []func(*plan.Plan){timers(-second, 0), timers(3601*second, 3600*second)}},
		{"NX-OS", leaf.NXOS, "spec.fabric.timers.hold", nil, []func(*plan.Plan){timers(0, -second), timers(0, 3601*second)}},
		{"NX-OS", leaf.NXOS, "spec.fabric.bfd.interval", []func(*plan.Plan){bfd(50*ms, 1), bfd(999*ms, 50)}, []func(*plan.Plan){bfd(49*ms, 1), bfd(1000*ms, 1)}},
		{"NX-OS", leaf.NXOS, "spec.fabric.bfd.multiplier", nil, []func(*plan.Plan){bfd(50*ms, 0), bfd(50*ms, 51)}},
		{"NX-OS", leaf.NXOS, "metadata.name", []func(*plan.Plan){name(52)}, []func(*plan.Plan){name(53)}},
		{"NX-OS", leaf.NXOS, `spec.nodes["k8c1m0"].address`, []func(*plan.Plan){host(1), host(999)}, []func(*plan.Plan){host(0), host(1000)}},
		{"EOS", leaf.EOS, "spec.fabric.timers.keepalive", []func(*plan.Plan){timers(0, 0), timers(3600*second, 7200*second)}, []func(*plan.Plan){timers(-second, 0), timers(3601*second, 7200*second)}},
		{"EOS", leaf.EOS, "spec.fabric.timers.hold", nil, []func(*plan.Plan){timers(0, -second), timers(0, 7201*second)}},
		{"EOS", leaf.EOS, "spec.fabric.bfd.interval", []func(*plan.Plan){bfd(50*ms, 3), bfd(60000*ms, 50)}, []func(*plan.Plan){bfd(49*ms, 3), bfd(60001*ms, 3)}},
		{"EOS", leaf.EOS, "spec.fabric.bfd.multiplier", nil, []func(*plan.Plan){bfd(50*ms, 2), bfd(50*ms, 51)}},
		{"EOS", leaf.EOS, `spec.nodes["k8c1m0"].address`, []func(*plan.Plan){host(1), host(999)}, []func(*plan.Plan){host(0), host(1000)}},
		{"SONiC", leaf.SONiC, "spec.nodeNetwork.vlan", []func(*plan.Plan){vlan(2), vlan(4094)}, []func(*plan.Plan){vlan(1)}},
		{"SONiC", leaf.SONiC, "spec.fabric.bfd", []func(*plan.Plan){bfd(300*ms, 3), bfd(0, 0)}, []func(*plan.Plan){bfd(300*ms, 4), bfd(301*ms, 3)}},
		{"SONiC", leaf.SONiC, "spec.pods.subnet", []func(*plan.Plan){pods("10.0.0.0/10")}, []func(*plan.Plan){pods("10.0.0.0/9")}},
		{"SONiC", leaf.SONiC, `spec.nodes["k8c1m0"].address`, []func(*plan.Plan){host(1), host(999)}, []func(*plan.Plan){host(0), host(1000)}},
	} {
		for i, change := range append(tc.taken, tc.refused...) {
			p := example(t)
			change(&p)
			_, err := tc.emit(p, "leaf201")
			if refused := i >= len(tc.taken); refused != (err != nil) || refused && !strings.Contains(err.Error(), tc.path+":") && !strings.Contains(err.Error(), tc.path+",") {
				t.Errorf("%s, %s, value %d: %v", tc.platform, tc.path, i, err)
			}
		}
	}
}

func TestLongClusterName(t *testing.T) {
	p := example(t)
	p.Metadata.Name = strings.Repeat("x", 53)
	_, err := leaf.NXOS(p, "leaf201")
	if err == nil || !strings.Contains(err.Error(), "metadata.name: makes the route map") {
		t.Errorf("got %v, want an error of metadata.name", err)
	}
	if _, err := leaf.FRR(p, "leaf201"); err != nil {
		t.Error(err)
	}
}

// One leaf that cannot be configured leaves all unprinted.
func TestAllStops(t *testing.T) {
	p := racks(t, 2, 1)
	p.Spec.Racks[1].NodeNetwork.Gateway = netip.Addr{}
	if out, err := leaf.All(p, leaf.FRR, "!"); err == nil || out != nil {
		t.Errorf("got %d bytes and the error %v, want an error alone", len(out), err)
	}
	if out, err := leaf.AllSONiC(p); err == nil || out != nil {
		t.Errorf("got %d bytes and the error %v, want an error alone", len(out), err)
	}
}

// A subnet may have room for more nodes than a platform takes neighbours.
func TestNeighboursAreBounded(t *testing.T) {
	p := cluster(t)
	p.Spec.NodeNetwork.Subnet = netip.MustParsePrefix("192.160.0.0/12")
	for i := range p.Spec.Nodes {
		p.Spec.Nodes[i].Ports = nil
	}
	for name, tt := range map[string]struct {
		emit func(plan.Plan, string) ([]byte, error)
		want string
	}{
		"FRR":   {leaf.FRR, " bgp listen limit 5000\n"},
		"NX-OS": {leaf.NXOS, "    maximum-peers 1000\n"},
		"EOS":   {leaf.EOS, "   dynamic peer max 1000\n"},
		"SONiC": {leaf.SONiC, `"max_dynamic_neighbors": "5000"`},
	} {
		text, err := tt.emit(p, "leaf201")
		if err != nil || !strings.Contains(string(text), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// A description has no word that ends it, begins a comment, or is a line of its own.
func TestDescriptionsAreFreeOfSigns(t *testing.T) {
	p := example(t)
	p.Spec.Domain = "az.AZ.09._@[`{/:!#$;\n\x7f~é"
	want := "k8c1m0.az.AZ.09._" + strings.Repeat("-", 14)
	all := platforms()
	all["sonic"] = platform{emit: leaf.SONiC}
	for name, platform := range all {
		if text, err := platform.emit(p, "leaf201"); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, want %q in\n%s", name, err, want, text)
		}
	}
}

// Descriptions have 80 characters at the most on NX-OS.
func TestLongNames(t *testing.T) {
	p := example(t)
	p.Spec.Domain = strings.Repeat("d", 60) + "." + strings.Repeat("e", 60)
	text, err := leaf.NXOS(p, "leaf201")
	if want := "    description " + ("k8c1s1." + p.Spec.Domain)[:80] + "\n"; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%v, want %q in\n%s", err, want, text)
	}
}
