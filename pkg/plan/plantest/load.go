// SPDX-License-Identifier: Apache-2.0

package plantest

import (
	"testing"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Load is the plan in a file, which has to have no errors.
func Load(t testing.TB, file string) plan.Plan {
	t.Helper()
	p, report, err := plan.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}
