// SPDX-License-Identifier: Apache-2.0

package imported_test

import (
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/draft/imported"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/yamldoc"
)

// Whatever is in the files, what comes out is one document that Parse reads to
// its end: what it finds wrong are values, not the form.
func fuzz(f *testing.F, name string, seeds func(imported.File) bool) {
	for _, file := range byHand(f) {
		if seeds(file) {
			f.Add(string(file.Content))
		}
	}
	f.Fuzz(func(t *testing.T, content string) {
		r := imported.Plan([]imported.File{{Name: name, Content: []byte(content)}}, hints())
		out := text(t, r)
		var p plan.Plan
		for _, problem := range yamldoc.Decode([]byte(out), &p) {
			if problem.Path == "" || strings.Contains(problem.Message, "unknown field") {
				t.Errorf("%s\n%s", problem, out)
			}
		}
	})
}

func FuzzIfcfg(f *testing.F) {
	f.Add("VLAN=yes\nDEVICE=\xff\x1b.1\nDOMAIN=\x00\n")
	fuzz(f, "a/ifcfg-bond0.1500", func(file imported.File) bool { return strings.Contains(file.Name, "ifcfg") })
}

func FuzzObjects(f *testing.F) {
	f.Add("apiVersion: projectcalico.org/v3\nkind: NodeList\nitems: &a [*a, {<<: *a}]\n")
	fuzz(f, "objects.yaml", func(file imported.File) bool { return strings.HasSuffix(file.Name, ".yaml") })
}
