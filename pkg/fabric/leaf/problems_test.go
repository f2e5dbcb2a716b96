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

// Descriptions have 80 characters at the most on NX-OS.
func TestLongNames(t *testing.T) {
	p := example(t)
	p.Spec.Domain = strings.Repeat("d", 60) + "." + strings.Repeat("e", 60)
	text, err := leaf.NXOS(p, "leaf201")
	if want := "    description " + ("k8c1s1." + p.Spec.Domain)[:80] + "\n"; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%v, want %q in\n%s", err, want, text)
	}
}
