// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// node brings one node's objects about and looks at its sessions; next is when
// it wants to be looked at again, whatever happens.
func (e *era) node(ctx context.Context, name string) (next time.Duration, err error) {
	a := e.ledger.of(name)
	if a == nil {
		return 0, e.departed(ctx, name)
	}
	is := e.get(nodes, name)
	if is == nil {
		e.board.put("annotations "+name, "")
		return 0, errors.Join(e.unask(ctx, name), e.ledger.gone(ctx, a))
	}
	if err = e.bring(ctx, a.node, is); err == nil {
		next, err = e.observe(ctx, a, is.GetUID())
	}
	if err != nil {
		return 0, errors.Join(err, e.review(ctx, a), e.ledger.blind(ctx, a, err.Error()))
	}
	return next, nil
}

// bring makes annotations and peers what they should be, in that order: a
// session that comes up with another AS than the leaf expects is refused with
// "Bad peer AS", and BIRD then waits before it tries again.
func (e *era) bring(ctx context.Context, n Node, is *unstructured.Unstructured) error {
	e.contested(is, n, time.Now())
	if !annotated(is, n) {
		if err := e.annotate(ctx, n); err != nil {
			return err
		}
	}
	rack, ok := e.rack(n.Name)
	if !ok {
		return errors.New(n.Name + " is enrolled, but in no rack of the plan, which would say what leaves it peers with; put it back into spec.nodes or spec.pools, or release it: joinsvc nodes release " + n.Name)
	}
	var errs []error
	wanted := map[string]bool{}
	for _, peer := range Peers(e.api, e.Plan, rack, n) {
		wanted[peer.GetName()] = true
		errs = append(errs, e.apply(ctx, bgpPeers, peer))
	}
	return errors.Join(append(errs, e.clear(ctx, n.Name, wanted))...)
}

// clear removes what is ours of a node and not wanted any more.
func (e *era) clear(ctx context.Context, node string, wanted map[string]bool) error {
	var errs []error
	left := map[string]string{}
	for _, peer := range e.of(bgpPeers, node) {
		switch {
		case wanted[peer.GetName()]:
		case ours(peer):
			errs = append(errs, e.remove(ctx, bgpPeers, peer))
			e.Log.Info("calico: BGPPeer removed, for neither plan nor leases have it any more", "name", peer.GetName(), "node", node)
		case len(shared(peer)) > 0:
			left["left "+node+" "+peer.GetName()] = fmt.Sprintf("BGPPeer %s is in the plan no more, but %v wrote it beside joinsvc, so it is left: %s",
				peer.GetName(), shared(peer), removal(peer))
		}
	}
	e.board.replace("left "+node+" ", left)
	return errors.Join(errs...)
}

// departed is for a node that holds no lease: it was released, or is somebody
// else's. No lease at all is a store that was lost, and no reason to end every
// session.
func (e *era) departed(ctx context.Context, node string) error {
	if len(e.ledger.names()) == 0 {
		return nil
	}
	e.board.put("annotations "+node, "")
	return errors.Join(e.clear(ctx, node, nil), e.unask(ctx, node))
}

// contested names annotations that somebody has changed since joinsvc wrote them:
// each time the node's sessions end. It is told as long as that goes on, which is
// once a minute where calico-node does it.
func (e *era) contested(is *unstructured.Unstructured, n Node, now time.Time) {
	key := "annotations " + n.Name
	at, ok := e.record.settledAt("Node "+n.Name, now)
	switch {
	case !ok:
	case annotated(is, n):
		if now.Sub(at) >= relook {
			e.board.put(key, "")
		}
	default:
		have, want := is.GetAnnotations(), Annotations(n)
		for _, annotation := range []string{addressAnnotation, asnAnnotation} {
			if value := have[annotation]; value != "" && value != want[annotation] {
				e.board.put(key, fmt.Sprintf("Node %s: somebody changes %s, which is %s by its lease, to %s, again after joinsvc has set it back, and its sessions end each time; "+
					"calico-node does where it is told AS, or detects another address (IP_AUTODETECTION_METHOD)", n.Name, annotation, want[annotation], value))
			}
		}
	}
}

func annotated(is *unstructured.Unstructured, n Node) bool {
	have := is.GetAnnotations()
	for key, value := range Annotations(n) {
		if have[key] != value {
			return false
		}
	}
	return true
}

// annotate is a merge patch, which changes these two and fails where there is
// no Node. A server-side apply would make one.
func (e *era) annotate(ctx context.Context, n Node) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": Annotations(n)}})
	if err != nil {
		return fmt.Errorf("encoding the annotations: %w", err)
	}
	err = e.write(ctx, "annotating Node "+n.Name, func(ctx context.Context) error {
		options := metav1.PatchOptions{FieldManager: fieldManager}
		_, err := e.nodeClient().Patch(ctx, n.Name, types.MergePatchType, patch, options, "status")
		return err
	})
	if err == nil {
		e.record.wrote("Node " + n.Name)
		e.Log.Info("calico: Node annotated", "node", n.Name, "asn", n.ASN, "address", n.Address)
	}
	return err
}

// rackNames are the racks of a plan's nodes.
func rackNames(p plan.Plan) map[string]string {
	names := make(map[string]string, len(p.Spec.Nodes))
	for _, n := range p.Spec.Nodes {
		names[p.FQDN(n)] = n.Rack
	}
	return names
}

// rack is where a node stands. One that the plan has no more is still in the
// one rack of a plan that names none, and in no other.
func (k *keeper) rack(node string) (plan.Rack, bool) {
	return k.Plan.Spec.RackOf(plan.Node{Rack: k.racks[node]})
}
