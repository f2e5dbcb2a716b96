// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

const threeNodes = `kind: ClusterPlan # kept
spec:
  nodes:
    - name: a
      role: x
    - name: b
    # the last
    - name: c
  domain: d # after the nodes
`

func TestCut(t *testing.T) {
	cases := map[int]string{
		1: "kind: ClusterPlan # kept\nspec:\n  nodes:\n    - name: a\n      role: x\n  domain: d # after the nodes\n",
		2: "kind: ClusterPlan # kept\nspec:\n  nodes:\n    - name: a\n      role: x\n    - name: b\n    # the last\n  domain: d # after the nodes\n",
		3: threeNodes,
	}
	for n, want := range cases {
		got, err := Cut([]byte(threeNodes), n)
		if err != nil {
			t.Errorf("%d: %v", n, err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%d nodes (-want +got):\n%s", n, diff)
		}
	}
}

func TestCutRefuses(t *testing.T) {
	cases := map[string]struct {
		doc string
		n   int
	}{
		"too many": {threeNodes, 4},
		"none":     {threeNodes, 0},
		"no list":  {"spec: {}\n", 1},
		"no spec":  {"kind: x\n", 1},
		"empty":    {"", 1},
	}
	for name, c := range cases {
		if _, err := Cut([]byte(c.doc), c.n); !errors.Is(err, ErrNodes) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSlow(t *testing.T) {
	const plan = "spec:\n  kubernetes: # kept\n    version: 1.37.2\n    apiEndpoint: 192.0.2.1:6443\n  domain: d\n"
	const slow = "spec:\n  kubernetes: # kept\n    pace: slow\n    version: 1.37.2\n    apiEndpoint: 192.0.2.1:6443\n  domain: d\n"
	for doc, want := range map[string]string{
		plan: slow,
		slow: slow,
		strings.Replace(slow, "slow", "normal", 1): strings.Replace(slow, "slow", "normal", 1),
	} {
		got, err := Slow([]byte(doc))
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for _, doc := range []string{"", "spec: {}\n", "spec:\n  kubernetes: {version: 1.37.2}\n"} {
		if got, err := Slow([]byte(doc)); err == nil {
			t.Errorf("%q became %q", doc, got)
		}
	}
}

// The shipped plan can be slowed: the lab does it on every emulated rack.
func TestSlowExample(t *testing.T) {
	doc, err := os.ReadFile("../../docs/examples/k8c1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err = Slow(doc)
	if err != nil {
		t.Fatal(err)
	}
	p, report := plan.Parse(doc)
	if err := report.Err(); err != nil || p.Spec.Kubernetes.Pace != plan.Slow {
		t.Errorf("pace %q, %v", p.Spec.Kubernetes.Pace, err)
	}
}

func TestTopologyRefusesLegs(t *testing.T) {
	top := example(t, 1)
	p := top.Plan
	p.Spec.Bond.Legs = []string{"eno1", "ens2"}
	if _, err := NewTopology(p); err == nil || !strings.Contains(err.Error(), `"ens2"`) {
		t.Errorf("a leg that no card can be called: %v", err)
	}
	p = top.Plan
	p.Spec.Nodes[0].MACs = p.Spec.Nodes[0].MACs[:1]
	if _, err := NewTopology(p); err == nil || !strings.Contains(err.Error(), "k8c1m0") {
		t.Errorf("a leg without an address: %v", err)
	}
}
