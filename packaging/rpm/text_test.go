// SPDX-License-Identifier: Apache-2.0

// Package rpm tests what the packages ship: the texts here, and with the build
// tag packages the packages themselves.
package rpm

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The user is made before the package's own sysusers.d file is there, so the
// scriptlet repeats its line.
func TestScriptletMakesTheSameUser(t *testing.T) {
	line := func(name string) string {
		for l := range strings.Lines(read(t, name)) {
			if strings.HasPrefix(l, "u ") {
				return l
			}
		}
		return ""
	}
	want := line("joinsvc/joinsvc.sysusers")
	if diff := cmp.Diff(want, line("joinsvc/preinstall.sh")); diff != "" || want == "" {
		t.Errorf("lines (-sysusers.d +scriptlet):\n%s", diff)
	}
}

// systemd has to wait for longer than joinsvc does for its store, which bounds the
// start of etcd and the first upkeep by the same time: a start that is killed
// begins anew, for ever.
func TestTheUnitWaitsForTheStore(t *testing.T) {
	minutes := func(pattern, name string) int {
		m := regexp.MustCompile(pattern).FindStringSubmatch(read(t, name))
		if m == nil {
			t.Fatalf("%s has no %s", name, pattern)
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	store := minutes(`(?m)^const startTimeout = (\d+) \* time\.Minute$`, "../../pkg/join/etcd/embedded.go")
	if unit := minutes(`(?m)^TimeoutStartSec=(\d+)min$`, "joinsvc/joinsvc.service"); unit <= 2*store {
		t.Errorf("joinsvc.service waits %d min, and joinsvc up to twice %d", unit, store)
	}
}

// What a shipped configuration shows as a comment is what would be read if the
// mark were taken away.
func TestShownSettingsAreSettings(t *testing.T) {
	for name, want := range map[string][]string{
		"nodeprep/nodeprep.yaml": {"joinsvc", "token", "plan", "node"},
		"joinsvc/joinsvc.yaml":   {"plan", "listen", "names", "dataDir", "adminSocket"},
	} {
		var settings yaml.Node
		if err := yaml.Unmarshal([]byte(uncomment(read(t, name))), &settings); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for i, n := range settings.Content[0].Content {
			if i%2 == 0 {
				got = append(got, n.Value)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// uncomment takes the mark from settings, which have no blank after it.
func uncomment(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(rest, " ") {
			line = rest
		}
		b.WriteString(line)
	}
	return b.String()
}
