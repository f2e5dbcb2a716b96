// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

func TestRender(t *testing.T) {
	p := reference(t)
	text, err := Render(p, "")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", "render.yaml"), string(text))
	one, err := Render(p, "k8c1s2.labs.haystacknetworks.com")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(text), "---\n"+string(one)) {
		t.Errorf("one node's is not the end of all:\n%s", one)
	}
	if _, err := Render(p, "k8c1s9"); err == nil || err.Error() != `plan k8c1 has no node "k8c1s9"; it has k8c1m0, k8c1s1, k8c1s2` {
		t.Errorf("error is %v", err)
	}
}

var comments = regexp.MustCompile(`(?m)^#.*\n`)

// What is rendered is what is handed out, less token and hash.
func TestRenderedIsWhatIsHandedOut(t *testing.T) {
	p := reference(t)
	for _, n := range p.Spec.Nodes {
		h := hostPlan(t, p, n.Name)
		want, err := Init(p, h)
		if n.Role == plan.Worker {
			want, err = Join(p, h, Placeholders())
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := Render(p, n.Name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, comments.ReplaceAllString(string(got), "")); diff != "" {
			t.Errorf("%s (-handed out +rendered):\n%s", n.Name, diff)
		}
	}
}

func BenchmarkRender5000Nodes(b *testing.B) {
	var p plan.Plan
	for i := range 5000 {
		p.Spec.Nodes = append(p.Spec.Nodes, plan.Node{Name: fmt.Sprint("n", i), Role: plan.Worker})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Render(p, ""); err != nil {
			b.Fatal(err)
		}
	}
}
