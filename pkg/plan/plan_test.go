// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

func byValue[T comparable]() cmp.Option {
	return cmp.Comparer(func(a, b T) bool { return a == b })
}

func netipOptions() cmp.Options {
	return cmp.Options{byValue[netip.Addr](), byValue[netip.Prefix](), byValue[netip.AddrPort]()}
}

func load(t *testing.T) plan.Plan {
	t.Helper()
	p, report, err := plan.Load(example)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestExample(t *testing.T) {
	_, report, err := plan.Load(example)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(exampleWarnings(), lines(report)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestLoadNoFile(t *testing.T) {
	_, _, err := plan.Load(t.TempDir() + "/plan.yaml")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v, want one that says %v", err, fs.ErrNotExist)
	}
}

func TestDefaults(t *testing.T) {
	p, report := plan.Parse(edited(
		t,
		edit{"    name: bond0\n", ""},
		edit{"    mode: 802.3ad\n    miimon: 1s\n    updelay: 2400ms # the kernel makes 2 s of it: whole multiples of miimon\n    minLinks: 1\n    mtu: 9000\n", ""},
		edit{"    blockSize: 26\n", ""},
		edit{"  host:\n    selinux: permissive\n", ""},
	))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	want := plan.Bond{
		Name: "bond0", Legs: []string{"eno1", "eno2"}, Mode: "802.3ad",
		MIIMon: 100 * time.Millisecond, MinLinks: 1, MTU: 9000,
	}
	if diff := cmp.Diff(want, p.Spec.Bond); diff != "" {
		t.Errorf("bond (-want +got):\n%s", diff)
	}
	if p.Spec.Pods.BlockSize != 26 || p.Spec.Host.SELinux != plan.Permissive {
		t.Errorf("block size %d and SELinux %s, want 26 and permissive", p.Spec.Pods.BlockSize, p.Spec.Host.SELinux)
	}
}

// What a plan leaves out is filled in from what else it says, and a 0 that it says
// stays one.
func TestDefaultsThatFollow(t *testing.T) {
	p, report := plan.Parse(edited(
		t,
		edit{"    mtu: 9000\n\n  fabric:\n", "    mtu: 1500\n\n  fabric:\n    timers: {hold: 20s}\n    bfd: {interval: 300ms}\n"},
		edit{"    mtu: 9000\n", ""},
		edit{"    gateway: 192.168.9.206\n", "    gateway: 192.168.9.206\n    gatewayMetric: 0\n"},
		edit{"        routerID: 2.0.0.1\n", ""},
		edit{"  model: node\n", "  owned: true\n"},
	))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	s := p.Spec
	f := s.Fabric
	for _, tc := range []struct{ what, got, want string }{
		{"fabric.mtu", fmt.Sprint(f.MTU), "1500"},
		{"fabric.timers", f.Timers.Keepalive.String() + " " + f.Timers.Hold.String(), "6s 20s"},
		{"fabric.bfd", f.BFD.Interval.String() + " " + fmt.Sprint(f.BFD.Multiplier), "300ms 3"},
		{"fabric.maxPrefixes", fmt.Sprint(f.MaxPrefixes), "500"},
		{"fabric.aci.pod", fmt.Sprint(f.ACI.Pod), "1"},
		{"fabric.leaves[].routerID", fmt.Sprint(f.Leaves[0].RouterID, f.Leaves[1].RouterID), "192.168.9.204 2.0.0.2"},
		{"nodeNetwork.gatewayMetric", fmt.Sprint(*s.NodeNetwork.GatewayMetric), "0"},
		{"asn.model", string(s.ASN.Model), "node"},
		{"kubernetes.pace", string(s.Kubernetes.Pace), "normal"},
		{"calico.api", string(s.Calico.API), "auto"},
		{"runtime.name", string(s.Runtime.Name), "containerd"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s is %s, want %s", tc.what, tc.got, tc.want)
		}
	}
	p = load(t)
	if f, n := p.Spec.Fabric, p.Spec.NodeNetwork; f.Timers != (plan.Timers{Keepalive: time.Minute, Hold: 3 * time.Minute}) || f.BFD != (plan.BFD{}) || *n.GatewayMetric != 50 {
		t.Errorf("where nothing is said: timers %v, BFD %v, metric %d", f.Timers, f.BFD, *n.GatewayMetric)
	}
}

func TestHostPlan(t *testing.T) {
	p := load(t)
	want := plan.HostPlan{
		Cluster: "k8c1",
		Name:    "k8c1s1.labs.haystacknetworks.com",
		Role:    plan.Worker,
		Address: netip.MustParsePrefix("192.168.9.194/28"),
		ASN:     63552,
		Domain:  "labs.haystacknetworks.com",
		NodeNetwork: plan.NodeNetwork{
			Subnet:  netip.MustParsePrefix("192.168.9.192/28"),
			VLAN:    1500,
			Gateway: netip.MustParseAddr("192.168.9.206"), GatewayMetric: new(uint32(50)),
			DNS: []netip.Addr{netip.MustParseAddr("192.168.178.246"), netip.MustParseAddr("8.8.8.8")},
		},
		Bond: plan.Bond{
			Name: "bond0", Legs: []string{"eno1", "eno2"}, Mode: "802.3ad",
			MIIMon: time.Second, UpDelay: 2400 * time.Millisecond, MinLinks: 1, MTU: 9000,
		},
		Fabric: plan.Fabric{ASN: 63500, Leaves: []plan.Leaf{
			{Name: "leaf201", Address: netip.MustParseAddr("192.168.9.204"), RouterID: netip.MustParseAddr("2.0.0.1"), Node: 201},
			{Name: "leaf202", Address: netip.MustParseAddr("192.168.9.205"), RouterID: netip.MustParseAddr("2.0.0.2"), Node: 202},
		}},
		Kubernetes: plan.Kubernetes{Version: "1.37.2", APIEndpoint: netip.MustParseAddrPort("192.168.9.193:6443"), Pace: plan.Normal},
		Packages:   plan.Packages{Folder: "/srv/packages"},
		Host:       plan.Host{SELinux: plan.Permissive},
	}
	for _, name := range []string{"k8c1s1", "k8c1s1.labs.haystacknetworks.com"} {
		got, err := p.HostPlan(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, netipOptions()); diff != "" {
			t.Errorf("host plan of %s (-want +got):\n%s", name, diff)
		}
	}
	if got := want.VLANName(); got != "bond0.1500" {
		t.Errorf("VLAN link is %q, want bond0.1500", got)
	}
}

// The host plan travels as JSON and is stored as it: what arrives is what was sent.
func TestHostPlanJSON(t *testing.T) {
	want, err := load(t).HostPlan("k8c1m0")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got plan.HostPlan
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, netipOptions()); diff != "" {
		t.Errorf("after a round trip (-want +got):\n%s", diff)
	}
}

func TestHostPlanOfStranger(t *testing.T) {
	_, err := load(t).HostPlan("k8c1s9")
	if err == nil || err.Error() != `plan k8c1 has no node "k8c1s9"; it has k8c1m0, k8c1s1, k8c1s2` {
		t.Errorf("error is %v", err)
	}
}

// Of many nodes the first are named.
func TestHostPlanOfStrangerAmongMany(t *testing.T) {
	p, _ := parseRacks()
	_, err := p.HostPlan("x")
	if err == nil || !strings.HasPrefix(err.Error(), `plan k8c2 has no node "x"; it has m0, a01, a02`) || !strings.HasSuffix(err.Error(), ", …") || len(err.Error()) > 200 {
		t.Errorf("error is %v", err)
	}
}

func TestASNOf(t *testing.T) {
	s := plan.Spec{ASN: plan.ASN{First: 65001, Last: 65009}, Nodes: []plan.Node{{}, {ASN: 65009}, {}}}
	for i, want := range []uint32{65001, 65009, 65003} {
		if got := s.ASNOf(i); got != want {
			t.Errorf("node %d has AS %d, want %d", i, got, want)
		}
	}
}
