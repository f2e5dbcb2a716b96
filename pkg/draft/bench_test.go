// SPDX-License-Identifier: Apache-2.0

package draft_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/draft"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// BenchmarkYAML is 5,000 nodes, each with a note and a gap.
func BenchmarkYAML(b *testing.B) {
	var d draft.Draft
	for i := range 5000 {
		address := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		d.Plan.Spec.Nodes = append(d.Plan.Spec.Nodes, plan.Node{Name: fmt.Sprintf("n%d", i), Address: netip.PrefixFrom(address, 16)})
		d.Above(fmt.Sprintf("spec.nodes[%d]", i), "from somewhere")
		d.Todo(fmt.Sprintf("spec.nodes[%d].role", i), "a role")
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.YAML(); err != nil {
			b.Fatal(err)
		}
	}
}
