// SPDX-License-Identifier: Apache-2.0

package leaf_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nodeprep/nodeprep/pkg/fabric/leaf"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// named is the shipped plan with these names in it, unchecked by Parse.
func named(t *testing.T, cluster, domain, switchName, node, port string) plan.Plan {
	p := example(t)
	p.Metadata.Name, p.Spec.Domain = cluster, domain
	p.Spec.Fabric.Leaves[0].Name = switchName
	p.Spec.Nodes[0].Name = node
	for i := range p.Spec.Nodes {
		p.Spec.Nodes[i].Ports[0].Leaf = switchName
	}
	p.Spec.Nodes[0].Ports[0].ID = port
	return p
}

// Whatever the names are, the lines begin with the words that they begin with
// for harmless names, or there are none.
func FuzzNames(f *testing.F) {
	f.Add("k8c1", "example.net", "leaf201", "k8c1m0", "1/3")
	f.Add("k8c1\nno router bgp 65000", "a\r\nb", "leaf201\nhostname x", "m0\" ;\n}", "1/3\nshutdown")
	f.Add("k8c1", "net\nneighbor 10.0.0.1 remote-as 1\v\f\u2028", "leaf201", "k8c1m0", "1/3")
	f.Add("k8c1", `net"; } protocol static { route 0.0.0.0/0 unreachable; } #`, "leaf201", "k8c1m0", "101/1/3")
	f.Add("k8c1", "\x00\xff\xfe\\\"", "leaf201", "k8c1m0", "1/3 1/4")
	f.Fuzz(func(t *testing.T, cluster, domain, switchName, node, port string) {
		p := named(t, cluster, domain, switchName, node, port)
		benign := named(t, "k8c1", "example.net", "leaf201", "k8c1m0", "1/3")
		for name, platform := range platforms() {
			got, err := platform.emit(p, switchName)
			if err != nil {
				continue
			}
			want, err := platform.emit(benign, "leaf201")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(verbs(t, want), verbs(t, got)); diff != "" {
				t.Errorf("%s: other lines than with harmless names (-want +got):\n%s", name, diff)
			}
		}
		sameTables(t, p, benign, switchName)
	})
}

// verbs are the first words of all lines; none may hide a control character.
func verbs(t *testing.T, text []byte) []string {
	t.Helper()
	var first []string
	for line := range strings.Lines(string(text)) {
		for _, r := range strings.TrimSuffix(line, "\n") {
			if r < ' ' || r > '~' {
				t.Errorf("%q has the character %q", line, r)
			}
		}
		verb, _, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
		first = append(first, verb)
	}
	return first
}

func sameTables(t *testing.T, p, benign plan.Plan, switchName string) {
	t.Helper()
	got, err := leaf.SONiC(p, switchName)
	if err != nil {
		return
	}
	want, err := leaf.SONiC(benign, "leaf201")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tables(t, want), tables(t, got)); diff != "" {
		t.Errorf("sonic: other tables than with harmless names (-want +got):\n%s", diff)
	}
}

func tables(t *testing.T, text []byte) []string {
	t.Helper()
	var db map[string]map[string]map[string]any
	if err := json.Unmarshal(text, &db); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return slices.Sorted(maps.Keys(db))
}
