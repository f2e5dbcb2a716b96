// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"testing"

	"github.com/nodeprep/nodeprep/internal/manpage"
)

var update = flag.Bool("update", false, "write docs/man from what --help says now")

func TestManualPages(t *testing.T) {
	manpage.Check(t, command(), "../../docs/man", *update)
}
