// SPDX-License-Identifier: Apache-2.0

package leafconf

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// title is the line that leaf.All puts above each leaf.
var title = regexp.MustCompile(`(?m)^[!#] ([a-z0-9-]+)\n`)

// leaves are the configurations in the files that the emitters' own tests
// compare with, by file and leaf.
func leaves(t *testing.T, extension string) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../pkg/fabric/leaf/testdata/*." + extension)
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d files, error %v", len(files), err)
	}
	configs := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names, bodies := title.FindAllStringSubmatch(string(text), -1), title.Split(string(text), -1)
		if len(names) < 2 || bodies[0] != "" {
			t.Fatalf("%s does not begin with a leaf, or has but one", file)
		}
		for i, name := range names {
			configs[filepath.Base(file)+"/"+name[1]] = bodies[i+1]
		}
	}
	return configs
}

// accepted runs the parser on every leaf and on the same with a wrong line,
// which it has to refuse: a parser that takes everything proves nothing.
func accepted(t *testing.T, extension, wrong string, parser ...string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "leaf.conf")
	read := func(text string) (string, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(parser[0], append(parser[1:], path)...).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	if _, err := exec.LookPath(parser[0]); err != nil {
		t.Fatalf("%v; `scripts/setup test` installs it on Debian", err)
	}
	for name, text := range leaves(t, extension) {
		if out, err := read(text); err != nil {
			t.Errorf("%s: %s: %v", name, out, err)
		}
		if _, err := read(text + wrong); err == nil {
			t.Errorf("%s: with the wrong line %q it is accepted as well", name, wrong)
		}
	}
}

// `bgpd -C` accepts lines that it then ignores, `vtysh -C` does not.
func TestFRR(t *testing.T) {
	accepted(t, "frr", "router bgp 65000\n maximum-pathz 3\n", "vtysh", "-C", "-f")
}

func TestBIRD(t *testing.T) {
	accepted(t, "bird", "rooter id 192.0.2.1;\n", "bird", "-p", "-c")
}
