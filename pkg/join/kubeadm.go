// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// notYet is after what time a node should ask again.
const notYet = 5 * time.Second

// Order tells a node what kubeadm has to do. One control plane, the first that
// asks, gets init, and gets it again until it is done; everybody else gets join
// once joinsvc reaches the cluster. The table of states says who gets what.
func (c *Coordinator) Order(ctx context.Context, who Caller) (joinapi.KubeadmOrder, error) {
	n, holder, what, err := c.mayOrder(ctx, who)
	if err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	h, err := c.hostPlan(n)
	if err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	var order joinapi.KubeadmOrder
	switch what {
	case ansInit:
		order, err = c.initOrder(h)
	case ansJoin:
		order, err = c.joinOrder(ctx, who, h, holder)
	default:
		err = waiting(holder)
	}
	if err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	if err := c.handedOut(ctx, who); err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	attrs := []any{"node", n.Name, "action", order.Action}
	if n.Progress == joinapi.PhaseJoining { // which the node can do as often as it likes
		attrs = append(attrs, "why", "asked again")
	}
	c.Log.InfoContext(ctx, "kubeadm documents handed out", attrs...)
	return order, nil
}

func (c *Coordinator) initOrder(h plan.HostPlan) (joinapi.KubeadmOrder, error) {
	config, err := c.Kubeadm.Init(c.Plan, h)
	if err != nil {
		return joinapi.KubeadmOrder{}, fmt.Errorf("writing the documents of kubeadm init: %w", err)
	}
	patches, err := c.Kubeadm.Patches()
	if err != nil {
		return joinapi.KubeadmOrder{}, fmt.Errorf("writing the patches of kubeadm init: %w", err)
	}
	access, err := c.Kubeadm.Access()
	if err != nil {
		return joinapi.KubeadmOrder{}, fmt.Errorf("writing the request for cluster access: %w", err)
	}
	return joinapi.KubeadmOrder{
		Action: joinapi.ActionInit, Config: config, Patches: patches, Access: &access, AddOns: c.Kubeadm.AddOns,
	}, nil
}

func (c *Coordinator) joinOrder(ctx context.Context, who Caller, h plan.HostPlan, holder Node) (joinapi.KubeadmOrder, error) {
	access, ok, err := c.access(ctx)
	if err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	cluster := c.connected()
	if !ok || cluster == nil {
		return joinapi.KubeadmOrder{}, withoutAccess(ok, holder)
	}
	if err := c.mayJoin(ctx, who); err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	hash, err := caKeyHash(access.CA)
	if err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	token, err := c.mint(ctx, cluster, hash, who)
	if err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	c.vacate(ctx, cluster, who.Node)
	config, err := c.Kubeadm.Join(c.Plan, h, token, hash)
	if err != nil {
		return joinapi.KubeadmOrder{}, fmt.Errorf("writing the documents of kubeadm join: %w", err)
	}
	return joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: config}, nil
}

// vacate makes room for a host that joins under a name that it has had before. It
// is no condition of the join: kubeadm says by itself what is in its way, and
// nodeprep tries again.
func (c *Coordinator) vacate(ctx context.Context, cluster Cluster, node string) {
	was, err := cluster.MarkNotReady(ctx, node)
	switch {
	case err != nil:
		c.Log.WarnContext(ctx, "a Node that is ready may be in the way of the join", "node", node, "why", "not marked", "err", err)
	case was:
		c.Log.InfoContext(ctx, "Node marked as not ready, for its host joins anew", "node", node)
	}
}

func waiting(holder Node) error {
	e := joinapi.Errorf(joinapi.CodeNotYet, "waiting for a control plane to ask for kubeadm init")
	if holder.Name != "" {
		phase, reason := holder.Phase()
		e.Message = fmt.Sprintf("waiting for %s to finish kubeadm init; it is %s", holder.Name, phase)
		if reason != "" {
			e.Message += " (" + reason + ")"
		}
	}
	e.RetryAfter = notYet
	return e
}

// withoutAccess is for who would join a cluster that is made, and that joinsvc
// does not reach.
func withoutAccess(granted bool, holder Node) error {
	e := joinapi.Errorf(joinapi.CodeNotYet, "waiting for the node that made the cluster to hand joinsvc access to it")
	switch {
	case granted:
		e.Message = "joinsvc cannot use the access to the cluster that it has; its log says why"
	case holder.Name != "":
		phase, _ := holder.Phase()
		e.Message = fmt.Sprintf("waiting for %s to hand joinsvc access to the cluster that it made; it is %s", holder.Name, phase)
	}
	e.RetryAfter = notYet
	return e
}

func (c *Coordinator) access(ctx context.Context) (joinapi.ClusterAccess, bool, error) {
	var access joinapi.ClusterAccess
	var ok bool
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		access, ok, err = get[joinapi.ClusterAccess](tx, accessKey)
		return err
	})
	return access, ok, err
}

func (c *Coordinator) connect(a joinapi.ClusterAccess) error {
	cluster, err := c.Kubeadm.Connect(a)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cluster = cluster
	return nil
}

// Resume connects to the cluster with the access of an earlier run, if any.
func (c *Coordinator) Resume(ctx context.Context) error {
	a, ok, err := c.access(ctx)
	if err != nil || !ok {
		return err
	}
	if err := c.connect(a); err != nil {
		return fmt.Errorf("connecting to the cluster with the access on record: %w", err)
	}
	return nil
}

// clusterCA names the CA of the cluster; empty before there is one.
func (c *Coordinator) clusterCA(ctx context.Context) (string, error) {
	access, ok, err := c.access(ctx)
	if err != nil || !ok {
		return "", err
	}
	return caKeyHash(access.CA)
}

// caKeyHash is how kubeadm pins a cluster CA: "sha256:" and the hex SHA-256 of
// its SubjectPublicKeyInfo (kubeadm's --discovery-token-ca-cert-hash).
func caKeyHash(text string) (string, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return "", errors.New("the cluster's CA is no PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("reading the cluster's CA: %w", err)
	}
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
