// SPDX-License-Identifier: Apache-2.0

package plantest_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// Both texts are of the same hosts, in the same order.
func TestPooledIsLarge(t *testing.T) {
	for _, tt := range []struct{ hosts, racks int }{{1, 1}, {5, 2}, {7, 7}, {500, 10}} {
		large, _ := plan.Parse(plantest.Large(tt.hosts, tt.racks))
		pooled, _ := plan.Parse(plantest.Pooled(tt.hosts, tt.racks))
		for i := range large.Spec.Nodes {
			large.Spec.Nodes[i].MACs = nil
		}
		large.Spec.Pools, pooled.Spec.Pools = nil, nil
		same := cmp.Options{
			cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
			cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
			cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
		}
		if diff := cmp.Diff(large, pooled, same); diff != "" {
			t.Errorf("%d hosts in %d racks (-listed +pooled):\n%s", tt.hosts, tt.racks, diff)
		}
		if got := len(large.Spec.Nodes); got != tt.hosts {
			t.Errorf("the plan has %d nodes, want %d", got, tt.hosts)
		}
	}
}

func TestValid(t *testing.T) {
	for name, text := range map[string][]byte{
		"one host": plantest.Large(1, 1), "listed": plantest.Large(5000, 100), "pooled": plantest.Pooled(5000, 100), "one rack": plantest.Pooled(999, 1),
	} {
		if _, report := plan.Parse(text); report.Err() != nil {
			t.Errorf("%s: %v", name, report.Err())
		}
	}
}
