// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLastLines(t *testing.T) {
	if diff := cmp.Diff("b\nc", lastLines([]byte("a\r\nb\r\nc\n\n"), 2)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
