// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the program repeats, of joinsvc's words too, steers no terminal.
func TestNothingSteersTheTerminal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "\x1b[2J\u202e.yaml")
	if err := os.WriteFile(file, []byte("colour: red\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := edges{}.run(t.Context(), []string{"status", "--config", file}, &out, &errs)
	if code == 0 || strings.ContainsAny(out.String()+errs.String(), "\x1b\u202e") || !strings.Contains(errs.String(), `\u001b[2J\u202e`) {
		t.Errorf("exit status %d, %q, %q", code, out.String(), errs.String())
	}
}
