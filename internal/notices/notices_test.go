// SPDX-License-Identifier: Apache-2.0

package notices

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module is one with these files.
func module(t *testing.T, path string, files map[string]string) Module {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Module{path, "v1.0.0", dir}
}

func TestEachTextOnceWithAllWhoseItIs(t *testing.T) {
	var b strings.Builder
	err := Write(&b, []Module{
		module(t, "a", map[string]string{"LICENSE": "mit\n", "main.go": "package a"}),
		module(t, "b", map[string]string{"LICENCE.md": "apache", "NOTICE": "b is by B", "licensed.go": "package b"}),
		module(t, "c", map[string]string{"COPYING": "apache"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("=", 78)
	want := line + "\na v1.0.0\n\nmit\n\n" + line + "\nb v1.0.0\nc v1.0.0\n\napache\n\n" + line + "\nb v1.0.0\n\nb is by B\n\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

func TestModulesWithoutALicenceAreAllNamed(t *testing.T) {
	var b strings.Builder
	none := map[string]string{"README.md": "free for all"}
	err := Write(&b, []Module{module(t, "a", none), module(t, "b", map[string]string{"LICENSE": "mit"}), module(t, "c", none)})
	if err == nil || !strings.Contains(err.Error(), "a v1.0.0 has no licence") || !strings.Contains(err.Error(), "c v1.0.0 has no licence") {
		t.Errorf("got %v, want a and c named", err)
	}
	if b.Len() > 0 {
		t.Errorf("wrote %q all the same", b.String())
	}
}

// What is really shipped: every module of both programs has its licence.
func TestPrograms(t *testing.T) {
	for program, linked := range map[string]string{
		"./cmd/nodeprep": "github.com/vishvananda/netlink",
		"./cmd/joinsvc":  "k8s.io/client-go",
	} {
		modules, err := Linked(t.Context(), "../..", program)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := Write(&b, modules); err != nil {
			t.Errorf("%s: %v", program, err)
		}
		for _, want := range []string{linked + " v", "Go's standard library go1."} {
			if !strings.Contains(b.String(), "\n"+want) {
				t.Errorf("the notices of %s do not name %s", program, want)
			}
		}
		if strings.Contains(b.String(), "github.com/nodeprep/nodeprep") {
			t.Errorf("%s counts as a third party's", program)
		}
	}
}
