// SPDX-License-Identifier: Apache-2.0

package leaf_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nodeprep/nodeprep/pkg/fabric/leaf"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

func TestConfigOf(t *testing.T) {
	p := cluster(t)
	p.Spec.Nodes[2].Ports = []plan.Port{{Leaf: "leaf201", ID: "1/5"}, {Leaf: "leaf201", ID: "1/6"}}
	c, err := leaf.ConfigOf(p, "leaf202")
	if err != nil {
		t.Fatal(err)
	}
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	pods := leaf.Match{Prefix: prefix("172.27.0.0/16"), Min: 26, Max: 32}
	lb := leaf.Match{Prefix: prefix("172.29.0.0/16"), Min: 16, Max: 16}
	service := leaf.Match{Prefix: prefix("172.29.0.0/16"), Min: 32, Max: 32}
	want := leaf.Config{
		Cluster: "k8c1", Name: "leaf202", RouterID: addr("2.0.0.2"), ASN: 63500, Internal: 65000,
		VLAN: 1500, Address: prefix("192.168.9.205/28"), Gateway: addr("192.168.9.206"), MTU: 9000,
		Model: plan.PerCluster, NodeASN: 64512, Peers: 11,
		Nodes: []leaf.Node{
			{Name: "k8c1m0.labs.haystacknetworks.com", Host: "k8c1m0", Address: addr("192.168.9.193"), ASN: 64512, Ports: []string{"1/3"}, Channel: 1001, Shared: true},
			{Name: "k8c1s1.labs.haystacknetworks.com", Host: "k8c1s1", Address: addr("192.168.9.194"), ASN: 64512, Ports: []string{"1/4"}, Channel: 1002, Shared: true},
			{Name: "k8c1s2.labs.haystacknetworks.com", Host: "k8c1s2", Address: addr("192.168.9.195"), ASN: 64512, Channel: 1003, Shared: true},
		},
		Timers: p.Spec.Fabric.Timers, MaxPrefixes: 500, DefaultRoute: true, Advertised: p.Spec.Fabric.Advertised,
		FromNodes: []leaf.Match{pods, lb, service},
		ToNodes: []leaf.Match{
			{Prefix: prefix("0.0.0.0/0")},
			{Prefix: prefix("10.243.176.0/24"), Min: 24, Max: 24},
			{Prefix: prefix("172.16.1.0/24"), Min: 24, Max: 24},
			pods, lb, service,
		},
	}
	compare := []cmp.Option{cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}
	if diff := cmp.Diff(want, c, compare...); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Where the fabric has one number alone, there is no second one to show to nodes:
// a switch refuses a local AS that is its own, or prepends it twice.
func TestNoLocalASWithOneNumber(t *testing.T) {
	p := cluster(t)
	for internal, want := range map[uint32]uint32{p.Spec.Fabric.ASN: 0, 0: 0, 65001: 65001} {
		p.Spec.Fabric.InternalASN = internal
		c, err := leaf.ConfigOf(p, "leaf201")
		if err != nil || c.Internal != want {
			t.Errorf("the fabric's own number %d becomes %d, want %d; %v", internal, c.Internal, want, err)
		}
	}
}

// A plan of /32 ranges and no load balancers has filters all the same.
func TestFiltersAtTheEdge(t *testing.T) {
	for name, test := range map[string]struct {
		pods, lb string
		want     []leaf.Match
	}{
		"a range of one block":   {pods: "10.1.0.0/26", want: []leaf.Match{{Prefix: netip.MustParsePrefix("10.1.0.0/26"), Min: 26, Max: 32}}},
		"blocks above the range": {pods: "10.1.0.0/28", want: []leaf.Match{{Prefix: netip.MustParsePrefix("10.1.0.0/28"), Min: 28, Max: 32}}},
		"one load balancer": {pods: "10.1.0.0/24", lb: "10.2.0.1/32", want: []leaf.Match{
			{Prefix: netip.MustParsePrefix("10.1.0.0/24"), Min: 26, Max: 32}, {Prefix: netip.MustParsePrefix("10.2.0.1/32"), Min: 32, Max: 32},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := example(t)
			p.Spec.Pods.Subnet, p.Spec.LoadBalancers.Subnet = netip.MustParsePrefix(test.pods), netip.Prefix{}
			if test.lb != "" {
				p.Spec.LoadBalancers.Subnet = netip.MustParsePrefix(test.lb)
			}
			c, err := leaf.ConfigOf(p, "leaf201")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, c.FromNodes, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
