// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/cache"
)

// peersOf is an era that has seen joinsvc's own peers of so many nodes.
func peersOf(t *testing.T, n int) *era {
	t.Helper()
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{byNode: nodeOf})
	e := &era{kinds: map[string]*kind{bgpPeers: {store: store}}}
	for i := range n {
		for _, leaf := range []string{"192.0.2.1", "192.0.2.2"} {
			spec := map[string]any{"node": fmt.Sprintf("n%d", i), "peerIP": leaf, "asNumber": int64(65000)}
			o := &unstructured.Unstructured{Object: map[string]any{"kind": "BGPPeer", "spec": spec}}
			o.SetName(fmt.Sprintf("n%d-%s", i, leaf))
			manage(o, fieldManager, string(metav1.ManagedFieldsOperationApply), spec)
			if err := store.Add(o); err != nil {
				t.Fatal(err)
			}
		}
	}
	return e
}

// Whoever looks at one node's session looks at its own peers, and at those that
// are for all: not at every other node's.
func TestALookAtASessionIsOfOneNode(t *testing.T) {
	few, many := peersOf(t, 2), peersOf(t, 500)
	cost := func(e *era) float64 {
		return testing.AllocsPerRun(10, func() {
			if got := e.taken("n1", "192.0.2.1"); got != "" {
				t.Error(got)
			}
		})
	}
	if a, b := cost(few), cost(many); b > 2*a {
		t.Errorf("%.0f allocations beside 1 other node, %.0f beside 499", a, b)
	}
}

// joinsvc's own peers are nothing to look through all others for.
func TestWhosePeersConcernTheCluster(t *testing.T) {
	peer := func(manager string, spec map[string]any) *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{"kind": "BGPPeer", "spec": spec}}
		manage(o, manager, string(metav1.ManagedFieldsOperationApply), spec)
		return o
	}
	for name, tt := range map[string]struct {
		peer *unstructured.Unstructured
		want bool
	}{
		"none":              {nil, false},
		"its own":           {peer(fieldManager, map[string]any{"peerIP": "192.0.2.1", "node": "n1"}), false},
		"somebody else's":   {peer("kubectl", map[string]any{"peerIP": "192.0.2.1"}), true},
		"with their filter": {peer(fieldManager, map[string]any{"peerIP": "192.0.2.1", "filters": []any{"theirs"}}), true},
	} {
		if got := othersHand(tt.peer); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
