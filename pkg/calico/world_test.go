// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/fake"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A world is a cluster in memory with calico-node on its nodes, and a joinsvc
// that works in it. All time in it is the bubble's.
type world struct {
	t    *testing.T
	plan plan.Plan
	api  API

	mu      sync.Mutex
	objects *fake.FakeDynamicClient
	version int                             // of resources
	calls   []string                        // "create caliconodestatuses joinsvc-…"
	delay   time.Duration                   // of each call
	fail    func(verb, plural string) error // may be nil
	lacks   []string                        // fields that the schema has not, by kind: "IPPool.assignmentMode"
	kinds   map[API][]string                // what is served
	leased  []Node
	states  map[string]string // by node and peer: what BIRD says; "" is Established, "none" no such peer
	mute    map[string]bool   // nodes on which calico-node does not run
	busy    map[string]any    // by object: the spec that a calico-node knows that sees no removals
	told    map[string][]joinapi.Session
	log     strings.Builder
	remarks []string
}

func allKinds() []string { return append(needed(), nodeStatuses, bgpFilters) }

func newWorld(t *testing.T, p plan.Plan) *world {
	w := &world{
		t: t, plan: p, api: CRD, delay: time.Millisecond,
		kinds:  map[API][]string{CRD: allKinds()},
		states: map[string]string{}, mute: map[string]bool{}, told: map[string][]joinapi.Session{},
	}
	lists := map[schema.GroupVersionResource]string{
		{Version: "v1", Resource: nodes}:                       "NodeList",
		{Group: "apps", Version: "v1", Resource: "daemonsets"}: "DaemonSetList",
	}
	for _, api := range []API{CRD, Native} {
		for plural, kind := range map[string]string{
			bgpPeers: "BGPPeer", bgpConfigurations: "BGPConfiguration", ipPools: "IPPool", nodeStatuses: "CalicoNodeStatus",
			clusterInformation: "ClusterInformation", blockAffinities: "BlockAffinity", bgpFilters: "BGPFilter", felixConfigurations: "FelixConfiguration",
		} {
			lists[api.resource(plural)] = kind + "List"
		}
	}
	w.objects = fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists)
	return w
}

// start runs joinsvc's reconciler until the test ends.
func (w *world) start(adapt func(*Reconciler)) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &Reconciler{
		Client: client{w.objects, w}, Serves: w.serves, Plan: w.plan,
		Nodes: func(context.Context) ([]Node, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.Clone(w.leased), nil
		},
		Sessions: func(_ context.Context, node string, s []joinapi.Session) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told[node] = slices.Clone(s)
			return nil
		},
		Remarks: func(all []string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.remarks = all
		},
		Log: slog.New(slog.NewTextHandler(w, nil)),
	}
	if adapt != nil {
		adapt(r)
	}
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			w.t.Errorf("the reconciler ended with %v", err)
		}
		if w.t.Failed() {
			w.t.Logf("joinsvc's log:\n%s", w.text())
		}
	})
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func (w *world) serves(ctx context.Context, groupVersion string, resources ...string) (bool, error) {
	if err := w.call(ctx, "discover", groupVersion, ""); err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range resources {
		if !slices.Contains(w.kinds[API(groupVersion)], r) {
			return false, nil
		}
	}
	return true, nil
}

// call is what every request costs, and how it may fail.
func (w *world) call(ctx context.Context, verb, plural, name string) error {
	w.mu.Lock()
	w.calls = append(w.calls, strings.TrimSpace(verb+" "+plural+" "+name))
	delay, fail := w.delay, w.fail
	w.mu.Unlock()
	if delay > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(delay):
		}
	}
	if fail != nil {
		return fail(verb, plural)
	}
	return nil
}

// count is how many calls begin with one of these since the last forget.
func (w *world) count(prefixes ...string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.calls {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(c, p) }) {
			n++
		}
	}
	return n
}

func (w *world) writes() int { return w.count("create", "apply", "patch", "delete") }

func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

func (w *world) set(edit func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	edit()
}

func (w *world) session(node string) []joinapi.Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.told[node])
}

// said is what is told of a node's first session: "Established: why".
func (w *world) said(node string) string {
	all := w.session(node)
	if len(all) == 0 {
		return "nothing"
	}
	return string(all[0].State) + ": " + all[0].Reason
}

func (w *world) nextVersion() string {
	w.version++
	return fmt.Sprint(w.version)
}

// put makes or replaces an object as somebody else would, from JSON.
func (w *world) put(plural, text string, manager string) *unstructured.Unstructured {
	w.t.Helper()
	o := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(text), &o.Object); err != nil {
		w.t.Fatalf("%v in %s", err, text)
	}
	spec, _, _ := unstructured.NestedMap(o.Object, "spec")
	w.mu.Lock()
	defer w.mu.Unlock()
	manage(o, manager, "Update", spec)
	if err := w.store(w.resource(plural), o); err != nil {
		w.t.Fatal(err)
	}
	return o
}

func (w *world) resource(plural string) schema.GroupVersionResource {
	if plural == nodes {
		return schema.GroupVersionResource{Version: "v1", Resource: nodes}
	}
	return w.api.resource(plural)
}

// store is the end of every write, under the lock.
func (w *world) store(resource schema.GroupVersionResource, o *unstructured.Unstructured) error {
	o.SetResourceVersion(w.nextVersion())
	_, err := w.objects.Tracker().Get(resource, "", o.GetName())
	if err == nil {
		return w.objects.Tracker().Update(resource, o, "")
	}
	if o.GetUID() == "" {
		o.SetUID(types.UID("uid-" + o.GetResourceVersion()))
	}
	return w.objects.Tracker().Create(resource, o, "")
}

func (w *world) get(plural, name string) *unstructured.Unstructured {
	o, err := w.objects.Tracker().Get(w.resource(plural), "", name)
	if err != nil {
		return nil
	}
	return o.(*unstructured.Unstructured).DeepCopy()
}

func (w *world) delete(plural, name string) {
	w.t.Helper()
	if err := w.objects.Tracker().Delete(w.resource(plural), "", name); err != nil {
		w.t.Fatal(err)
	}
}

// manage makes a manager an owner of fields, and joinsvc the loser of those that
// another takes.
func manage(o *unstructured.Unstructured, manager, operation string, spec map[string]any) {
	fields := map[string]any{}
	for f := range spec {
		fields["f:"+f] = map[string]any{}
	}
	var entries []any
	old, _, _ := unstructured.NestedSlice(o.Object, "metadata", "managedFields")
	for _, e := range old {
		entry, _ := e.(map[string]any)
		owned, _, _ := unstructured.NestedMap(entry, "fieldsV1", "f:spec")
		if entry["manager"] == manager && entry["operation"] == operation {
			continue
		}
		for f := range fields {
			delete(owned, f)
		}
		if len(owned) > 0 {
			entry["fieldsV1"] = map[string]any{"f:spec": owned}
			entries = append(entries, entry)
		}
	}
	entries = append(entries, map[string]any{"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": map[string]any{"f:spec": fields}})
	if err := unstructured.SetNestedSlice(o.Object, entries, "metadata", "managedFields"); err != nil {
		panic(err)
	}
}

// register is what a kubelet does.
func (w *world) register(names ...string) {
	for _, name := range names {
		w.put(nodes, fmt.Sprintf(`{"apiVersion":"v1","kind":"Node","metadata":{"name":%q,"annotations":{"example.com/mine":"stays"}}}`, name), "kubelet")
	}
}

// block is what the first pod on a node brings.
func (w *world) block(node, cidr, state, deleted string) {
	w.put(blockAffinities, fmt.Sprintf(`{"apiVersion":%q,"kind":"BlockAffinity","metadata":{"name":%q},"spec":{"cidr":%q,"node":%q,"state":%q,"deleted":%q}}`,
		string(w.api), strings.ToLower(node+"-"+strings.NewReplacer(".", "-", "/", "-").Replace(cidr)), cidr, node, state, deleted), "calico-ipam")
}

// everybody leases and registers the plan's nodes; each has a block.
func (w *world) everybody() []string {
	var names []string
	asns := w.plan.Spec.ASNs()
	for i, n := range w.plan.Spec.Nodes {
		node := Node{Name: w.plan.FQDN(n), Address: n.Address, ASN: asns[i], Key: "key"}
		w.set(func() { w.leased = append(w.leased, node) })
		w.register(node.Name)
		w.block(node.Name, fmt.Sprintf("172.27.%d.0/26", i), "confirmed", "false")
		names = append(names, node.Name)
	}
	return names
}

// answer is calico-node's part of a CalicoNodeStatus.
func (w *world) answer(resource schema.GroupVersionResource, name, node string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, err := w.objects.Tracker().Get(resource, "", name)
	if err != nil || w.mute[node] {
		return
	}
	status := o.(*unstructured.Unstructured).DeepCopy()
	if w.busy != nil {
		known := w.busy[name]
		w.busy[name] = status.Object["spec"]
		if reflect.DeepEqual(known, status.Object["spec"]) {
			return // "Anticipated resource update. Do nothing." (node/pkg/status/nodestatus.go)
		}
	}
	var peers []any
	for _, rack := range w.plan.Spec.AllRacks() {
		for _, leaf := range rack.Leaves {
			state := w.states[node+" "+leaf.Name]
			if state == "none" {
				continue
			}
			if state == "" {
				state = "Established"
			}
			peers = append(peers, map[string]any{"peerIP": leaf.Address.String(), "state": state})
		}
	}
	status.Object["status"] = map[string]any{"lastUpdated": time.Now().Format(time.RFC3339), "bgp": map[string]any{"peersV4": peers}}
	if err := w.store(resource, status); err != nil {
		w.t.Error(err)
	}
}

// client is the world's API server, as client-go sees it.
type client struct {
	dynamic.Interface
	w *world
}

func (c client) IsWatchListSemanticsUnSupported() bool { return true }

func (c client) Resource(r schema.GroupVersionResource) dynamic.NamespaceableResourceInterface {
	return &endpoint{c.Interface.Resource(r), c.w, r}
}

type endpoint struct {
	dynamic.NamespaceableResourceInterface
	w *world
	r schema.GroupVersionResource
}

func (r *endpoint) List(ctx context.Context, o metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	if err := r.w.call(ctx, "list", r.r.Resource, ""); err != nil {
		return nil, err
	}
	return r.NamespaceableResourceInterface.List(ctx, o)
}

func (r *endpoint) Watch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	if err := r.w.call(ctx, "watch", r.r.Resource, ""); err != nil {
		return nil, err
	}
	return r.NamespaceableResourceInterface.Watch(ctx, o)
}

func (r *endpoint) Create(ctx context.Context, o *unstructured.Unstructured, _ metav1.CreateOptions, _ ...string) (*unstructured.Unstructured, error) {
	if err := r.w.call(ctx, "create", r.r.Resource, o.GetName()); err != nil {
		return nil, err
	}
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	made := o.DeepCopy()
	made.SetResourceVersion(r.w.nextVersion())
	made.SetUID(types.UID("uid-" + made.GetResourceVersion()))
	if err := r.w.objects.Tracker().Create(r.r, made, ""); err != nil {
		return nil, err
	}
	if r.r.Resource == nodeStatuses {
		time.AfterFunc(time.Second, func() { r.w.answer(r.r, made.GetName(), nodeName(made)) })
	}
	return made.DeepCopy(), nil
}

func (r *endpoint) Delete(ctx context.Context, name string, o metav1.DeleteOptions, _ ...string) error {
	if err := r.w.call(ctx, "delete", r.r.Resource, name); err != nil {
		return err
	}
	if o.Preconditions == nil || o.Preconditions.UID == nil {
		return errors.New("a removal that does not say which object it means")
	}
	return r.w.objects.Tracker().Delete(r.r, "", name)
}

func (r *endpoint) Patch(ctx context.Context, name string, kind types.PatchType, data []byte, _ metav1.PatchOptions, sub ...string) (*unstructured.Unstructured, error) {
	if err := r.w.call(ctx, "patch", r.r.Resource, name); err != nil {
		return nil, err
	}
	if kind != types.MergePatchType || !slices.Equal(sub, []string{"status"}) {
		return nil, fmt.Errorf("a patch of %v, %v", kind, sub)
	}
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	o, err := r.w.objects.Tracker().Get(r.r, "", name)
	if err != nil {
		return nil, err
	}
	var patch struct {
		Metadata struct{ Annotations map[string]string }
	}
	if err := json.Unmarshal(data, &patch); err != nil {
		return nil, err
	}
	is := o.(*unstructured.Unstructured).DeepCopy()
	have := is.GetAnnotations()
	for k, v := range patch.Metadata.Annotations {
		have[k] = v
	}
	is.SetAnnotations(have)
	return is, r.w.store(r.r, is)
}

func (r *endpoint) Apply(ctx context.Context, name string, o *unstructured.Unstructured, options metav1.ApplyOptions, _ ...string) (*unstructured.Unstructured, error) {
	if err := r.w.call(ctx, "apply", r.r.Resource, name); err != nil {
		return nil, err
	}
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	spec, _, _ := unstructured.NestedMap(o.Object, "spec")
	var problems []string
	for _, lack := range r.w.lacks {
		kind, f, _ := strings.Cut(lack, ".")
		if _, sent := spec[f]; sent && kind == o.GetKind() {
			problems = append(problems, fmt.Sprintf(".spec.%s: field not declared in schema", f))
		}
	}
	if problems != nil {
		return nil, fmt.Errorf("failed to create typed patch object (/%s; %s, Kind=%s): errors:\n  %s", name, o.GetAPIVersion(), o.GetKind(), strings.Join(problems, "\n  "))
	}
	is := o.DeepCopy()
	if old, err := r.w.objects.Tracker().Get(r.r, "", name); err == nil {
		is = old.(*unstructured.Unstructured).DeepCopy()
		have, _, _ := unstructured.NestedMap(is.Object, "spec")
		for _, f := range managers(is)[options.FieldManager] {
			delete(have, f)
		}
		for f, v := range spec {
			have[f] = v
		}
		is.Object["spec"] = have
		labels := is.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		for k, v := range o.GetLabels() {
			labels[k] = v
		}
		is.SetLabels(labels)
	}
	manage(is, options.FieldManager, "Apply", spec)
	return is, r.w.store(r.r, is)
}

// bubble runs a test in a time of its own.
func bubble(t *testing.T, p plan.Plan, test func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newWorld(t, p)) })
}

// pass lets that much time go by, and all that it brings about.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func applyOptions() metav1.ApplyOptions {
	return metav1.ApplyOptions{FieldManager: fieldManager, Force: true}
}
