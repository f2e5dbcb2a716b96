// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// quiet is how long a host has to have said nothing to count as gone, when its
// sessions do not tell.
const quiet = 10 * time.Minute

// skew is how far in the future a time on record may be. What is further was
// written by a clock that was ahead and has been set since.
const skew = time.Minute

// Release frees what the node of a host that is gone holds: its address and AS
// number, its record, and what was told of it. Its certificate is void from then
// on, and what follows the leases, such as its BGPPeers, goes. A node that shows
// a sign of life, or of which nothing can be known now, is refused with what
// speaks for it, unless the operator says that he knows better. The plan need
// not have the node any more.
func (c *Coordinator) Release(ctx context.Context, r joinapi.ReleaseRequest) (joinapi.Released, error) {
	var n Node
	var freed joinapi.Released
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		if n, err = c.recorded(tx, r.Node); err != nil {
			return err
		}
		if sign, err := c.signOfLife(tx, n); err != nil {
			return err
		} else if sign != "" && !r.Force {
			return joinapi.Errorf(joinapi.CodeConflict,
				"%s may be alive: %s; drain it, switch its host off and ask again, or say --force if you know that it is gone", n.Name, sign)
		}
		freed, err = release(tx, n)
		return err
	})
	if err != nil {
		return joinapi.Released{}, err
	}
	if cluster := c.connected(); n.Bootstrap != nil && cluster != nil {
		c.withdraw(context.WithoutCancel(ctx), cluster, n.Name, n.Bootstrap.Token) // no record has it any more
	}
	c.mu.Lock()
	delete(c.seen, n.Name)
	delete(c.doubts, n.Name)
	c.mu.Unlock()
	c.turns.forget() // those behind it are one further
	c.Log.Warn("released", "node", n.Name, "key", n.Key, "addresses", freed.Addresses, "asns", freed.ASNs, "forced", r.Force)
	return freed, nil
}

// recorded is an enrolled node by its full name, or by its short one in the
// plan's domain.
func (c *Coordinator) recorded(tx Tx, name string) (Node, error) {
	for _, full := range []string{name, name + "." + c.Plan.Spec.Domain} {
		if n, ok, err := get[Node](tx, nodePrefix+full); err != nil || ok {
			return n, err
		}
	}
	return Node{}, joinapi.Errorf(joinapi.CodeNotFound, "no node %q is enrolled; `joinsvc status` lists those that are, and a name outside %s is to be given in full", name, c.Plan.Spec.Domain)
}

// signOfLife is what speaks for a node being there, empty for nothing.
func (c *Coordinator) signOfLife(tx Tx, n Node) (string, error) {
	rec, _, err := get[sessionRecord](tx, sessionPrefix+n.Name)
	if err != nil {
		return "", err
	}
	if sign := c.toldOf(n, rec); sign != "" {
		return sign, nil
	}
	if sign, err := c.lastWord(tx, n); err != nil || sign != "" {
		return sign, err
	}
	init, _, err := get[initRecord](tx, initKey)
	if err == nil && init.Node == n.Name && init.state() == initTaken {
		return "it has kubeadm init, and nobody else can make the cluster; see `joinsvc init reopen`", nil
	}
	return "", err
}

// toldOf is what speaks for a node by its sessions. With both leaves down a host
// that tells so is as much there.
func (c *Coordinator) toldOf(n Node, rec sessionRecord) (sign string) {
	sessions, _ := c.sessionsOf(n.Name, rec)
	for _, s := range sessions {
		switch s.State {
		case joinapi.Established:
			return fmt.Sprintf("its session to %s is Established, seen %s ago", s.Leaf, ago(c.Now(), s.Observed))
		case joinapi.Unknown:
			return fmt.Sprintf("its session to %s is unknown: %s", s.Leaf, s.Reason)
		case "": // it is not in the cluster, or has not told
		default:
			sign = fmt.Sprintf("its host told %s ago that its session to %s is %s", ago(c.Now(), s.Observed), s.Leaf, s.State)
		}
	}
	return sign
}

// lastWord is what speaks for the host of a node that is not seen, by when it was
// heard of.
func (c *Coordinator) lastWord(tx Tx, n Node) (string, error) {
	words, err := words(tx, n)
	if err != nil {
		return "", err
	}
	now := c.Now()
	var last, ahead time.Time
	for _, at := range words {
		switch {
		case at.Sub(now) > skew && at.After(ahead):
			ahead = at
		case at.Sub(now) <= skew && at.After(last):
			last = at
		}
	}
	if now.Sub(last) < quiet {
		return fmt.Sprintf("its host was heard of %s ago", ago(now, last)), nil
	}
	if !ahead.IsZero() && now.Sub(c.doubt(n.Name, ahead, now)) < quiet {
		return fmt.Sprintf("when its host was heard of last cannot be told: joinsvc's clock was ahead then and said %s; if it stays silent, ask again in %v",
			ahead.UTC().Format(time.RFC3339), quiet), nil
	}
	return "", nil
}

// words are when a node's host was heard of, by joinsvc's clock.
func words(tx Tx, n Node) ([]time.Time, error) {
	asked, err := lastAsked(tx, n.Name)
	if err != nil {
		return nil, err
	}
	words := []time.Time{n.Enrolled, asked}
	reports, err := filedReports(tx, n.Name)
	for _, r := range reports {
		words = append(words, r.Received)
	}
	return words, err
}

// A doubt is a host's word that a clock which was ahead has dated, and since when
// somebody wants to know of it: it may have been said just before.
type doubt struct{ word, since time.Time }

// doubt returns since when this process has known of the word of a node. A later
// word is another one.
func (c *Coordinator) doubt(node string, word, now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.doubts[node]
	if !d.word.Equal(word) || d.since.After(now) {
		if c.doubts == nil {
			c.doubts = map[string]doubt{}
		}
		d = doubt{word, now}
		c.doubts[node] = d
	}
	return d.since
}

// ago is how long before now that was, to the second.
func ago(now, at time.Time) time.Duration { return max(now.Sub(at), 0).Round(time.Second) }

// release removes all keys of a node. Each lease is read, so that one that goes
// to somebody meanwhile is not taken from him.
func release(tx Tx, n Node) (joinapi.Released, error) {
	freed := joinapi.Released{Node: n.Name}
	for _, prefix := range []string{addressPrefix, asnPrefix} {
		leases, err := list[lease](tx, prefix)
		if err != nil {
			return freed, err
		}
		for _, what := range slices.Sorted(maps.Keys(leases)) {
			if leases[what].Node != n.Name {
				continue
			}
			held, _, err := get[lease](tx, prefix+what)
			if err != nil {
				return freed, err
			}
			if held.Node != n.Name {
				continue
			}
			tx.Delete(prefix + what)
			if prefix == addressPrefix {
				freed.Addresses = append(freed.Addresses, what)
			} else {
				freed.ASNs = append(freed.ASNs, what)
			}
		}
	}
	tx.Delete(keyPrefix + n.Key)
	tx.Delete(nodePrefix + n.Name)
	if err := leave(tx, n.Name); err != nil {
		return freed, err
	}
	return freed, forget(tx, n.Name)
}
