// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

const (
	// poll is the pace of what no watch tells: leases, and an API server that
	// does not answer yet.
	poll = 5 * time.Second
	// rediscover is how often joinsvc asks which API group is served, and what
	// calico-node is told.
	rediscover = 30 * time.Second
)

// A Reconciler keeps the Calico objects of one cluster as the plan has them. It
// is level-triggered: work looks at what is there, whatever happened.
type Reconciler struct {
	Client dynamic.Interface
	// Serves tells whether the API server serves all these resources of a
	// group and version ("crd.projectcalico.org/v1").
	Serves func(ctx context.Context, groupVersion string, resources ...string) (bool, error)
	Plan   plan.Plan
	// API is where the plan says that Calico's objects are; empty: as found.
	API API
	// Pace is how often nodes are asked; the zero value is Normal.
	Pace Pace
	// Nodes returns the nodes that hold leases.
	Nodes func(context.Context) ([]Node, error)
	// Sessions is told every planned session of a node with each look at it;
	// State is empty where none is reported, and joinapi.Unknown where it cannot
	// be seen.
	Sessions func(ctx context.Context, node string, sessions []joinapi.Session) error
	// Remarks, when set, is told all that is waited for or in the way whenever
	// it changes.
	Remarks func([]string)
	Log     *slog.Logger
}

// A keeper is a Reconciler at work, with what outlives a change of Calico's API.
type keeper struct {
	*Reconciler
	racks  map[string]string // by node, as the plan has them
	pace   Pace
	ledger *ledger
	board  *board

	mu  sync.Mutex
	now *era // that is at work
}

// Run works until ctx ends, and returns its error. What fails is said, and tried
// again.
func (r *Reconciler) Run(ctx context.Context) error {
	k := &keeper{Reconciler: r, racks: rackNames(r.Plan), pace: r.Pace, board: newBoard(r.Log, r.Remarks)}
	if k.pace == (Pace{}) {
		k.pace = Normal()
	}
	k.ledger = &ledger{pace: k.pace, tell: r.Sessions, log: r.Log, nodes: map[string]*account{}}
	var wg sync.WaitGroup
	defer wg.Wait()
	k.lease(ctx)
	wg.Go(func() { k.leases(ctx) })
	wg.Go(func() { k.ledger.watch(ctx) })
	wg.Go(func() { k.board.repeat(ctx) })
	for ctx.Err() == nil {
		s, ok := k.await(ctx)
		if !ok {
			break
		}
		k.serve(ctx, s)
	}
	return context.Cause(ctx)
}

// await returns what is served once there is something.
func (k *keeper) await(ctx context.Context) (served, bool) {
	for {
		s, err := k.choose(ctx)
		switch {
		case ctx.Err() != nil:
			return served{}, false
		case err != nil:
			k.waits(ctx, "waiting for the API server: "+err.Error())
		case s.api == "":
			k.waits(ctx, k.noCalico())
		default:
			k.waits(ctx, "")
			return s, true
		}
		select {
		case <-ctx.Done():
			return served{}, false
		case <-time.After(poll):
		}
	}
}

// waits says what everything waits for, of each node as well.
func (k *keeper) waits(ctx context.Context, why string) {
	k.board.put("api", why)
	k.ledger.answers(why)
	if why == "" {
		return
	}
	for _, name := range k.ledger.names() {
		if a := k.ledger.of(name); a != nil {
			k.board.put("tell "+name, errorText(k.ledger.blind(ctx, a, why)))
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// leases follows who holds leases.
func (k *keeper) leases(ctx context.Context) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.lease(ctx)
		}
	}
}

func (k *keeper) lease(ctx context.Context) {
	leased, err := k.Nodes(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		k.board.put("leases", fmt.Sprintf("asking for the nodes: %v", err))
		return
	}
	k.board.put("leases", "")
	changed := k.ledger.lease(leased, k.planned, time.Now())
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now != nil {
		for _, name := range changed {
			k.now.queue.Add(name)
		}
	}
}

func (k *keeper) planned(node string) []joinapi.Session {
	rack, _ := k.rack(node)
	return planned(rack)
}

func (k *keeper) nodeClient() dynamic.NamespaceableResourceInterface {
	return k.Client.Resource(schema.GroupVersionResource{Version: "v1", Resource: nodes})
}

// serve works with what is served until that is another, or ctx ends.
func (k *keeper) serve(ctx context.Context, s served) {
	k.Log.Info("calico is served", "api", s.api, "node statuses", s.statuses)
	ctx, end := context.WithCancel(ctx)
	defer end()
	e := newEra(k, s)
	defer e.queue.ShutDown() // it has goroutines of its own, though work may never begin
	k.begin(e)
	defer k.begin(nil)
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, kind := range e.kinds {
		wg.Go(func() { kind.run(ctx) })
	}
	wg.Go(func() {
		defer end()
		e.untilMoved(ctx)
	})
	if !s.statuses {
		k.board.put("statuses", noStatusKind)
	} else {
		k.board.put("statuses", "")
	}
	if !e.sync(ctx) {
		return
	}
	e.queue.Add(clusterKey)
	for _, name := range k.ledger.names() {
		e.queue.Add(name)
	}
	e.work(ctx)
}

func (k *keeper) begin(e *era) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = e
}

// untilMoved returns when something else is served; meanwhile it follows what no
// watch tells.
func (e *era) untilMoved(ctx context.Context) {
	tick := time.NewTicker(rediscover)
	defer tick.Stop()
	for {
		if found := e.running(ctx); ctx.Err() == nil {
			e.board.replace("running ", found)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-e.doubts:
		}
		s, err := e.choose(ctx)
		if ctx.Err() != nil {
			return
		}
		e.heard(err)
		if err == nil && s != e.served {
			e.Log.Info("calico: what is served has changed", "from", e.served.api, "to", s.api, "node statuses", s.statuses)
			return
		}
	}
}

// reconsider has what is served asked anew, at once.
func (e *era) reconsider() {
	select {
	case e.doubts <- struct{}{}:
	default: // somebody doubts already
	}
}

// sync waits for the kinds that nothing is written without.
func (e *era) sync(ctx context.Context) bool {
	for {
		var missing []string
		for plural, k := range e.kinds {
			if k.required && !k.synced() {
				missing = append(missing, plural)
			}
		}
		if len(missing) == 0 {
			e.board.put("sync", "")
			return true
		}
		slices.Sort(missing)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(100 * time.Millisecond):
		}
		if time.Since(e.began) > poll {
			e.board.put("sync", fmt.Sprintf("waiting for the API server to list %v", missing))
		}
	}
}
