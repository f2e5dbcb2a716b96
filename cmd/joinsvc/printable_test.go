// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
)

// What the program repeats steers no terminal.
func TestNothingSteersTheTerminal(t *testing.T) {
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"status", "--config", "/nonexistent/\x1b[2J\u202e"}, &out, &errs)
	if code == 0 || strings.ContainsAny(out.String()+errs.String(), "\x1b\u202e") || !strings.Contains(errs.String(), `\u001b[2J\u202e`) {
		t.Errorf("exit status %d, %q, %q", code, out.String(), errs.String())
	}
}
