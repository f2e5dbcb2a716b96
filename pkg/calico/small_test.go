// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/nodeprep/nodeprep/pkg/flood"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

func parsed(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return o
}

// What others have put in the way is named, and what is in nobody's way is not.
func TestForeign(t *testing.T) {
	one := func(kind, name, spec string) *unstructured.Unstructured {
		return parsed(t, fmt.Sprintf(`{"apiVersion":"crd.projectcalico.org/v1","kind":%q,"metadata":{"name":%q},"spec":%s}`, kind, name, spec))
	}
	for name, tc := range map[string]struct {
		o    *unstructured.Unstructured
		says string
	}{
		"global peer":            {one("BGPPeer", "g", `{"peerIP":"192.168.9.204"}`), "BGPPeer g is not joinsvc's and is for all nodes: Calico drops every node's own peer to leaf201"},
		"global peer, a port":    {one("BGPPeer", "g", `{"peerIP":"192.168.9.205:179"}`), "drops every node's own peer to leaf202"},
		"all()":                  {one("BGPPeer", "g", `{"peerIP":"192.168.9.205","nodeSelector":"all()"}`), "drops every node's own peer to leaf202"},
		"selected":               {one("BGPPeer", "s", `{"peerIP":"192.168.9.204","nodeSelector":"rack == 'a'"}`), `peers nodes of "rack == 'a'" with leaf201 (192.168.9.204) a second time; remove it, kubectl delete bgppeers.crd.projectcalico.org s`},
		"a node's":               {one("BGPPeer", "n", `{"peerIP":"192.168.9.204","node":"k8c1m0"}`), "gives node k8c1m0 a session to leaf201"},
		"another address":        {one("BGPPeer", "r", `{"peerIP":"192.0.2.1"}`), ""},
		"overlapping pool":       {one("IPPool", "p", `{"cidr":"172.27.128.0/17","disabled":true}`), "overlaps the plan's pods, 172.27.0.0/16"},
		"another pool":           {one("IPPool", "p", `{"cidr":"10.0.0.0/16"}`), "pods may get addresses of it"},
		"another pool, disabled": {one("IPPool", "p", `{"cidr":"10.0.0.0/16","disabled":true}`), ""},
		"tunnels' pool":          {one("IPPool", "p", `{"cidr":"10.0.0.0/16","allowedUses":["Tunnel"]}`), ""},
		"services, elsewhere":    {one("IPPool", "p", `{"cidr":"10.0.0.0/16","allowedUses":["LoadBalancer"]}`), "services may get addresses of it, which no node announces"},
		"services, too wide":     {one("IPPool", "p", `{"cidr":"172.28.0.0/15","allowedUses":["LoadBalancer"]}`), "services may get addresses of it, which no node announces"},
		"services, disabled":     {one("IPPool", "p", `{"cidr":"10.0.0.0/16","allowedUses":["LoadBalancer"],"disabled":true}`), ""},
		"services, twice":        {one("IPPool", "p", `{"cidr":"172.29.8.0/24","allowedUses":["LoadBalancer"]}`), "MetalLB does of the same range, 172.29.0.0/16; keep one of the two"},
		"services' own range":    {one("BGPConfiguration", "default", `{"serviceClusterIPs":[{"cidr":"172.28.0.0/16"}]}`), "BGPConfiguration default has serviceClusterIPs"},
		"IPv6 pool":              {one("IPPool", "p", `{"cidr":"fd00::/64"}`), ""},
		"our pool":               {one("IPPool", poolName, `{"cidr":"172.27.0.0/16"}`), ""},
		"a node's configuration": {one("BGPConfiguration", "node.k8c1m0", `{"listenPort":1790}`), "BGPConfiguration node.k8c1m0 is not joinsvc's"},
		"in ours":                {one("BGPConfiguration", "default", `{"listenPort":1790,"ignoredInterfaces":["x"]}`), "BGPConfiguration default has ignoredInterfaces, listenPort"},
		"ours":                   {one("BGPConfiguration", "default", `{"nodeToNodeMeshEnabled":false}`), ""},
		"unused filter":          {one("BGPFilter", "f", `{}`), "BGPFilter f is not joinsvc's; no BGPPeer uses it"},
	} {
		t.Run(name, func(t *testing.T) {
			var f foreignObjects
			switch tc.o.GetKind() {
			case "BGPPeer":
				f.peers = append(f.peers, tc.o)
			case "IPPool":
				f.pools = append(f.pools, tc.o)
			case "BGPConfiguration":
				f.configurations = append(f.configurations, tc.o)
			case "BGPFilter":
				f.filters = append(f.filters, tc.o)
			}
			var got string
			for _, text := range foreign(reference(t), f) {
				got += text
			}
			if (got == "") != (tc.says == "") || !strings.Contains(got, tc.says) {
				t.Errorf("says %q, want %q", got, tc.says)
			}
		})
	}
	alone := reference(t)
	alone.Spec.LoadBalancers.MetalLB = plan.MetalLB{}
	pool := one("IPPool", "p", `{"cidr":"172.29.8.0/24","allowedUses":["LoadBalancer"]}`)
	if got := foreign(alone, foreignObjects{pools: []*unstructured.Unstructured{pool}}); len(got) != 0 {
		t.Errorf("the one controller of the range: %q", got)
	}
	f := foreignObjects{
		filters: []*unstructured.Unstructured{one("BGPFilter", "f", `{}`)},
		peers:   []*unstructured.Unstructured{one("BGPPeer", "r", `{"peerIP":"192.0.2.1","filters":["f"]}`)},
	}
	if got := foreign(reference(t), f)["foreign BGPFilter f"]; !strings.Contains(got, "it may refuse what BGPPeer r should announce") {
		t.Errorf("a used filter: %q", got)
	}
}

// Where the plan has no load balancers, somebody else's range of them is announced
// by all nodes all the same; one that joinsvc is about to take away is none.
func TestForeignRangeOfLoadBalancers(t *testing.T) {
	p := reference(t)
	p.Spec.LoadBalancers = plan.LoadBalancers{}
	c := parsed(t, `{"apiVersion":"crd.projectcalico.org/v1","kind":"BGPConfiguration","metadata":{"name":"default"},"spec":{"serviceLoadBalancerIPs":[{"cidr":"10.9.0.0/16"}]}}`)
	theirs := foreignObjects{configurations: []*unstructured.Unstructured{c}}
	if got := foreign(p, theirs)["foreign BGPConfiguration default"]; !strings.Contains(got, "BGPConfiguration default has serviceLoadBalancerIPs") {
		t.Errorf("somebody else's: %q", got)
	}
	if got := foreign(reference(t), theirs); len(got) != 0 {
		t.Errorf("with a range of the plan's it is set back, and said: %q", got)
	}
	manage(c, fieldManager, "Apply", map[string]any{"serviceLoadBalancerIPs": nil})
	if got := foreign(p, theirs); len(got) != 0 {
		t.Errorf("joinsvc's own: %q", got)
	}
}

// A global peer of somebody's is named in the log once, in the status as long as
// it is there, and as the reason of the session that it takes.
func TestGlobalPeerIsNamed(t *testing.T) {
	bubble(t, reference(t), func(t *testing.T, w *world) {
		names := w.everybody()
		w.states[names[0]+" leaf201"] = "Idle"
		w.start(nil)
		pass(20 * time.Second)
		w.put(bgpPeers, `{"apiVersion":"crd.projectcalico.org/v1","kind":"BGPPeer","metadata":{"name":"theirs"},"spec":{"peerIP":"192.168.9.204","asNumber":63500}}`, "kubectl")
		pass(40 * time.Second)
		const says = "BGPPeer theirs is not joinsvc's and is for all nodes"
		if n := strings.Count(w.text(), "msg=calico what=\""+says); n != 1 || !strings.Contains(strings.Join(w.remarks, "\n"), says) {
			t.Errorf("logged %d times, status %q", n, w.remarks)
		}
		if got := w.said(names[0]); got != "Idle: BGPPeer theirs of somebody else has this leaf's address" {
			t.Errorf("told %q", got)
		}
		w.delete(bgpPeers, "theirs")
		pass(time.Second)
		if len(w.remarks) != 0 {
			t.Errorf("afterwards: %q", w.remarks)
		}
	})
}

func TestObserved(t *testing.T) {
	peer := func(ip, state string) any { return map[string]any{"peerIP": ip, "state": state} }
	rack, now := reference(t).Spec.AllRacks()[0], time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	session := func(leaf, ip, state string) joinapi.Session {
		return joinapi.Session{Leaf: leaf, PeerIP: ip, PeerASN: 63500, State: joinapi.SessionState(state), Observed: now}
	}
	for name, tc := range map[string]struct {
		peers       []any
		one, two    string
		established bool
	}{
		"both":        {[]any{peer("192.168.9.205", "Established"), peer("192.168.9.204", "Established")}, "Established", "Established", true},
		"one is down": {[]any{peer("192.168.9.204", "Established"), peer("192.168.9.205", "Active")}, "Established", "Active", false},
		"one missing": {[]any{peer("192.168.9.204", "Established")}, "Established", "", false},
		"foreign":     {[]any{peer("192.0.2.1", "Established")}, "", "", false},
		"none":        {nil, "", "", false},
		"nonsense":    {[]any{"x"}, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			status := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"bgp": map[string]any{"peersV4": tc.peers}}}}
			got := observed(planned(rack), status, now)
			want := []joinapi.Session{session("leaf201", "192.168.9.204", tc.one), session("leaf202", "192.168.9.205", tc.two)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sessions (-want +got):\n%s", diff)
			}
			if established(got) != tc.established {
				t.Errorf("established = %v", !tc.established)
			}
		})
	}
	reason := []joinapi.Session{session("leaf201", "192.168.9.204", "Established")}
	reason[0].Reason = "no block"
	if established(nil) || established(reason) {
		t.Error("no session, or one with a reason, counts as established")
	}
}

func TestReported(t *testing.T) {
	if reported(parsed(t, `{}`)) || reported(parsed(t, `{"status":{}}`)) {
		t.Error("a fresh object counts as a report")
	}
	if !reported(parsed(t, `{"status":{"lastUpdated":"2026-11-23T12:00:00Z"}}`)) {
		t.Error("a report does not count")
	}
}

func TestPlaces(t *testing.T) {
	p := newPlaces()
	for i := range openAtOnce {
		node, silent := fmt.Sprint("n", i), i < silentAtOnce+1
		if got := p.take(node, silent); got != (i != silentAtOnce) {
			t.Errorf("%s has a place: %v", node, got)
		}
	}
	if !p.take("n0", false) {
		t.Error("who has a place loses it by asking")
	}
	if p.take("late", false) == (len(p.held) >= openAtOnce) && len(p.held) > openAtOnce {
		t.Error("more places than there are")
	}
	for i := range 3 {
		p.take(fmt.Sprint("w", i), i == 0)
	}
	if !p.crowded() {
		t.Error("nobody waits")
	}
	// n4 is silent and was refused first; of the others w1 waits longest.
	if diff := cmp.Diff([]string{"w1", "n4"}, p.leave("n8")); diff != "" {
		t.Errorf("called (-want +got):\n%s", diff)
	}
	if got := p.leave("n8"); got != nil {
		t.Errorf("who has no place gives one back: %v", got)
	}
	if p.take("n4", true) {
		t.Error("a silent node takes a place over the silent ones' share")
	}
	if !p.take("w1", false) {
		t.Error("who was called finds no place")
	}
}

func TestLine(t *testing.T) {
	l := line{urgent: func(key string) bool { return strings.HasPrefix(key, "u") }}
	for _, key := range []string{"a", "u1", "b", "u2"} {
		l.Push(key)
	}
	var got []string
	for l.Len() > 0 {
		got = append(got, l.Pop())
	}
	if diff := cmp.Diff([]string{"u1", "u2", "a", "b"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// The same words of forty nodes are one line, a port that changes is no news,
// and what stands is repeated once a minute.
func TestBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var shown []string
		b := newBoard(slog.New(slog.NewTextHandler(&log, nil)), func(all []string) { shown = all })
		for i := range 40 {
			b.put(fmt.Sprint("node ", i), fmt.Sprintf("read tcp 10.0.0.1:%d->10.0.0.2:6443: reset", 1000+i))
			b.put(fmt.Sprint("node ", i), fmt.Sprintf("read tcp 10.0.0.1:%d->10.0.0.2:6443: reset", 2000+i))
		}
		if n := strings.Count(log.String(), "\n"); n != 1 || len(shown) != 1 {
			t.Errorf("%d lines, shown %q\n%s", n, shown, log.String())
		}
		go b.repeat(t.Context())
		pass(5*time.Minute + time.Second)
		if n := strings.Count(log.String(), "still"); n != 5 {
			t.Errorf("repeated %d times in five minutes", n)
		}
		b.replace("node ", map[string]string{"node 1": "another"})
		pass(time.Second)
		if diff := cmp.Diff([]string{"another"}, shown); diff != "" {
			t.Errorf("shown (-want +got):\n%s", diff)
		}
		b.replace("node ", nil)
		pass(time.Second)
		if n := strings.Count(log.String(), "msg=\"calico: over\""); n != 1 || len(shown) != 0 {
			t.Errorf("over is said %d times", n)
		}
	})
}

// What an API server that is away is for each of many nodes is counted in the log,
// not written, and shown a few times a second at the most.
func TestBoardOfManyNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 500
		var log bytes.Buffer
		var shown []string
		showings := 0
		b := newBoard(slog.New(flood.New(slog.NewTextHandler(&log, nil))), func(all []string) { shown, showings = all, showings+1 })
		for range 3 { // it flaps
			for _, says := range []string{": connection refused", ": i/o timeout", ""} {
				for i := range many {
					text := ""
					if says != "" {
						text = fmt.Sprintf("asking n%d for its sessions%s", i, says)
					}
					b.put(fmt.Sprint("work n", i), text)
				}
				pass(time.Second)
				if want := min(len(says), 1) * many; len(shown) != want {
					t.Errorf("%d are shown, want %d", len(shown), want)
				}
			}
		}
		if lines := strings.Count(log.String(), "\n"); lines != 2*16 || showings > 9*3 {
			t.Errorf("%d lines are written, and all shown %d times:\n%s", lines, showings, log.String())
		}
		pass(2 * time.Minute)
		if n := strings.Count(log.String(), "more of the same"); n != 2 {
			t.Errorf("that more was counted is said %d times", n)
		}
	})
}

func TestOurs(t *testing.T) {
	object := func(label, entries string) *unstructured.Unstructured {
		return parsed(t, fmt.Sprintf(`{"metadata":{"labels":{"app.kubernetes.io/managed-by":%q},"managedFields":%s}}`, label, entries))
	}
	entry := func(manager, operation, fields string) string {
		return fmt.Sprintf(`{"manager":%q,"operation":%q,"fieldsV1":%s}`, manager, operation, fields)
	}
	const spec, labels = `{"f:spec":{"f:node":{},"f:peerIP":{}}}`, `{"f:metadata":{"f:labels":{}}}`
	for name, tc := range map[string]struct {
		o    *unstructured.Unstructured
		want bool
	}{
		"ours":                      {object("joinsvc", "["+entry("joinsvc", "Apply", spec)+"]"), true},
		"and a label of somebody's": {object("joinsvc", "["+entry("joinsvc", "Apply", spec)+","+entry("kubectl", "Update", labels)+"]"), true},
		"label alone":               {object("joinsvc", "["+entry("kubectl", "Apply", spec)+"]"), false},
		"manager alone":             {object("", "["+entry("joinsvc", "Apply", spec)+"]"), false},
		"manager, but by update":    {object("joinsvc", "["+entry("joinsvc", "Update", spec)+"]"), false},
		"somebody has a part":       {object("joinsvc", "["+entry("joinsvc", "Apply", spec)+","+entry("kubectl", "Update", `{"f:spec":{"f:password":{}}}`)+"]"), false},
		"our label, their spec":     {object("joinsvc", "["+entry("joinsvc", "Apply", labels)+","+entry("kubectl", "Update", spec)+"]"), false},
		"nobody knows":              {object("joinsvc", "[]"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ours(tc.o); got != tc.want {
				t.Errorf("ours = %v", got)
			}
		})
	}
}

func TestPaceOfALargeCluster(t *testing.T) {
	for nodes, want := range map[int]Pace{3: Normal(), 130: Normal(), 1000: {150 * time.Second, 450 * time.Second}} {
		if got := Normal().among(nodes); got != want {
			t.Errorf("%d nodes: %v, want %v", nodes, got, want)
		}
	}
	if got := Slow().among(3); got != Slow() {
		t.Errorf("slow: %v", got)
	}
}

// What could not be told is told again, though it be what was told before: nobody
// knows what became of the attempt in between.
func TestATellingThatFailedIsRepeated(t *testing.T) {
	var told []joinapi.SessionState
	var fails error
	l := &ledger{tell: func(_ context.Context, _ string, s []joinapi.Session) error {
		told = append(told, s[0].State)
		return fails
	}}
	a := &account{}
	publish := func(state joinapi.SessionState) error {
		return l.publish(t.Context(), a, []joinapi.Session{{Leaf: "leaf201", State: state}})
	}
	first := publish("Active")
	fails = errors.New("etcdserver: request timed out")
	second := publish("Established")
	fails = nil
	third, fourth := publish("Active"), publish("Active")
	if first != nil || second == nil || third != nil || fourth != nil {
		t.Errorf("told with %v, %v, %v, %v", first, second, third, fourth)
	}
	if want := []joinapi.SessionState{"Active", "Established", "Active"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
