// SPDX-License-Identifier: Apache-2.0

package leaf

import "testing"

// Whatever gets as far as here, a line is one line of printable characters.
func TestALineIsOneLine(t *testing.T) {
	var s script
	s.line("first")
	s.line("a%sb", "\n\t\x00\x1f ~\x7f\xff")
	if got, want := s.String(), "first\na     ~  b\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
