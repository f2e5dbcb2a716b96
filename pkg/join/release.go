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
	c.mu.Unlock()
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
	sessions, _ := c.sessionsOf(n.Name, rec)
	for _, s := range sessions {
		switch s.State {
		case joinapi.Established:
			return fmt.Sprintf("its session to %s is Established, seen %s ago", s.Leaf, c.Now().Sub(s.Observed).Round(time.Second)), nil
		case joinapi.Unknown:
			return fmt.Sprintf("its session to %s is unknown: %s", s.Leaf, s.Reason), nil
		}
	}
	reports, err := filedReports(tx, n.Name)
	if err != nil {
		return "", err
	}
	last := n.Enrolled
	for _, r := range reports {
		if r.Received.After(last) {
			last = r.Received
		}
	}
	if asked, err := lastAsked(tx, n.Name); err != nil {
		return "", err
	} else if asked.After(last) {
		last = asked
	}
	if age := c.Now().Sub(last); age < quiet {
		return fmt.Sprintf("its host was heard of %s ago", age.Round(time.Second)), nil
	}
	init, _, err := get[initRecord](tx, initKey)
	if err == nil && init.Node == n.Name && init.state() == initTaken {
		return "it has kubeadm init, and nobody else can make the cluster; see `joinsvc init reopen`", nil
	}
	return "", err
}

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
	return freed, forget(tx, n.Name)
}
