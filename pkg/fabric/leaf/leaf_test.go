// SPDX-License-Identifier: Apache-2.0

package leaf_test

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/fabric/leaf"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// example is the shipped plan: three nodes of AS numbers of their own.
func example(t testing.TB) plan.Plan {
	t.Helper()
	return plantest.Load(t, "../../../docs/examples/k8c1.yaml")
}

// cluster is the shipped plan with one AS number for all nodes.
func cluster(t testing.TB) plan.Plan {
	t.Helper()
	p := example(t)
	p.Spec.ASN = plan.ASN{Model: plan.PerCluster, First: 64512, Last: 64512}
	return p
}

// plans are what the golden files are of.
func plans(t testing.TB) map[string]plan.Plan {
	t.Helper()
	withBFD := cluster(t)
	withBFD.Spec.Fabric.BFD = plan.BFD{Interval: 300 * time.Millisecond, Multiplier: 3}
	return map[string]plan.Plan{
		"k8c1":     example(t),
		"cluster":  withBFD,
		"tworacks": racks(t, 2, 2),
		"bare":     bare(t),
	}
}

// bare is the shipped plan less all that it may leave out: nothing is announced
// but pods, of which there is one block, frames are small, and the hosts have one
// cable, or none that is known.
func bare(t testing.TB) plan.Plan {
	t.Helper()
	p := example(t)
	s := &p.Spec
	p.Metadata.Name = "a-cluster-of-quite-a-long-name" // longer than a VLAN's with what is behind it
	s.Fabric.DefaultRoute, s.Fabric.Advertised, s.Fabric.MTU = false, nil, 1500
	s.Pods.Subnet, s.Pods.BlockSize = netip.MustParsePrefix("172.27.0.0/26"), 26
	s.LoadBalancers = plan.LoadBalancers{}
	s.Nodes[1].Ports = s.Nodes[1].Ports[:1]
	s.Nodes[2].Ports = nil
	return p
}

// racks is a plan of that many racks with that many hosts each, on leaves whose
// only number is the one that nodes see.
func racks(t testing.TB, racks, hosts int) plan.Plan {
	t.Helper()
	p := example(t)
	p.Spec.Fabric.InternalASN = 0
	p.Spec.Fabric.Leaves, p.Spec.Nodes = nil, nil
	p.Spec.ASN = plan.ASN{Model: plan.PerNode, First: 4200000000, Last: 4200099999}
	for i := range racks {
		at := func(host int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i), 0, byte(host)}) }
		name := fmt.Sprintf("r%02d", i+1)
		rack := plan.Rack{
			Name: name, LeafASN: 65001 + uint32(i),
			NodeNetwork: plan.NodeNetwork{Subnet: netip.PrefixFrom(at(0), 24), VLAN: 1500, Gateway: at(254)},
		}
		for j, leaf := range []string{name + "a", name + "b"} {
			rack.Leaves = append(rack.Leaves, plan.Leaf{Name: leaf, Address: at(252 + j)})
		}
		for j := range hosts {
			node := plan.Node{Name: fmt.Sprintf("%sn%02d", name, j+1), Role: plan.Worker, Rack: name, Address: netip.PrefixFrom(at(j+1), 24)}
			for _, l := range rack.Leaves {
				node.Ports = append(node.Ports, plan.Port{Leaf: l.Name, ID: fmt.Sprintf("1/%d", j+1)})
			}
			p.Spec.Nodes = append(p.Spec.Nodes, node)
		}
		p.Spec.Racks = append(p.Spec.Racks, rack)
	}
	return p
}

// platforms are the emitters whose leaves are texts.
func platforms() map[string]platform {
	return map[string]platform{
		"frr":  {leaf.FRR, "!"},
		"bird": {leaf.BIRD, "#"},
		"nxos": {leaf.NXOS, "!"},
		"eos":  {leaf.EOS, "!"},
	}
}

type platform struct {
	emit    func(plan.Plan, string) ([]byte, error)
	comment string
}

func TestPlatforms(t *testing.T) {
	for extension, platform := range platforms() {
		for name, p := range plans(t) {
			got, err := leaf.All(p, platform.emit, platform.comment)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("testdata", name+"."+extension), got)
		}
	}
}

func TestSONiC(t *testing.T) {
	for name, p := range plans(t) {
		got, err := leaf.AllSONiC(p)
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, filepath.Join("testdata", name+".sonic.json"), got)
	}
}
