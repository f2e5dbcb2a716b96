// SPDX-License-Identifier: Apache-2.0

package architecture_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// commandsOf are the calls of a program by its manual pages, which are written
// from what it really has: "joinsvc token create" has joinsvc-token-create.8.
func commandsOf(t *testing.T, program string) map[string]string {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(root, "docs/man", program+"*.8"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("%s has no manual page (error %v)", program, err)
	}
	commands := map[string]string{}
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".8")
		commands[strings.ReplaceAll(name, "-", " ")] = read(t, page)
	}
	return commands
}

// calls are what a text tells people to type: at the start of a line of a code
// block, with or without a prompt, or after a backquote.
func calls(text string) [][]string {
	var out [][]string
	for _, call := range firstGroups("(?m)(?:^(?:    )*(?:\\$ )?|`|sudo |&& )((?:joinsvc|nodeprep)(?: [^\n`|>&#;]*)?)", text) {
		words := strings.Fields(call)
		if words[0] == "joinsvc" || words[0] == "nodeprep" {
			out = append(out, words)
		}
	}
	return out
}

var (
	word = regexp.MustCompile(`^[a-z]+$`)
	flag = regexp.MustCompile(`^--[a-zA-Z][a-zA-Z-]*`)
)

// wrong says what of a call its program does not have, empty for nothing. A
// sentence that begins with a program's name is no call.
func wrong(commands map[string]string, words []string) string {
	name, rest := words[0], words[1:]
	for len(rest) > 0 {
		if _, ok := commands[name+" "+rest[0]]; !ok {
			break
		}
		name, rest = name+" "+rest[0], rest[1:]
	}
	group := false
	for other := range commands {
		group = group || strings.HasPrefix(other, name+" ")
	}
	if group && len(rest) > 0 && word.MatchString(rest[0]) && rest[0] != "help" && rest[0] != "completion" {
		return "command " + name + " " + rest[0]
	}
	for _, w := range rest {
		f := flag.FindString(strings.Trim(w, "[]"))
		page := strings.ReplaceAll(commands[name], `\-`, "-")
		if f != "" && f != "--help" && !strings.Contains(page, `\fB`+f+`\fP`) {
			return "flag " + f + " of " + name
		}
	}
	return ""
}

func TestDocumentsNameCommandsThatExist(t *testing.T) {
	commands := commandsOf(t, "joinsvc")
	for name, page := range commandsOf(t, "nodeprep") {
		commands[name] = page
	}
	named := 0
	for path, text := range documents(t) {
		if strings.Contains(path, "/adr/") { // records are of their time
			continue
		}
		for _, words := range calls(code(text)) {
			named++
			if what := wrong(commands, words); what != "" {
				t.Errorf("%s says %q, and there is no %s", path, strings.Join(words, " "), what)
			}
		}
	}
	if named < 60 {
		t.Errorf("only %d calls were found in the documents, so the search is broken", named)
	}
}

// What an error advises can be typed, and so can the examples of --help.
func TestProgramsNameCommandsThatExist(t *testing.T) {
	commands := commandsOf(t, "joinsvc")
	for name, page := range commandsOf(t, "nodeprep") {
		commands[name] = page
	}
	named := 0
	for _, text := range productTexts(t, "cmd", "pkg") {
		for _, call := range firstGroups("(?m)(?:^  |[`‘])((?:joinsvc|nodeprep) [^\n`’|>;,]*)", text) {
			named++
			if what := wrong(commands, strings.Fields(call)); what != "" {
				t.Errorf("%q is said, and there is no %s", call, what)
			}
		}
	}
	if named < 60 {
		t.Errorf("only %d calls were found in the programs, so the search is broken", named)
	}
}

// code is what stands in a document's code: blocks as they are, and spans with
// their first backquote.
func code(text string) string {
	var out strings.Builder
	block := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			block = !block
			continue
		}
		if block {
			out.WriteString(strings.TrimLeft(line, " "))
			continue
		}
		for _, span := range firstGroups("(`[^`\n]+)`", line) {
			out.WriteString(span + "\n")
		}
	}
	return out.String()
}

func TestWrongCallsAreFound(t *testing.T) {
	commands := commandsOf(t, "joinsvc")
	for call, want := range map[string]string{
		"joinsvc":                            "",
		"joinsvc token create --uses 2":      "",
		"joinsvc token revoke":               "command joinsvc token revoke",
		"joinsvc nodes forget k8c1m0":        "command joinsvc nodes forget",
		"joinsvc token create --lifetime 1h": "flag --lifetime of joinsvc token create",
		"joinsvc render frr plan.yaml":       "",
		"joinsvc init reopen k8c1m0":         "",
		"joinsvc staus":                      "command joinsvc staus",
	} {
		if got := wrong(commands, strings.Fields(call)); got != want {
			t.Errorf("%s: %q, want %q", call, got, want)
		}
	}
}
