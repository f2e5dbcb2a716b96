// SPDX-License-Identifier: Apache-2.0

package join

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

const (
	// freshness is how old a session may be and still count. A settled one is
	// looked at every 20 s; three looks may fail (pkg/calico, Normal).
	freshness = 90 * time.Second
	// slowFreshness is the same where a look comes once a minute and takes its
	// time (spec.kubernetes.pace: slow).
	slowFreshness = 270 * time.Second
	// coarse is how old the time of observation in the store may get while
	// nothing else changes. It is for people: after a restart nothing counts
	// that was not observed since.
	coarse = 10 * time.Minute
)

// A sessionRecord is what the cluster told of a node's sessions. It is rewritten
// when a state changes.
type sessionRecord struct {
	Sessions []joinapi.Session `json:"sessions"`
	Seen     time.Time         `json:"seen"` // not much older than the last look
}

// What this process has seen itself, by node.
type sightings map[string]sighting

type sighting struct {
	at       time.Time     // when the sessions were seen
	told     time.Time     // when this process was told; what follows goes by it, and not by a clock that is set
	late     time.Duration // how long after at that was
	sessions []joinapi.Session
}

// age is how long ago the sessions were seen.
func (s sighting) age(now time.Time) time.Duration { return now.Sub(s.told) + s.late }

// Sessions takes the state of a node's BGP sessions, as the cluster tells it. It
// is called at every look, whether something changed or not: a node is routed
// only as long as somebody looks. A session whose state cannot be asked for is
// joinapi.Unknown, with the reason. A node that is not enrolled is not joinsvc's
// and is left alone.
func (c *Coordinator) Sessions(ctx context.Context, node string, sessions []joinapi.Session) error {
	told := c.Now()
	now := told.UTC()
	var before, after joinapi.NodePhase
	var reason string
	var known bool
	err := c.Store.Update(ctx, func(tx Tx) error {
		n, ok, err := get[Node](tx, nodePrefix+node)
		if known = ok; err != nil || !ok {
			return err
		}
		rec, _, err := get[sessionRecord](tx, sessionPrefix+node)
		if err != nil {
			return err
		}
		before, _ = n.Phase()
		if age := now.Sub(rec.Seen); !sameStates(rec.Sessions, sessions) || age >= coarse || age < -skew {
			rec = sessionRecord{Sessions: sessions, Seen: now}
			if err := put(tx, sessionPrefix+node, rec); err != nil {
				return err
			}
		}
		if err := c.route(tx, &n, sessions); err != nil {
			return err
		}
		after, reason = n.Phase()
		return c.putNode(tx, n)
	})
	if err != nil || !known {
		return err
	}
	at := oldest(sessions, now)
	c.saw(node, sighting{at, told, now.Sub(at), sessions})
	if before != after {
		c.Log.Info("sessions moved the node", "node", node, "from", before, "to", after, "reason", reason)
	}
	return nil
}

// oldest is when the sessions were seen: the one longest ago counts.
func oldest(sessions []joinapi.Session, now time.Time) time.Time {
	for _, s := range sessions {
		if s.State == joinapi.Established && !s.Observed.IsZero() && s.Observed.Before(now) {
			now = s.Observed
		}
	}
	return now
}

func sameStates(a, b []joinapi.Session) bool {
	return slices.EqualFunc(a, b, func(x, y joinapi.Session) bool {
		x.Observed = y.Observed
		return x == y
	})
}

func (c *Coordinator) saw(node string, s sighting) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = sightings{}
	}
	c.seen[node] = s
}

// sessionsOf are a node's sessions as they may be told now: those that nobody
// has looked at for too long are unknown. stale says since when, and why.
func (c *Coordinator) sessionsOf(node string, rec sessionRecord) (sessions []joinapi.Session, stale string) {
	c.mu.Lock()
	last, seen := c.seen[node]
	connected := c.cluster != nil
	c.mu.Unlock()
	if len(rec.Sessions) == 0 {
		return nil, ""
	}
	at, reason := rec.Seen, "joinsvc was restarted and has not seen it since"
	if seen {
		if age := last.age(c.Now()); -skew <= age && age <= freshFor(c.Plan) {
			return last.sessions, ""
		}
		at, reason = last.at, "the cluster has told nothing of it since"
	}
	if !connected {
		reason = "joinsvc has no access to the cluster"
	}
	sessions = slices.Clone(rec.Sessions)
	for i := range sessions {
		if s := &sessions[i]; s.State != "" && s.State != joinapi.Unknown {
			s.State, s.Reason, s.Observed = joinapi.Unknown, reason, at
			stale = fmt.Sprintf("its sessions are unknown since %s: %s", at.Format(time.RFC3339), reason)
		}
	}
	return sessions, stale
}

// turns is what every node adds to freshness in a large cluster, where each is
// looked at more rarely (pkg/calico, share, of which two looks may fail).
const turns = 450 * time.Millisecond

// freshFor is how old a session may be and still count.
func freshFor(p plan.Plan) time.Duration {
	least := freshness
	if p.Spec.Kubernetes.Pace == plan.Slow {
		least = slowFreshness
	}
	return max(least, 30*time.Second+time.Duration(len(p.Spec.Nodes))*turns)
}

// phase is how far a node has come, by what is known now: no node is routed by
// what somebody saw long ago.
func (c *Coordinator) phase(n Node, rec sessionRecord) (joinapi.NodePhase, string) {
	phase, reason := n.Phase()
	_, stale := c.sessionsOf(n.Name, rec)
	if stale == "" || n.Failure != nil || !joined(n) {
		return phase, reason
	}
	_, unseen := lookup(callUnseen, standing{role: n.Role}, n.Progress)
	return cmp.Or(unseen.next, phase), stale
}

// leaves are the addresses that a node has to have a session with, those of its
// rack, and their names. A node that the plan has no more is still in the one
// rack of a plan that names none, and in no other.
func (c *Coordinator) leaves(node string) map[string]string {
	planned, _ := c.planned(node)
	rack, _ := c.Plan.Spec.RackOf(planned)
	leaves := map[string]string{}
	for _, l := range rack.Leaves {
		leaves[l.Address.String()] = l.Name
	}
	return leaves
}

// route moves a joined node to routed when each planned session is Established,
// and back with the reason when one is not.
func (c *Coordinator) route(tx Tx, n *Node, sessions []joinapi.Session) error {
	what, why := callUp, missing(sessions, c.leaves(n.Name))
	if why != "" {
		what = callDown
	}
	before := n.Progress
	v, err := c.decide(tx, what, n)
	if err != nil || !joined(*n) {
		return err
	}
	n.Reason = why
	if v.failure == goesWhen && before != n.Progress {
		n.Failure = nil // such as a run that gave up waiting for this
	}
	return nil
}

// missing says which planned sessions do not route, and why; nothing when all do.
func missing(sessions []joinapi.Session, leaves map[string]string) string {
	if len(leaves) == 0 { // or it would be routed with no session at all
		return "it is in no rack of the plan, so no session is planned"
	}
	down := make(map[string]string, len(leaves))
	for address, name := range leaves {
		down[address] = fmt.Sprintf("session to %s is not reported yet", name)
	}
	for _, s := range sessions {
		name, planned := leaves[s.PeerIP]
		switch {
		case !planned:
		case s.State == joinapi.Established && s.Reason == "":
			delete(down, s.PeerIP)
		case s.State == joinapi.Established:
			down[s.PeerIP] = fmt.Sprintf("session to %s is Established, but routes nothing: %s", name, s.Reason)
		case s.Reason != "":
			down[s.PeerIP] = fmt.Sprintf("session to %s is %s: %s", name, cmp.Or(s.State, "not reported"), s.Reason)
		case s.State != "":
			down[s.PeerIP] = fmt.Sprintf("session to %s is %s", name, s.State)
		}
	}
	return reasons(down)
}

func reasons(down map[string]string) string {
	var all []string
	for _, reason := range down {
		all = append(all, reason)
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}
