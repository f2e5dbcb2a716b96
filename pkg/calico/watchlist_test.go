// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func names(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("n%02d", i))
	}
	return out
}

func start() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// Twenty nodes of which none ever settles: never more than eight are open, and
// every one gets its turn.
func TestEveryNodeGetsItsTurn(t *testing.T) {
	w, nodes, seen := newWatchlist(), names(20), map[string]int{}
	for now := start(); now.Before(start().Add(15 * time.Minute)); now = now.Add(poll) {
		for _, n := range w.due(nodes, now) {
			w.opened(n, "uid", now)
			seen[n]++
		}
		if len(w.open) > openAtOnce {
			t.Fatalf("%d open at %s", len(w.open), now)
		}
		othersWait := len(w.waiting(nodes, now)) > 0
		for n := range w.open {
			if next, over := w.over(n, false, othersWait, now); over {
				w.closed(n, next)
			}
		}
	}
	for _, n := range nodes {
		if seen[n] < 2 {
			t.Errorf("%s was asked %d times in 15 minutes", n, seen[n])
		}
	}
}

func TestOver(t *testing.T) {
	for name, tc := range map[string]struct {
		age           time.Duration
		settled, wait bool
		next          time.Duration // after now; below 0: stays open
	}{
		"young":              {0, false, true, -1},
		"settled":            {0, true, false, recheck},
		"long, nobody waits": {turn + 1, false, false, -1},
		"long, others wait":  {turn + 1, false, true, 0},
		"stale":              {recheck + 1, false, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w, now := newWatchlist(), start()
			w.opened("n", "uid", now.Add(-tc.age))
			next, over := w.over("n", tc.settled, tc.wait, now)
			if over != (tc.next >= 0) || over && !next.Equal(now.Add(tc.next)) {
				t.Errorf("over = %v, %v", next, over)
			}
		})
	}
}

func TestSettledNodeIsAskedAgain(t *testing.T) {
	w, now := newWatchlist(), start()
	w.closed("n", now.Add(recheck))
	if due := w.due([]string{"n"}, now.Add(recheck-1)); len(due) != 0 {
		t.Errorf("asked too early: %v", due)
	}
	if diff := cmp.Diff([]string{"n"}, w.due([]string{"n"}, now.Add(recheck))); diff != "" {
		t.Errorf("due (-want +got):\n%s", diff)
	}
}

func status(fields map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"status": fields}}
}

func peer(ip, state string) any { return map[string]any{"peerIP": ip, "state": state} }

func TestObserve(t *testing.T) {
	rack, now := reference(t).Spec.AllRacks()[0], start()
	session := func(leaf, ip, state string) joinapi.Session {
		return joinapi.Session{Leaf: leaf, PeerIP: ip, PeerASN: 63500, State: joinapi.SessionState(state), Observed: now}
	}
	for name, tc := range map[string]struct {
		peers       []any
		one, two    string
		established bool
	}{
		"both":        {[]any{peer("192.168.9.205", "Established"), peer("192.168.9.204", "Established")}, "Established", "Established", true},
		"one is down": {[]any{peer("192.168.9.204", "Established"), peer("192.168.9.205", "Active")}, "Established", "Active", false},
		"one missing": {[]any{peer("192.168.9.204", "Established")}, "Established", "", false},
		"foreign":     {[]any{peer("192.0.2.1", "Established")}, "", "", false},
		"none":        {nil, "", "", false},
		"nonsense":    {[]any{"x"}, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got := observe(planned(rack), status(map[string]any{"bgp": map[string]any{"peersV4": tc.peers}}), now)
			want := []joinapi.Session{session("leaf201", "192.168.9.204", tc.one), session("leaf202", "192.168.9.205", tc.two)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sessions (-want +got):\n%s", diff)
			}
			if established(got) != tc.established {
				t.Errorf("established = %v", !tc.established)
			}
		})
	}
}

func TestReported(t *testing.T) {
	if reported(&unstructured.Unstructured{Object: map[string]any{}}) {
		t.Error("a fresh object counts as a report")
	}
	if !reported(status(map[string]any{"lastUpdated": "2026-11-23T12:00:00Z"})) {
		t.Error("a report does not count")
	}
}
