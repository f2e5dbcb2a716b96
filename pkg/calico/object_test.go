// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

func firstNode() Node {
	return Node{Name: "k8c1m0.labs.haystacknetworks.com", Address: netip.MustParsePrefix("192.168.9.193/28"), ASN: 63551}
}

func TestAnnotations(t *testing.T) {
	want := map[string]string{
		"projectcalico.org/IPv4Address": "192.168.9.193/28",
		"projectcalico.org/ASNumber":    "63551",
	}
	if diff := cmp.Diff(want, Annotations(firstNode())); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

func TestObjects(t *testing.T) {
	p := reference(t)
	for api, golden := range map[API]string{CRD: "objects-crd.yaml", Native: "objects-native.yaml"} {
		objects := append([]*unstructured.Unstructured{Configuration(api, p), Pool(api, p)}, Peers(api, p, p.Spec.AllRacks()[0], firstNode())...)
		objects = append(objects, statusRequest(api, firstNode().Name, 0))
		var got string
		for _, o := range objects {
			text, err := yaml.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			got += "---\n" + string(text)
		}
		if diff := cmp.Diff(testdata(t, golden), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", golden, diff)
		}
	}
}

func TestNoRangeForLoadBalancers(t *testing.T) {
	p := reference(t)
	p.Spec.LoadBalancers.Subnet = netip.Prefix{}
	spec, _, err := unstructured.NestedMap(Configuration(CRD, p).Object, "spec")
	if err != nil {
		t.Fatal(err)
	}
	if _, there := spec["serviceLoadBalancerIPs"]; there {
		t.Errorf("announces a range that the plan does not have: %v", spec)
	}
}

func TestResource(t *testing.T) {
	got := Native.resource(bgpPeers)
	if got.Group != "projectcalico.org" || got.Version != "v3" || got.Resource != "bgppeers" {
		t.Errorf("got %v", got)
	}
}

func TestSameRange(t *testing.T) {
	p := reference(t)
	want := Pool(CRD, p)
	if err := sameRange(Pool(CRD, p), want); err != nil {
		t.Errorf("the same pool: %v", err)
	}
	other := Pool(CRD, p)
	if err := unstructured.SetNestedField(other.Object, "192.168.0.0/16", "spec", "cidr"); err != nil {
		t.Fatal(err)
	}
	if err := sameRange(other, want); err == nil {
		t.Error("another range was accepted")
	}
}

// What a node's rack is, its sessions are; in a plan with racks a node that the
// plan has no more has neither.
func TestRackOfANode(t *testing.T) {
	leaves := func(p plan.Plan, node string) string {
		r := keeper{Reconciler: &Reconciler{Plan: p}, racks: rackNames(p)}
		rack, ok := r.rack(node)
		var words []string
		for _, s := range planned(rack) {
			words = append(words, fmt.Sprint(s.Leaf, " ", s.PeerIP, " AS", s.PeerASN))
		}
		if ok != (len(words) > 0) {
			t.Errorf("%s is in a rack: %v; its sessions are %v", node, ok, words)
		}
		return strings.Join(words, ", ")
	}
	const domain, both = ".labs.haystacknetworks.com", "leaf201 192.168.9.204 AS63500, leaf202 192.168.9.205 AS63500"
	for node, want := range map[string]string{"k8c1s1": both, "k8c1s2": "leaf301 192.168.10.204 AS63501", "k8c1s9": ""} {
		if got := leaves(racked(t), node+domain); got != want {
			t.Errorf("with racks %s has %q, want %q", node, got, want)
		}
		if got := leaves(reference(t), node+domain); got != both {
			t.Errorf("without racks %s has %q", node, got)
		}
	}
}
