// SPDX-License-Identifier: Apache-2.0

package architecture_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// distributions are those by which README, setup and the support page call
// what somebody may want to run this on.
var distributions = regexp.MustCompile(`Debian|Ubuntu|Enterprise Linux|Fedora|Rocky|Alma|CentOS|openSUSE|RHEL`)

// rows are the tables' rows of a page, by their first cell.
func rows(page string) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "|") || len(cells) < 2 {
			continue
		}
		first := strings.TrimSpace(cells[0])
		out[first] = append(out[first], strings.TrimSpace(strings.Join(cells[1:], "|")))
	}
	return out
}

// ran are the distributions in which the page says that something ran.
func ran(t *testing.T) []string {
	t.Helper()
	var names []string
	for first, rest := range rows(read(t, filepath.Join(root, "docs/support.md"))) {
		name := distributions.FindString(first)
		if name != "" && slices.ContainsFunc(rest, func(r string) bool { return !strings.Contains(r, "nothing: ") }) {
			names = append(names, name)
		}
	}
	return names
}

// What CI runs on is what the lab's guests and the machine of make test are.
func TestSupportPageNamesWhatCIRuns(t *testing.T) {
	suite := firstGroups(`(?m)^const Suite = "(\w+)"$`, read(t, filepath.Join(root, "lab/debian/debian.go")))
	if len(suite) != 1 {
		t.Fatalf("lab/debian has the suites %q, want one", suite)
	}
	for _, row := range rows(read(t, filepath.Join(root, "docs/support.md")))["Debian"] {
		if !strings.Contains(row, "12 ("+suite[0]+")") {
			t.Errorf("docs/support.md says Debian %s; the lab's hosts are %s", row, suite[0])
		}
	}
	if got := ran(t); !slices.Equal(got, []string{"Debian"}) {
		t.Errorf("docs/support.md says that something ran on %q; CI runs Debian alone", got)
	}
}

// README claims no distribution in which nothing ran.
func TestReadmeClaimsWhatRan(t *testing.T) {
	have := ran(t)
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "scripts/setup"} {
		for n, line := range strings.Split(read(t, filepath.Join(root, name)), "\n") {
			for _, claimed := range distributions.FindAllString(line, -1) {
				if !slices.Contains(have, claimed) && !strings.Contains(line, "nothing has run") {
					t.Errorf("%s:%d names %s without saying that nothing has run there: %s", name, n+1, claimed, line)
				}
			}
		}
	}
}
