// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

func render(t *testing.T, p plan.Plan) string {
	t.Helper()
	text, err := Render(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// objects are the documents of a stream by "Kind/name". One without an object
// fails the test: calicoctl would refuse it.
func objects(t *testing.T, stream string) map[string]any {
	t.Helper()
	all := map[string]any{}
	dec := yaml.NewDecoder(strings.NewReader(stream))
	for {
		var o map[string]any
		err := dec.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil || o == nil {
			t.Fatalf("document %d: %v, %v", len(all)+1, o, err)
		}
		metadata, _ := o["metadata"].(map[string]any)
		name := fmt.Sprint(o["kind"], "/", metadata["name"])
		if _, twice := all[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		all[name] = o
	}
}

// byHand is what was applied by hand to the cluster of docs/examples, with the
// one length mended that differed from the subnet's (k8c1s2 had /24).
const byHand = `
{apiVersion: projectcalico.org/v3, kind: IPPool, metadata: {name: default-ipv4-ippool},
 spec: {blockSize: 26, cidr: 172.27.0.0/16, ipipMode: Never, natOutgoing: false, nodeSelector: all(), vxlanMode: Never}}
---
{apiVersion: projectcalico.org/v3, kind: BGPConfiguration, metadata: {name: default},
 spec: {logSeverityScreen: Info, nodeToNodeMeshEnabled: false, serviceLoadBalancerIPs: [{cidr: 172.29.0.0/16}]}}
---
{apiVersion: projectcalico.org/v3, kind: Node, metadata: {name: k8c1m0.labs.haystacknetworks.com},
 spec: {bgp: {ipv4Address: 192.168.9.193/28, asNumber: 63551}}}
---
{apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: leaf201-k8c1m0},
 spec: {peerIP: 192.168.9.204, asNumber: 63500, node: k8c1m0.labs.haystacknetworks.com}}
---
{apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: leaf202-k8c1m0},
 spec: {peerIP: 192.168.9.205, asNumber: 63500, node: k8c1m0.labs.haystacknetworks.com}}
---
{apiVersion: projectcalico.org/v3, kind: Node, metadata: {name: k8c1s1.labs.haystacknetworks.com},
 spec: {bgp: {ipv4Address: 192.168.9.194/28, asNumber: 63552}}}
---
{apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: leaf201-k8c1s1},
 spec: {peerIP: 192.168.9.204, asNumber: 63500, node: k8c1s1.labs.haystacknetworks.com}}
---
{apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: leaf202-k8c1s1},
 spec: {peerIP: 192.168.9.205, asNumber: 63500, node: k8c1s1.labs.haystacknetworks.com}}
---
{apiVersion: projectcalico.org/v3, kind: Node, metadata: {name: k8c1s2.labs.haystacknetworks.com},
 spec: {bgp: {ipv4Address: 192.168.9.195/28, asNumber: 63553}}}
---
{apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: leaf201-k8c1s2},
 spec: {peerIP: 192.168.9.204, asNumber: 63500, node: k8c1s2.labs.haystacknetworks.com}}
---
{apiVersion: projectcalico.org/v3, kind: BGPPeer, metadata: {name: leaf202-k8c1s2},
 spec: {peerIP: 192.168.9.205, asNumber: 63500, node: k8c1s2.labs.haystacknetworks.com}}
`

func TestRenderIsWhatWasMadeByHand(t *testing.T) {
	text := render(t, reference(t))
	if diff := cmp.Diff(objects(t, byHand), objects(t, text)); diff != "" {
		t.Errorf("objects (-by hand +rendered):\n%s", diff)
	}
	golden.Check(t, "testdata/render-k8c1.yaml", text)
}

// racked is the example with k8c1s2 in a second rack.
func racked(t *testing.T) plan.Plan {
	t.Helper()
	p := reference(t)
	first := p.Spec.AllRacks()[0]
	first.Name = "a"
	p.Spec.Racks = []plan.Rack{first, {
		Name:        "b",
		NodeNetwork: plan.NodeNetwork{Subnet: netip.MustParsePrefix("192.168.10.192/28")},
		LeafASN:     63501,
		Leaves:      []plan.Leaf{{Name: "leaf301", Address: netip.MustParseAddr("192.168.10.204")}},
		ASNs:        plan.ASNRange{First: 63560, Last: 63562},
	}}
	p.Spec.NodeNetwork, p.Spec.Fabric.Leaves = plan.NodeNetwork{}, nil
	for i, rack := range []string{"a", "a", "b"} {
		p.Spec.Nodes[i].Rack = rack
	}
	p.Spec.Nodes[2].Address = netip.MustParsePrefix("192.168.10.195/28")
	return p
}

func TestRenderRacks(t *testing.T) {
	p := racked(t)
	text := render(t, p)
	golden.Check(t, "testdata/render-racks.yaml", text)
	var peers []string
	for name := range objects(t, text) {
		if strings.HasPrefix(name, "BGPPeer/") {
			peers = append(peers, name)
		}
	}
	if len(peers) != 5 {
		t.Errorf("peers are %v", peers)
	}
	p.Spec.Nodes[2].Rack = "c"
	if _, err := Render(p); err == nil || !strings.Contains(err.Error(), `k8c1s2: the plan has no rack "c"`) {
		t.Errorf("error is %v", err)
	}
}

func TestRenderOneNumberForAll(t *testing.T) {
	p := reference(t)
	p.Spec.ASN = plan.ASN{Model: plan.PerCluster, First: 64512, Last: 64512}
	want, got := objects(t, render(t, reference(t))), objects(t, render(t, p))
	for name, o := range want {
		if node, ok := o.(map[string]any); ok && node["kind"] == "Node" {
			node["spec"].(map[string]any)["bgp"].(map[string]any)["asNumber"] = 64512
		}
		if diff := cmp.Diff(o, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func BenchmarkRender5000NodesIn100Racks(b *testing.B) {
	p := plan.Plan{Spec: plan.Spec{Domain: "example.net", ASN: plan.ASN{First: 64512}}}
	for i := range 100 {
		p.Spec.Racks = append(p.Spec.Racks, plan.Rack{Name: fmt.Sprint("r", i), LeafASN: 64512, Leaves: make([]plan.Leaf, 2)})
	}
	for i := range 5000 {
		p.Spec.Nodes = append(p.Spec.Nodes, plan.Node{Name: fmt.Sprint("n", i), Rack: fmt.Sprint("r", i%100)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Render(p); err != nil {
			b.Fatal(err)
		}
	}
}
