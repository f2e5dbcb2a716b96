// SPDX-License-Identifier: Apache-2.0

// Package golden holds what tests got against files of the repository, and
// rewrites the files on demand: go test -update, then read the diff.
package golden

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the files that tests compare with from what the code says now") //nolint:gochecknoglobals // a flag of the test's program

// Updating says that files are being rewritten.
func Updating() bool { return *update }

// Check fails the test unless the file at path is got. With -update the file
// becomes got.
func Check[T string | []byte](t testing.TB, path string, got T) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil { //nolint:forbidigo // a file of the working tree, that git keeps the last version of
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what the code says now; if it should be, -update writes it (-want +got):\n%s", path, diff)
	}
}
