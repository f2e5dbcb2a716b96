// SPDX-License-Identifier: Apache-2.0

package architecture_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// maxTracked is the size, in bytes, above which a file has to be among the
// exceptions: larger ones are programs or generated, and a clone pays for them
// for ever, whoever removes them later.
const maxTracked = 300_000

// exceptions are the tracked files that break the rule, each with the reason.
func exceptions() map[string]string { return map[string]string{} }

// untrackable says why content must not be tracked, and nothing when it may.
func untrackable(content []byte) string {
	for magic, kind := range map[string]string{
		"\x7fELF": "a program (ELF)", "MZ": "a program (PE)", "!<arch>\n": "an archive of object files",
		"\xcf\xfa\xed\xfe": "a program (Mach-O)", "\xca\xfe\xba\xbe": "a program (Mach-O)",
		"\x1f\x8b": "compressed", "\xfd7zXZ\x00": "compressed", "\x28\xb5\x2f\xfd": "compressed", "PK\x03\x04": "an archive",
		"\xed\xab\xee\xdb": "a package (RPM)",
	} {
		if bytes.HasPrefix(content, []byte(magic)) {
			return kind
		}
	}
	switch {
	case len(content) > maxTracked:
		return fmt.Sprintf("%d bytes, more than %d", len(content), maxTracked)
	case bytes.IndexByte(content, 0) >= 0:
		return "no text: it has a NUL byte"
	}
	return ""
}

// tracked are git's files that are there; one that is being removed is not.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", "-z")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("asking git for the tracked files: %v\n%s", err, &stderr)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
}

func TestTrackedFilesAreSmallTexts(t *testing.T) {
	files, excused := tracked(t), exceptions()
	if len(files) < 100 {
		t.Fatalf("git tracks %d files; that is not this repository", len(files))
	}
	for _, name := range files {
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		why := untrackable(content)
		_, known := excused[name]
		delete(excused, name)
		switch {
		case why != "" && !known:
			t.Errorf("%s is %s; git rm --cached it, or name it in exceptions with a reason", name, why)
		case why == "" && known:
			t.Errorf("%s is a small text and needs no exception", name)
		}
	}
	for name := range excused {
		t.Errorf("the exception %s is not tracked", name)
	}
}

func TestUntrackable(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		refused bool
	}{
		"a program":         {"\x7fELF\x02\x01", true},
		"a package":         {"\xed\xab\xee\xdb\x03", true},
		"an archive":        {"PK\x03\x04", true},
		"a compressed text": {"\x1f\x8b\x08", true},
		"a database page":   {"page\x00\x00", true},
		"too large":         {strings.Repeat("a", maxTracked+1), true},
		"as large as it may be": {
			strings.Repeat("a", maxTracked), false,
		},
		"a text":  {"package main\n", false},
		"nothing": {"", false},
	} {
		if why := untrackable([]byte(c.content)); (why != "") != c.refused {
			t.Errorf("%s: %q, want it refused: %v", name, why, c.refused)
		}
	}
}
