// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/workqueue"
)

// relook is how often the objects of the cluster are looked at without a cause;
// nothing is written, and nothing asked of the API server, when they are as they
// should be.
const relook = 5 * time.Minute

// An era is the time in which Calico's objects are in one API group: what is
// followed there, and what is to be done.
type era struct {
	*keeper
	served served
	api    API
	began  time.Time
	kinds  map[string]*kind
	queue  workqueue.TypedRateLimitingInterface[string]
	record *record
	places *places
	doubts chan struct{}

	inquiries map[string]*inquiry
	spoilt    map[string]string // what keeps every node's pods from being reached, by who is told it
}

func newEra(k *keeper, s served) *era {
	e := &era{
		keeper: k, served: s, api: s.api, began: time.Now(),
		kinds: map[string]*kind{}, record: newRecord(), places: newPlaces(),
		doubts: make(chan struct{}, 1), inquiries: map[string]*inquiry{}, spoilt: map[string]string{},
	}
	// What was written in another era says nothing of who changes it in this one.
	k.board.replace("annotations ", nil)
	e.queue = newQueue(func(key string) bool { return key == clusterKey || !k.ledger.settled(key) })
	e.follow(nodes, true, func(was, is *unstructured.Unstructured) {
		if !sameNode(was, is) {
			e.queue.Add(either(was, is).GetName())
		}
	})
	byNode := func(was, is *unstructured.Unstructured) {
		if sameObject(was, is) {
			return
		}
		for _, o := range []*unstructured.Unstructured{was, is} {
			if name := nodeName(o); name != "" {
				e.queue.Add(name)
			}
		}
	}
	once := func(was, is *unstructured.Unstructured) {
		if !sameObject(was, is) {
			e.queue.Add(clusterKey)
		}
	}
	e.follow(bgpPeers, true, func(was, is *unstructured.Unstructured) {
		byNode(was, is)
		if othersHand(was) || othersHand(is) {
			once(was, is)
		}
	})
	e.follow(ipPools, true, e.everybody(once))
	e.follow(bgpConfigurations, true, once)
	e.follow(clusterInformation, true, e.everybody(once))
	e.follow(blockAffinities, false, byNode)
	if s.filters {
		e.follow(bgpFilters, false, once)
	}
	if s.statuses {
		e.follow(nodeStatuses, false, byNode)
	}
	return e
}

// othersHand says whether somebody else has a part in a peer. What joinsvc itself
// has made is nothing for the work on the cluster as a whole, which looks through
// all peers: of 5,000 nodes' 10,000 each would be a reason for it.
func othersHand(peer *unstructured.Unstructured) bool {
	if peer == nil {
		return false
	}
	filters, _, _ := unstructured.NestedStringSlice(peer.Object, "spec", "filters")
	return !mine(peer) || len(filters) > 0
}

// everybody is for what every node's work hangs on, such as the lock.
func (e *era) everybody(wake func(was, is *unstructured.Unstructured)) func(was, is *unstructured.Unstructured) {
	return func(was, is *unstructured.Unstructured) {
		wake(was, is)
		if sameObject(was, is) {
			return
		}
		for _, name := range e.ledger.names() {
			e.queue.Add(name)
		}
	}
}

func either(a, b *unstructured.Unstructured) *unstructured.Unstructured {
	if b != nil {
		return b
	}
	return a
}

// sameNode says whether nothing about a Node has changed that joinsvc works
// with: the kubelet writes one every few minutes, and others as they like.
func sameNode(was, is *unstructured.Unstructured) bool {
	if was == nil || is == nil || was.GetUID() != is.GetUID() {
		return false
	}
	before, after := was.GetAnnotations(), is.GetAnnotations()
	return before[addressAnnotation] == after[addressAnnotation] && before[asnAnnotation] == after[asnAnnotation]
}

func sameObject(was, is *unstructured.Unstructured) bool {
	return was != nil && is != nil && was.GetUID() == is.GetUID() &&
		equality.Semantic.DeepEqual(was.Object["spec"], is.Object["spec"]) &&
		equality.Semantic.DeepEqual(was.Object["status"], is.Object["status"]) &&
		equality.Semantic.DeepEqual(was.GetLabels(), is.GetLabels()) &&
		equality.Semantic.DeepEqual(managers(was), managers(is))
}

// cluster brings about what there is once in a cluster, and names what others
// have put there.
func (e *era) cluster(ctx context.Context) (time.Duration, error) {
	e.board.replace("foreign ", foreign(e.Plan, foreignObjects{
		peers: e.all(bgpPeers), pools: e.all(ipPools), configurations: e.all(bgpConfigurations), filters: e.all(bgpFilters),
	}))
	err := errors.Join(
		e.apply(ctx, bgpConfigurations, Configuration(e.api, e.Plan)),
		e.pool(ctx),
		e.sweep(ctx),
	)
	return relook, err
}

// pool applies the pool unless one of that name has another range. The API
// server would take the change, but blocks and pods of the old range would
// stay (libcalico-go/lib/clientv3/ippool.go calls both fields immutable).
func (e *era) pool(ctx context.Context) error {
	want := Pool(e.api, e.Plan)
	if is := e.get(ipPools, poolName); is != nil {
		if err := sameRange(is, want); err != nil {
			return err
		}
	}
	return e.apply(ctx, ipPools, want)
}

func sameRange(is, want *unstructured.Unstructured) error {
	for _, field := range []string{"cidr", "blockSize"} {
		a, found, err := unstructured.NestedFieldNoCopy(is.Object, "spec", field)
		b, _, _ := unstructured.NestedFieldNoCopy(want.Object, "spec", field)
		if err != nil || found && fmt.Sprint(a) != fmt.Sprint(b) {
			return fmt.Errorf("IPPool %s: spec.%s is %v, the plan says %v; a pool's range cannot be changed: set the plan back, or move its pods into another pool and remove it; joinsvc then makes it anew by the plan", poolName, field, a, b)
		}
	}
	return nil
}
