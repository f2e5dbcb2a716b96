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
	d.Beside("spec.bond", "a mapping")
	const want = `# A title
# of two lines

kind: ClusterPlan
spec:
  domain: "null" # for ?[31mnobody?1m?

  # The legs of a?bond
  bond: # a mapping
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

// A program reads numbers as numbers and truths as truths.
func TestValuesHaveTypes(t *testing.T) {
	values, err := draft.Values(plan.Plan{Kind: "ClusterPlan", Spec: plan.Spec{Domain: "7", Bond: plan.Bond{MTU: 9000, Legs: []string{"eno1"}}, Fabric: plan.Fabric{DefaultRoute: true}}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"kind": "ClusterPlan", "spec": map[string]any{
		"domain": "7", "bond": map[string]any{"mtu": json.Number("9000"), "legs": []any{"eno1"}}, "fabric": map[string]any{"defaultRoute": true},
	}}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a list's item lacks is asked for within the list.
func TestTodoWithinAList(t *testing.T) {
	d := draft.Draft{Plan: plan.Plan{Spec: plan.Spec{Racks: []plan.Rack{{Name: "a"}, {Name: "b"}}}}}
	d.Todo("spec.racks[1].nodeNetwork.vlan", "a number")
	const want = "spec:\n  racks:\n    - name: a\n    - name: b\n      nodeNetwork:\n        vlan: # TODO a number\n"
	if got, err := d.YAML(); err != nil || got != want {
		t.Errorf("%v (-want +got):\n%s", err, cmp.Diff(want, got))
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"a ~\u00a0ü": "a ~\u00a0ü", "\x00\x1f\x7f\u0080\u009f": "?????", "\u2028\u2029\ufeff\ufffd\xff": "?????", "\u2027\u202a": "\u2027\u202a", "\n\t": "??",
	} {
		if got := draft.Printable(text); got != want {
			t.Errorf("%q is printed as %q, want %q", text, got, want)
		}
	}
}

// all has values compared with their unexported fields: addresses have no others.
func all() cmp.Option { return cmp.Exporter(func(reflect.Type) bool { return true }) }
