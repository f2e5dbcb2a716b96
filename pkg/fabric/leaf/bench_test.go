// SPDX-License-Identifier: Apache-2.0

package leaf_test

import (
	"testing"

	"github.com/nodeprep/nodeprep/pkg/fabric/leaf"
)

// All 200 leaves of 5,000 hosts in 100 racks.
func BenchmarkAll(b *testing.B) {
	p := racks(b, 100, 50)
	for name, platform := range platforms() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := leaf.All(p, platform.emit, platform.comment); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("sonic", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := leaf.AllSONiC(p); err != nil {
				b.Fatal(err)
			}
		}
	})
}
