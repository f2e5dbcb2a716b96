// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// large is a plan of so many nodes behind the example's leaves.
func large(t *testing.T, n int) plan.Plan {
	p := reference(t)
	p.Spec.NodeNetwork.Subnet = netip.MustParsePrefix("192.168.8.0/22")
	p.Spec.ASN.Last = p.Spec.ASN.First + uint32(n)
	p.Spec.Nodes = nil
	address := netip.MustParseAddr("192.168.10.1")
	for i := range n {
		p.Spec.Nodes = append(p.Spec.Nodes, plan.Node{Name: fmt.Sprintf("n%03d", i), Role: plan.Worker, Address: netip.PrefixFrom(address, 22)})
		address = address.Next()
	}
	return p
}

// With an API server of 400 ms a call, forty nodes at once: the first is asked
// for its sessions within seconds, not when all have their objects.
func TestFirstSessionIsAskedForSoon(t *testing.T) {
	bubble(t, large(t, 40), func(t *testing.T, w *world) {
		names := w.everybody()
		w.delay = 400 * time.Millisecond
		start := time.Now()
		w.start(nil)
		first, all := time.Duration(0), time.Duration(0)
		for all == 0 && time.Since(start) < 5*time.Minute {
			pass(100 * time.Millisecond)
			if first == 0 && w.count("create caliconodestatuses") > 0 {
				first = time.Since(start)
			}
			done := true
			for _, name := range names {
				done = done && w.said(name) == "Established: "
			}
			if done {
				all = time.Since(start)
			}
		}
		t.Logf("40 nodes, 400 ms a call: the first is asked after %s, all are routed after %s, %d writes", first, all, w.writes())
		if first == 0 || first > 5*time.Second {
			t.Errorf("the first session was asked for after %s", first)
		}
		if all == 0 || all > 45*time.Second {
			t.Errorf("all were routed after %s", all)
		}
	})
}

// Heartbeats, and what others write to Nodes, are nothing to joinsvc.
func TestIrrelevantUpdatesAreNothing(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		w.start(func(r *Reconciler) { r.Pace = Pace{Ask: time.Hour, Unknown: 2 * time.Hour} })
		pass(10 * time.Second)
		if got := w.said(names[0]); got != "Established: " {
			t.Fatalf("told %q", got)
		}
		w.forget()
		for i := range 253 {
			is := w.get(nodes, names[i%3])
			is.SetLabels(map[string]string{"beat": fmt.Sprint(i)})
			annotations := is.GetAnnotations()
			annotations["example.com/mine"] = fmt.Sprint(i)
			is.SetAnnotations(annotations)
			is.Object["status"] = map[string]any{"beat": int64(i)}
			w.set(func() {
				if err := w.store(w.resource(nodes), is); err != nil {
					t.Error(err)
				}
			})
			pass(time.Millisecond)
		}
		if n := w.count(""); n != 0 {
			t.Errorf("253 irrelevant updates made %d calls: %v", n, w.calls)
		}
	})
}

// What is told of a settled session is never older than 30 seconds, with few
// requests at once; on slow hosts each is asked once a minute.
func TestSettledSessionsStayYoung(t *testing.T) {
	for name, tc := range map[string]struct {
		pace   Pace
		oldest time.Duration
		most   int // writes in ten minutes
	}{
		"normal": {Pace{}, 30 * time.Second, 25 * 2 * 29},
		"slow":   {Slow(), 65 * time.Second, 25 * 2 * 11},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, large(t, 25), func(t *testing.T, w *world) {
				names := w.everybody()
				w.start(func(r *Reconciler) { r.Pace = tc.pace })
				pass(time.Minute)
				w.forget()
				var oldest time.Duration
				for range 600 {
					pass(time.Second)
					for _, n := range names {
						if s := w.session(n); len(s) == 2 {
							oldest = max(oldest, time.Since(s[0].Observed))
						}
					}
					list, err := w.objects.Tracker().List(w.resource(nodeStatuses), w.api.resource(nodeStatuses).GroupVersion().WithKind("CalicoNodeStatus"), "")
					if err != nil {
						t.Fatal(err)
					}
					if n := strings.Count(fmt.Sprint(list), "joinsvc-n"); n > 2*openAtOnce {
						t.Fatalf("too many requests at once: %v", list)
					}
				}
				t.Logf("25 settled nodes for ten minutes: oldest %s, %d writes", oldest, w.writes())
				if oldest > tc.oldest {
					t.Errorf("a settled session is %s old", oldest)
				}
				if n := w.writes(); n > tc.most {
					t.Errorf("%d writes, want at most %d", n, tc.most)
				}
			})
		})
	}
}
