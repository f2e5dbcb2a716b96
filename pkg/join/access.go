// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"fmt"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Accept takes the cluster access that the init node brings, and connects. From
// then on the cluster exists: another one's access is refused until an operator
// opens init again.
func (c *Coordinator) Accept(ctx context.Context, who Caller, a joinapi.ClusterAccess) error {
	if err := c.Store.Update(ctx, func(tx Tx) error { return c.mightGrant(tx, who) }); err != nil {
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

// renewal is what the node that made the cluster is asked for once half of the
// time is over for which the cluster admits joinsvc, and after all of it; nil
// before, and for every other node.
func (c *Coordinator) renewal(ctx context.Context, n Node) (*joinapi.AccessRequest, error) {
	if n.Role != plan.ControlPlane || !joined(n) {
		return nil, nil //nolint:nilnil // nothing is asked for, and nothing is wrong
	}
	var init initRecord
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		init, _, err = get[initRecord](tx, initKey)
		return err
	})
	if err != nil || init.Node != n.Name || init.state() != initDone {
		return nil, err
	}
	access, ok, err := c.access(ctx)
	if err != nil || !ok || !c.halfOver(access.Certificate) {
		return nil, err
	}
	request, err := c.Kubeadm.Access()
	if err != nil {
		return nil, fmt.Errorf("writing the request for cluster access: %w", err)
	}
	return &request, nil
}

// halfOver says whether a certificate is in the second half of its time.
func (c *Coordinator) halfOver(text string) bool {
	cert, err := certificate(text)
	return err == nil && c.Now().After(cert.NotBefore.Add(cert.NotAfter.Sub(cert.NotBefore)/2))
}

// mightGrant lets the holder of init through, and nobody else: whoever grants
// access says what the cluster is. It changes nothing: what is brought may be of
// no use, and then nobody has made a cluster.
func (c *Coordinator) mightGrant(tx Tx, who Caller) error {
	n, err := c.node(tx, who)
	if err != nil {
		return err
	}
	_, _, err = c.judge(tx, callAccess, n)
	return err
}

// mayGrant is mightGrant for an access that goes on record: with it the cluster
// is made.
func (c *Coordinator) mayGrant(tx Tx, who Caller) error {
	n, err := c.node(tx, who)
	if err != nil {
		return err
	}
	_, err = c.decide(tx, callAccess, &n)
	return err
}

// endpoint is where the plan has the API server.
func (c *Coordinator) endpoint() string {
	return "https://" + c.Plan.Spec.Kubernetes.APIEndpoint.String()
}

// checkAccess says everything that is wrong with an access.
func (c *Coordinator) checkAccess(a joinapi.ClusterAccess) error {
	var problems []joinapi.FieldProblem
	if want := c.endpoint(); a.Server != want {
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
