// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

const (
	// openAtOnce keeps below the ten that Calico's documentation recommends at
	// the most (reference, "Calico node status").
	openAtOnce = 8
	// reportTimeout is how long a node may take for its first report, ten
	// seconds apart by request, before its sessions count as unknown.
	reportTimeout = time.Minute
	// turn is how long a node keeps its place while others wait for one.
	turn = 2 * time.Minute
	// recheck is how often the sessions of a settled node are looked at again,
	// and how old a request gets: calico-node writes changes only, so that a
	// request left open would show a dead node as it last was.
	recheck = 5 * time.Minute
)

// A watchlist decides which nodes are asked for their sessions, and when.
type watchlist struct {
	open map[string]inquiry
	next map[string]time.Time // when a node is due again; never asked: not in it
}

// An inquiry is a CalicoNodeStatus that joinsvc has made.
type inquiry struct {
	uid   types.UID
	since time.Time
}

func newWatchlist() *watchlist {
	return &watchlist{open: map[string]inquiry{}, next: map[string]time.Time{}}
}

// due returns the nodes to open now, those first that have waited longest.
func (w *watchlist) due(nodes []string, now time.Time) []string {
	waiting := w.waiting(nodes, now)
	return waiting[:min(len(waiting), max(0, openAtOnce-len(w.open)))]
}

func (w *watchlist) waiting(nodes []string, now time.Time) []string {
	var waiting []string
	for _, n := range nodes {
		if _, open := w.open[n]; !open && !w.next[n].After(now) {
			waiting = append(waiting, n)
		}
	}
	slices.SortStableFunc(waiting, func(a, b string) int { return w.next[a].Compare(w.next[b]) })
	return waiting
}

// over says whether a node's inquiry ends now, and when it is due again.
func (w *watchlist) over(node string, settled, othersWait bool, now time.Time) (next time.Time, over bool) {
	age := now.Sub(w.open[node].since)
	switch {
	case settled:
		return now.Add(recheck), true
	case age > recheck, age > turn && othersWait:
		return now, true
	}
	return time.Time{}, false
}

func (w *watchlist) opened(node string, uid types.UID, now time.Time) {
	w.open[node] = inquiry{uid, now}
}

func (w *watchlist) closed(node string, next time.Time) {
	delete(w.open, node)
	w.next[node] = next
}

// reported says whether calico-node has answered in this object. An object is
// made anew for every inquiry, so that an answer in it is no older.
func reported(status *unstructured.Unstructured) bool {
	at, _, err := unstructured.NestedString(status.Object, "status", "lastUpdated")
	return err == nil && at != ""
}

// observe fills in the states that a report has for the planned sessions.
func observe(sessions []joinapi.Session, status *unstructured.Unstructured, now time.Time) []joinapi.Session {
	states := map[string]string{}
	// What is no list of peers is no report of them: their states stay empty.
	peers, _, _ := unstructured.NestedSlice(status.Object, "status", "bgp", "peersV4")
	for _, peer := range peers {
		fields, ok := peer.(map[string]any)
		if !ok {
			continue
		}
		ip, _, _ := unstructured.NestedString(fields, "peerIP")
		state, _, _ := unstructured.NestedString(fields, "state")
		states[ip] = state
	}
	for i := range sessions {
		sessions[i].State = joinapi.SessionState(states[sessions[i].PeerIP])
		sessions[i].Observed = now
	}
	return sessions
}

func established(sessions []joinapi.Session) bool {
	return !slices.ContainsFunc(sessions, func(s joinapi.Session) bool { return s.State != joinapi.Established })
}

func sameStates(a, b []joinapi.Session) bool {
	return slices.EqualFunc(a, b, func(x, y joinapi.Session) bool {
		x.Observed, y.Observed = time.Time{}, time.Time{}
		return x == y
	})
}
