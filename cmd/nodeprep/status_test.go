// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// A session says how long ago it was seen, and one that cannot be why, here as on
// joinsvc's machine.
func TestStatusHasTheReasonOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a clock that stands still
		s := status{Sessions: []joinapi.Session{
			{Leaf: "leaf201", PeerIP: "192.0.2.1", PeerASN: 64512, State: joinapi.Established},
			{Leaf: "leaf202", PeerIP: "192.0.2.2", PeerASN: 64512, State: joinapi.Unknown, Reason: "joinsvc has no access to the cluster"},
			{Leaf: "leaf203", PeerIP: "192.0.2.3", PeerASN: 64512},
			{Leaf: "leaf204", PeerIP: "192.0.2.4", PeerASN: 64512, State: joinapi.Established, Observed: time.Now().Add(-31*time.Minute - time.Second/2)},
			{Leaf: "leaf205", PeerIP: "192.0.2.5", PeerASN: 64512, State: joinapi.Established, Observed: time.Now().Add(time.Hour)},
		}}
		var out strings.Builder
		if err := s.print(&out); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{
			"leaf201 192.0.2.1 AS 64512: Established\n",
			"leaf202 192.0.2.2 AS 64512: unknown (joinsvc has no access to the cluster)\n",
			"leaf203 192.0.2.3 AS 64512: not reported yet\n",
			"leaf204 192.0.2.4 AS 64512: Established, seen 31m0s ago\n",
			"leaf205 192.0.2.5 AS 64512: Established, seen 0s ago\n",
		} {
			if !strings.Contains(out.String(), line) {
				t.Errorf("no %q in\n%s", line, out.String())
			}
		}
	})
}

// What takes no time to speak of has none: a tenth of a second is the first that does.
func TestTook(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "", 100*time.Millisecond - 1: "", 100 * time.Millisecond: " (0.1s)", 90 * time.Second: " (90.0s)"} {
		if got := took(d); got != want {
			t.Errorf("%s is shown as %q, want %q", d, got, want)
		}
	}
}
