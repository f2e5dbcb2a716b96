// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestClock(t *testing.T) {
	at := time.Unix(0, 0)
	var said []string
	c := NewClock(func() time.Time { at = at.Add(1500 * time.Millisecond); return at }, func(l string) { said = append(said, l) })
	c.Mark("svc", "serves %d", 1)
	c.Tell("", "a remark")
	if diff := cmp.Diff([]string{"   1.5s  svc: serves 1", "   3.0s  a remark"}, said); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Stage{{Machine: "svc", What: "serves 1", At: 1500 * time.Millisecond}}, c.Stages()); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
}
