// SPDX-License-Identifier: Apache-2.0

package plantest_test

import (
	"testing"

	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// BenchmarkParseLarge reads and checks 5,000 listed hosts in 100 racks.
func BenchmarkParseLarge(b *testing.B) { parse(b, plantest.Large(5000, 100)) }

// BenchmarkParsePooled reads and checks 5,000 hosts in a pool for each of 100 racks.
func BenchmarkParsePooled(b *testing.B) { parse(b, plantest.Pooled(5000, 100)) }

func parse(b *testing.B, text []byte) {
	b.ReportAllocs()
	for b.Loop() {
		if _, report := plan.Parse(text); report.Err() != nil {
			b.Fatal(report.Err())
		}
	}
}
