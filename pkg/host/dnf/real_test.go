// SPDX-License-Identifier: Apache-2.0

//go:build packages

// These tests need root and the programs dnf, rpm, rpmbuild and createrepo_c.

package dnf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := command.Run(t.Context(), command.New(name, args...))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// publish builds packages, "name-version", and makes the folder's metadata anew.
func publish(t *testing.T, folder string, packages ...string) {
	t.Helper()
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "-")
		spec := filepath.Join(t.TempDir(), p+".spec")
		text := fmt.Sprintf("Name: %s\nVersion: %s\nRelease: 1\nSummary: s\nLicense: x\nBuildArch: noarch\n%%description\nd\n%%files\n", name, version)
		if err := os.WriteFile(spec, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		must(t, "rpmbuild", "-bb", "--quiet", "--define", "_topdir "+t.TempDir(), "--define", "_rpmdir "+folder, spec)
	}
	must(t, "createrepo_c", "--quiet", folder)
}

// tree is an installroot of its own, with the folder's repository in it.
func tree(t *testing.T, folder string) string {
	t.Helper()
	root := t.TempDir()
	// Repo looks for the folder inside the root, and follows no link out of it;
	// dnf looks for its URL outside.
	metadata := filepath.Join(root, folder, "repodata")
	if err := os.MkdirAll(metadata, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(metadata, "repomd.xml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		apply(t, Repo{Root: rooted.Root(root), ID: "nodeprep", Folder: folder, Pinned: []string{"kubelet"}}.Plan)
	}
	return root
}

func apply(t *testing.T, plan func(context.Context) ([]phase.Change, error)) int {
	t.Helper()
	r := phase.Runner{Now: time.Now, Report: func(phase.Event) {}}
	res, err := r.Run(t.Context(), []phase.Phase{{Name: "packages", Plan: plan}})
	if err != nil {
		t.Fatal(err)
	}
	return res.Changes
}

func TestRealTransactions(t *testing.T) {
	folder := t.TempDir()
	publish(t, folder, "kubelet-1.36.0", "kubelet-1.37.2", "containerd.io-2.4.2")
	root := tree(t, folder)
	reloads := 0
	want := func(version string) Packages {
		return Packages{
			Run: command.Run, Installroot: root, Unpin: []string{"nodeprep"},
			Want:   []Package{{"kubelet", version}, {"containerd.io", ""}},
			Reload: func(context.Context) error { reloads++; return nil },
		}
	}
	have := func() string {
		return must(t, "rpm", "--root", root, "-qa", "--qf", "%{NAME}-%{VERSION} ", "kubelet", "containerd.io")
	}
	for _, step := range []struct{ version, publish, name string }{
		{version: "1.36.0", name: "install"},
		{version: "1.37.2", name: "upgrade"},
		{version: "1.36.0", name: "downgrade"},
		{version: "1.38.0", publish: "kubelet-1.38.0", name: "a package that came into the folder since"},
	} {
		if step.publish != "" {
			publish(t, folder, step.publish)
			// dnf counts the age of what it read in whole seconds, and reads
			// again when that is above metadata_expire=1 (libdnf 0.69).
			time.Sleep(2100 * time.Millisecond)
		}
		before := reloads
		if n := apply(t, want(step.version).Plan); n != 1 || reloads != before+1 {
			t.Errorf("%s: %d changes, %d reloads", step.name, n, reloads-before)
		}
		if n := apply(t, want(step.version).Plan); n != 0 {
			t.Errorf("%s: a second run makes %d changes", step.name, n)
		}
		if got := have(); !strings.Contains(got, "kubelet-"+step.version+" ") || !strings.Contains(got, "containerd.io-2.4.2 ") {
			t.Errorf("%s: installed are %s", step.name, got)
		}
	}
}

// A plain upgrade leaves what the plan has pinned alone.
func TestPinnedPackagesStay(t *testing.T) {
	folder := t.TempDir()
	publish(t, folder, "kubelet-1.37.2", "kubelet-1.38.0", "other-1", "other-2")
	root := tree(t, folder)
	apply(t, Packages{
		Run: command.Run, Installroot: root, Unpin: []string{"nodeprep"}, Want: []Package{{"kubelet", "1.37.2"}, {"other", "1"}},
		Reload: func(context.Context) error { return nil },
	}.Plan)
	must(t, "dnf", "-y", "--installroot="+root, "upgrade")
	got := must(t, "rpm", "--root", root, "-qa", "--qf", "%{NAME}-%{VERSION}\n", "kubelet", "other")
	if !strings.Contains(got, "kubelet-1.37.2\n") || !strings.Contains(got, "other-2\n") {
		t.Errorf("after dnf upgrade: %s", got)
	}
}

func TestPackageThatCannotBeHad(t *testing.T) {
	folder := t.TempDir()
	publish(t, folder, "kubelet-1.37.2")
	p := Packages{Run: command.Run, Installroot: tree(t, folder), Want: []Package{{"kubelet", "1.99.0"}}, Unpin: []string{"nodeprep"}}
	changes, err := p.Plan(t.Context())
	if err != nil || len(changes) != 1 {
		t.Fatal(changes, err)
	}
	err = changes[0].Do(t.Context())
	var failed *command.Error
	if !errors.As(err, &failed) || failed.ExitCode() != 1 || !strings.Contains(err.Error(), "kubelet-1.99.0") {
		t.Errorf("got %v", err)
	}
}
