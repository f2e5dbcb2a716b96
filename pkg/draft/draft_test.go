// SPDX-License-Identifier: Apache-2.0

package draft_test

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/draft"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

const example = "../../docs/examples/k8c1.yaml"

// What is written is what was read: nothing is lost on the way.
func TestRoundTrip(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	want, report := plan.Parse(text)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	out, err := draft.Draft{Plan: want}.YAML()
	if err != nil {
		t.Fatal(err)
	}
	got, report := plan.Parse([]byte(out))
	if err := report.Err(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if diff := cmp.Diff(want, got, all()); diff != "" {
		t.Errorf("after a round trip (-want +got):\n%s", diff)
	}
	values, err := draft.Values(want)
	if err != nil {
		t.Fatal(err)
	}
	asValues, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ = plan.Parse(asValues); !cmp.Equal(want, got, all()) {
		t.Errorf("the values are another plan:\n%s", asValues)
	}
}

func TestNotes(t *testing.T) {
	d := draft.Draft{
		Title: []string{"A title", "of two lines"},
		Plan: plan.Plan{Kind: "ClusterPlan", Spec: plan.Spec{
			Domain: "null",
			Bond:   plan.Bond{Name: "b\xff\x1b", Legs: []string{"eno1", "1e3"}},
			Nodes:  []plan.Node{{Name: "k8c1m0", MACs: []plan.MAC{"00:00:5e:00:53:01"}, Ports: []plan.Port{{Leaf: "leaf201", ID: "1/3"}}}},
		}},
	}
	d.Above("spec.bond", "", "The legs of a\nbond")
	d.Beside("spec.bond.legs", "in their order")
	d.Beside("spec.domain", "for \x1b[31mnobody\u009b1m\u2028")
	d.Todo("spec.kubernetes.version", "a release")
	d.Above("spec.nodes[0]", "the first")
	d.Todo("spec.nodes[0].role", "control-plane or worker")
	d.Above("spec.services", "not written")
	const want = `# A title
# of two lines

kind: ClusterPlan
spec:
  domain: "null" # for ?[31mnobody?1m?

  # The legs of a?bond
  bond:
    name: "b?\e"
    legs: [eno1, "1e3"] # in their order
  kubernetes:
    version: # TODO a release
  nodes:
    # the first
    - name: k8c1m0
      role: # TODO control-plane or worker
      macs: ["00:00:5e:00:53:01"]
      ports: ["leaf201:1/3"]
`
	got, err := d.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// all has values compared with their unexported fields: addresses have no others.
func all() cmp.Option { return cmp.Exporter(func(reflect.Type) bool { return true }) }
