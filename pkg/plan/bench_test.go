// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"os"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// BenchmarkParse reads and checks the reference plan of three hosts.
func BenchmarkParse(b *testing.B) {
	data, err := os.ReadFile("../../docs/examples/k8c1.yaml")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, report := plan.Parse(data); report.Err() != nil {
			b.Fatal(report.Err())
		}
	}
}
