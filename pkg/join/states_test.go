// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/pki"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// memory is a Store that answers at once: a thousand cells need no disk. One
// transaction runs at a time, so that none is tried again.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
}

func (m *memory) Update(_ context.Context, fn func(Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memoryTx{before: m.values, now: maps.Clone(m.values)}
	if err := fn(tx); err != nil {
		return err
	}
	m.values = tx.now
	return nil
}

type memoryTx struct{ before, now map[string][]byte }

func (t *memoryTx) Get(key string) ([]byte, error) { return t.now[key], nil }
func (t *memoryTx) Guard(string) error             { return nil }
func (t *memoryTx) Put(key string, value []byte)   { t.now[key] = value }
func (t *memoryTx) Delete(key string)              { delete(t.now, key) }

func (t *memoryTx) List(prefix string) (map[string][]byte, error) {
	found := map[string][]byte{}
	for key, value := range t.before {
		if strings.HasPrefix(key, prefix) {
			found[key] = value
		}
	}
	return found, nil
}

func calls() []call {
	return []call{
		callView, callOrder, callNoted, callFailed, callDone, callPrepared, callKubeadm, callAccess,
		callEnrol, callReinstall, callUp, callDown, callUnseen,
	}
}

// Every call has one row for every standing, and none has two.
func TestStatesAreWhole(t *testing.T) {
	for _, what := range calls() {
		for _, s := range (initStandings{}).all() {
			var rows int
			for _, r := range states() {
				if r.call == what && (len(r.of) == 0 || slices.Contains(r.of, s)) {
					rows++
				}
			}
			if rows != 1 {
				t.Errorf("%s, %s: %d rows", what, s, rows)
			}
		}
	}
}

// laboratory is what all cells share.
type laboratory struct {
	plan plan.Plan
	ca   *pki.CA
	csr  string
	key  string // its fingerprint
}

func newLaboratory(t *testing.T) laboratory {
	t.Helper()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	ca, err := pki.New("k8c1", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	csr := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	req, err := pki.ParseRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	return laboratory{plantest.Load(t, "../../docs/examples/k8c1.yaml"), ca, csr, req.Fingerprint}
}

// trial is one node in one state.
type trial struct {
	*Coordinator
	lab   laboratory
	store *memory
	now   time.Time
	node  plan.Node
	who   Caller
}

type tokens struct{}

func (tokens) MintToken(context.Context, string, time.Duration) (string, error) {
	return "abcdef.0123456789abcdef", nil
}
func (tokens) RevokeToken(context.Context, string) error { return nil }

func (tokens) MarkNotReady(context.Context, string) (bool, error) { return false, nil }

func (l laboratory) trial(t *testing.T, s standing, p joinapi.NodePhase, failed bool) *trial {
	t.Helper()
	tr := &trial{lab: l, store: &memory{values: map[string][]byte{}}, now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	tr.node = l.plan.Spec.Nodes[1]
	if s.role == plan.ControlPlane {
		tr.node = l.plan.Spec.Nodes[0]
	}
	tr.who = Caller{Node: l.plan.FQDN(tr.node), Key: l.key, Identity: joinapi.Identity{MACs: plannedMACs(tr.node)}}
	tr.Coordinator = &Coordinator{
		Plan: l.plan, Store: tr.store, CA: l.ca, Now: func() time.Time { return tr.now }, Log: slog.New(slog.DiscardHandler),
		Kubeadm: Kubeadm{
			Init:    func(plan.Plan, plan.HostPlan) (string, error) { return "init", nil },
			Join:    func(plan.Plan, plan.HostPlan, string, string) (string, error) { return "join", nil },
			Patches: func() (map[string]string, error) { return nil, nil },
			Access:  func() (joinapi.AccessRequest, error) { return joinapi.AccessRequest{}, nil },
			Connect: func(joinapi.ClusterAccess) (Cluster, error) { return tokens{}, nil },
		},
	}
	h, err := l.plan.HostPlan(tr.node.Name)
	if err != nil {
		t.Fatal(err)
	}
	n := Node{Name: tr.who.Node, Role: s.role, Key: l.key, Identity: tr.who.Identity, Address: h.Address, ASN: h.ASN, Progress: p}
	if failed {
		n.Failure = &Failure{Phase: "network", Message: "no leg answers"}
	}
	tr.update(t, func(tx Tx) error { return tr.set(tx, s, n) })
	return tr
}

// set writes a state as the calls before would have left it.
func (tr *trial) set(tx Tx, s standing, n Node) error {
	rec := initRecord{Node: "k8c1m9.labs.haystacknetworks.com"}
	if s.own {
		rec.Node = n.Name
	}
	if s.init == initDone {
		rec.Done = tr.now
		tr.cluster = tokens{}
		if err := put(tx, accessKey, tr.grant()); err != nil {
			return err
		}
	}
	if s.init != initFree {
		if err := put(tx, initKey, rec); err != nil {
			return err
		}
	}
	if err := put(tx, asnPrefix+fmt.Sprint(n.ASN), lease{n.Name}); err != nil {
		return err
	}
	if n.Progress == joinapi.PhaseRouted {
		up := tr.sessions(joinapi.Established)
		tr.saw(n.Name, sighting{at: tr.now, told: tr.now, sessions: up})
		if err := put(tx, sessionPrefix+n.Name, sessionRecord{Sessions: up, Seen: tr.now}); err != nil {
			return err
		}
	}
	return put(tx, nodePrefix+n.Name, n)
}

func (tr *trial) update(t *testing.T, fn func(Tx) error) {
	t.Helper()
	if err := tr.store.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func (tr *trial) grant() joinapi.ClusterAccess {
	return joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: tr.lab.ca.PEM()}
}

func (tr *trial) sessions(last joinapi.SessionState) []joinapi.Session {
	var all []joinapi.Session
	for _, l := range tr.lab.plan.Spec.Fabric.Leaves {
		all = append(all, joinapi.Session{Leaf: l.Name, PeerIP: l.Address.String(), State: joinapi.Established})
	}
	all[len(all)-1].State = last
	return all
}

// do makes the call and returns what it got.
func (tr *trial) do(t *testing.T, what call) (answer, error) {
	t.Helper()
	ctx := t.Context()
	report := func(phase string, o joinapi.Outcome) (answer, error) {
		return ansYes, tr.Report(ctx, tr.who, joinapi.Report{Phase: phase, Outcome: o})
	}
	switch what {
	case callView:
		_, err := tr.View(ctx, tr.who)
		return ansYes, err
	case callOrder:
		order, err := tr.Order(ctx, tr.who)
		if joinapi.CodeOf(err) == joinapi.CodeNotYet {
			return ansWait, nil
		}
		return answer(order.Action), err
	case callNoted:
		return report("network", joinapi.OutcomeNoted)
	case callFailed:
		return report("packages", joinapi.OutcomeFailed)
	case callDone:
		return report("network", joinapi.OutcomeDone)
	case callPrepared:
		return report(joinapi.ReportPrepared, joinapi.OutcomeDone)
	case callKubeadm:
		return report(joinapi.ReportKubeadm, joinapi.OutcomeDone)
	case callAccess:
		return ansYes, tr.Accept(ctx, tr.who, tr.grant())
	case callEnrol:
		return ansYes, tr.enrolBy(t, tr.lab.key, joinapi.TokenRequest{})
	case callReinstall:
		return ansYes, tr.enrolBy(t, "the key of the old disk", joinapi.TokenRequest{Reinstalled: true})
	case callUp:
		return ansYes, tr.Sessions(ctx, tr.who.Node, tr.sessions(joinapi.Established))
	case callDown:
		return ansYes, tr.Sessions(ctx, tr.who.Node, tr.sessions("Active"))
	default: // callUnseen
		tr.now = tr.now.Add(freshness + time.Second)
		return ansYes, nil
	}
}

// enrolBy enrols the host while the node is on record with that key.
func (tr *trial) enrolBy(t *testing.T, onRecord string, r joinapi.TokenRequest) error {
	t.Helper()
	tr.update(t, func(tx Tx) error {
		n, _, err := get[Node](tx, nodePrefix+tr.who.Node)
		if err != nil {
			return err
		}
		n.Key = onRecord
		return put(tx, nodePrefix+n.Name, n)
	})
	r.Uses, r.TTL, r.Node = 1, time.Hour, tr.node.Name
	token, err := tr.CreateToken(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tr.Enrol(t.Context(), token.Token, func() (joinapi.EnrolRequest, error) {
		return joinapi.EnrolRequest{CSR: tr.lab.csr, Identity: tr.who.Identity}, nil
	})
	return err
}

// observed is the state as it is told, and what is on record of a failure and
// of init.
func (tr *trial) observed(t *testing.T) (p joinapi.NodePhase, f *Failure, init initState) {
	t.Helper()
	tr.update(t, func(tx Tx) error {
		n, _, err := get[Node](tx, nodePrefix+tr.who.Node)
		if err != nil {
			return err
		}
		rec, _, err := get[initRecord](tx, initKey)
		if err != nil {
			return err
		}
		sessions, _, err := get[sessionRecord](tx, sessionPrefix+n.Name)
		f, init = n.Failure, rec.state()
		n.Failure = nil
		p, _ = tr.phase(n, sessions)
		return err
	})
	return p, f, init
}

func cellsDo(t *testing.T, run func(t *testing.T, what call, s standing, p joinapi.NodePhase, failed bool)) {
	t.Helper()
	for _, what := range calls() {
		for _, s := range (initStandings{}).all() {
			for _, p := range progresses() {
				for _, failed := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%s/%s/failed=%v", what, s, p, failed), func(t *testing.T) { run(t, what, s, p, failed) })
				}
			}
		}
	}
}

// Every cell of the table, with and without a failure on record: what the call
// gets, and what the node, its failure and init are afterwards.
func TestEveryCell(t *testing.T) {
	lab := newLaboratory(t)
	cellsDo(t, func(t *testing.T, what call, s standing, p joinapi.NodePhase, failed bool) {
		tr := lab.trial(t, s, p, failed)
		row, want := lookup(what, s, p)
		before := maps.Clone(tr.store.values)
		got, err := tr.do(t, what)
		if want.answer.refused() {
			if code := joinapi.CodeOf(err); code != joinapi.CodeConflict && code != joinapi.CodeForbidden {
				t.Fatalf("got %q, %v; want %q", got, err, want.answer)
			}
			if diff := cmp.Diff(before, tr.store.values); diff != "" {
				t.Errorf("refused, and still changed the store (-before +after):\n%s", diff)
			}
			return
		}
		if err != nil || got != want.answer {
			t.Fatalf("got %q, %v; want %q", got, err, want.answer)
		}
		next, failure, init := tr.observed(t)
		if wanted := joinapi.NodePhase(orElse(string(want.next), string(p))); next != wanted {
			t.Errorf("the node is %s, want %s", next, wanted)
		}
		if wanted := initState(orElse(string(row.init), string(s.init))); init != wanted {
			t.Errorf("init is %s, want %s", init, wanted)
		}
		checkFailure(t, row, failed, p != next, failure)
	})
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func checkFailure(t *testing.T, r row, before, moved bool, after *Failure) {
	t.Helper()
	want := map[failureRule]bool{
		stays: before, isSet: true, goes: false,
		goesWith: false, // what is reported is the phase that had failed
		goesWhen: before && !moved,
	}[r.failure]
	if (after != nil) != want {
		t.Errorf("failure on record: %+v; had one: %v, which %s", after, before, r.failure)
	}
	if r.failure == isSet && after != nil && after.Phase != "packages" {
		t.Errorf("failure of %s, want the one that was told", after.Phase)
	}
}

const statesIntro = `# The states of a node

Printed from the table in ` + "`pkg/join/states.go`" + ` by ` + "`go test ./pkg/join -update`" + `; every cell has a test. Each call of
a host decides by it, whatever the host says of itself.

A node is **enrolled** when it has a certificate, an address and an AS number; **prepared** when its host is as the plan wants
it; **joining** when joinsvc has handed it kubeadm's documents; **joined** when it has reported kubeadm done; **routed** when
every planned session was Established and had a block of pods to announce when somebody last looked, and that is not long ago
(FRESH s, longer in a plan of more than MANY nodes, each of which is looked at more rarely; SLOW s with ` + "`kubernetes.pace: slow`" + `).
**failed** is none of these: it is shown while a failure is on record, and the node goes on from where it was.

kubeadm init is **nobody's**, **taken** by the control plane that was told to run it, or **done**: joinsvc was given access to
the cluster, or told that kubeadm is done there. After that nobody is told init again, the node that made the cluster included
when it comes from a fresh disk: it would make a second cluster. If the first one is gone for good, ` + "`joinsvc init reopen NODE`" + `
makes init nobody's again.

In a cell: what the call gets, and after an arrow the state that follows. *wait* is 503 with Retry-After; every *no* is a
conflict (409), or forbidden (403) where it says whose init it is not, with the next step in its message, and changes nothing.
A worker's *join* waits as well while joinsvc does not reach the cluster. A call without a line for a standing is the same for
all of them.

`

// docs/states.md is what the code does.
func TestStatesDocument(t *testing.T) {
	var b strings.Builder
	number := func(d, unit time.Duration) string { return strconv.Itoa(int(d / unit)) }
	b.WriteString(strings.NewReplacer("FRESH", number(freshness, time.Second), "SLOW", number(slowFreshness, time.Second),
		"MANY", number(freshness-30*time.Second, turns)).Replace(statesIntro))
	b.WriteString("| call | who | enrolled | prepared | joining | joined | routed | a failure on record | init |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range states() {
		who := "anyone"
		if len(r.of) > 0 {
			var names []string
			for _, s := range r.of {
				names = append(names, s.String())
			}
			who = strings.Join(names, "; ")
		}
		fmt.Fprintf(&b, "| %s | %s |", r.call, who)
		for _, c := range r.cells {
			text := string(c.answer)
			if c.next != "" {
				text += " → " + string(c.next)
			}
			fmt.Fprintf(&b, " %s |", text)
		}
		init := string(r.init)
		if init != "" {
			init = "→ " + init
		}
		fmt.Fprintf(&b, " %s | %s |\n", r.failure, init)
	}
	golden.Check(t, "../../docs/states.md", b.String())
}
