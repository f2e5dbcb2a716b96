// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// A ledger is what is known of every leased node's sessions, and since when. It
// outlives the API server: what has not been seen for too long becomes unknown,
// whatever keeps it from being seen.
type ledger struct {
	pace  Pace
	tell  func(ctx context.Context, node string, sessions []joinapi.Session) error
	log   *slog.Logger
	mu    sync.Mutex
	nodes map[string]*account
	// why is the last thing that kept the API server from answering, for all
	// nodes; empty when it answers.
	why string
}

// An account is one node's.
type account struct {
	mu       sync.Mutex
	node     Node
	planned  []joinapi.Session
	since    time.Time // when the states were seen, or the node came to be known
	states   []joinapi.Session
	settled  bool   // every planned session is Established and routes
	why      string // why it cannot be seen, of this node alone
	absent   bool   // it is not in the cluster, which is knowledge too
	untold   bool   // the last telling failed
	lastTold []joinapi.Session
}

// lease keeps the accounts of these nodes and forgets all others; it returns the
// names of those that changed, came or went.
func (l *ledger) lease(leased []Node, planned func(string) []joinapi.Session, now time.Time) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var changed []string
	there := make(map[string]bool, len(leased))
	for _, n := range leased {
		there[n.Name] = true
		if a := l.nodes[n.Name]; a != nil && a.node == n {
			continue
		}
		// A host that was installed anew is seen anew.
		l.nodes[n.Name] = &account{node: n, planned: planned(n.Name), since: now}
		changed = append(changed, n.Name)
	}
	for name := range l.nodes {
		if !there[name] {
			delete(l.nodes, name)
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return changed
}

// looks is the pace for as many nodes as there are.
func (l *ledger) looks() Pace {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pace.among(len(l.nodes))
}

func (l *ledger) of(name string) *account {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nodes[name]
}

func (l *ledger) names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := make([]string, 0, len(l.nodes))
	for name := range l.nodes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// answers says what the API server's answers are like: an empty text that it
// does answer.
func (l *ledger) answers(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.why = why
}

// settled says whether nothing is urgent about a node.
func (l *ledger) settled(name string) bool {
	a := l.of(name)
	if a == nil {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.settled
}

// saw takes a node's own report.
func (l *ledger) saw(ctx context.Context, a *account, sessions []joinapi.Session, at time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.since, a.states, a.why, a.absent, a.settled = at, sessions, "", false, established(sessions)
	return l.publish(ctx, a, sessions)
}

// gone takes that a node is not in the cluster: it has no session.
func (l *ledger) gone(ctx context.Context, a *account) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.states, a.settled, a.absent, a.why = nil, false, true, ""
	return l.publish(ctx, a, because(a.planned, "", "the node is not in the cluster; kubeadm has not joined it, or somebody removed it", time.Time{}))
}

// blind takes why a node cannot be seen, and says it at once when nothing has
// been seen yet, in place of what was the reason before; what has been seen counts
// until it is too old.
func (l *ledger) blind(ctx context.Context, a *account, why string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.why, a.absent = why, false
	if a.states != nil {
		return nil
	}
	var state joinapi.SessionState
	if len(a.lastTold) > 0 && a.lastTold[0].State == joinapi.Unknown {
		state = joinapi.Unknown // for too long already, which another reason does not change
	}
	return l.publish(ctx, a, because(a.planned, state, why, time.Time{}))
}

// publish tells what is new: states, reasons, or that they were seen again.
func (l *ledger) publish(ctx context.Context, a *account, sessions []joinapi.Session) error {
	if !a.untold && slices.Equal(a.lastTold, sessions) {
		return nil
	}
	a.untold = true
	if err := l.tell(ctx, a.node.Name, sessions); err != nil {
		return fmt.Errorf("telling the sessions of %s: %w", a.node.Name, err)
	}
	a.untold, a.lastTold = false, slices.Clone(sessions)
	return nil
}

// expire makes unknown what has not been seen for too long.
func (l *ledger) expire(ctx context.Context, now time.Time) {
	l.mu.Lock()
	why := l.why
	accounts := make([]*account, 0, len(l.nodes))
	for _, a := range l.nodes {
		accounts = append(accounts, a)
	}
	unknown := l.pace.among(len(l.nodes)).Unknown
	l.mu.Unlock()
	for _, a := range accounts {
		if err := l.expireOne(ctx, a, why, now.Add(-unknown)); err != nil {
			l.log.Warn("calico", "err", err)
		}
	}
}

// expireOne makes unknown what was seen no later than that.
func (l *ledger) expireOne(ctx context.Context, a *account, why string, last time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since.After(last) || a.absent && why == "" {
		return nil
	}
	switch {
	case why != "":
	case a.why != "":
		why = a.why
	default:
		why = silent
	}
	var seen time.Time
	if len(a.states) > 0 {
		seen = a.since
	}
	a.settled = false
	return l.publish(ctx, a, because(a.planned, joinapi.Unknown, why, seen))
}

// watch expires until ctx ends.
func (l *ledger) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			l.expire(ctx, now)
		}
	}
}

// because gives every session that state and reason.
func because(sessions []joinapi.Session, state joinapi.SessionState, why string, seen time.Time) []joinapi.Session {
	out := slices.Clone(sessions)
	for i := range out {
		out[i].State, out[i].Reason, out[i].Observed = state, why, seen
	}
	return out
}

func established(sessions []joinapi.Session) bool {
	return len(sessions) > 0 && !slices.ContainsFunc(sessions, func(s joinapi.Session) bool {
		return s.State != joinapi.Established || s.Reason != ""
	})
}
