// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"os"
	"path/filepath"
	"testing"
)

// A recorder is a test that only notes its failure.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "golden.txt")
	if err := os.WriteFile(file, []byte("one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, differs := range map[string]bool{"one\n": false, "two\n": true} {
		r := &recorder{TB: t}
		Check(r, file, text)
		if r.failed != differs {
			t.Errorf("%q against a file of %q: failed is %v", text, "one\n", r.failed)
		}
	}
}

func TestUpdate(t *testing.T) {
	*update = true
	defer func() { *update = false }()
	file := filepath.Join(t.TempDir(), "golden.txt")
	Check(t, file, []byte("new\n"))
	if text, err := os.ReadFile(file); err != nil || string(text) != "new\n" || !Updating() {
		t.Errorf("the file is %q, %v", text, err)
	}
}
