// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

const (
	// fieldManager owns, in managedFields, what joinsvc applies.
	fieldManager = "joinsvc"
	// poll is the pace of everything that no watch tells: leases, reports.
	poll = 5 * time.Second
	// resync is how often objects are applied that nothing is known against.
	resync = 5 * time.Minute
	// passTimeout bounds one pass, of which a stuck API server would make a
	// standstill.
	passTimeout = 2 * time.Minute
)

// A Reconciler keeps the Calico objects of one cluster as the plan has them.
// It is level-triggered: a pass looks at what is there, whatever happened.
type Reconciler struct {
	Client dynamic.Interface
	// Serves tells whether the API server serves all these resources of a
	// group and version ("crd.projectcalico.org/v1").
	Serves func(ctx context.Context, groupVersion string, resources ...string) (bool, error)
	Plan   plan.Plan
	// Nodes returns the nodes that hold leases.
	Nodes func(context.Context) ([]Node, error)
	// Sessions is told every planned session of a node whenever the state of
	// one changes; State is empty where none is reported.
	Sessions func(ctx context.Context, node string, sessions []joinapi.Session) error
	Log      *slog.Logger
}

// Run works until ctx ends, and returns its error. What fails in a pass is
// logged and tried again in the next.
func (r *Reconciler) Run(ctx context.Context) error {
	api, err := r.awaitAPI(ctx)
	if err != nil {
		return err
	}
	r.Log.Info("calico is served", "api", api)
	kick := make(chan struct{}, 1)
	nodes, informer := cache.NewInformerWithOptions(r.informerOptions(kick))
	go informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return context.Cause(ctx)
	}
	p := pass{Reconciler: r, api: api, nodes: nodes, racks: rackNames(r.Plan), applied: map[string]applied{}, told: map[string][]joinapi.Session{}, watchlist: newWatchlist()}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		p.complain(ctx, p.run(ctx))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-kick:
		case <-tick.C:
		}
	}
}

// awaitAPI chooses as Calico does (libcalico-go/lib/backend/k8s/discovery.go):
// both groups at once normally means that Calico's own API server stands
// before the CRDs, so the CRDs win.
func (r *Reconciler) awaitAPI(ctx context.Context) (API, error) {
	for {
		for _, api := range []API{CRD, Native} {
			served, err := r.Serves(ctx, string(api), bgpPeers, bgpConfigurations, ipPools, nodeStatuses, clusterInformation)
			if err != nil {
				r.Log.Info("waiting for the API server", "err", err)
				break // an unknown answer must not read as "no"
			}
			if served {
				return api, nil
			}
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(poll):
		}
	}
}

func (r *Reconciler) nodeClient() dynamic.NamespaceableResourceInterface {
	return r.Client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"})
}

func (r *Reconciler) informerOptions(kick chan<- struct{}) cache.InformerOptions {
	wake := func() {
		select {
		case kick <- struct{}{}:
		default: // a pass is due already
		}
	}
	return cache.InformerOptions{
		ListerWatcher: &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				return r.nodeClient().List(ctx, o)
			},
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				return r.nodeClient().Watch(ctx, o)
			},
		},
		ObjectType: &unstructured.Unstructured{},
		Transform:  metadataOnly,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { wake() },
			UpdateFunc: func(any, any) { wake() },
			DeleteFunc: func(any) { wake() },
		},
	}
}

// metadataOnly drops a Node's spec and status, which nobody here reads.
func metadataOnly(object any) (any, error) {
	if u, ok := object.(*unstructured.Unstructured); ok {
		delete(u.Object, "spec")
		delete(u.Object, "status")
		u.SetManagedFields(nil)
	}
	return object, nil
}

// A pass is what is remembered from one look at the cluster to the next.
type pass struct {
	*Reconciler
	api       API
	nodes     cache.Store
	racks     map[string]string  // by node, as the plan has them
	applied   map[string]applied // by node
	clusterAt time.Time          // when the objects of the cluster were applied
	told      map[string][]joinapi.Session
	complaint string // what the log said last
	*watchlist
}

// applied is what the peers were made for, and when.
type applied struct {
	uid  types.UID
	node Node
	at   time.Time
}

// complain logs a failure once, and not with every attempt.
func (p *pass) complain(ctx context.Context, err error) {
	var text string
	if err != nil {
		text = err.Error()
	}
	switch {
	case ctx.Err() != nil || text == p.complaint:
		return
	case err != nil:
		p.Log.Warn("calico is not as planned; trying again", "err", err)
	default:
		p.Log.Info("calico is as planned")
	}
	p.complaint = text
}

func (p *pass) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	leased, err := p.Nodes(ctx)
	if err != nil {
		return fmt.Errorf("asking for the nodes: %w", err)
	}
	errs := []error{p.cluster(ctx)}
	for _, n := range leased {
		if err := p.node(ctx, n); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", n.Name, err))
		}
	}
	return errors.Join(append(errs, p.sessions(ctx, leased))...)
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
func (p *pass) rack(node string) (plan.Rack, bool) {
	return p.Plan.Spec.RackOf(plan.Node{Rack: p.racks[node]})
}

// cluster applies what there is once in a cluster.
func (p *pass) cluster(ctx context.Context) error {
	if time.Since(p.clusterAt) < resync {
		return nil
	}
	if err := p.unlocked(ctx); err != nil {
		return err
	}
	err := errors.Join(p.apply(ctx, bgpConfigurations, Configuration(p.api, p.Plan)), p.pool(ctx))
	if err == nil {
		p.clusterAt = time.Now()
	}
	return err
}

// unlocked refuses to write while Calico's datastore is being migrated
// (kube-controllers/pkg/controllers/migration): what is written then is lost.
func (p *pass) unlocked(ctx context.Context) error {
	info, err := p.Client.Resource(p.api.resource(clusterInformation)).Get(ctx, "default", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil // calico-node makes it at its first start
	}
	if err != nil {
		return fmt.Errorf("reading ClusterInformation default: %w", err)
	}
	if ready, found, err := unstructured.NestedBool(info.Object, "spec", "datastoreReady"); err == nil && found && !ready {
		return errors.New("ClusterInformation default: datastoreReady is false; Calico's datastore is locked, by a migration perhaps")
	}
	return nil
}

func (p *pass) apply(ctx context.Context, plural string, o *unstructured.Unstructured) error {
	options := metav1.ApplyOptions{FieldManager: fieldManager, Force: true}
	_, err := p.Client.Resource(p.api.resource(plural)).Apply(ctx, o.GetName(), o, options)
	if err != nil {
		return fmt.Errorf("applying %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}

// pool applies the pool unless one of that name has another range. The API
// server would take the change, but blocks and pods of the old range would
// stay (libcalico-go/lib/clientv3/ippool.go calls both fields immutable).
func (p *pass) pool(ctx context.Context) error {
	want := Pool(p.api, p.Plan)
	is, err := p.Client.Resource(p.api.resource(ipPools)).Get(ctx, poolName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return fmt.Errorf("reading IPPool %s: %w", poolName, err)
	default:
		if err := sameRange(is, want); err != nil {
			return err
		}
	}
	return p.apply(ctx, ipPools, want)
}

func sameRange(is, want *unstructured.Unstructured) error {
	for _, field := range []string{"cidr", "blockSize"} {
		a, found, err := unstructured.NestedFieldNoCopy(is.Object, "spec", field)
		b, _, _ := unstructured.NestedFieldNoCopy(want.Object, "spec", field)
		if err != nil || found && fmt.Sprint(a) != fmt.Sprint(b) {
			return fmt.Errorf("IPPool %s: spec.%s is %v, the plan says %v; a pool's range cannot be changed, so make a new one and remove this", poolName, field, a, b)
		}
	}
	return nil
}

// node brings one node's annotations and peers about, in that order: a session
// that comes up with another AS than the leaf expects is refused with "Bad
// peer AS", and BIRD then waits before it tries again.
func (p *pass) node(ctx context.Context, n Node) error {
	is, err := p.registered(n)
	if err != nil || is == nil {
		delete(p.applied, n.Name)
		return err
	}
	before := p.applied[n.Name]
	current := before.uid == is.GetUID() && before.node == n && time.Since(before.at) < resync
	drifted := !annotated(is, n)
	if current && !drifted {
		return nil
	}
	if err := p.unlocked(ctx); err != nil {
		return err
	}
	if drifted {
		if err := p.annotate(ctx, n); err != nil {
			return err
		}
	}
	if err := p.peers(ctx, n); err != nil {
		return err
	}
	if before.uid != is.GetUID() || before.node != n { // a new host
		p.Log.Info("node has its BGP objects", "node", n.Name, "asn", n.ASN, "address", n.Address)
		delete(p.told, n.Name)
		if err := p.forget(ctx, n.Name); err != nil {
			return err
		}
	}
	p.applied[n.Name] = applied{is.GetUID(), n, time.Now()}
	return nil
}

// registered returns the Node, or nil while there is none.
func (p *pass) registered(n Node) (*unstructured.Unstructured, error) {
	object, there, err := p.nodes.GetByKey(n.Name)
	if err != nil || !there {
		return nil, err
	}
	node, ok := object.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("the watch of Nodes brought a %T", object)
	}
	return node, nil
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
func (p *pass) annotate(ctx context.Context, n Node) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": Annotations(n)}})
	if err != nil {
		return fmt.Errorf("encoding the annotations: %w", err)
	}
	options := metav1.PatchOptions{FieldManager: fieldManager}
	if _, err := p.nodeClient().Patch(ctx, n.Name, types.MergePatchType, patch, options, "status"); err != nil {
		return fmt.Errorf("annotating the Node: %w", err)
	}
	return nil
}

func (p *pass) peers(ctx context.Context, n Node) error {
	var errs []error
	rack, ok := p.rack(n.Name)
	if !ok {
		return errors.New("is enrolled, but in no rack of the plan, which would say what leaves it peers with; put it back into spec.nodes or spec.pools")
	}
	for _, peer := range Peers(p.api, p.Plan, rack, n) {
		errs = append(errs, p.apply(ctx, bgpPeers, peer))
	}
	return errors.Join(errs...)
}
