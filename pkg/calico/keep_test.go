// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A joinsvc that is cut off says so of every session within the bound, with the
// reason and the time that it last knew; and knows again afterwards.
func TestCutOff(t *testing.T) {
	for name, tc := range map[string]struct {
		fail func(verb, plural string) error
		says string
	}{
		"refused":     {func(string, string) error { return errors.New("connect: connection refused") }, "connection refused"},
		"expired":     {func(string, string) error { return errors.New("Unauthorized") }, "Unauthorized"},
		"may not ask": {func(verb, _ string) error { return failing(verb == "create", "caliconodestatuses is forbidden") }, "forbidden"},
		"cannot write": {func(verb, _ string) error {
			return failing(verb != "watch" && verb != "list" && verb != "discover", "etcd is away")
		}, "etcd is away"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, large(t, 30), func(t *testing.T, w *world) {
				names := w.everybody()
				w.start(nil)
				pass(time.Minute)
				cut := time.Now()
				w.set(func() { w.fail = tc.fail })
				pass(Normal().Unknown + 2*time.Second)
				for _, n := range names {
					s := w.session(n)
					if len(s) != 2 || s[0].State != joinapi.Unknown || !strings.Contains(s[0].Reason, tc.says) {
						t.Fatalf("%s is told %+v", n, s)
					}
					if age := cut.Sub(s[0].Observed); age < -time.Second || age > 30*time.Second {
						t.Errorf("%s was seen %s before the cut, by what is told", n, age)
					}
				}
				w.set(func() { w.fail = nil })
				pass(time.Minute)
				for _, n := range names {
					if got := w.said(n); got != "Established: " {
						t.Errorf("afterwards %s is told %q", n, got)
					}
				}
			})
		})
	}
}

func failing(fails bool, text string) error {
	if fails {
		return errors.New(text)
	}
	return nil
}

// An API server that takes requests and never answers holds nobody up either.
func TestCutOffBySilence(t *testing.T) {
	bubble(t, large(t, 60), func(t *testing.T, w *world) {
		names := w.everybody()
		w.start(nil)
		pass(time.Minute)
		w.set(func() { w.delay = 24 * time.Hour })
		pass(Normal().Unknown + 2*time.Second)
		for _, n := range names {
			if got := w.said(n); !strings.HasPrefix(got, "unknown: ") || !strings.Contains(got, "deadline exceeded") {
				t.Fatalf("%s is told %q", n, got)
			}
		}
	})
}

// A joinsvc that starts when the API server is away contradicts what its store
// remembers.
func TestCutOffFromTheStart(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		w.fail = func(string, string) error { return errors.New("connection refused") }
		w.start(nil)
		pass(time.Second)
		if got := w.said(names[0]); !strings.Contains(got, "waiting for the API server: connection refused") {
			t.Errorf("at once: %q", got)
		}
		pass(Normal().Unknown)
		if got := w.said(names[0]); !strings.HasPrefix(got, "unknown: ") || !strings.Contains(got, "connection refused") {
			t.Errorf("later: %q", got)
		}
	})
}

// calico-node that does not run on one node makes that node unknown, no other;
// dead nodes do not take the places of the living.
func TestSilentNodes(t *testing.T) {
	bubble(t, large(t, 40), func(t *testing.T, w *world) {
		names := w.everybody()
		for _, n := range names[:20] {
			w.mute[n] = true
		}
		w.start(nil)
		pass(3 * time.Minute)
		for range 120 {
			pass(time.Second)
			for i, n := range names {
				s := w.session(n)
				if i < 20 && (s[0].State != joinapi.Unknown || !strings.Contains(s[0].Reason, "calico-node has not reported")) {
					t.Fatalf("the dead %s is told %+v", n, s[0])
				}
				if age := time.Since(s[0].Observed); i >= 20 && (s[0].State != joinapi.Established || age > 30*time.Second) {
					t.Fatalf("the living %s is told %+v, %s old", n, s[0], age)
				}
			}
		}
	})
}

// What was seen too long ago does not count again because something else has
// changed since.
func TestOldStatesDoNotComeBack(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		var counts []joinapi.SessionState
		w.start(func(r *Reconciler) {
			tell := r.Sessions
			r.Sessions = func(ctx context.Context, node string, s []joinapi.Session) error {
				if node == names[0] {
					counts = append(counts, s[0].State)
				}
				return tell(ctx, node, s)
			}
		})
		pass(20 * time.Second)
		w.set(func() { w.mute[names[0]] = true })
		pass(2 * Normal().Unknown)
		if got := w.said(names[0]); !strings.HasPrefix(got, "unknown: ") {
			t.Fatalf("of a node that is silent: %q", got)
		}
		counts = nil
		w.block(names[0], "172.27.0.0/26", "pending", "false") // and not confirmed any more
		pass(30 * time.Second)
		if slices.Contains(counts, joinapi.Established) {
			t.Errorf("once its blocks have changed it is told as %v", counts)
		}
	})
}

// A Node that is another under the same name is asked at once, whenever the one
// before it was to be asked again.
func TestANewHostUnderANameIsAskedAtOnce(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		w.start(func(r *Reconciler) { r.Pace = Slow() })
		pass(20 * time.Second)
		if got := w.said(names[0]); got != "Established: " {
			t.Fatalf("at first: %q", got)
		}
		w.delete(nodes, names[0])
		w.register(names[0])
		w.forget()
		pass(2 * time.Second)
		if n := w.count("create caliconodestatuses " + statusName(names[0])); n != 1 {
			t.Errorf("asked %d times within two seconds, and every %s without a cause: %q", n, Slow().Ask, w.calls)
		}
	})
}

// A session that is lost is told as soon as it is seen, and is not looked away
// from.
func TestLostSession(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		w.start(nil)
		pass(10 * time.Second)
		w.set(func() { w.states[names[1]+" leaf201"] = "Active" })
		pass(30 * time.Second)
		if got := w.said(names[1]); got != "Active: " {
			t.Errorf("told %q", got)
		}
		w.set(func() { delete(w.states, names[1]+" leaf201") })
		pass(30 * time.Second)
		if got := w.said(names[1]); got != "Established: " {
			t.Errorf("told %q", got)
		}
		w.delete(nodes, names[1])
		pass(time.Second)
		if got := w.said(names[1]); !strings.HasPrefix(got, ": the node is not in the cluster") {
			t.Errorf("without its Node: %q", got)
		}
	})
}

// Calico 3.18 to 3.20 gets its objects; that nobody sees the sessions is said at
// once, for every node, and goes on being said.
func TestCalicoWithoutNodeStatus(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		w.kinds[CRD] = needed()
		w.start(nil)
		pass(time.Second)
		if w.get(bgpPeers, "leaf202-k8c1s2") == nil || w.get(ipPools, poolName) == nil || !annotated(w.get(nodes, names[0]), w.leased[0]) {
			t.Error("the objects are not written")
		}
		if got := w.said(names[0]); got != ": "+noStatusKind {
			t.Errorf("told %q", got)
		}
		if n := strings.Count(w.text(), "no kind CalicoNodeStatus"); n != 1 {
			t.Errorf("said %d times at once", n)
		}
		pass(5 * time.Minute)
		if n := strings.Count(w.text(), "no kind CalicoNodeStatus"); n != 6 {
			t.Errorf("said %d times in five minutes", n)
		}
		if !strings.Contains(strings.Join(w.remarks, "\n"), "no kind CalicoNodeStatus") {
			t.Errorf("the status has %q", w.remarks)
		}
		w.set(func() { w.kinds[CRD] = allKinds() }) // an upgrade
		pass(time.Minute)
		if got := w.said(names[0]); got != "Established: " {
			t.Errorf("after the upgrade: %q", got)
		}
	})
}

func TestWaitingForCalicoIsSaid(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		w.everybody()
		w.kinds[CRD] = []string{bgpPeers}
		w.start(nil)
		pass(time.Second)
		if n := strings.Count(w.text(), "waiting for Calico"); n != 1 || len(w.remarks) != 1 {
			t.Errorf("at once: said %d times, status %q", n, w.remarks)
		}
		pass(3 * time.Minute)
		if n := strings.Count(w.text(), "waiting for Calico"); n != 4 {
			t.Errorf("said %d times in three minutes", n)
		}
		w.set(func() { w.kinds[CRD] = allKinds() })
		pass(10 * time.Second)
		if len(w.remarks) != 0 || w.get(ipPools, poolName) == nil {
			t.Errorf("then: %q", w.remarks)
		}
	})
}

// What was waited for once is not the reason any more when it has come: then it
// is the node's calico-node that has to say something.
func TestAReasonThatIsOverIsNotToldAnyMore(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		w.mute[names[0]], w.mute[names[1]] = true, true
		w.delete(nodes, names[1])
		w.kinds[CRD] = []string{bgpPeers}
		w.start(func(r *Reconciler) { r.Pace = Slow() })
		pass(time.Second)
		if got := w.said(names[0]); !strings.Contains(got, "waiting for Calico") {
			t.Errorf("at first: %q", got)
		}
		w.set(func() { w.kinds[CRD] = allKinds() })
		pass(20 * time.Second)
		const want = ": " + silent
		if got := w.said(names[0]); got != want {
			t.Errorf("once it is served: %q, want %q", got, want)
		}
		if got := w.said(names[1]); !strings.Contains(got, "not in the cluster") {
			t.Errorf("before it joins: %q", got)
		}
		w.register(names[1])
		pass(time.Second)
		if got := w.said(names[1]); got != ": "+justNow {
			t.Errorf("once it has joined: %q, want %q", got, justNow)
		}
		pass(15 * time.Second)
		if got := w.said(names[1]); got != want {
			t.Errorf("when it does not answer: %q, want %q", got, want)
		}
		for range int(Slow().Unknown.Seconds()) {
			pass(time.Second)
			if got := w.said(names[0]); got != want && got != "unknown"+want {
				t.Fatalf("then: %q", got)
			}
		}
		pass(10 * time.Second)
		for range 120 {
			pass(time.Second)
			if got := w.said(names[0]); got != "unknown"+want {
				t.Fatalf("later: %q, want it unknown", got)
			}
		}
	})
}

// After Calico's migration new nodes get their objects where Calico now looks.
func TestGroupChangesWhileAtWork(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		w.delete(nodes, names[2])
		w.start(nil)
		pass(10 * time.Second)
		w.set(func() { w.kinds[Native] = allKinds() }) // both: v1 is still Calico's
		pass(time.Minute)
		native := Native.resource(bgpPeers)
		if _, err := w.objects.Tracker().Get(native, "", "leaf201-k8c1m0"); err == nil {
			t.Fatal("written to v3 while v1 is served")
		}
		w.set(func() { delete(w.kinds, CRD); w.api = Native })
		pass(time.Minute)
		w.register(names[2])
		pass(5 * time.Second)
		if _, err := w.objects.Tracker().Get(native, "", "leaf201-k8c1s2"); err != nil {
			t.Errorf("the new node: %v", err)
		}
	})
}

// Both groups are served while calico-node has gone over already; and the plan's
// word comes before what is found.
func TestWhichGroup(t *testing.T) {
	daemon := func(value string) string {
		return fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"calico-node","namespace":"kube-system"},
			"spec":{"template":{"spec":{"containers":[{"name":"calico-node","env":[{"name":"CALICO_API_GROUP","value":%q}]}]}}}}`, value)
	}
	for name, tc := range map[string]struct {
		crd, native bool
		env         string
		plan, want  API
	}{
		"v1 only":             {crd: true, want: CRD},
		"v3 only":             {native: true, want: Native},
		"both":                {crd: true, native: true, want: CRD},
		"both, gone over":     {crd: true, native: true, env: "projectcalico.org/v3", want: Native},
		"both, not gone over": {crd: true, native: true, env: "crd.projectcalico.org/v1", want: CRD},
		"both, by plan":       {crd: true, native: true, plan: Native, want: Native},
		"the plan's is not":   {crd: true, plan: Native},
		"none":                {},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, reference(t))
			w.kinds = map[API][]string{}
			if tc.crd {
				w.kinds[CRD] = allKinds()
			}
			if tc.native {
				w.kinds[Native] = allKinds()
			}
			if tc.env != "" {
				o := &unstructured.Unstructured{}
				if err := o.UnmarshalJSON([]byte(daemon(tc.env))); err != nil {
					t.Fatal(err)
				}
				if err := w.objects.Tracker().Add(o); err != nil {
					t.Fatal(err)
				}
			}
			r := Reconciler{Client: client{w.objects, w}, Serves: w.serves, API: tc.plan}
			got, err := r.choose(context.Background())
			if err != nil || got.api != tc.want {
				t.Errorf("chose %q, %v, want %q", got.api, err, tc.want)
			}
		})
	}
}

// That calico-node cannot be asked now is no word of what it uses: joinsvc would go
// back to the group that Calico has left.
func TestAGroupThatCannotBeAskedFor(t *testing.T) {
	sets := schema.GroupResource{Group: "apps", Resource: "daemonsets"}
	for name, tc := range map[string]struct {
		answer error
		want   API
	}{
		"no right to":     {apierrors.NewForbidden(sets, "calico-node", errors.New("no right")), CRD},
		"not there":       {apierrors.NewNotFound(sets, "calico-node"), CRD},
		"too much to do":  {apierrors.NewTooManyRequestsError("later"), ""},
		"in no time":      {context.DeadlineExceeded, ""},
		"an error of its": {apierrors.NewInternalError(errors.New("etcdserver: request timed out")), ""},
	} {
		w := newWorld(t, reference(t))
		w.kinds = map[API][]string{CRD: allKinds(), Native: allKinds()}
		w.objects.PrependReactor("get", "daemonsets", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, tc.answer })
		r := Reconciler{Client: client{w.objects, w}, Serves: w.serves}
		got, err := r.choose(t.Context())
		if got.api != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: chose %q, %v, want %q", name, got.api, err, tc.want)
		}
	}
}

func lock(w *world, ready bool) {
	w.put(clusterInformation, fmt.Sprintf(`{"apiVersion":"crd.projectcalico.org/v1","kind":"ClusterInformation","metadata":{"name":"default"},"spec":{"datastoreReady":%v}}`, ready), "calico")
}

// While Calico's datastore is locked nothing is written: no object, no
// annotation, no question and no removal.
func TestNothingIsWrittenWhileLocked(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		lock(w, false)
		w.start(nil)
		pass(10 * time.Second)
		if n := w.writes(); n != 0 || !strings.Contains(w.text(), "datastoreReady is false") {
			t.Errorf("%d writes: %v\n%s", n, w.calls, w.text())
		}
		if got := w.said(names[0]); !strings.Contains(got, "datastoreReady is false") {
			t.Errorf("told %q", got)
		}
		lock(w, true)
		pass(30 * time.Second)
		if got := w.said(names[0]); got != "Established: " || len(w.remarks) != 0 {
			t.Fatalf("after the lock: %q, %q", got, w.remarks)
		}
		lock(w, false) // and in the midst of work
		pass(time.Millisecond)
		w.forget()
		w.delete(bgpPeers, "leaf201-k8c1m0")
		edit(t, w, ipPools, poolName, true, "disableBGPExport")
		w.set(func() { w.leased = w.leased[:2] })
		w.delete(nodes, names[1])
		w.register(names[1])
		pass(2 * time.Minute)
		if n := w.writes(); n != 0 {
			t.Errorf("%d writes: %v", n, w.calls)
		}
		lock(w, true)
		pass(30 * time.Second)
		if w.get(bgpPeers, "leaf201-k8c1m0") == nil || w.get(bgpPeers, "leaf201-k8c1s2") != nil {
			t.Error("what waited is not done")
		}
	})
}

// edit changes a field as somebody with kubectl does.
func edit(t *testing.T, w *world, plural, name string, value any, field string) {
	t.Helper()
	is := w.get(plural, name)
	if err := unstructured.SetNestedField(is.Object, value, "spec", field); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	manage(is, "kubectl-edit", "Update", map[string]any{field: value})
	if err := w.store(w.resource(plural), is); err != nil {
		t.Fatal(err)
	}
}

// Everything that decides over routes is said aloud, false included, and is set
// back; meanwhile nothing counts as routed.
func TestWhatDecidesOverRoutesIsSetBack(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		w.start(nil)
		pass(20 * time.Second)
		pool := map[string]any{
			"cidr": "172.27.0.0/16", "blockSize": int64(26), "ipipMode": "Never", "vxlanMode": "Never", "natOutgoing": false,
			"nodeSelector": "all()", "disabled": false, "disableBGPExport": false, "assignmentMode": "Automatic", "allowedUses": []any{"Workload", "Tunnel"},
			"namespaceSelector": "",
		}
		if diff := cmp.Diff(pool, w.get(ipPools, poolName).Object["spec"]); diff != "" {
			t.Errorf("pool (-want +got):\n%s", diff)
		}
		for _, tc := range []struct {
			plural, name, field string
			value               any
			unrouted            bool
		}{
			{ipPools, poolName, "disableBGPExport", true, true},
			{ipPools, poolName, "disabled", true, true},
			{ipPools, poolName, "natOutgoing", true, false},
			{ipPools, poolName, "ipipMode", "Always", false},
			{ipPools, poolName, "nodeSelector", "!all()", false},
			{ipPools, poolName, "allowedUses", []any{"Tunnel"}, false},
			{bgpConfigurations, "default", "nodeToNodeMeshEnabled", true, false},
			{bgpConfigurations, "default", "serviceLoadBalancerIPs", []any{}, false},
			{bgpPeers, "leaf201-k8c1m0", "filters", []any{"no-export"}, true},
			{ipPools, poolName, "namespaceSelector", "team == 'a'", false},
			{bgpPeers, "leaf201-k8c1m0", "asNumber", int64(64999), false},
			{bgpPeers, "leaf201-k8c1m0", "nextHopMode", "Keep", false},
		} {
			before := w.get(tc.plural, tc.name).Object["spec"]
			if tc.unrouted { // with the lock there is a time to look
				lock(w, false)
				pass(time.Millisecond)
			}
			edit(t, w, tc.plural, tc.name, tc.value, tc.field)
			if tc.unrouted {
				pass(time.Second)
				if got := w.said(names[0]); !strings.HasPrefix(got, "Established: ") || got == "Established: " {
					t.Errorf("with %s %v: %q", tc.field, tc.value, got)
				}
				lock(w, true)
			}
			pass(time.Minute)
			if diff := cmp.Diff(before, w.get(tc.plural, tc.name).Object["spec"]); diff != "" {
				t.Errorf("%s stays (-want +got):\n%s", tc.field, diff)
			}
			if got := w.said(names[0]); got != "Established: " {
				t.Errorf("after %s: %q", tc.field, got)
			}
		}
		if !strings.Contains(w.text(), `fields=disableBGPExport`) || !strings.Contains(w.text(), "kubectl-edit (Update)") && !strings.Contains(w.text(), "kubectl-edit") {
			t.Errorf("not said:\n%s", w.text())
		}
	})
}

// A pool of another range keeps it, and all that it has; it is named.
func TestAnotherRangeIsLeftAlone(t *testing.T) {
	for name, spec := range map[string]string{
		"range":      `{"cidr":"192.168.0.0/16","blockSize":26,"natOutgoing":true}`,
		"block size": `{"cidr":"172.27.0.0/16","blockSize":24,"natOutgoing":true}`,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, reference(t), func(t *testing.T, w *world) {
				w.everybody()
				pool := w.put(ipPools, `{"apiVersion":"crd.projectcalico.org/v1","kind":"IPPool","metadata":{"name":"default-ipv4-ippool"},"spec":`+spec+`}`, "calico-node")
				w.start(nil)
				pass(20 * time.Second)
				if diff := cmp.Diff(pool.Object["spec"], w.get(ipPools, poolName).Object["spec"]); diff != "" {
					t.Errorf("changed (-was +is):\n%s", diff)
				}
				if !strings.Contains(strings.Join(w.remarks, "\n"), "a pool's range cannot be changed: set the plan back, or move its pods into another pool and remove it") {
					t.Errorf("remarks %q", w.remarks)
				}
				// What it advises works.
				w.delete(ipPools, poolName)
				pass(20 * time.Second)
				if is := w.get(ipPools, poolName); is == nil || sameRange(is, Pool(CRD, w.plan)) != nil || len(w.remarks) != 0 {
					t.Errorf("after it was removed: %v, remarks %q", is, w.remarks)
				}
			})
		})
	}
}

// An older release lacks fields of explicit; the rest is applied.
func TestFieldsThatAReleaseLacks(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		w.lacks = []string{"IPPool.assignmentMode", "IPPool.allowedUses", "BGPPeer.filters", "BGPConfiguration.serviceLoadBalancerAggregation"}
		w.start(nil)
		pass(20 * time.Second)
		if got := w.said(names[0]); got != "Established: " || len(w.remarks) > 0 {
			t.Errorf("told %q, remarks %q", got, w.remarks)
		}
		export, there, _ := unstructured.NestedBool(w.get(ipPools, poolName).Object, "spec", "disableBGPExport")
		if export || !there {
			t.Error("what it does know is not set")
		}
		w.set(func() { w.lacks = append(w.lacks, "BGPPeer.asNumber") })
		w.delete(bgpPeers, "leaf201-k8c1m0")
		pass(10 * time.Second)
		if !strings.Contains(strings.Join(w.remarks, "\n"), ".spec.asNumber: field not declared") {
			t.Errorf("a field that the plan needs is passed over: %q", w.remarks)
		}
	})
}

// Whoever changes an object back again and again is named, and not raced.
func TestTwoOwners(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		w.everybody()
		w.start(nil)
		pass(20 * time.Second)
		w.forget()
		for range 120 {
			if off, _, _ := unstructured.NestedBool(w.get(ipPools, poolName).Object, "spec", "disabled"); !off {
				edit(t, w, ipPools, poolName, true, "disabled")
			}
			pass(500 * time.Millisecond)
		}
		if n := w.count("apply ippools"); n > 7 {
			t.Errorf("%d writes in a minute", n)
		}
		if !strings.Contains(w.text(), "it has two owners") || !strings.Contains(w.text(), "kubectl-edit") {
			t.Errorf("not said:\n%s", w.text())
		}
	})
}

// What somebody has put into one of joinsvc's own peers stays, for it is his, and
// is the reason of a session that does not come up.
func TestFieldsOfOthersInAPeer(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		w.states[names[0]+" leaf201"] = "Connect"
		w.start(nil)
		pass(20 * time.Second)
		if got := w.said(names[0]); got != "Connect: " {
			t.Errorf("before: %q", got)
		}
		edit(t, w, bgpPeers, "leaf201-k8c1m0", int64(64512), "localASNumber")
		pass(5 * time.Second)
		const why = "BGPPeer leaf201-k8c1m0 has localASNumber of kubectl-edit, of which the plan knows nothing; see that the leaf agrees"
		if got := w.said(names[0]); got != "Connect: "+why {
			t.Errorf("told %q", got)
		}
		w.set(func() { w.states[names[0]+" leaf201"] = "" })
		pass(time.Minute)
		if got := w.said(names[0]); got != "Established: " {
			t.Errorf("with a leaf that agrees: %q", got)
		}
	})
}

func peerJSON(name, node, address, label string) string {
	return fmt.Sprintf(`{"apiVersion":"crd.projectcalico.org/v1","kind":"BGPPeer","metadata":{"name":%q,"labels":{"app.kubernetes.io/managed-by":%q}},"spec":{"node":%q,"peerIP":%q,"asNumber":63500}}`, name, label, node, address)
}

// What neither plan nor leases have any more goes, if joinsvc made it: neither
// the label alone nor the manager's name alone says that it did.
func TestLeftoversGoAndOthersStay(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		old := plan.Rack{LeafASN: 63500, Leaves: []plan.Leaf{{Name: "leaf203", Address: w.plan.Spec.Fabric.Leaves[0].Address.Next().Next()}, {Name: "leaf204", Address: w.plan.Spec.Fabric.Leaves[0].Address}}}
		apply := func(n Node) {
			for _, peer := range Peers(CRD, w.plan, old, n) {
				if _, err := (client{w.objects, w}).Resource(CRD.resource(bgpPeers)).Apply(context.Background(), peer.GetName(), settled(peer, nil), applyOptions()); err != nil {
					t.Fatal(err)
				}
			}
		}
		apply(w.leased[0])
		apply(Node{Name: "gone.labs.haystacknetworks.com"})
		w.put(bgpPeers, peerJSON("label-alone", names[0], "192.0.2.1", "joinsvc"), "kubectl")
		w.put(bgpPeers, peerJSON("manager-alone", names[0], "192.0.2.2", "somebody"), "joinsvc")
		w.put(bgpPeers, peerJSON("both-but-an-update", names[0], "192.0.2.3", "joinsvc"), "joinsvc")
		w.put(bgpPeers, peerJSON("of-nobody", "stranger", "192.0.2.4", "joinsvc"), "kubectl")
		edit(t, w, bgpPeers, "leaf204-gone", "UseNodeIP", "sourceAddress")
		w.start(nil)
		pass(20 * time.Second)
		for name, stays := range map[string]bool{
			"leaf203-k8c1m0": false, "leaf204-k8c1m0": false, "leaf203-gone": false, "leaf204-gone": true,
			"label-alone": true, "manager-alone": true, "both-but-an-update": true, "of-nobody": true,
			"leaf201-k8c1m0": true, "leaf202-k8c1s2": true,
		} {
			if is := w.get(bgpPeers, name) != nil; is != stays {
				t.Errorf("%s is there: %v, want %v", name, is, stays)
			}
		}
		if all := strings.Join(w.remarks, "\n"); !strings.Contains(all, "leaf204-gone is in the plan no more, but [kubectl-edit]") {
			t.Errorf("remarks %q", w.remarks)
		}
		w.set(func() { w.leased = w.leased[:2] }) // released
		pass(20 * time.Second)
		if w.get(bgpPeers, "leaf201-k8c1s2") != nil || w.get(bgpPeers, "leaf202-k8c1s2") != nil || w.get(nodeStatuses, statusName(names[2])) != nil {
			t.Error("a released node keeps its objects")
		}
		w.set(func() { w.leased = nil }) // a store that was lost
		pass(20 * time.Second)
		if w.get(bgpPeers, "leaf201-k8c1m0") == nil {
			t.Error("without any lease all sessions are ended")
		}
	})
}

// A node is routed when it has a block for good, in the plan's range; and is
// looked at for it without being asked again.
func TestRoutedWithABlock(t *testing.T) {
	for name, tc := range map[string]struct {
		cidr, state, deleted string
		routed               bool
	}{
		"confirmed":     {"172.27.9.0/26", "confirmed", "false", true},
		"pending":       {"172.27.9.0/26", "pending", "false", false},
		"being deleted": {"172.27.9.0/26", "confirmed", "true", false},
		"another range": {"10.244.0.0/26", "confirmed", "false", false},
		"larger":        {"172.0.0.0/8", "confirmed", "false", false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, reference(t), func(t *testing.T, w *world) {
				names := w.everybody()
				w.delete(blockAffinities, names[0]+"-172-27-0-0-26")
				w.start(func(r *Reconciler) { r.Pace = Pace{Ask: time.Hour, Unknown: 2 * time.Hour} })
				pass(20 * time.Second)
				if got := w.said(names[0]); !strings.HasPrefix(got, "Established: Calico has cut the node no block of 172.27.0.0/16") {
					t.Errorf("without a block: %q", got)
				}
				if got := w.said(names[1]); got != "Established: " {
					t.Errorf("another node: %q", got)
				}
				w.block(names[0], tc.cidr, tc.state, tc.deleted)
				pass(time.Second)
				if got := w.said(names[0]); (got == "Established: ") != tc.routed {
					t.Errorf("with it: %q", got)
				}
			})
		})
	}
}

// What somebody else has put in the way of a node's block keeps it from counting
// as routed, though every session is Established: a pool around the block whose
// export is off, and filters of a peer that stands in the place of the node's own.
func TestRoutesThatOthersRefuse(t *testing.T) {
	const pool = `{"apiVersion":"crd.projectcalico.org/v1","kind":"IPPool","metadata":{"name":"theirs"},"spec":{"cidr":%q,"disableBGPExport":%t}}`
	const peer = `{"apiVersion":"crd.projectcalico.org/v1","kind":"BGPPeer","metadata":{"name":"all"},"spec":{"peerIP":%q,"asNumber":63500,"filters":["f"]}}`
	const some = `{"apiVersion":"crd.projectcalico.org/v1","kind":"BGPPeer","metadata":{"name":"all"},"spec":{"peerIP":%q,"asNumber":63500,"filters":["f"],"nodeSelector":%q}}`
	for name, tc := range map[string]struct{ plural, object, says string }{
		"a wider pool":        {ipPools, fmt.Sprintf(pool, "172.16.0.0/12", true), "IPPool theirs of somebody else has disableBGPExport and holds the node's block 172.27.0.0/26"},
		"the block's own":     {ipPools, fmt.Sprintf(pool, "172.27.0.0/26", true), "IPPool theirs"},
		"a part of the block": {ipPools, fmt.Sprintf(pool, "172.27.0.0/27", true), ""},
		"one that exports":    {ipPools, fmt.Sprintf(pool, "172.16.0.0/12", false), ""},
		"elsewhere":           {ipPools, fmt.Sprintf(pool, "10.0.0.0/8", true), ""},
		"a global peer":       {bgpPeers, fmt.Sprintf(peer, "192.168.9.204"), "BGPPeer all has filters [f], which may refuse the node's block"},
		"of another address":  {bgpPeers, fmt.Sprintf(peer, "192.0.2.1"), ""},
		"for some nodes":      {bgpPeers, fmt.Sprintf(some, "192.168.9.204", "kubernetes.io/hostname == 'x'"), ""},
		"for all, by name":    {bgpPeers, fmt.Sprintf(some, "192.168.9.204", "all()"), "BGPPeer all has filters [f]"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, reference(t), func(t *testing.T, w *world) {
				names := w.everybody()
				w.put(tc.plural, tc.object, "calicoctl")
				w.start(nil)
				pass(30 * time.Second)
				if got := w.said(names[0]); !strings.HasPrefix(got, "Established: "+tc.says) || tc.says == "" && got != "Established: " {
					t.Errorf("got %q, want %q", got, tc.says)
				}
			})
		})
	}
}

// Where all blocks are others', no pod brings one, and that is the reason.
func TestNoBlockIsLeft(t *testing.T) {
	p := reference(t)
	p.Spec.Pods.Subnet, p.Spec.Pods.BlockSize = netip.MustParsePrefix("172.27.0.0/25"), 26
	bubble(t, p, func(t *testing.T, w *world) {
		names := w.everybody() // 172.27.2.0/26, the third's, is outside
		w.block(names[0], "172.27.0.64/26", "pending", "false")
		w.start(nil)
		pass(30 * time.Second)
		if got := w.said(names[2]); !strings.HasPrefix(got, "Established: Calico has cut the node no block of 172.27.0.0/25 to announce") {
			t.Errorf("with one left: %q", got)
		}
		w.block(names[0], "172.27.0.64/26", "confirmed", "false")
		pass(30 * time.Second)
		if got := w.said(names[2]); !strings.HasPrefix(got, "Established: Calico has cut the node no block, and none is left: other nodes have all 2 of 172.27.0.0/25") {
			t.Errorf("with none left: %q", got)
		}
	})
}

// What changes a Node's annotations again and again is named, as long as it does;
// what was there before joinsvc came, or is gone with a Node, is no contest.
func TestAnnotationsThatAreContested(t *testing.T) {
	const theirs = `{"apiVersion":"v1","kind":"Node","metadata":{"name":%q,"annotations":{"projectcalico.org/IPv4Address":"192.0.2.2/24"}}}`
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		w.put(nodes, fmt.Sprintf(theirs, names[0]), "calico-node")
		w.start(nil)
		pass(30 * time.Second)
		w.register(names[1]) // anew, without Calico's annotations
		pass(30 * time.Second)
		if got := w.standing(); got != "" {
			t.Errorf("before: %q", got)
		}
		for range 3 {
			w.put(nodes, fmt.Sprintf(theirs, names[0]), "calico-node")
			pass(time.Minute)
			if got := w.standing(); !strings.Contains(got, "Node "+names[0]+": somebody changes projectcalico.org/IPv4Address, which is 192.168.9.193/28 by its lease, to 192.0.2.2/24") {
				t.Errorf("meanwhile: %q", got)
			}
			if got := w.get(nodes, names[0]).GetAnnotations()[addressAnnotation]; got != "192.168.9.193/28" {
				t.Errorf("it is left at %s", got)
			}
		}
		pass(relook + time.Minute)
		if got := w.standing(); got != "" {
			t.Errorf("afterwards: %q", got)
		}
	})
}

// A contest that is over is said no longer where Calico has no CalicoNodeStatus,
// which is what else brings a node to be looked at, or gets it in between.
func TestAContestThatIsOver(t *testing.T) {
	const theirs = `{"apiVersion":"v1","kind":"Node","metadata":{"name":%q,"annotations":{"projectcalico.org/IPv4Address":"192.0.2.2/24"}}}`
	for name, after := range map[string]func(w *world){
		"never":   func(*world) {},
		"by then": func(w *world) { w.set(func() { w.kinds[CRD] = allKinds() }) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, reference(t), func(t *testing.T, w *world) {
				node := w.everybody()[0]
				w.kinds[CRD] = append(needed(), bgpFilters)
				w.start(nil)
				pass(30 * time.Second)
				w.put(nodes, fmt.Sprintf(theirs, node), "calico-node")
				pass(time.Minute)
				if got := w.standing(); !strings.Contains(got, "somebody changes") {
					t.Fatalf("meanwhile: %q", got)
				}
				after(w)
				pass(2*relook + time.Minute)
				if got := w.standing(); strings.Contains(got, "somebody changes") {
					t.Errorf("afterwards: %q", got)
				}
			})
		})
	}
}

// A node that waits for its turn to be asked is not said to be silent: after a
// start of joinsvc that is most of a large cluster, for minutes.
func TestANodeThatWasNotAskedIsNotSilent(t *testing.T) {
	bubble(t, large(t, 40), func(t *testing.T, w *world) {
		names := w.everybody()
		for _, n := range names {
			w.mute[n] = true
		}
		w.start(nil)
		pass(5 * time.Second)
		said := map[string]int{}
		for _, n := range names {
			said[w.said(n)]++
		}
		if diff := cmp.Diff(map[string]int{": " + justNow: openAtOnce, ": " + unasked: 40 - openAtOnce}, said); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		pass(10 * time.Second)
		if got := w.said(names[0]); got != ": "+silent {
			t.Errorf("one that was asked: %q", got)
		}
	})
}
