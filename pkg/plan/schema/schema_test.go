// SPDX-License-Identifier: Apache-2.0

package schema_test

import (
	"os"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/schema"
	"github.com/nodeprep/nodeprep/pkg/plan/schema/internal/generate"
)

const again = "run `go test ./pkg/plan/schema -update` and read the difference"

func generated(t *testing.T) (*generate.Schema, []byte) {
	t.Helper()
	s, err := generate.New("..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	return s, text
}

// A version that was published only grows. To change it otherwise, bump
// plan.APIVersion: that makes another file, and this one stays.
func TestSchema(t *testing.T) {
	_, text := generated(t)
	file := "clusterplan." + path.Base(plan.APIVersion) + ".json"
	if published, err := os.ReadFile(file); err == nil && len(published) > 0 {
		found, err := generate.Incompatible(published, text)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 {
			t.Fatalf("%s is published, and these changes would break plans of it; bump plan.APIVersion, or leave them out:\n  %s",
				plan.APIVersion, strings.Join(found, "\n  "))
		}
	}
	golden.Check(t, file, text)
}

func TestThePublishedSchemaIsOfThisVersion(t *testing.T) {
	_, text := generated(t)
	if diff := cmp.Diff(string(text), string(schema.JSON())); diff != "" {
		t.Errorf("schema.JSON is not what the types say (-generated +embedded); %s, and see which file schema.go embeds:\n%s", again, diff)
	}
}

func TestPage(t *testing.T) {
	s, _ := generated(t)
	var examples [2][]byte
	for i, name := range []string{"minimal", "racks"} {
		text, err := os.ReadFile("../../../docs/examples/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		examples[i] = text
	}
	text, err := generate.Page(s, examples[0], examples[1])
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "../../../docs/plan.md", text)
}
