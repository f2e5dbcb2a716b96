// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// Accept takes the cluster access that the init node brings, and connects. From
// then on the cluster exists: another one's access is refused until an operator
// opens init again.
func (c *Coordinator) Accept(ctx context.Context, who Caller, a joinapi.ClusterAccess) error {
	if err := c.Store.Update(ctx, func(tx Tx) error { return c.mayGrant(tx, who) }); err != nil {
		return err
	}
	if err := c.checkAccess(a); err != nil {
		return err
	}
	var known bool
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		known, err = sameCluster(tx, a)
		return err
	})
	if err != nil || known && c.connected() != nil {
		return err // a lost answer: nothing is written, and nothing is begun anew
	}
	if !c.reports.take(who.Key, c.Now()) {
		return tooFast("%s says too much in too short a time; this access is not on record", who.Node)
	}
	if err := c.connect(a); err != nil {
		c.Log.WarnContext(ctx, "cluster access refused", "node", who.Node, "why", "not usable", "err", err)
		return joinapi.Errorf(joinapi.CodeInvalid, "connecting to the cluster: %v", err)
	}
	err = c.Store.Update(ctx, func(tx Tx) error {
		if err := c.mayGrant(tx, who); err != nil {
			return err
		}
		if _, err := sameCluster(tx, a); err != nil {
			return err
		}
		return put(tx, accessKey, a)
	})
	if err != nil {
		c.asOnRecord(context.WithoutCancel(ctx))
		return err
	}
	c.Log.Info("cluster access granted", "node", who.Node, "server", a.Server)
	return nil
}

// mayGrant lets the holder of init through, and nobody else: whoever grants
// access says what the cluster is.
func (c *Coordinator) mayGrant(tx Tx, who Caller) error {
	n, err := c.node(tx, who)
	if err != nil {
		return err
	}
	_, err = c.decide(tx, callAccess, &n)
	return err
}

// checkAccess says everything that is wrong with an access.
func (c *Coordinator) checkAccess(a joinapi.ClusterAccess) error {
	var problems []joinapi.FieldProblem
	if want := "https://" + c.Plan.Spec.Kubernetes.APIEndpoint.String(); a.Server != want {
		problems = append(problems, wrong("server", "%q is not the plan's API endpoint %s", cut(a.Server, maxName), want))
	}
	if _, err := caKeyHash(a.CA); err != nil {
		problems = append(problems, wrong("ca", "%v", err))
	}
	if len(problems) == 0 {
		return nil
	}
	return joinapi.Invalid(problems...)
}

// asOnRecord connects to the cluster that is on record, or to none: the one that
// joinsvc has just connected to may have been given up meanwhile, and would be
// written to for ever.
func (c *Coordinator) asOnRecord(ctx context.Context) {
	on, ok, err := c.access(ctx)
	switch {
	case err == nil && ok:
		err = c.connect(on)
	case err == nil:
		c.disconnect()
	}
	if err != nil {
		c.Log.WarnContext(ctx, "connected to another cluster than the one on record", "why", "access not taken back", "err", err)
	}
}

// sameCluster refuses the access of a second cluster, and reports whether it is
// the one on record.
func sameCluster(tx Tx, a joinapi.ClusterAccess) (known bool, err error) {
	on, ok, err := get[joinapi.ClusterAccess](tx, accessKey)
	if err != nil || !ok {
		return false, err
	}
	was, err := caKeyHash(on.CA)
	if err != nil {
		return false, err
	}
	if is, err := caKeyHash(a.CA); err != nil || is != was {
		return false, refuse(joinapi.CodeConflict, "another cluster",
			"ca: %s is the CA of another cluster than the one that joinsvc has access to, whose is %s; if that one is gone for good, `joinsvc init reopen` lets another be made", is, was)
	}
	return a == on, nil
}
