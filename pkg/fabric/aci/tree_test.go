// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

var update = flag.Bool("update", false, "write testdata/ from what the code says now")

func parse(t testing.TB, doc string) plan.Plan {
	t.Helper()
	p, report := plan.Parse([]byte(doc))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

// k8c1 is the shipped plan, with texts replaced by others: old, new, old, new.
func k8c1(t testing.TB, replace ...string) plan.Plan {
	t.Helper()
	doc, err := os.ReadFile("../../../docs/examples/k8c1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(doc)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("the plan has no %q", replace[i])
		}
		text = strings.ReplaceAll(text, replace[i], replace[i+1])
	}
	return parse(t, text)
}

func tree(t testing.TB, p plan.Plan, c Cabling) *Object {
	t.Helper()
	root, err := Tree(p, c)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestX(t *testing.T) {
	root := tree(t, k8c1(t), nil)
	n := 0
	root.Walk(func(dn string, o *Object) { if o.Owned() { n++ } })
	t.Log(n)
	j, err := JSON(root); if err != nil { t.Fatal(err) }
	golden(t, "k8c1.json", j)
	j, err = Terraform(root); if err != nil { t.Fatal(err) }
	golden(t, "k8c1.tf", j)
}
