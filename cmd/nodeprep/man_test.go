// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/nodeprep/nodeprep/internal/manpage"
)

func TestManualPages(t *testing.T) {
	manpage.Check(t, edges{}.newRoot(), "../../docs/man")
}
