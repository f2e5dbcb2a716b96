// SPDX-License-Identifier: Apache-2.0

package architecture_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// documents are those that tell people what to type and where to look.
func documents(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s matches no document (error %v)", pattern, err)
		}
		for _, path := range paths {
			docs[path] = read(t, path)
		}
	}
	return docs
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func firstGroups(pattern, text string) []string {
	var out []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

func TestDocumentsNameTargetsThatExist(t *testing.T) {
	targets := firstGroups(`(?m)^([a-z]+):`, read(t, filepath.Join(root, "Makefile")))
	named := 0
	for path, text := range documents(t) {
		// Targets stand in code: at a line's start or after a backquote.
		for _, target := range firstGroups("(?m)(?:^|`)make ([a-z]+)", text) {
			named++
			if !slices.Contains(targets, target) {
				t.Errorf("%s names `make %s`; the Makefile has %s", path, target, strings.Join(targets, ", "))
			}
		}
	}
	if named < 5 {
		t.Errorf("only %d targets were found in the documents, so the search is broken", named)
	}
}

func TestDocumentsLinkToFilesThatExist(t *testing.T) {
	for path, text := range documents(t) {
		for _, link := range firstGroups(`\]\(([^)#]+)\)`, text) {
			if strings.Contains(link, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), link)); err != nil {
				t.Errorf("%s links to nothing: %v", path, err)
			}
		}
	}
}

// anchors are the headings of a page as a link names them.
func anchors(page string) (all []string) {
	marks := regexp.MustCompile(`[^\w\- ]`)
	for _, heading := range firstGroups(`(?m)^#+ (.+)$`, page) {
		all = append(all, strings.ReplaceAll(marks.ReplaceAllString(strings.ToLower(heading), ""), " ", "-"))
	}
	return all
}

// What to do stands under a heading, which is renamed sooner than its file.
func TestDocumentsLinkToHeadingsThatExist(t *testing.T) {
	docs, linked := documents(t), 0
	for path, text := range docs {
		for _, m := range regexp.MustCompile(`\]\(([^)#:]*)#([^)]+)\)`).FindAllStringSubmatch(text, -1) {
			linked++
			page := path
			if m[1] != "" {
				page = filepath.Join(filepath.Dir(path), m[1])
			}
			if !slices.Contains(anchors(docs[page]), m[2]) {
				t.Errorf("%s links to %s, which has no heading %q", path, page, m[2])
			}
		}
	}
	if linked < 30 {
		t.Errorf("only %d such links were found, so the search is broken", linked)
	}
}

// Who has to undo what nodeprep did, or wonders where a setting comes from, looks
// for its files on the page of hosts.
func TestThePageOfHostsNamesEveryFile(t *testing.T) {
	page, files := read(t, filepath.Join(root, "docs/hosts.md")), 0
	for _, text := range productTexts(t, "pkg/host", "pkg/netcfg") {
		only := text == "/etc/sysctl.conf" // looked into
		if only || !regexp.MustCompile(`^/etc/\S+[^/]$`).MatchString(text) {
			continue
		}
		files++
		if !strings.Contains(page, "`"+text+"`") {
			t.Errorf("docs/hosts.md does not name %s", text)
		}
	}
	if files < 8 {
		t.Errorf("only %d files were found in the code, so the search is broken", files)
	}
}

func TestEveryTargetIsPhony(t *testing.T) {
	makefile := read(t, filepath.Join(root, "Makefile"))
	phony := strings.Fields(firstGroups(`(?m)^\.PHONY: (.*)$`, makefile)[0])
	for _, target := range firstGroups(`(?m)^([a-z]+):`, makefile) {
		if !slices.Contains(phony, target) {
			t.Errorf("target %s is not .PHONY: a file of that name would hide it", target)
		}
	}
}

// The list of the records has each of them, by its title, in order.
func TestRecordsAreListed(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(root, "docs/adr/[0-9]*.md"))
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d records were found (error %v), so the search is broken", len(paths), err)
	}
	var want []string
	for _, path := range paths {
		title := firstGroups(`(?m)\A# (.+)$`, read(t, path))
		if len(title) != 1 {
			t.Fatalf("%s has no title", path)
		}
		want = append(want, fmt.Sprintf("- [%s](%s)", title[0], filepath.Base(path)))
	}
	if have := firstGroups(`(?m)^(- \[.*)$`, read(t, filepath.Join(root, "docs/adr/README.md"))); !slices.Equal(have, want) {
		t.Errorf("docs/adr/README.md lists\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

// Two branches that both add to the changelog leave an entry in it twice, or
// the end of one under another. No dozen words stand there twice.
func TestChangelogSaysNothingTwice(t *testing.T) {
	const dozen = 12
	words := strings.Fields(read(t, filepath.Join(root, "CHANGELOG.md")))
	if len(words) < 500 {
		t.Fatalf("the changelog has %d words, so the search is broken", len(words))
	}
	seen := map[string]bool{}
	for i := 0; i+dozen <= len(words); i++ {
		said := strings.Join(words[i:i+dozen], " ")
		if seen[said] {
			t.Errorf("CHANGELOG.md says twice: %s …", said)
			i += dozen - 1
		}
		seen[said] = true
	}
}
