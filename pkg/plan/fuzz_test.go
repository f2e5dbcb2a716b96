// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/metrics"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// The most that a small text may make Parse allocate: a pool is a few words and
// stands for thousands of nodes.
const (
	smallText  = 4 << 10
	enoughHeap = 256 << 20
)

// Whatever the bytes, Parse returns, says something of every problem, and takes
// no more memory than it should; and a plan without errors can be used.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("../../docs/examples/*.yaml")
	if err != nil || len(paths) == 0 {
		f.Fatalf("examples are %v, %v", paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add(plantest.Large(4, 2))
	f.Add(plantest.Pooled(4, 2))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > smallText {
			return
		}
		before := allocated()
		p, report := plan.Parse(text)
		if took := allocated() - before; took > enoughHeap {
			t.Errorf("%d bytes of text took %d MiB", len(text), took>>20)
		}
		for _, problem := range report {
			if problem.Message == "" {
				t.Errorf("a problem at %q without words", problem.Path)
			}
		}
		if report.Err() == nil {
			use(t, p)
		}
	})
}

// use does with a plan what everybody does with it.
func use(t *testing.T, p plan.Plan) {
	if got, want := len(p.Spec.ASNs()), len(p.Spec.Nodes); got != want {
		t.Errorf("%d AS numbers for %d nodes", got, want)
	}
	for _, n := range p.Spec.Nodes {
		if _, ok := p.Spec.RackOf(n); !ok {
			t.Errorf("%s is in no rack", n.Name)
		}
	}
	if _, err := p.HostPlan(p.Spec.Nodes[0].Name); err != nil {
		t.Error(err)
	}
	if _, err := json.Marshal(p); err != nil {
		t.Error(err)
	}
}

// allocated is what the heap has given out so far, in bytes.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
