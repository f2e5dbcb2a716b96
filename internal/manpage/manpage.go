// SPDX-License-Identifier: Apache-2.0

// Package manpage keeps the manual pages in docs/man, which the packages ship,
// as the commands' own --help is. The generator is linked into tests alone.
package manpage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/nodeprep/nodeprep/internal/golden"
)

// Check compares the pages of root and its commands with those in dir, or with
// -update writes them there.
func Check(t *testing.T, root *cobra.Command, dir string) {
	t.Helper()
	if golden.Updating() {
		remove(t, dir, root.Name()) // with it the pages of commands that are gone
		generate(t, root, dir)
	}
	fresh := t.TempDir()
	generate(t, root, fresh)
	want, have := pages(t, fresh, root.Name()), pages(t, dir, root.Name())
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("%s is not what --help says; run: go test ./cmd/... -update (-help +page):\n%s", dir, diff)
	}
	sayAll(t, root, want)
}

// sayAll holds that a page has all that its command's help has. The generator
// takes help for Markdown, which drops what looks like a tag, such as the
// "</dev" of a redirection, and makes a list of lines that begin with a sign.
func sayAll(t *testing.T, cmd *cobra.Command, pages map[string]string) {
	t.Helper()
	for _, sub := range cmd.Commands() {
		sayAll(t, sub, pages)
	}
	page, ok := pages[strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".8"]
	if cmd.Long == "" || !ok {
		return
	}
	for line := range strings.Lines(cmd.Long) {
		if strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "    ") {
			t.Errorf("%s: a manual page folds a line that is less than four blanks in: %q", cmd.CommandPath(), line)
		}
	}
	if diff := cmp.Diff(strings.Fields(cmd.Long), description(page)); diff != "" {
		t.Errorf("%s: its manual page loses words of its help (-help +page):\n%s", cmd.CommandPath(), diff)
	}
}

// description are the words of a page's description, without what formats them.
func description(page string) []string {
	_, page, _ = strings.Cut(page, ".SH DESCRIPTION\n")
	page, _, _ = strings.Cut(page, "\n.SH ")
	// The generator's words for signs that roff takes for its own.
	plain := strings.NewReplacer(`\-`, "-", `\&`, "", `\\`, `\`, `\fB`, "", `\fI`, "", `\fP`, "", `\fR`, "")
	var words []string
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, ".") {
			words = append(words, strings.Fields(plain.Replace(line))...)
		}
	}
	return words
}

func generate(t *testing.T, root *cobra.Command, dir string) {
	t.Helper()
	root.DisableAutoGenTag = true // else the page names its day
	date := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	header := &doc.GenManHeader{Section: "8", Source: "nodeprep", Manual: "System administration", Date: &date}
	if err := doc.GenManTree(root, header, dir); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, dir, program string) {
	t.Helper()
	for name := range pages(t, dir, program) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// pages returns what is in dir of a program's pages, by file name.
func pages(t *testing.T, dir, program string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, program+"*.8"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[filepath.Base(path)] = string(text)
	}
	return found
}
