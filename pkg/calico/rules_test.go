// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/tools/cache"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// Each node peers with the leaves of the rack that it stands in, and with no
// others; one that stands in none is told so.
func TestNodesPeerWithTheirOwnRack(t *testing.T) {
	p := racked(t)
	bubble(t, p, func(t *testing.T, w *world) {
		w.everybody()
		w.set(func() {
			w.leased = append(w.leased, Node{Name: "gone.example.net", Address: p.Spec.Nodes[0].Address, ASN: 64999})
		})
		w.register("gone.example.net")
		w.start(nil)
		pass(20 * time.Second)
		for _, n := range p.Spec.Nodes {
			rack, ok := p.Spec.RackOf(n)
			if !ok {
				t.Fatalf("%s stands in no rack", n.Name)
			}
			want, got := map[string]bool{}, map[string]bool{}
			for _, leaf := range rack.Leaves {
				want[leaf.Address.String()] = true
			}
			list, err := w.objects.Tracker().List(w.resource(bgpPeers), schema.GroupVersionKind{Group: "crd.projectcalico.org", Version: "v1", Kind: "BGPPeer"}, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, peer := range list.(*unstructured.UnstructuredList).Items {
				if nodeName(&peer) == p.FQDN(n) {
					got[field(&peer, "peerIP")] = true
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s peers with (-want +got):\n%s", n.Name, diff)
			}
		}
		if text := strings.Join(w.remarks, "\n"); !strings.Contains(text, "gone.example.net is enrolled, but in no rack of the plan") || !strings.Contains(text, "joinsvc nodes release gone.example.net") {
			t.Errorf("remarks %q", w.remarks)
		}
	})
}

// What an earlier joinsvc has asked of nodes that hold no lease any more goes, and
// nothing that others have asked does.
func TestQuestionsLeftBehindGo(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		w.everybody()
		question := func(name, node, label string) {
			w.put(nodeStatuses, `{"apiVersion":"crd.projectcalico.org/v1","kind":"CalicoNodeStatus","metadata":{"name":"`+name+`","labels":{"app.kubernetes.io/managed-by":"`+label+`"}},"spec":{"node":"`+node+`","classes":["BGP"]}}`, "kubectl")
		}
		question(statusName("gone"), "gone", fieldManager)
		question(statusName("theirs"), "theirs", "kubectl")
		question("my-own", "other", fieldManager)
		w.start(nil)
		pass(20 * time.Second)
		for name, stays := range map[string]bool{statusName("gone"): false, statusName("theirs"): true, "my-own": true} {
			if there := w.get(nodeStatuses, name) != nil; there != stays {
				t.Errorf("%s is there: %v", name, there)
			}
		}
	})
}

// A calico-node that was too busy to see that one question was removed before the
// next was put answers the next all the same; a BGP session that comes up later is
// seen.
func TestAQuestionIsNotTakenForTheOneBefore(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		name := w.everybody()[0]
		w.busy = map[string]any{}
		for _, leaf := range w.plan.Spec.AllRacks()[0].Leaves {
			w.states[name+" "+leaf.Name] = "Idle"
		}
		w.start(nil)
		pass(5 * time.Second)
		if s := w.session(name); s[0].State != "Idle" {
			t.Fatalf("at first: %+v", s[0])
		}
		w.set(func() { clear(w.states) })
		pass(45 * time.Second)
		if s := w.session(name); s[0].State != joinapi.Established {
			t.Errorf("later: %+v", s[0])
		}
	})
}

// A question that calico-node has lost is put again.
func TestALostQuestionIsPutAgain(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		name := w.everybody()[0]
		w.mute[name] = true
		w.start(nil)
		pass(5 * time.Second)
		w.set(func() { w.mute[name] = false })
		pass(30 * time.Second)
		if s := w.session(name); s[0].State != joinapi.Established {
			t.Errorf("told %+v", s[0])
		}
	})
}

// A report that lacks a planned peer says so.
func TestAPeerThatBIRDLacks(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		name := w.everybody()[0]
		w.states[name+" leaf201"] = "none"
		w.start(nil)
		pass(5 * time.Second)
		if got := w.said(name); !strings.HasPrefix(got, ": calico-node reports no such peer yet") {
			t.Errorf("told %q", got)
		}
	})
}

// A question that somebody removed is put again, though the node was silent.
func TestARemovedQuestionIsPutAgain(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		name := w.everybody()[0]
		w.mute[name] = true
		w.start(nil)
		pass(5 * time.Second)
		was := w.get(nodeStatuses, statusName(name))
		if was == nil {
			t.Fatal("nothing was asked")
		}
		w.delete(nodeStatuses, statusName(name))
		w.set(func() { w.mute[name] = false })
		pass(2*turn + 5*time.Second)
		if got := w.said(name); got != "Established: " {
			t.Errorf("told %q", got)
		}
	})
}

// Leases that cannot be read are no lease gone: what was there goes on, and the
// reason is said until it is over.
func TestLeasesThatCannotBeRead(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		var fails error
		w.start(func(r *Reconciler) {
			nodes := r.Nodes
			r.Nodes = func(ctx context.Context) ([]Node, error) {
				all, err := nodes(ctx)
				w.mu.Lock()
				defer w.mu.Unlock()
				if fails != nil {
					return nil, fails
				}
				return all, err
			}
		})
		pass(20 * time.Second)
		w.forget()
		w.set(func() { fails = errors.New("etcd is away") })
		pass(time.Minute)
		if got := strings.Join(w.remarks, "\n"); got != "asking for the nodes: etcd is away" {
			t.Errorf("remarks %q", got)
		}
		if n := w.count("delete bgppeers"); n != 0 || w.said(names[0]) != "Established: " {
			t.Errorf("%d peers were removed, and told is %q", n, w.said(names[0]))
		}
		w.set(func() { fails = nil })
		pass(10 * time.Second)
		if len(w.remarks) != 0 {
			t.Errorf("afterwards: %q", w.remarks)
		}
	})
}

// A kind that cannot be listed is named, with why, and nothing is written before it
// can be.
func TestAKindThatCannotBeListed(t *testing.T) {
	// client-go's second handler waits since the last error of the process, which
	// is not of the bubble's time.
	handlers := utilruntime.ErrorHandlers
	t.Cleanup(func() { utilruntime.ErrorHandlers = handlers }) //nolint:reassign // meant to be
	utilruntime.ErrorHandlers = handlers[:1]                   //nolint:reassign // meant to be
	bubble(t, reference(t), func(t *testing.T, w *world) {
		w.everybody()
		w.fail = func(verb, plural string) error { return failing(verb == "list" && plural == ipPools, "no right") }
		w.start(nil)
		pass(20 * time.Second)
		text := strings.Join(w.remarks, "\n")
		if !strings.Contains(text, "waiting for the API server to list [ippools]") || !strings.Contains(text, "cannot watch ippools: no right") {
			t.Errorf("remarks %q", w.remarks)
		}
		if n := w.writes(); n != 0 {
			t.Errorf("%d writes", n)
		}
		w.set(func() { w.fail = nil })
		pass(2 * time.Minute)
		if w.writes() == 0 || len(w.remarks) != 0 {
			t.Errorf("afterwards %d writes, %q", w.writes(), w.remarks)
		}
	})
}

// A kind that went, as while Calico is removed, has what is served asked anew at
// once; an API server that answers with a refusal of its own does answer.
func TestWhatIsHeardOfTheAPIServer(t *testing.T) {
	peers := schema.GroupResource{Resource: bgpPeers}
	for name, tt := range map[string]struct {
		err    error
		why    string
		doubts int
	}{
		"nothing":         {nil, "", 0},
		"conflict":        {apierrors.NewConflict(peers, "x", errors.New("changed")), "", 0},
		"there already":   {apierrors.NewAlreadyExists(peers, "x"), "", 0},
		"invalid":         {apierrors.NewInvalid(schema.GroupKind{Kind: "BGPPeer"}, "x", nil), "", 0},
		"bad request":     {apierrors.NewBadRequest("x"), "", 0},
		"no such kind":    {apierrors.NewNotFound(peers, "x"), "", 1},
		"joinsvc's end":   {context.Canceled, "before", 0},
		"no right":        {apierrors.NewForbidden(peers, "x", errors.New("no")), "the API server does not answer joinsvc: ", 0},
		"broken":          {errors.New("reset"), "the API server does not answer joinsvc: reset", 0},
		"out of patience": {context.DeadlineExceeded, "the API server does not answer joinsvc: context deadline exceeded", 0},
	} {
		e := &era{keeper: &keeper{ledger: &ledger{why: "before"}}, doubts: make(chan struct{}, 1)}
		e.heard(tt.err)
		e.heard(tt.err) // a second time is no more of it
		if !strings.HasPrefix(e.ledger.why, tt.why) || tt.why == "" && e.ledger.why != "" || len(e.doubts) != tt.doubts {
			t.Errorf("%s: %q, %d doubts", name, e.ledger.why, len(e.doubts))
		}
	}
}

// Asking failed is not "it is not served": joinsvc would go over to the other
// group, or believe that this Calico has no such kind.
func TestAnErrorIsNoNo(t *testing.T) {
	for fails := range 4 {
		asked := 0
		r := Reconciler{API: CRD, Serves: func(context.Context, string, ...string) (bool, error) {
			asked++
			return true, failing(asked == fails, "away")
		}}
		got, err := r.choose(t.Context())
		if want := (served{api: CRD, statuses: true, filters: true}); fails == 0 && (got != want || err != nil) {
			t.Errorf("%+v, %v", got, err)
		}
		if fails > 0 && (err == nil || got != served{}) {
			t.Errorf("question %d failed: %+v, %v", fails, got, err)
		}
	}
}

// What joinsvc once wrote and wants no more, and a mark that is gone, are put right
// as another value is; what others have added is theirs.
func TestDrift(t *testing.T) {
	const want = `{"spec":{"a":"1","b":[1]}}`
	object := func(label, spec, mine string) string {
		return `{"metadata":{"labels":{"app.kubernetes.io/managed-by":"` + label + `"},"managedFields":[{"manager":"joinsvc","operation":"Apply","fieldsV1":{"f:spec":` + mine + `}}]},"spec":` + spec + `}`
	}
	const both = `{"f:a":{},"f:b":{}}`
	for name, tt := range map[string]struct {
		is   string
		want []string
	}{
		"as it was":      {object(fieldManager, `{"a":"1","b":[1]}`, both), nil},
		"another value":  {object(fieldManager, `{"a":"2","b":[1]}`, both), []string{"a"}},
		"one is missing": {object(fieldManager, `{"a":"1"}`, both), []string{"b"}},
		"one more":       {object(fieldManager, `{"a":"1","b":[1],"c":true}`, both), nil},
		"one more of ours": {
			object(fieldManager, `{"a":"1","b":[1],"c":true}`, `{"f:a":{},"f:b":{},"f:c":{}}`), []string{"c"},
		},
		"no mark":       {object("kubectl", `{"a":"1","b":[1]}`, both), []string{"its mark"}},
		"no part in it": {object(fieldManager, `{"a":"1","b":[1]}`, `{}`), []string{"its mark"}},
		"all in order":  {object("", `{"b":[2]}`, both), []string{"a", "b", "its mark"}},
	} {
		if diff := cmp.Diff(tt.want, drift(parsed(t, tt.is), parsed(t, want))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A look costs a worker: the watch's news are nothing when what joinsvc goes by is
// as it was, and something when any part of that is not.
func TestSameObject(t *testing.T) {
	object := func(uid, label, spec, status, manager string) *unstructured.Unstructured {
		return parsed(t, `{"metadata":{"uid":"`+uid+`","resourceVersion":"`+uid+label+`","labels":{"l":"`+label+`"},"managedFields":[{"manager":"`+manager+`","operation":"Apply","fieldsV1":{"f:spec":{"f:a":{}}}}]},"spec":{"a":"`+spec+`"},"status":{"s":"`+status+`"}}`)
	}
	was := object("1", "l", "a", "s", "m")
	for name, tt := range map[string]struct {
		was, is *unstructured.Unstructured
		same    bool
	}{
		"the same":        {was, object("1", "l", "a", "s", "m"), true},
		"came":            {nil, was, false},
		"went":            {was, nil, false},
		"another object":  {was, object("2", "l", "a", "s", "m"), false},
		"another label":   {was, object("1", "k", "a", "s", "m"), false},
		"another spec":    {was, object("1", "l", "b", "s", "m"), false},
		"another status":  {was, object("1", "l", "a", "t", "m"), false},
		"another's field": {was, object("1", "l", "a", "s", "n"), false},
	} {
		if got := sameObject(tt.was, tt.is); got != tt.same {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// An object whose removal was missed comes wrapped (client-go's cache).
func TestAnObjectThatWentUnseen(t *testing.T) {
	o := parsed(t, `{"metadata":{"name":"x"}}`)
	if got := object(cache.DeletedFinalStateUnknown{Key: "x", Obj: o}); got != o {
		t.Errorf("it is %v", got)
	}
	if got := object("x"); got != nil {
		t.Errorf("what is none is %v", got)
	}
}

// A node of which nobody has said why it is not seen has not reported; and what
// cannot be told is in the log, for there is nobody else to tell.
func TestANodeThatExpiresWithoutAReason(t *testing.T) {
	var log strings.Builder
	var told []joinapi.Session
	l := &ledger{
		pace: Normal(), log: slog.New(slog.NewTextHandler(&log, nil)),
		tell: func(_ context.Context, _ string, s []joinapi.Session) error {
			told = s
			return errors.New("store is away")
		},
	}
	began := time.Date(2031, 3, 1, 12, 0, 0, 0, time.UTC)
	l.nodes = map[string]*account{"n1": {node: Node{Name: "n1"}, since: began, planned: []joinapi.Session{{Leaf: "leaf201"}}}}
	l.expire(t.Context(), began.Add(Normal().Unknown-time.Nanosecond))
	if told != nil {
		t.Errorf("too early: %+v", told)
	}
	l.expire(t.Context(), began.Add(Normal().Unknown))
	if len(told) != 1 || told[0].State != joinapi.Unknown || told[0].Reason != silent || !told[0].Observed.IsZero() {
		t.Errorf("told %+v", told)
	}
	if !strings.Contains(log.String(), "telling the sessions of n1: store is away") {
		t.Errorf("the log has %q", log.String())
	}
	absent := &account{since: began, absent: true, planned: []joinapi.Session{{}}}
	if err := l.expireOne(t.Context(), absent, "", began); err != nil {
		t.Error("a node that is not in the cluster is known not to be:", err)
	}
	if err := l.expireOne(t.Context(), absent, "no answer", began); err == nil {
		t.Error("unless the API server does not answer")
	}
}

// A manifest that is another kind of installation is told where it is.
func TestManifestWithoutItsContainer(t *testing.T) {
	const head = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: calico-node, namespace: kube-system}\nspec: {template: {spec: "
	for says, pod := range map[string]string{
		"has no spec.template.spec.containers":      "{}}}\n",
		"has no container calico-node":              "{containers: [{name: other, env: []}]}}}\n",
		"container calico-node has no list env":     "{containers: [{name: calico-node}]}}}\n",
		"container calico-node has no list env\x00": "{containers: [{name: calico-node, env: {a: b}}]}}}\n",
	} {
		_, err := Manifest([]byte(head+pod), reference(t))
		var wrong *ManifestError
		want := []string{daemonSet + ": " + strings.TrimSuffix(says, "\x00")}
		if !errors.As(err, &wrong) {
			t.Fatalf("got %v", err)
		}
		if diff := cmp.Diff(want, wrong.Problems); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	}
}

// An era that ends before it has begun, because another group is served or the
// cluster is given up, leaves nothing running: the bubble would not end.
func TestAnEraThatNeverBeganLeavesNothing(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		w.everybody()
		w.delay = time.Hour // of each list
		w.start(func(r *Reconciler) {
			r.Serves = func(context.Context, string, ...string) (bool, error) { return true, nil }
		})
		pass(time.Second)
	})
}
