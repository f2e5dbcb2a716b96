// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/phase"
)

// machine is a root that holds the given files.
func machine(t *testing.T, files map[string]string) Root {
	t.Helper()
	root := Root(t.TempDir())
	for name, content := range files {
		put(t, root, name, content)
	}
	return root
}

func put(t *testing.T, root Root, name, content string) {
	t.Helper()
	path := root.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, root Root, name string) string {
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

func TestWrite(t *testing.T) {
	root := machine(t, nil)
	for _, text := range []string{"one", "two"} {
		if err := root.Write("/etc/new/file.conf", text, 0o640); err != nil {
			t.Fatal(err)
		}
		wantText(t, "content", text, content(t, root, "/etc/new/file.conf"))
	}
	info, err := os.Stat(root.Path("/etc/new/file.conf"))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(root.Path("/etc/new"))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestWriteFollowsLinksInsideTheRoot(t *testing.T) {
	for name, target := range map[string]string{"relative": "../selinux/config", "absolute": "/etc/selinux/config"} {
		t.Run(name, func(t *testing.T) {
			root := machine(t, map[string]string{"/etc/selinux/config": "old", "/etc/sysconfig/other": ""})
			if err := os.Symlink(target, root.Path("/etc/sysconfig/selinux")); err != nil {
				t.Fatal(err)
			}
			if err := root.Write("/etc/sysconfig/selinux", "new", 0o644); err != nil {
				t.Fatal(err)
			}
			wantText(t, "target", "new", content(t, root, "/etc/selinux/config"))
			if info, err := os.Lstat(root.Path("/etc/sysconfig/selinux")); err != nil || info.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("the link was replaced: %v, %v", info, err)
			}
		})
	}
}

func TestLinkLoopIsAnError(t *testing.T) {
	root := machine(t, nil)
	if err := os.Symlink("loop", root.Path("/loop")); err != nil {
		t.Fatal(err)
	}
	if err := root.Write("/loop", "x", 0o644); err == nil {
		t.Error("wrote through a loop")
	}
}

func TestFile(t *testing.T) {
	tests := []struct{ name, have, want string }{
		{name: "absent", want: "/etc/f: absent -> as planned\n"},
		{name: "other", have: "x", want: "/etc/f: other content -> as planned\n"},
		{name: "mode", have: "text", want: "/etc/f: mode 0644 -> as planned\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := machine(t, nil)
			if tt.have != "" {
				put(t, root, "/etc/f", tt.have)
			}
			wantText(t, "changes", tt.want, converge(t, File{root, "/etc/f", "text", 0o600}.Plan))
			wantText(t, "content", "text", content(t, root, "/etc/f"))
		})
	}
}
