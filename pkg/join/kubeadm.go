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

const (
	// bootstrapTTL bounds a bootstrap token whose node never says that it is
	// done. A join takes a minute; under emulation, several.
	bootstrapTTL = 30 * time.Minute
	// notYet is after what time a node should ask again.
	notYet = 5 * time.Second
)

// Order tells a node what kubeadm has to do. One control plane, the first that
// asks, gets init, and gets it again if it asks again; everybody else gets join
// once joinsvc reaches the cluster.
func (c *Coordinator) Order(ctx context.Context, who Caller) (joinapi.KubeadmOrder, error) {
	n, holder, err := c.takeInit(ctx, who)
	if err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	h, err := c.hostPlan(n)
	if err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	var order joinapi.KubeadmOrder
	switch {
	case holder.Name == n.Name:
		order, err = c.initOrder(h)
	case n.Role == plan.ControlPlane:
		err = joinapi.Errorf(joinapi.CodeConflict, "%s has kubeadm init; this version joins no further control plane", holder.Name)
	default:
		order, err = c.joinOrder(ctx, who, h, holder)
	}
	if err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	if _, err := c.modify(ctx, who, handedOut); err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	c.Log.Info("kubeadm documents handed out", "node", n.Name, "action", order.Action)
	return order, nil
}

func handedOut(n *Node) error {
	n.Progress, n.Reason = joinapi.PhaseJoining, ""
	return nil
}

// takeInit returns the caller and the node that holds init, which the caller
// becomes if it is a control plane and nobody holds it.
func (c *Coordinator) takeInit(ctx context.Context, who Caller) (n, holder Node, err error) {
	err = c.Store.Update(ctx, func(tx Tx) error {
		if n, err = c.node(tx, who); err != nil {
			return err
		}
		held, ok, err := get[lease](tx, initKey)
		switch {
		case err != nil:
			return err
		case ok:
			holder, _, err = get[Node](tx, nodePrefix+held.Node)
			return err
		case n.Role != plan.ControlPlane:
			holder = Node{}
			return nil
		}
		holder = n
		return put(tx, initKey, lease{n.Name})
	})
	return n, holder, err
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
		return joinapi.KubeadmOrder{}, waiting(holder)
	}
	hash, err := caKeyHash(access.CA)
	if err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	token, err := c.mint(ctx, cluster, who)
	if err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	config, err := c.Kubeadm.Join(c.Plan, h, token, hash)
	if err != nil {
		return joinapi.KubeadmOrder{}, fmt.Errorf("writing the documents of kubeadm join: %w", err)
	}
	return joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: config}, nil
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

// mint makes a bootstrap token, in the place of one that the node was given
// before. The record has it before the node has, so that it is always revoked.
func (c *Coordinator) mint(ctx context.Context, cluster Cluster, who Caller) (string, error) {
	c.revoke(ctx, who)
	token, err := cluster.MintToken(ctx, who.Node, bootstrapTTL)
	if err != nil {
		c.Log.Warn("no bootstrap token", "node", who.Node, "err", err)
		e := joinapi.Errorf(joinapi.CodeNotYet, "the cluster gave joinsvc no bootstrap token for %s; joinsvc's log says why", who.Node)
		e.RetryAfter = notYet
		return "", e
	}
	_, err = c.modify(ctx, who, func(n *Node) error {
		n.Bootstrap = token
		return nil
	})
	return token, err
}

// revoke removes the node's bootstrap token from the cluster. When that does
// not succeed the record keeps it, and the next report tries again.
func (c *Coordinator) revoke(ctx context.Context, who Caller) {
	var spent string
	err := c.Store.Update(ctx, func(tx Tx) error {
		n, err := c.node(tx, who)
		spent = n.Bootstrap
		return err
	})
	cluster := c.connected()
	if err != nil || spent == "" || cluster == nil {
		return
	}
	if err := cluster.RevokeToken(ctx, spent); err != nil {
		c.Log.Warn("bootstrap token not revoked; it expires by itself", "node", who.Node, "err", err)
		return
	}
	_, err = c.modify(ctx, who, func(n *Node) error {
		if n.Bootstrap == spent {
			n.Bootstrap = ""
		}
		return nil
	})
	if err != nil {
		c.Log.Warn("revoked bootstrap token still on record", "node", who.Node, "err", err)
	}
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

// Accept takes the cluster access that the init node brings, and connects.
func (c *Coordinator) Accept(ctx context.Context, who Caller, a joinapi.ClusterAccess) error {
	if err := c.mayGrant(ctx, who); err != nil {
		return err
	}
	if want := "https://" + c.Plan.Spec.Kubernetes.APIEndpoint.String(); a.Server != want {
		return joinapi.Errorf(joinapi.CodeInvalid, "server: %q is not the plan's API endpoint %s", a.Server, want)
	}
	if _, err := caKeyHash(a.CA); err != nil {
		return joinapi.Errorf(joinapi.CodeInvalid, "ca: %v", err)
	}
	if err := c.connect(a); err != nil {
		c.Log.Warn("cluster access refused", "node", who.Node, "err", err)
		return joinapi.Errorf(joinapi.CodeInvalid, "connecting to the cluster: %v", err)
	}
	if err := c.Store.Update(ctx, func(tx Tx) error { return put(tx, accessKey, a) }); err != nil {
		return err
	}
	c.Log.Info("cluster access granted", "node", who.Node, "server", a.Server)
	return nil
}

// mayGrant lets the holder of init through, and nobody else: whoever grants
// access says what the cluster is.
func (c *Coordinator) mayGrant(ctx context.Context, who Caller) error {
	return c.Store.Update(ctx, func(tx Tx) error {
		if _, err := c.node(tx, who); err != nil {
			return err
		}
		held, _, err := get[lease](tx, initKey)
		if err != nil {
			return err
		}
		if held.Node != who.Node {
			return refuse(joinapi.CodeForbidden, "does not hold init", "%s does not run kubeadm init and cannot grant access to the cluster", who.Node)
		}
		return nil
	})
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
