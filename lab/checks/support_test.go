// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"errors"
	"os"
	"testing"
)

func TestClaimed(t *testing.T) {
	page, err := os.ReadFile("../" + supportPage)
	if err != nil {
		t.Fatal(err)
	}
	for begins, ok := range map[string]bool{
		"| Debian | 12 (bookworm) | 6.1, Debian's | 252 | dnf 4.14,": true,
		"| Debian | 12 (bookworm) | 6.2, Debian's | 252 | dnf 4.14,": false,
		"| Debian | 12 (bookworm), minimal, as root":                 false, // a row, but not of a rack's hosts
	} {
		if err := claimed(string(page), begins); (err == nil) != ok || err != nil && !errors.Is(err, ErrCheck) {
			t.Errorf("%q: got %v, want it claimed: %v", begins, err, ok)
		}
	}
}
