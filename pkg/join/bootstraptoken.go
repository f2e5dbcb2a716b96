// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

const (
	// bootstrapTTL bounds a bootstrap token whose node never says that it is
	// done. A join takes a minute; under emulation, several.
	bootstrapTTL = 30 * time.Minute
	// bootstrapLeft is what a token has to have left to be given once more.
	bootstrapLeft = 10 * time.Minute
)

// A bootstrapToken is what a node was given to join with; it is revoked when
// the node is done.
type bootstrapToken struct {
	Token   string    `json:"token"`
	CA      string    `json:"ca"` // kubeadm's hash of the cluster's CA: whose token it is
	Expires time.Time `json:"expires"`
}

// mint returns a bootstrap token for the caller: the one that it was given
// before, as long as that lasts, so that no node can fill the cluster with
// tokens; else a new one. The record has it before the node has, so that it is
// always revoked; a node that hangs up meanwhile has it on record, too, or it
// would have another made each time.
func (c *Coordinator) mint(ctx context.Context, cluster Cluster, ca string, who Caller) (string, error) {
	ctx = context.WithoutCancel(ctx) // the cluster and the store have time limits of their own
	held, err := c.outstanding(ctx, ca, who)
	if err != nil || held != "" {
		return held, err
	}
	c.revoke(ctx, who) // one that is about to expire, or of a cluster that is gone
	began := time.Now()
	token, err := cluster.MintToken(ctx, who.Node, bootstrapTTL)
	if c.Admission != nil && err == nil { // a failure may be of another kind; the probe finds what is the API server's
		c.Admission.Felt(time.Since(began))
	}
	if err != nil {
		c.Log.WarnContext(ctx, "no bootstrap token", "node", who.Node, "why", "not made", "err", err)
		e := joinapi.Errorf(joinapi.CodeNotYet, "the cluster gave joinsvc no bootstrap token for %s; joinsvc's log says why", who.Node)
		e.RetryAfter = notYet
		return "", e
	}
	fresh := bootstrapToken{Token: token, CA: ca, Expires: c.Now().Add(bootstrapTTL).UTC()}
	n, err := c.modify(ctx, who, func(_ Tx, n *Node) error {
		if !n.Bootstrap.usable(ca, c.Now()) {
			n.Bootstrap = &fresh
		}
		return nil
	})
	if err != nil || n.Bootstrap.Token != token {
		// The node is gone, or it asked twice at once and the other was first.
		c.withdraw(ctx, cluster, who.Node, token)
	}
	if err != nil {
		return "", err
	}
	return n.Bootstrap.Token, nil
}

func (t *bootstrapToken) usable(ca string, now time.Time) bool {
	return t != nil && t.CA == ca && now.Add(bootstrapLeft).Before(t.Expires)
}

// spent is a token that is to be revoked and not given again.
func (t *bootstrapToken) spent() *bootstrapToken {
	if t == nil {
		return nil
	}
	return &bootstrapToken{Token: t.Token, CA: t.CA}
}

func (c *Coordinator) outstanding(ctx context.Context, ca string, who Caller) (string, error) {
	n, err := c.look(ctx, who)
	if err != nil || !n.Bootstrap.usable(ca, c.Now()) {
		return "", err
	}
	return n.Bootstrap.Token, nil
}

// look is the caller's record as it is now.
func (c *Coordinator) look(ctx context.Context, who Caller) (n Node, err error) {
	err = c.Store.Update(ctx, func(tx Tx) error {
		n, err = c.node(tx, who)
		return err
	})
	return n, err
}

// revoke removes the node's bootstrap token from the cluster. When that does
// not succeed the record keeps it, and the next report tries again. Nor does it
// depend on whether the node waits for the end.
func (c *Coordinator) revoke(ctx context.Context, who Caller) {
	ctx = context.WithoutCancel(ctx)
	n, err := c.look(ctx, who)
	cluster := c.connected()
	if err != nil || n.Bootstrap == nil || cluster == nil {
		return
	}
	spent := n.Bootstrap.Token
	if !c.withdraw(ctx, cluster, who.Node, spent) {
		return
	}
	_, err = c.modify(ctx, who, func(_ Tx, n *Node) error {
		if n.Bootstrap != nil && n.Bootstrap.Token == spent {
			n.Bootstrap = nil
		}
		return nil
	})
	if err != nil {
		c.Log.WarnContext(ctx, "revoked bootstrap token still on record", "node", who.Node, "why", "store", "err", err)
	}
}

func (c *Coordinator) withdraw(ctx context.Context, cluster Cluster, node, token string) bool {
	err := cluster.RevokeToken(ctx, token)
	if err != nil {
		c.Log.WarnContext(ctx, "bootstrap token not revoked; it expires by itself", "node", node, "why", "not revoked", "err", err)
	}
	return err == nil
}
