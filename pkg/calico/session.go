// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// noStatusKind is why nothing is seen of Calico 3.18 to 3.20.
const noStatusKind = "this Calico has no kind CalicoNodeStatus (it came with v3.21), so joinsvc writes the BGP objects and cannot see the sessions; look with `birdcl -s /var/run/calico/bird.ctl show protocols` in calico-node's pods, or upgrade Calico"

// silent is why nothing is known of a node that was asked; before that, and for a
// moment afterwards, it is no fault of the node's, as after a start of joinsvc.
const (
	silent  = "calico-node has not reported yet; see that its pod runs on the node"
	unasked = "joinsvc has not asked calico-node yet; each node has its turn"
	justNow = "calico-node has been asked, and has some seconds to answer"
	// peerless is of a node that was seen, whose BIRD has another configuration.
	peerless = "calico-node reports no such peer yet; see the logs of its confd when this stays"
)

// An inquiry is a CalicoNodeStatus that joinsvc has made, or will make.
type inquiry struct {
	host    types.UID // of the Node that it is about
	request types.UID // of the object; empty while there is none
	asked   time.Time
	count   int       // of the questions so far
	read    string    // the answer's resource version, empty before there is one
	silent  bool      // the one before had no answer
	next    time.Time // when to ask again
}

// inquiry returns a node's, which one worker at a time has.
func (e *era) inquiry(node string) *inquiry {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.inquiries[node]
	if q == nil {
		q = &inquiry{}
		e.inquiries[node] = q
	}
	return q
}

// observe asks a node for its sessions when it is time, and takes its answer.
// An object is made anew for every question, because calico-node writes only
// what is new to it: one left open would show a dead node as it last was. One that
// stays without an answer is put again: whether calico-node has lost it cannot be
// seen from here.
func (e *era) observe(ctx context.Context, a *account, host types.UID) (time.Duration, error) {
	if !e.served.statuses {
		return relook, e.ledger.blind(ctx, a, noStatusKind)
	}
	q, now := e.inquiry(a.node.Name), time.Now()
	if q.host != host {
		*q = inquiry{host: host} // a new host under the name: asked at once
	}
	status := e.get(nodeStatuses, statusName(a.node.Name))
	mine := status != nil && q.request != "" && status.GetUID() == q.request
	if mine && reported(status) && status.GetResourceVersion() != q.read {
		q.read, q.silent = status.GetResourceVersion(), false
		if err := e.ledger.saw(ctx, a, e.routes(a, observed(a.planned, status, now)), now); err != nil {
			return 0, err
		}
	} else if err := errors.Join(e.review(ctx, a), e.ledger.blind(ctx, a, q.unheard(now))); err != nil {
		return 0, err
	}
	if q.request != "" {
		return e.follows(ctx, a, q, mine, now)
	}
	if wait := q.next.Sub(now); wait > 0 {
		return wait, nil
	}
	return e.ask(ctx, a.node.Name, q, status, now)
}

// unheard is why nothing has been heard of the node.
func (q *inquiry) unheard(now time.Time) string {
	switch {
	case q.silent:
	case q.request == "":
		return unasked
	case now.Sub(q.asked) < turn:
		return justNow
	}
	return silent
}

// review judges anew what was seen before, because blocks and pools are seen
// apart from sessions.
func (e *era) review(ctx context.Context, a *account) error {
	a.mu.Lock()
	states, at := slices.Clone(a.states), a.since
	stale := time.Since(at) >= e.ledger.looks().Unknown
	a.mu.Unlock()
	if states == nil || stale {
		return nil
	}
	again := e.routes(a, bare(states))
	if slices.Equal(states, again) {
		return nil
	}
	return e.ledger.saw(ctx, a, again, at)
}

// bare takes the reasons away.
func bare(states []joinapi.Session) []joinapi.Session {
	out := slices.Clone(states)
	for i := range out {
		out[i].Reason = ""
	}
	return out
}

// follows decides what becomes of an open question.
func (e *era) follows(ctx context.Context, a *account, q *inquiry, mine bool, now time.Time) (time.Duration, error) {
	name, age := a.node.Name, now.Sub(q.asked)
	answered := q.read != ""
	switch {
	case !mine && age > turn: // somebody removed it
		q.request, q.next = "", now
		return 0, e.again(ctx, a, q, now)
	case answered && e.ledger.settled(name):
		q.next = now.Add(e.ledger.looks().Ask)
		return e.ledger.looks().Ask, e.unask(ctx, name)
	case age >= turn && e.places.crowded():
		q.silent, q.next = !answered, now
		if err := e.unask(ctx, name); err != nil {
			return 0, err
		}
		e.places.take(name, q.silent) // stands in line again
		return turn, nil
	case age >= e.ledger.looks().Ask:
		q.silent, q.next = !answered, now
		return 0, e.again(ctx, a, q, now)
	}
	return max(time.Second, min(turn, e.ledger.looks().Ask-age)), nil
}

// again puts another question in the place of an old one.
func (e *era) again(ctx context.Context, a *account, q *inquiry, now time.Time) error {
	wait, err := e.ask(ctx, a.node.Name, q, e.get(nodeStatuses, statusName(a.node.Name)), now)
	if err == nil {
		e.queue.AddAfter(a.node.Name, wait)
	}
	return err
}

// ask makes the object, if there is a place; one of that name is removed first,
// whoever left it.
func (e *era) ask(ctx context.Context, node string, q *inquiry, old *unstructured.Unstructured, now time.Time) (time.Duration, error) {
	if !e.places.take(node, q.silent) {
		return turn, nil
	}
	if old != nil {
		if err := e.remove(ctx, nodeStatuses, old); err != nil {
			return 0, err
		}
	}
	if err := e.asking(ctx, node, q, now); err != nil {
		for _, next := range e.places.leave(node) {
			e.queue.Add(next)
		}
		return 0, err
	}
	return min(turn, e.ledger.looks().Ask), nil
}

func (e *era) asking(ctx context.Context, node string, q *inquiry, now time.Time) error {
	var made *unstructured.Unstructured
	err := e.write(ctx, "asking "+node+" for its sessions", func(ctx context.Context) (err error) {
		options := metav1.CreateOptions{FieldManager: fieldManager}
		made, err = e.Client.Resource(e.api.resource(nodeStatuses)).Create(ctx, statusRequest(e.api, node, q.count), options)
		return err
	})
	if err == nil {
		q.request, q.asked, q.read = made.GetUID(), now, ""
		q.count++
	}
	return err
}

// unask ends a node's question, and calls those that wait for its place.
func (e *era) unask(ctx context.Context, node string) error {
	var err error
	if status := e.get(nodeStatuses, statusName(node)); status != nil && status.GetLabels()[managedBy] == fieldManager {
		err = e.remove(ctx, nodeStatuses, status)
	}
	if err != nil {
		return err
	}
	e.inquiry(node).request = ""
	for _, next := range e.places.leave(node) {
		e.queue.Add(next)
	}
	return nil
}

// reported says whether calico-node has answered in this object. An object is
// made anew for every question, so that an answer in it is no older.
func reported(status *unstructured.Unstructured) bool {
	at, _, err := unstructured.NestedString(status.Object, "status", "lastUpdated")
	return err == nil && at != ""
}

// observed fills in the states that a report has for the planned sessions.
func observed(planned []joinapi.Session, status *unstructured.Unstructured, now time.Time) []joinapi.Session {
	states := map[string]string{}
	// What is no list of peers is no report of them: their states stay empty.
	peers, _, _ := unstructured.NestedSlice(status.Object, "status", "bgp", "peersV4")
	for _, peer := range peers {
		fields, ok := peer.(map[string]any)
		if !ok {
			continue
		}
		ip, _, _ := unstructured.NestedString(fields, "peerIP")
		state, _, _ := unstructured.NestedString(fields, "state")
		states[ip] = state
	}
	sessions := slices.Clone(planned)
	for i := range sessions {
		sessions[i].State = joinapi.SessionState(states[sessions[i].PeerIP])
		sessions[i].Observed = now
	}
	return sessions
}

// routes says of every Established session why it routes nothing, if so: there
// is no block, or it is not announced.
func (e *era) routes(a *account, sessions []joinapi.Session) []joinapi.Session {
	why := e.unannounced(a.node.Name)
	for i, s := range sessions {
		switch {
		case s.State == "":
			sessions[i].Reason = cmp.Or(e.taken(a.node.Name, s.PeerIP), peerless)
		case s.State != joinapi.Established:
			sessions[i].Reason = e.taken(a.node.Name, s.PeerIP)
		case why != "":
			sessions[i].Reason = why
		default:
			sessions[i].Reason = e.filtered(a.node.Name, s.PeerIP)
		}
	}
	return sessions
}

// unannounced is why a node announces no pods.
func (e *era) unannounced(node string) string {
	if why := e.spoiled(); why != "" {
		return why
	}
	pool := e.get(ipPools, poolName)
	if pool == nil {
		return "there is no IPPool " + poolName + " yet"
	}
	for _, field := range []string{"disableBGPExport", "disabled"} {
		if off, _, _ := unstructured.NestedBool(pool.Object, "spec", field); off {
			return fmt.Sprintf("IPPool %s has %s, so its blocks are not to be relied on; joinsvc sets it back", poolName, field)
		}
	}
	if k := e.kinds[blockAffinities]; !k.synced() {
		return "joinsvc has not been able to read the nodes' blocks"
	}
	why := ""
	for _, affinity := range e.of(blockAffinities, node) {
		block, ok := confirmed(affinity, e.Plan.Spec.Pods.Subnet)
		if !ok {
			continue
		}
		refusing := e.refusing(block)
		if refusing == "" {
			return ""
		}
		why = fmt.Sprintf("IPPool %s of somebody else has disableBGPExport and holds the node's block %s, which is not announced for it; remove it", refusing, block)
	}
	if why != "" {
		return why
	}
	return e.blockless()
}

// blockless is why a node has no block: its first pod brings one, as long as there
// is one.
func (e *era) blockless() string {
	pods := e.Plan.Spec.Pods
	total := 1 << max(0, pods.BlockSize-pods.Subnet.Bits())
	taken := map[netip.Prefix]bool{}
	if all := e.all(blockAffinities); len(all) >= total { // else there is nothing to count
		for _, affinity := range all {
			if block, ok := confirmed(affinity, pods.Subnet); ok {
				taken[block] = true
			}
		}
	}
	if len(taken) >= total {
		return fmt.Sprintf("Calico has cut the node no block, and none is left: other nodes have all %d of %s; no pod there can be reached until one is free, so delete the Nodes of hosts that are gone", total, pods.Subnet)
	}
	return fmt.Sprintf("Calico has cut the node no block of %s to announce: it does with the first pod there that is not in the host's network", pods.Subnet)
}

// refusing names a pool of somebody else that keeps a block from being announced:
// BIRD's filter has all such ranges before those that it lets pass, however large
// they are (confd, processIPPools).
func (e *era) refusing(block netip.Prefix) string {
	for _, pool := range e.all(ipPools) {
		off, _, _ := unstructured.NestedBool(pool.Object, "spec", "disableBGPExport")
		cidr, err := netip.ParsePrefix(field(pool, "cidr"))
		if off && err == nil && pool.GetName() != poolName && cidr.Bits() <= block.Bits() && cidr.Contains(block.Addr()) {
			return pool.GetName()
		}
	}
	return ""
}

// confirmed is the block of an affinity that the node has for good, in that range
// (libcalico-go/lib/backend/model/block_affinity.go).
func confirmed(affinity *unstructured.Unstructured, pods netip.Prefix) (netip.Prefix, bool) {
	text := func(field string) string {
		value, _, _ := unstructured.NestedFieldNoCopy(affinity.Object, "spec", field)
		return fmt.Sprint(value)
	}
	block, err := netip.ParsePrefix(text("cidr"))
	return block, err == nil && text("state") == "confirmed" && text("deleted") != "true" && pods.Overlaps(block) && pods.Bits() <= block.Bits()
}

// filtered names the filters that somebody has put on joinsvc's own peer, or on
// one that stands in its place: Calico drops a node's own for a global one.
func (e *era) filtered(node, address string) string {
	for _, of := range []string{node, nobody} {
		for _, peer := range e.of(bgpPeers, of) {
			filters, _, _ := unstructured.NestedStringSlice(peer.Object, "spec", "filters")
			if of == nobody && !forAll(peer) {
				continue
			}
			if len(filters) > 0 && peerAddress(peer).String() == address {
				return fmt.Sprintf("BGPPeer %s has filters %v, which may refuse the node's block", peer.GetName(), filters)
			}
		}
	}
	return ""
}

// taken names the peer of somebody else that has the address of a session, or
// what somebody else has put into joinsvc's own. It is asked at every look at a
// session that is not up, so that of 5,000 nodes it looks at this one's peers and
// at those that name no node.
func (e *era) taken(node, address string) string {
	for _, of := range []string{node, nobody} {
		for _, peer := range e.of(bgpPeers, of) {
			if rival(peer, node, address) {
				return fmt.Sprintf("BGPPeer %s of somebody else has this leaf's address", peer.GetName())
			}
		}
	}
	for _, peer := range e.of(bgpPeers, node) {
		if peerAddress(peer).String() == address {
			return beside(peer)
		}
	}
	return ""
}

// sweep removes what an earlier run of joinsvc has left of its questions.
func (e *era) sweep(ctx context.Context) error {
	var errs []error
	for _, status := range e.all(nodeStatuses) {
		node := nodeName(status)
		if e.ledger.of(node) == nil && status.GetLabels()[managedBy] == fieldManager && status.GetName() == statusName(node) {
			errs = append(errs, e.remove(ctx, nodeStatuses, status))
		}
	}
	return errors.Join(errs...)
}
