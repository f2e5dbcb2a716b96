// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"encoding/pem"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

func TestEnrolGivesWhatThePlanSays(t *testing.T) {
	w := newWorld(t, testPlan(t))
	w.all()
	status, err := w.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := joinapi.Status{Cluster: "k8c1", Access: joinapi.AccessStatus{State: joinapi.AccessNone, Reason: "no node has handed over access to a cluster yet"}, Nodes: []joinapi.NodeStatus{
		{Name: "k8c1m0.labs.haystacknetworks.com", Role: joinapi.ControlPlane, Address: "192.168.9.193/28", ASN: 63551, Phase: joinapi.PhaseEnrolled},
		{Name: "k8c1s1.labs.haystacknetworks.com", Role: joinapi.Worker, Address: "192.168.9.194/28", ASN: 63552, Phase: joinapi.PhaseEnrolled},
		{Name: "k8c1s2.labs.haystacknetworks.com", Role: joinapi.Worker, Address: "192.168.9.195/28", ASN: 63553, Phase: joinapi.PhaseEnrolled},
	}}
	if diff := cmp.Diff(want, status); diff != "" {
		t.Error(diff)
	}
}

// A reply can be lost after the token's last use.
func TestReplayWithTheSameKey(t *testing.T) {
	w := newWorld(t, testPlan(t))
	token, key, id := w.token(joinapi.TokenRequest{Uses: 1}), newKey(t), identityOf(w.Plan.Spec.Nodes[1])
	first, err := w.enrol(token, key, id)
	if err != nil {
		t.Fatal(err)
	}
	w.clock = w.clock.Add(2 * time.Hour) // the token has expired meanwhile
	again, err := w.enrol(token, key, id)
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(first, again) {
		t.Errorf("first %v, then %v", first, again)
	}
	if nodes, err := w.Nodes(t.Context()); err != nil || len(nodes) != 1 {
		t.Errorf("%d nodes, %v; want 1", len(nodes), err)
	}
}

func TestTokenRefusals(t *testing.T) {
	w := newWorld(t, testPlan(t))
	s1, s2 := w.Plan.Spec.Nodes[1], w.Plan.Spec.Nodes[2]
	expired := w.token(joinapi.TokenRequest{Uses: 1, TTL: time.Minute})
	w.clock = w.clock.Add(2 * time.Minute)
	usedUp := w.token(joinapi.TokenRequest{Uses: 1})
	if _, err := w.enrol(usedUp, newKey(t), identityOf(s2)); err != nil {
		t.Fatal(err)
	}
	good := w.token(joinapi.TokenRequest{Uses: 9})
	parts := strings.Split(good, ".")
	tests := []struct {
		name, token string
		id          joinapi.Identity
		code        joinapi.Code
		says, logs  string
	}{
		{"no token", "hello", identityOf(s1), joinapi.CodeUnauthorized, "4:", "no token"},
		{"unknown token", strings.Join([]string{parts[0], parts[1], "nobody", parts[3]}, "."), identityOf(s1), joinapi.CodeUnauthorized, "does not know this", "unknown token"},
		{"wrong secret", strings.Join([]string{parts[0], parts[1], parts[2], "guess"}, "."), identityOf(s1), joinapi.CodeUnauthorized, "does not know this", "wrong secret"},
		{"expired", expired, identityOf(s1), joinapi.CodeUnauthorized, "expired at", "expired at"},
		{"used up", usedUp, identityOf(s1), joinapi.CodeUnauthorized, "used up (1 of 1)", "used up: 1 of 1, by [k8c1s2"},
		{"another key for an enrolled node", good, identityOf(s2), joinapi.CodeConflict, "another key", "alarm=true"},
		{"host in no inventory", good, joinapi.Identity{Hostname: "stray", MACs: []joinapi.MAC{"00:00:5e:00:53:ff"}}, joinapi.CodeForbidden, "00:00:5e:00:53:ff", "in no inventory"},
	}
	before, _ := w.Status(t.Context())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			from := len(w.log.String())
			_, err := w.enrol(tt.token, newKey(t), tt.id)
			wantCode(t, err, tt.code, tt.says)
			logged := w.log.String()[from:]
			if !strings.Contains(logged, tt.logs) || !strings.Contains(logged, "enrolment refused") {
				t.Errorf("logged %q, want a refusal with %q", logged, tt.logs)
			}
		})
	}
	if after, _ := w.Status(t.Context()); !cmp.Equal(before, after) {
		t.Error("a refusal changed something:", cmp.Diff(before, after))
	}
	if log := w.log.String(); strings.Contains(log, parts[3]) {
		t.Error("the log holds a token's secret")
	}
}

// forged has the last byte of the signature changed.
func forged(t *testing.T, csr string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(csr))
	block.Bytes[len(block.Bytes)-1] ^= 1
	return string(pem.EncodeToMemory(block))
}

func TestMalformedRequests(t *testing.T) {
	w := newWorld(t, testPlan(t))
	token := w.token(joinapi.TokenRequest{Uses: 1})
	id := identityOf(w.Plan.Spec.Nodes[0])
	good := csr(t, newKey(t))
	for name, r := range map[string]joinapi.EnrolRequest{
		"no PEM":        {CSR: "hello", Identity: id},
		"two blocks":    {CSR: good + good, Identity: id},
		"forged":        {CSR: forged(t, good), Identity: id},
		"too many MACs": {CSR: good, Identity: joinapi.Identity{MACs: slices.Repeat(id.MACs, 40)}},
		"long name":     {CSR: good, Identity: joinapi.Identity{Hostname: strings.Repeat("x", 254)}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.Enrol(t.Context(), token, sends(r))
			wantCode(t, err, joinapi.CodeInvalid, "")
		})
	}
	for name, r := range map[string]joinapi.TokenRequest{
		"no uses": {TTL: time.Hour}, "no ttl": {Uses: 1}, "long ttl": {Uses: 1, TTL: 9999 * time.Hour}, "no such node": {Uses: 1, TTL: time.Hour, Node: "x"},
	} {
		t.Run("token "+name, func(t *testing.T) {
			_, err := w.CreateToken(t.Context(), r)
			wantCode(t, err, joinapi.CodeInvalid, "")
		})
	}
}

func TestAdmission(t *testing.T) {
	p := testPlan(t)
	p.Spec.Nodes[2].MACs = nil
	m0, s1, s2 := p.Spec.Nodes[0], p.Spec.Nodes[1], p.Spec.Nodes[2]
	tests := []struct {
		name, bound string
		id          joinapi.Identity
		want        string // node, or what the refusal says
		code        joinapi.Code
	}{
		{"one of its MACs", "", joinapi.Identity{Hostname: "localhost", MACs: []joinapi.MAC{"02:00:00:00:00:01", joinapi.MAC(s1.MACs[1])}}, "k8c1s1", ""},
		{"MAC before hostname", "", joinapi.Identity{Hostname: s2.Name, MACs: identityOf(s1).MACs}, "k8c1s1", ""},
		{"hostname of a node without MACs", "", joinapi.Identity{Hostname: "k8c1s2.labs.haystacknetworks.com"}, "k8c1s2", ""},
		{"hostname of a node with MACs", "", joinapi.Identity{Hostname: "k8c1s1"}, "no node for this host", joinapi.CodeForbidden},
		{"bound token, node without MACs", "k8c1s2", joinapi.Identity{Hostname: "localhost"}, "k8c1s2", ""},
		{"bound token, node with other MACs", "k8c1s1", joinapi.Identity{Hostname: "k8c1s1", MACs: []joinapi.MAC{"02:00:00:00:00:01"}}, "with a token for k8c1s1.", joinapi.CodeForbidden},
		{"bound token, another node's MACs", "k8c1s2", joinapi.Identity{MACs: identityOf(m0).MACs}, "by the plan this host is k8c1m0.", joinapi.CodeForbidden},
		{"MACs of two nodes", "", joinapi.Identity{MACs: slices.Concat(identityOf(m0).MACs, identityOf(s1).MACs)}, "k8c1m0 and k8c1s1", joinapi.CodeForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, p)
			who, err := w.enrol(w.token(joinapi.TokenRequest{Uses: 1, Node: tt.bound}), newKey(t), tt.id)
			if tt.code != "" {
				wantCode(t, err, tt.code, tt.want)
				return
			}
			if err != nil || who.Node != tt.want+".labs.haystacknetworks.com" {
				t.Errorf("became %q, %v; want %s", who.Node, err, tt.want)
			}
		})
	}
}

// A node whose number is held by another takes one that nobody prefers.
func TestLeaseFallsToTheNextFreeASN(t *testing.T) {
	p := testPlan(t)
	w := newWorld(t, p)
	token := w.token(joinapi.TokenRequest{Uses: 9})
	if _, err := w.enrol(w.token(joinapi.TokenRequest{Uses: 1, Role: joinapi.ControlPlane}), newKey(t), identityOf(p.Spec.Nodes[0])); err != nil {
		t.Fatal(err)
	}
	// The operator edits the plan: another node is to have what the first leased.
	w.replan(func(s *plan.Spec) { s.Nodes[1].ASN = 63551 })
	if _, err := w.enrol(token, newKey(t), identityOf(p.Spec.Nodes[1])); err != nil {
		t.Fatal(err)
	}
	nodes, err := w.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := nodes["k8c1s1.labs.haystacknetworks.com"].ASN; got != 63552 {
		t.Errorf("leased %d, want 63552, the first that no planned node prefers", got)
	}
	w.replan(func(s *plan.Spec) { s.Nodes[2].Address = s.Nodes[0].Address })
	_, err = w.enrol(token, newKey(t), identityOf(p.Spec.Nodes[2]))
	wantCode(t, err, joinapi.CodeConflict, "k8c1m0.labs.haystacknetworks.com holds it")
}

// Forty hosts with a token each, which share nothing but the number that all of
// them want: one gets it, and no two get the same.
func TestConcurrentLeases(t *testing.T) {
	const workers = 39
	p := wide(t, workers)
	for i := range p.Spec.Nodes {
		p.Spec.Nodes[i].ASN, p.Spec.Nodes[i].Role = p.Spec.ASN.First, plan.Worker
	}
	w := newWorld(t, p)
	var wg sync.WaitGroup
	for _, n := range p.Spec.Nodes {
		token, key := w.token(joinapi.TokenRequest{Uses: 1}), newKey(t)
		wg.Go(func() {
			if _, err := w.enrol(token, key, identityOf(n)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.whole()
	nodes, err := w.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	held := map[uint32]string{}
	for name, n := range nodes {
		if other, ok := held[n.ASN]; ok {
			t.Errorf("%s and %s both hold AS %d", name, other, n.ASN)
		}
		held[n.ASN] = name
	}
	if len(held) != workers+1 {
		t.Errorf("%d numbers are held, want %d", len(held), workers+1)
	}
}

// A displaced node takes a number that nobody prefers, though a lower one is
// free; what others prefer is there for them when they come.
func TestDisplacedNodeLeavesWhatOthersPrefer(t *testing.T) {
	p := testPlan(t)
	p.Spec.ASN.Last = 63555
	p.Spec.Nodes[0].ASN, p.Spec.Nodes[1].ASN = 63551, 63551
	p.Spec.Nodes[2].ASN = 63552
	w := newWorld(t, p)
	w.all()
	w.wantNumbers("63551 63553 63552")

	// When all that is left is preferred, a number is better than none.
	p.Spec.ASN.Last = 63552
	p.Spec.Nodes[0].Role = plan.Worker
	w = newWorld(t, p)
	token := w.token(joinapi.TokenRequest{Uses: 3})
	for _, n := range p.Spec.Nodes[:2] {
		if _, err := w.enrol(token, newKey(t), identityOf(n)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.enrol(token, newKey(t), identityOf(p.Spec.Nodes[2]))
	wantCode(t, err, joinapi.CodeConflict, "63551–63552 has no free number left for k8c1s2")
	w.whole()
}

// Fifty enrolments at once for twenty nodes: no two nodes share a number or an
// address, no node has two keys, and the token counts right.
func TestConcurrentEnrolment(t *testing.T) {
	const workers = 19
	p := wide(t, workers)
	for i := range p.Spec.Nodes {
		p.Spec.Nodes[i].ASN = p.Spec.ASN.First // all of them want the same
		p.Spec.Nodes[i].Role = plan.Worker
	}
	w := newWorld(t, p)
	token := w.token(joinapi.TokenRequest{Uses: workers + 1})
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[joinapi.Code]int{}
	for i := range 50 {
		key := newKey(t)
		wg.Go(func() {
			_, err := w.enrol(token, key, identityOf(p.Spec.Nodes[i%len(p.Spec.Nodes)]))
			mu.Lock()
			defer mu.Unlock()
			codes[joinapi.CodeOf(err)]++
			if err != nil && joinapi.CodeOf(err) == "" {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	nodes, err := w.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for name, n := range nodes {
		for _, held := range []string{n.Address.String(), fmt.Sprint("AS", n.ASN), n.Key} {
			if other, ok := seen[held]; ok {
				t.Errorf("%s and %s both hold %s", name, other, held)
			}
			seen[held] = name
		}
	}
	w.whole()
	if len(nodes) != 20 || codes[""] != 20 || codes[joinapi.CodeConflict]+codes[joinapi.CodeUnauthorized] != 30 {
		t.Errorf("%d nodes, outcomes %v; want 20 enrolled and 30 refused", len(nodes), codes)
	}
}

// A subnet that grows does so for the nodes that enrolled before, too.
func TestLengthOfALeasedAddress(t *testing.T) {
	w := newWorld(t, testPlan(t))
	s1 := w.all()[1]
	w.replan(func(s *plan.Spec) {
		s.NodeNetwork.Subnet = netip.MustParsePrefix("192.168.9.192/27")
		s.Nodes[1].Address = netip.MustParsePrefix("192.168.9.199/27")
	})
	view, err := w.View(t.Context(), s1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := view.Plan.Address.String(), "192.168.9.194/27"; got != want {
		t.Errorf("the node has %s, want the leased address with the subnet's length, %s", got, want)
	}
}

// A host that was installed anew has a new key, and only a token that says so
// gives it the node's place. Address and ASN stay.
func TestReinstalledHost(t *testing.T) {
	w := newWorld(t, testPlan(t))
	s1 := w.Plan.Spec.Nodes[1]
	old := w.all()[1]
	w.report(old, joinapi.ReportPrepared, joinapi.OutcomeDone, "")
	before := w.record(old.Node)
	_, err := w.enrol(w.token(joinapi.TokenRequest{Uses: 1, Node: s1.Name}), newKey(t), identityOf(s1))
	wantCode(t, err, joinapi.CodeConflict, "joinsvc token create --reinstalled --node k8c1s1.labs")

	token, key := w.token(joinapi.TokenRequest{Uses: 1, Node: s1.Name, Reinstalled: true}), newKey(t)
	_, err = w.enrol(token, newKey(t), identityOf(w.Plan.Spec.Nodes[2]))
	wantCode(t, err, joinapi.CodeForbidden, "is for k8c1s1")
	for range 2 { // the second time because an answer was lost
		who, err := w.enrol(token, key, identityOf(s1))
		if err != nil {
			t.Fatal(err)
		}
		w.wantPhase(who, joinapi.PhaseEnrolled)
	}
	after := w.record(old.Node)
	if after.Address != before.Address || after.ASN != before.ASN || len(w.reports(old.Node)) != 0 {
		t.Errorf("was %+v, is %+v, with reports %v", before, after, w.reports(old.Node))
	}
	_, err = w.View(t.Context(), old)
	wantCode(t, err, joinapi.CodeForbidden, "not the key")

	again := w.token(joinapi.TokenRequest{Uses: 1, Node: s1.Name, Reinstalled: true})
	if _, err := w.enrol(again, newKey(t), identityOf(s1)); err != nil {
		t.Fatal(err)
	}
	_, err = w.enrol(token, key, identityOf(s1)) // replaced itself since
	wantCode(t, err, joinapi.CodeConflict, "another key")
}

func TestTokenRequests(t *testing.T) {
	w := newWorld(t, testPlan(t))
	_, err := w.CreateToken(t.Context(), joinapi.TokenRequest{Node: "k8c1s9", TTL: -time.Second, Reinstalled: true})
	for _, says := range []string{"uses: 0", "ttl: -1s", "reinstalled: one host", `no node "k8c1s9"`} {
		wantCode(t, err, joinapi.CodeInvalid, says)
	}
}

// A token that was made while the clock was ahead would be good for that much
// longer. When it is the clock of now that is wrong, whoever waits is let in once
// it is set. A node that has used it comes back in any case.
func TestATokenThatAnotherClockMade(t *testing.T) {
	w := newWorld(t, testPlan(t))
	now, nodes, key := w.clock, w.Plan.Spec.Nodes, newKey(t)
	ahead := now.Add(12 * time.Hour)
	w.clock = ahead
	token := w.token(joinapi.TokenRequest{Uses: 2})
	if _, err := w.enrol(token, key, identityOf(nodes[1])); err != nil {
		t.Fatal(err)
	}
	w.clock = now
	_, err := w.enrol(token, newKey(t), identityOf(nodes[2]))
	wantCode(t, err, joinapi.CodeUnavailable, "was made at "+ahead.UTC().Format(time.RFC3339))
	if joinapi.RetryAfter(err) <= 0 {
		t.Errorf("%v without a time to ask again", err)
	}
	again := sends(joinapi.EnrolRequest{CSR: csr(t, key), Identity: identityOf(nodes[1])})
	if _, err := w.Enrol(t.Context(), token, again); err != nil {
		t.Errorf("the node that has used it: %v", err)
	}
	w.clock = ahead.Add(-skewed)
	if _, err := w.enrol(token, newKey(t), identityOf(nodes[2])); err != nil {
		t.Errorf("after the clock was set: %v", err)
	}
}

// skewed is how much two clocks differ that are both right.
const skewed = 10 * time.Second
