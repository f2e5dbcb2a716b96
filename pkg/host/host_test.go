// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// machine is a root that holds the given files.
func machine(t *testing.T, files map[string]string) rooted.Root {
	t.Helper()
	root := rooted.Root(t.TempDir())
	for name, content := range files {
		put(t, root, name, content)
	}
	return root
}

func put(t *testing.T, root rooted.Root, name, content string) {
	t.Helper()
	path := root.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, root rooted.Root, name string) string {
	t.Helper()
	text, err := root.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type planner func(context.Context) ([]phase.Change, error)

// converge applies what plan wants through the real runner, which plans again
// and fails if anything is left, and then runs it once more: nothing may change.
// It returns the changes of the first run and the notes, one a line.
func converge(t *testing.T, plan planner) string {
	t.Helper()
	first := run(t, plan)
	second := run(t, plan)
	for line := range strings.Lines(second) {
		if !strings.HasPrefix(line, "note: ") {
			t.Errorf("a second run changes: %s", line)
		}
	}
	return first
}

func run(t *testing.T, plan planner) string {
	t.Helper()
	var seen strings.Builder
	r := phase.Runner{Now: fixedNow, Report: func(e phase.Event) {
		switch e.Kind {
		case phase.Applied:
			seen.WriteString(e.Change + "\n")
		case phase.Noted:
			seen.WriteString("note: " + e.Message + "\n")
		case phase.Started, phase.Planned, phase.Unknown, phase.Done, phase.Failed:
		}
	}}
	if _, err := r.Run(t.Context(), []phase.Phase{{Name: "test", Plan: plan}}); err != nil {
		t.Fatal(err)
	}
	return seen.String()
}

func wantText(t *testing.T, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func wantError(t *testing.T, plan planner, words ...string) {
	t.Helper()
	changes, err := plan(t.Context())
	if err == nil {
		t.Fatalf("no error, but changes %v", changes)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}
