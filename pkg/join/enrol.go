// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"errors"
	"log/slog"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/pki"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Enrol admits the host that presents bearer, an enrolment token, and returns
// its certificate. What it decides binds to the key of the request.
func (c *Coordinator) Enrol(ctx context.Context, bearer string, r joinapi.EnrolRequest) (joinapi.EnrolResponse, error) {
	presented, err := joinapi.ParseToken(bearer)
	if err != nil {
		c.Log.Warn("enrolment refused", "why", "no token", "err", err)
		return joinapi.EnrolResponse{}, joinapi.Errorf(joinapi.CodeUnauthorized, "%v", err)
	}
	req, err := request(r)
	if err != nil {
		c.Log.Warn("enrolment refused", "why", "invalid request", "token", presented.ID, "err", err)
		return joinapi.EnrolResponse{}, err
	}
	var n Node
	err = c.Store.Update(ctx, func(tx Tx) (err error) {
		n, err = c.enrol(tx, presented, req.Fingerprint, r.Identity)
		return err
	})
	if err != nil {
		c.logRefusal(presented.ID, req.Fingerprint, r.Identity, err)
		return joinapi.EnrolResponse{}, err
	}
	cert, err := c.CA.SignNode(req, n.Name)
	if err != nil {
		return joinapi.EnrolResponse{}, err
	}
	c.Log.Info("enrolled", "node", n.Name, "token", presented.ID, "key", n.Key, "address", n.Address, "asn", n.ASN)
	return joinapi.EnrolResponse{Node: n.Name, Certificate: cert, CA: c.CA.PEM()}, nil
}

func request(r joinapi.EnrolRequest) (pki.Request, error) {
	if err := checkIdentity(r.Identity); err != nil {
		return pki.Request{}, err
	}
	req, err := pki.ParseRequest(r.CSR)
	if err != nil {
		return pki.Request{}, joinapi.Errorf(joinapi.CodeInvalid, "csr: %v", err)
	}
	return req, nil
}

func (c *Coordinator) logRefusal(id, key string, who joinapi.Identity, err error) {
	attrs := []any{"token", id, "key", key, "hostname", who.Hostname, "macs", who.MACs, "err", err}
	level := slog.LevelWarn
	var r *refusal
	if errors.As(err, &r) {
		attrs = append(attrs, "why", r.why)
		if r.alarm {
			level, attrs = slog.LevelError, append(attrs, "alarm", true)
		}
	}
	c.Log.Log(context.Background(), level, "enrolment refused", attrs...)
}

// enrol decides all of it in one transaction: token, node, key, leases.
func (c *Coordinator) enrol(tx Tx, presented joinapi.EnrolToken, key string, id joinapi.Identity) (Node, error) {
	t, err := c.redeem(tx, presented, key)
	if err != nil {
		return Node{}, err
	}
	name := t.Redemptions[key]
	if name == "" {
		planned, err := admit(c.Plan, id, t.Node)
		if err != nil {
			return Node{}, err
		}
		name = c.Plan.FQDN(planned)
		if err := t.mayBecome(planned, name); err != nil {
			return Node{}, err
		}
	}
	n, enrolled, err := get[Node](tx, nodePrefix+name)
	switch {
	case err != nil:
	case !enrolled:
		n, err = c.admitted(tx, name, key, id)
	case n.Key != key && t.takesOver(key):
		n, err = c.reinstalled(tx, n, key, id)
	case n.Key != key:
		err = anotherKey(n)
	}
	if err != nil {
		return Node{}, err
	}
	return n, c.redeemed(tx, t, key, name)
}

func anotherKey(n Node) error {
	r := refuse(joinapi.CodeConflict, "node holds another key "+n.Key,
		"%s is enrolled already, with another key; if this host was installed anew, give it a token of `joinsvc token create --reinstalled --node %[1]s`", n.Name)
	r.alarm = true
	return r
}

func (c *Coordinator) redeemed(tx Tx, t token, key, name string) error {
	if t.Redemptions[key] == name {
		return nil
	}
	if t.Redemptions == nil {
		t.Redemptions = map[string]string{}
	}
	t.Redemptions[key] = name
	return put(tx, tokenPrefix+t.ID, t)
}

func (c *Coordinator) admitted(tx Tx, name, key string, id joinapi.Identity) (Node, error) {
	h, err := c.Plan.HostPlan(name)
	if err != nil {
		return Node{}, joinapi.Errorf(joinapi.CodeNotFound, "%v", err)
	}
	n := Node{
		Name: name, Role: h.Role, Key: key, Identity: id, Address: h.Address,
		Progress: joinapi.PhaseEnrolled, Enrolled: c.Now().UTC(),
	}
	if n.ASN, err = c.giveASN(tx, h); err != nil {
		return Node{}, err
	}
	if err := c.leaseAddress(tx, h); err != nil {
		return Node{}, err
	}
	return n, put(tx, nodePrefix+name, n)
}

// reinstalled gives a node's place to a new key. Its leases stay, and the
// bootstrap token that is to be revoked; what was told of the old installation
// goes.
func (c *Coordinator) reinstalled(tx Tx, old Node, key string, id joinapi.Identity) (Node, error) {
	h, err := c.Plan.HostPlan(old.Name)
	if err != nil {
		return Node{}, joinapi.Errorf(joinapi.CodeNotFound, "%v", err)
	}
	if _, err := c.decide(tx, callReinstall, &old); err != nil {
		return Node{}, err
	}
	if err := forget(tx, old.Name); err != nil {
		return Node{}, err
	}
	n := Node{
		Name: old.Name, Role: old.Role, Key: key, Identity: id, Address: old.Address,
		Progress: old.Progress, Bootstrap: old.Bootstrap.spent(), Enrolled: c.Now().UTC(),
	}
	if n.ASN, err = c.giveASN(tx, h); err != nil {
		return Node{}, err
	}
	return n, put(tx, nodePrefix+n.Name, n)
}

func (c *Coordinator) leaseAddress(tx Tx, h plan.HostPlan) error {
	key := addressPrefix + h.Address.Addr().String()
	held, ok, err := get[lease](tx, key)
	if err != nil {
		return err
	}
	if ok && held.Node != h.Name {
		return refuse(joinapi.CodeConflict, "address held",
			"the plan gives %s to %s, but %s holds it; the operator has to give one of them another", h.Address, h.Name, held.Node)
	}
	return put(tx, key, lease{h.Name})
}
