// SPDX-License-Identifier: Apache-2.0

package join

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/pki"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A candidate is what is known of a host that enrols: the more, the further it
// comes.
type candidate struct {
	token    string // its id
	request  pki.Request
	identity joinapi.Identity
}

// Enrol admits the host that presents bearer, an enrolment token, and returns
// its certificate. What it decides binds to the key of the request. The
// cheapest refusals come first: the token's form, its id, its secret; whoever
// has none of them costs one read, and read, which gets the request from the
// host, is not called. Then the request's kind of key and its signature.
func (c *Coordinator) Enrol(ctx context.Context, bearer string, read func() (joinapi.EnrolRequest, error)) (joinapi.EnrolResponse, error) {
	var who candidate
	n, fresh, err := c.enrol(ctx, bearer, read, &who)
	if err != nil {
		c.logRefusal(ctx, who, err)
		return joinapi.EnrolResponse{}, err
	}
	cert, err := c.CA.SignNode(who.request, n.Name)
	if err != nil {
		return joinapi.EnrolResponse{}, err
	}
	attrs := []any{"node", n.Name, "token", who.token, "key", n.Key, "address", n.Address, "asn", n.ASN}
	if !fresh { // which its holder can do as often as it likes
		attrs = append(attrs, "why", "asked again")
	}
	c.Log.InfoContext(ctx, "enrolled", attrs...)
	return joinapi.EnrolResponse{Node: n.Name, Certificate: cert, CA: c.CA.PEM()}, nil
}

// enrol reports, too, whether the token was used for it.
func (c *Coordinator) enrol(ctx context.Context, bearer string, read func() (joinapi.EnrolRequest, error), who *candidate) (n Node, fresh bool, err error) {
	presented, err := joinapi.ParseToken(bearer)
	if err != nil {
		return n, false, refuse(joinapi.CodeUnauthorized, "no token", "%v", err)
	}
	who.token = presented.ID
	t, err := c.authenticate(ctx, presented)
	if err != nil {
		return n, false, err
	}
	r, err := read()
	if err != nil {
		return n, false, err
	}
	who.identity = r.Identity
	if who.request, err = request(r); err != nil {
		return n, false, err
	}
	return c.redeem(ctx, t, who.request.Fingerprint, who.identity)
}

// request says everything that is wrong with a request.
func request(r joinapi.EnrolRequest) (pki.Request, error) {
	problems := identityProblems("identity", r.Identity)
	req, err := pki.ParseRequest(r.CSR)
	if err != nil {
		problems = append(problems, wrong("csr", "%v", err))
	}
	if len(problems) > 0 {
		return pki.Request{}, &refusal{answer: joinapi.Invalid(problems...), why: "invalid request"}
	}
	return req, nil
}

// logRefusal writes one line. What may pass, and a host that went away, are
// nothing that an operator could act on.
func (c *Coordinator) logRefusal(ctx context.Context, who candidate, err error) {
	if len(identityProblems("identity", who.identity)) > 0 {
		who.identity = joinapi.Identity{} // as long as its sender likes
	}
	attrs := []any{"token", who.token, "key", who.request.Fingerprint, "hostname", who.identity.Hostname, "macs", who.identity.MACs, "err", err}
	level := slog.LevelWarn
	var unavailable *UnavailableError
	if errors.As(err, &unavailable) || errors.Is(err, context.Canceled) {
		level = slog.LevelDebug
	}
	why := string(cmp.Or(joinapi.CodeOf(err), joinapi.CodeInternal)) // each is of a kind, or a flood of it is written
	var r *refusal
	if errors.As(err, &r) {
		why = r.why
		if r.alarm {
			level, attrs = slog.LevelError, append(attrs, "alarm", true)
		}
	}
	c.Log.Log(ctx, level, "enrolment refused", append(attrs, "why", why)...)
}

// redeem makes key a node by token t, with a slot that nobody else here tries
// at the same time. One that was taken elsewhere is learnt, and costs another
// attempt.
func (c *Coordinator) redeem(ctx context.Context, t token, key string, id joinapi.Identity) (n Node, used bool, err error) {
	for {
		slot, err := c.slots.take(ctx, t.ID, t.Uses)
		if err != nil {
			return Node{}, false, err
		}
		err = c.Store.Update(ctx, func(tx Tx) (err error) {
			n, used, err = c.become(tx, t.ID, use{Slot: slot, Key: key}, id)
			return err
		})
		var gone *slotTakenError
		switch {
		case errors.As(err, &gone):
			c.slots.settle(t.ID, slot, gone.taken...)
			continue
		case err == nil && used:
			c.slots.settle(t.ID, slot, slot)
		default:
			c.slots.settle(t.ID, slot)
		}
		return n, used, err
	}
}

// become decides all of it in one transaction: token, node, key, leases. It
// reports whether that took the use's slot.
func (c *Coordinator) become(tx Tx, id string, u use, who joinapi.Identity) (n Node, used bool, err error) {
	t, known, err := get[token](tx, tokenPrefix+id)
	if err != nil {
		return Node{}, false, err
	}
	if !known { // revoked since its secret was shown
		return Node{}, false, refuse(joinapi.CodeUnauthorized, "unknown token", unknownToken)
	}
	before, again, err := get[use](tx, useKey(id, u.Key))
	if err != nil {
		return Node{}, false, err
	}
	if again {
		// An answer was lost: that is no use more, and no later than the first.
		n, err = c.remain(tx, before, who)
		return n, false, err
	}
	n, err = c.firstUse(tx, t, u, who)
	return n, err == nil, err
}

// remain returns the node that a key has become with the same token, to the
// hardware that it has become it with: a copy of the disk has the key, too.
func (c *Coordinator) remain(tx Tx, u use, who joinapi.Identity) (Node, error) {
	n, enrolled, err := get[Node](tx, nodePrefix+u.Node)
	switch {
	case err != nil:
		return Node{}, err
	case !enrolled:
		return Node{}, refuse(joinapi.CodeUnauthorized, "node was removed",
			"%s, which this key enrolled as, was removed since; to enrol it again, give it a new token of `joinsvc token create`", u.Node)
	case n.Key != u.Key:
		return Node{}, anotherKey(n)
	}
	return n, c.sameHardware(n, who)
}

func (c *Coordinator) firstUse(tx Tx, t token, u use, who joinapi.Identity) (Node, error) {
	if err := c.unexpired(t); err != nil {
		return Node{}, err
	}
	if u.Slot == noSlot {
		return Node{}, c.tooLate(tx, t, u, who)
	}
	h, err := c.inventory().admit(c.Plan.Spec.Nodes, who, t.Node)
	if err != nil {
		return Node{}, err
	}
	planned, _ := c.planned(h.Name)
	if err := t.mayBecome(planned, h.Name); err != nil {
		return Node{}, err
	}
	u.Node = h.Name
	n, enrolled, err := get[Node](tx, nodePrefix+h.Name)
	if err != nil {
		return Node{}, err
	}
	if err := c.occupy(tx, t, u); err != nil {
		return Node{}, err
	}
	switch {
	case !enrolled:
		return c.admitted(tx, h, u.Key, who)
	case n.Key == u.Key: // with another token
		return n, c.sameHardware(n, who)
	case t.Reinstalled:
		return c.reinstalled(tx, n, h, u.Key, who)
	default:
		return Node{}, anotherKey(n)
	}
}

// tooLate refuses a key for whose first use nothing is left. It alarms when the
// host says that it is a node which has enrolled with another key: somebody has
// been there before it, or tries to be it.
func (c *Coordinator) tooLate(tx Tx, t token, u use, who joinapi.Identity) error {
	r, err := usedUp(tx, t)
	if err != nil {
		return err
	}
	if h, no := c.inventory().admit(c.Plan.Spec.Nodes, who, t.Node); no == nil {
		n, enrolled, err := get[Node](tx, nodePrefix+h.Name)
		if err != nil {
			return err
		}
		r.alarm = enrolled && n.Key != u.Key
	}
	return r
}

func anotherKey(n Node) error {
	r := refuse(joinapi.CodeConflict, "node holds another key "+n.Key,
		"%s is enrolled already, with another key; if this host was installed anew, give it a token of `joinsvc token create --reinstalled --node %[1]s`", n.Name)
	r.alarm = true
	return r
}

func (c *Coordinator) admitted(tx Tx, h plan.HostPlan, key string, id joinapi.Identity) (Node, error) {
	n := Node{
		Name: h.Name, Role: h.Role, Key: key, Identity: id, Address: h.Address,
		Progress: joinapi.PhaseEnrolled, Enrolled: c.Now().UTC(),
	}
	if err := c.giveASN(tx, &n, h); err != nil {
		return Node{}, err
	}
	if err := c.leaseAddress(tx, h); err != nil {
		return Node{}, err
	}
	if err := leaseKey(tx, n); err != nil {
		return Node{}, err
	}
	return n, put(tx, nodePrefix+n.Name, n)
}

// reinstalled gives a node's place to a new key. Its leases stay, and the
// bootstrap token that is to be revoked; what was told of the old installation
// goes. Its role is what the plan says now, which its host is told, too.
func (c *Coordinator) reinstalled(tx Tx, old Node, h plan.HostPlan, key string, id joinapi.Identity) (Node, error) {
	if _, err := c.decide(tx, callReinstall, &old); err != nil {
		return Node{}, err
	}
	if err := forget(tx, old.Name); err != nil {
		return Node{}, err
	}
	n := Node{
		Name: old.Name, Role: h.Role, Key: key, Identity: id, Address: old.Address, ASN: old.ASN, SharedASN: old.SharedASN,
		Progress: old.Progress, Bootstrap: old.Bootstrap.spent(), Enrolled: c.Now().UTC(),
	}
	if err := c.giveASN(tx, &n, h); err != nil {
		return Node{}, err
	}
	if err := leaseKey(tx, n); err != nil {
		return Node{}, err
	}
	tx.Delete(keyPrefix + old.Key)
	return n, put(tx, nodePrefix+n.Name, n)
}

// leaseKey lets one key be one node. A host that enrols as another with the key
// of its first name has a copy of somebody's disk, or its node was renamed.
func leaseKey(tx Tx, n Node) error {
	held, ok, err := get[lease](tx, keyPrefix+n.Key)
	if err != nil {
		return err
	}
	if ok && held.Node != n.Name {
		r := refuse(joinapi.CodeConflict, "key of "+held.Node,
			"this host's key is that of %s, and the plan says that it is %s; if its disk is a copy of that node's, remove nodeprep's state (/var/lib/nodeprep) here and enrol it again; if the plan has renamed it, `joinsvc nodes release %[1]s` and install it anew", held.Node, n.Name)
		r.alarm = true
		return r
	}
	return put(tx, keyPrefix+n.Key, lease{n.Name})
}

// freeing is what an operator does about a node that holds what the plan gives to
// another.
func (c *Coordinator) freeing(holder string) string {
	if _, ok := c.planned(holder); !ok {
		return fmt.Sprintf("that node is not in the plan any more: if its host is gone, free it with `joinsvc nodes release %s`", holder)
	}
	return fmt.Sprintf("give one of them another in the plan, or, if %s is to have another already, `joinsvc nodes release %[1]s` and enrol it again", holder)
}

func (c *Coordinator) leaseAddress(tx Tx, h plan.HostPlan) error {
	key := addressPrefix + h.Address.Addr().String()
	held, ok, err := get[lease](tx, key)
	if err != nil {
		return err
	}
	if ok && held.Node != h.Name {
		return refuse(joinapi.CodeConflict, "address held",
			"the plan gives %s to %s, but %s holds it; %s", h.Address, h.Name, held.Node, c.freeing(held.Node))
	}
	return put(tx, key, lease{h.Name})
}
