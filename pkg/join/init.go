// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// initRecord says which node makes the cluster, and since when it is made.
type initRecord struct {
	Node string    `json:"node"`
	Done time.Time `json:"done,omitzero"`
}

func (r initRecord) state() initState {
	switch {
	case r.Node == "":
		return initFree
	case r.Done.IsZero():
		return initTaken
	default:
		return initDone
	}
}

// A verdict is what the table of states says to a call.
type verdict struct {
	row
	cell
	holder string // of init, before the call
}

// decide looks a call up and does to the node, and to init, what the table
// says. The node is the caller's to put. A refusal is an error and does nothing.
func (c *Coordinator) decide(tx Tx, what call, n *Node) (verdict, error) {
	v, rec, err := c.judge(tx, what, *n)
	if err != nil {
		return v, err
	}
	if v.next != "" && v.next != n.Progress {
		n.Progress, n.Reason = v.next, ""
	}
	return v, c.moveInit(tx, v.init, n.Name, rec)
}

// judge is decide for who does nothing yet.
func (c *Coordinator) judge(tx Tx, what call, n Node) (verdict, initRecord, error) {
	rec, _, err := get[initRecord](tx, initKey)
	if err != nil {
		return verdict{}, rec, err
	}
	own := rec.Node == n.Name && n.Role == plan.ControlPlane
	row, cell := lookup(what, standing{n.Role, rec.state(), own}, n.Progress)
	v := verdict{row, cell, rec.Node}
	if cell.answer.refused() {
		return v, rec, c.refusal(cell.answer, n, rec)
	}
	return v, rec, nil
}

func (c *Coordinator) moveInit(tx Tx, to initState, node string, rec initRecord) error {
	switch {
	case to == initTaken && rec.state() == initFree:
		return put(tx, initKey, initRecord{Node: node})
	case to == initDone && rec.state() == initTaken:
		return put(tx, initKey, initRecord{Node: node, Done: c.Now().UTC()})
	}
	return nil
}

// refusal says why, and what to do.
func (c *Coordinator) refusal(a answer, n Node, rec initRecord) error {
	switch a {
	case ansJoined:
		return refuse(joinapi.CodeConflict, "joined already",
			"%s is %s: kubeadm has nothing left to do there; if the host was reset or installed anew, remove its /var/lib/nodeprep and give it a token of `joinsvc token create --reinstalled --node %[1]s`",
			n.Name, n.Progress)
	case ansHeld:
		return refuse(joinapi.CodeConflict, "init is another's", "%s has kubeadm init; this version joins no further control plane", rec.Node)
	case ansExists:
		return refuse(joinapi.CodeConflict, "the cluster exists",
			"cluster %s exists: %s made it on %s, and kubeadm init on a fresh disk would make a second one; restore its /etc/kubernetes, /var/lib/kubelet and /var/lib/etcd, or, if the cluster is gone for good, let it be made anew by `joinsvc init reopen %[2]s`, after which every other node has to be installed anew, too",
			c.Plan.Metadata.Name, rec.Node, rec.Done.Format(time.RFC3339))
	case ansNoOrder:
		return refuse(joinapi.CodeConflict, "was handed no order",
			"joinsvc has handed %s no kubeadm documents, so that nothing it did with kubeadm counts; run `kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock` on the host, and nodeprep again", n.Name)
	default:
		return refuse(joinapi.CodeForbidden, "does not have init", "%s does not run kubeadm init and cannot grant access to the cluster", n.Name)
	}
}

// mayOrder says what kubeadm has to do on the caller, which is as it was before it
// asked, and which node has init.
// Who is told init has it from then on; who is told join is not joining yet.
func (c *Coordinator) mayOrder(ctx context.Context, who Caller) (n, holder Node, what answer, err error) {
	err = c.Store.Update(ctx, func(tx Tx) error {
		if n, err = c.node(tx, who); err != nil {
			return err
		}
		if err := c.asPlanned(n); err != nil {
			return err
		}
		asked := n
		v, err := c.decide(tx, callOrder, &asked)
		if err != nil {
			return err
		}
		if what = v.answer; what == ansInit {
			holder = asked
			return c.putNode(tx, asked)
		}
		holder, _, err = get[Node](tx, nodePrefix+v.holder)
		return err
	})
	return n, holder, what, err
}

// asPlanned refuses a node that the plan has no more, or as something else than it
// enrolled as: before it takes init, which it would keep for ever, or makes on its
// host what the plan wants elsewhere. One that has joined is told so instead.
func (c *Coordinator) asPlanned(n Node) error {
	planned, ok := c.planned(n.Name)
	switch {
	case !ok:
		return unplanned(n)
	case planned.Role != n.Role && !joined(n):
		return refuse(joinapi.CodeConflict, "another role",
			"%s enrolled as a %s, and the plan says now that it is a %s; set its role back in the plan, or remove /var/lib/nodeprep on the host and give it a token of `joinsvc token create --reinstalled --node %[1]s`",
			n.Name, n.Role, planned.Role)
	}
	return nil
}

// handedOut moves a node that has its documents, and takes no node back that
// has come further meanwhile.
func (c *Coordinator) handedOut(ctx context.Context, who Caller) error {
	_, err := c.modify(ctx, who, func(tx Tx, n *Node) error {
		_, err := c.decide(tx, callOrder, n)
		return err
	})
	return err
}

// ReopenInit lets kubeadm init run once more, for an operator whose cluster is
// gone for good. node, in short or in full, has to be the one that has init, so
// that nobody does it by mistake; the plan need not have it any more. One that is
// routed serves a cluster that lives. joinsvc forgets its access to that cluster.
func (c *Coordinator) ReopenInit(ctx context.Context, node string) error {
	var rec initRecord
	err := c.Store.Update(ctx, func(tx Tx) (err error) {
		if rec, _, err = get[initRecord](tx, initKey); err != nil {
			return err
		}
		if err := c.hasInit(node, rec); err != nil {
			return err
		}
		phase, err := c.phaseIn(tx, rec.Node)
		if err != nil {
			return err
		}
		if phase == joinapi.PhaseRouted {
			return joinapi.Errorf(joinapi.CodeConflict, "%s is routed, so that its cluster lives; install it anew first", rec.Node)
		}
		if sign := c.clusterLives(); sign != "" {
			return joinapi.Errorf(joinapi.CodeConflict, "the cluster that %s made may live: %s; install it anew or switch it off first, and ask again a minute later", rec.Node, sign)
		}
		tx.Delete(initKey)
		tx.Delete(accessKey)
		return nil
	})
	if err != nil {
		return err
	}
	c.disconnect()
	c.Log.Warn("kubeadm init is open again", "node", rec.Node)
	return nil
}

// clusterLives is what speaks for the cluster on record being there, empty for
// nothing. One that does not take joinsvc's certificate is the one that issued it,
// some time ago: another one's API server would not be believed.
func (c *Coordinator) clusterLives() string {
	if c.connected() == nil || c.Admission == nil {
		return ""
	}
	r, now := c.Admission.Reading(), c.Now()
	switch {
	case errors.Is(r.Err, ErrAccessRefused):
		return "its API server answers, and does not accept joinsvc's certificate any more"
	case !r.Answered.IsZero() && now.Sub(r.Answered) <= accessOld:
		return fmt.Sprintf("its API server answered %s ago", ago(now, r.Answered))
	case r.Answered.IsZero() && r.Err == nil:
		return "joinsvc has not asked its API server yet"
	}
	return ""
}

// hasInit refuses every name but that of the node which has init.
func (c *Coordinator) hasInit(node string, rec initRecord) error {
	h, err := c.Plan.HostPlan(node)
	switch {
	case rec.Node != "" && (rec.Node == node || rec.Node == node+"."+c.Plan.Spec.Domain):
		return nil
	case err != nil:
		return joinapi.Errorf(joinapi.CodeNotFound, "%v", err)
	case rec.Node == "":
		return joinapi.Errorf(joinapi.CodeConflict, "kubeadm init is open: no node has it")
	}
	return joinapi.Errorf(joinapi.CodeConflict, "%s has kubeadm init, not %s", rec.Node, h.Name)
}

func (c *Coordinator) phaseIn(tx Tx, name string) (joinapi.NodePhase, error) {
	n, _, err := get[Node](tx, nodePrefix+name)
	if err != nil {
		return "", err
	}
	rec, _, err := get[sessionRecord](tx, sessionPrefix+name)
	phase, _ := c.phase(n, rec)
	return phase, err
}

// disconnect ends what runs on the connection to a cluster that is given up.
func (c *Coordinator) disconnect() {
	c.mu.Lock()
	c.cluster = nil
	c.mu.Unlock()
	if c.Kubeadm.Disconnect != nil {
		c.Kubeadm.Disconnect()
	}
}
