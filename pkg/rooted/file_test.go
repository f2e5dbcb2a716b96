// SPDX-License-Identifier: Apache-2.0

package rooted

import (
	"os"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/phase"
)

// converge makes the changes, expects none to be left, and shows them a line each.
func converge(t *testing.T, files ...File) string {
	t.Helper()
	changes, err := PlanFiles(t.Context(), files...)
	must(t, err)
	for _, c := range changes {
		must(t, c.Do(t.Context()))
	}
	left, err := PlanFiles(t.Context(), files...)
	if err != nil || len(left) > 0 {
		t.Errorf("after applying, this is left: %v, %v", left, err)
	}
	return lines(changes)
}

func lines(changes []phase.Change) string {
	var b strings.Builder
	for _, c := range changes {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

func TestFile(t *testing.T) {
	tests := []struct{ name, have, want string }{
		{name: "absent", want: "/etc/f: absent -> as planned\n"},
		{name: "other", have: "x", want: "/etc/f: other content -> as planned\n"},
		{name: "mode", have: "text", want: "/etc/f: mode 0644 -> as planned\n"},
	}
	for _, tt := range tests {
		for _, inPlace := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				root := machine(t, nil)
				if tt.have != "" {
					put(t, root, "/etc/f", tt.have)
				}
				if got := converge(t, File{Root: root, Name: "/etc/f", Content: "text", Mode: 0o600, InPlace: inPlace}); got != tt.want {
					t.Errorf("changes are %q, want %q", got, tt.want)
				}
				wantContent(t, root, "/etc/f", "text")
				wantMode(t, root, "/etc/f", 0o600)
			})
		}
	}
}

func TestFileThatIsALink(t *testing.T) {
	root := machine(t, map[string]string{"/etc/f": "text"})
	link(t, root, "f", "/etc/link")
	followed := File{Root: root, Name: "/etc/link", Content: "text", Mode: 0o644}
	if got := converge(t, followed); got != "" {
		t.Errorf("changes are %q though the link leads to the content", got)
	}
	other := followed
	other.Content = "other"
	if got, want := converge(t, other), "/etc/link: other content -> as planned\n"; got != want {
		t.Errorf("changes are %q, want %q", got, want)
	}
	wantLink(t, root, "/etc/link", "f")
	wantContent(t, root, "/etc/f", "other")
	inPlace := followed
	inPlace.InPlace = true
	if got, want := converge(t, inPlace), "/etc/link: symlink to f -> as planned\n"; got != want {
		t.Errorf("changes are %q, want %q", got, want)
	}
	if info, err := os.Lstat(root.Path("/etc/link")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the link is still there: %v, %v", info, err)
	}
}

// Planning reads; only Do writes.
func TestPlanFilesWritesNothing(t *testing.T) {
	root := machine(t, map[string]string{"/etc/a": "old"})
	changes, err := PlanFiles(t.Context(),
		File{Root: root, Name: "/etc/a", Content: "new", Mode: 0o644},
		File{Root: root, Name: "/etc/b", Content: "new", Mode: 0o644})
	must(t, err)
	if got, want := lines(changes), "/etc/a: other content -> as planned\n/etc/b: absent -> as planned\n"; got != want {
		t.Errorf("changes are %q, want %q", got, want)
	}
	wantContent(t, root, "/etc/a", "old")
	if root.Exists("/etc/b") {
		t.Error("/etc/b was made")
	}
	put(t, root, "/etc/d/f", "")
	if _, err := PlanFiles(t.Context(), File{Root: root, Name: "/etc/d"}, File{Root: root, Name: "/etc/a"}); err == nil {
		t.Error("a folder in the place of a file is no error")
	}
}
