// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// workers is the wide plan, all of whose nodes are workers.
func workers(t *testing.T, n int) plan.Plan {
	t.Helper()
	p := wide(t, n-1)
	p.Spec.Nodes[0].Role = plan.Worker
	return p
}

// replica is another joinsvc on the same store, which knows nothing of what w
// has handed out.
func (w *world) replica() *world {
	r := *w
	r.Coordinator = &join.Coordinator{Plan: w.Plan, Store: w.Store, CA: w.CA, Now: w.Now, Log: w.Log, Kubeadm: w.Kubeadm}
	return &r
}

// Forty hosts ask two replicas at once with a token of thirty uses: thirty are
// admitted, ten are refused, and nobody is told that joinsvc is at fault.
func TestMoreHostsThanUses(t *testing.T) {
	const hosts, uses = 40, 30
	w := newWorld(t, workers(t, hosts))
	replicas := []*world{w, w.replica()}
	token := w.token(joinapi.TokenRequest{Uses: uses})
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[joinapi.Code]int{}
	for i, n := range w.Plan.Spec.Nodes {
		key := newKey(t)
		wg.Go(func() {
			_, err := replicas[i%2].enrol(token, key, identityOf(n))
			mu.Lock()
			defer mu.Unlock()
			codes[joinapi.CodeOf(err)]++
			if err != nil && !strings.Contains(err.Error(), "used up (30 of 30)") {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.whole()
	if codes[""] != uses || codes[joinapi.CodeUnauthorized] != hosts-uses {
		t.Errorf("outcomes %v, want %d admitted and %d unauthorized", codes, uses, hosts-uses)
	}
}

// One use, many keys: those that wait for it are told what has become of it,
// and the key that has it may ask again, here and at another replica.
func TestOneUseManyKeys(t *testing.T) {
	w := newWorld(t, workers(t, 20))
	token := w.token(joinapi.TokenRequest{Uses: 1})
	var wg sync.WaitGroup
	won := make(chan func(*world) (join.Caller, error), len(w.Plan.Spec.Nodes))
	for _, n := range w.Plan.Spec.Nodes {
		key := newKey(t)
		wg.Go(func() {
			if _, err := w.enrol(token, key, identityOf(n)); err == nil {
				won <- func(at *world) (join.Caller, error) { return at.enrol(token, key, identityOf(n)) }
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Fatalf("%d keys have the one use", len(won))
	}
	again := <-won
	for _, at := range []*world{w, w.replica()} {
		if _, err := again(at); err != nil {
			t.Error("the same key again:", err)
		}
	}
	if n := len(w.nodes()); n != 1 {
		t.Errorf("%d nodes, want 1", n)
	}
	w.whole()
}

// A host that is refused gives its use back.
func TestRefusedHostUsesNothing(t *testing.T) {
	w := newWorld(t, testPlan(t))
	token := w.token(joinapi.TokenRequest{Uses: 1})
	for range 3 {
		_, err := w.enrol(token, newKey(t), joinapi.Identity{Hostname: "stray"})
		wantCode(t, err, joinapi.CodeForbidden, "no node for this host")
	}
	if _, err := w.enrol(token, newKey(t), identityOf(w.Plan.Spec.Nodes[1])); err != nil {
		t.Error(err)
	}
	w.whole()
}

// A restart forgets what was handed out; the store has what was used.
func TestUsesOutliveARestart(t *testing.T) {
	w := newWorld(t, workers(t, 12))
	token := w.token(joinapi.TokenRequest{Uses: 10})
	for i, n := range w.Plan.Spec.Nodes[:10] {
		if i%3 == 2 {
			w.replan(func(*plan.Spec) {})
		}
		if _, err := w.enrol(token, newKey(t), identityOf(n)); err != nil {
			t.Fatalf("use %d: %v", i+1, err)
		}
	}
	w.replan(func(*plan.Spec) {})
	_, err := w.enrol(token, newKey(t), identityOf(w.Plan.Spec.Nodes[11]))
	wantCode(t, err, joinapi.CodeUnauthorized, "used up (10 of 10)")
	w.whole()
}

// Another key for a node that enrolled with this very token is an intruder, or
// a host installed anew; in both cases somebody has to look.
func TestUsedUpTokenAlarms(t *testing.T) {
	w := newWorld(t, testPlan(t))
	s1, s2 := w.Plan.Spec.Nodes[1], w.Plan.Spec.Nodes[2]
	token := w.token(joinapi.TokenRequest{Uses: 1})
	if _, err := w.enrol(token, newKey(t), identityOf(s1)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		n     plan.Node
		alarm bool
	}{{s1, true}, {s2, false}} {
		from := len(w.log.String())
		_, err := w.enrol(token, newKey(t), identityOf(tt.n))
		wantCode(t, err, joinapi.CodeUnauthorized, "used up (1 of 1)")
		if line := w.log.String()[from:]; strings.Contains(line, "alarm=true") != tt.alarm {
			t.Errorf("%s: logged %q, want an alarm: %v", tt.n.Name, line, tt.alarm)
		}
	}
}

// One key is one node, whatever tokens it shows.
func TestOneKeyOneNode(t *testing.T) {
	w := newWorld(t, testPlan(t))
	token, key := w.token(joinapi.TokenRequest{Uses: 2}), newKey(t)
	if _, err := w.enrol(token, key, identityOf(w.Plan.Spec.Nodes[1])); err != nil {
		t.Fatal(err)
	}
	_, err := w.enrol(w.token(joinapi.TokenRequest{Uses: 1}), key, identityOf(w.Plan.Spec.Nodes[2]))
	wantCode(t, err, joinapi.CodeConflict, "this host's key is that of k8c1s1")
	if !strings.Contains(w.log.String(), "alarm=true") {
		t.Error("no alarm")
	}
	w.whole()
}

// What is cheap to refuse is refused first, so that what is dear is done for
// nobody who has no token.
func TestOrderOfRefusals(t *testing.T) {
	w := newWorld(t, testPlan(t))
	good := w.token(joinapi.TokenRequest{Uses: 1})
	parts := strings.Split(good, ".")
	with := func(id, secret string) string { return strings.Join([]string{parts[0], parts[1], id, secret}, ".") }
	garbage := joinapi.EnrolRequest{CSR: "garbage", Identity: joinapi.Identity{Hostname: strings.Repeat("x", 999)}}
	for _, tt := range []struct {
		name, token string
		code        joinapi.Code
		says        string
	}{
		{"a token's form", with("a/slots/0", "x"), joinapi.CodeUnauthorized, "base64url"},
		{"its id", with("nobody", parts[3]), joinapi.CodeUnauthorized, "does not know this"},
		{"its secret", with(parts[2], "guess"), joinapi.CodeUnauthorized, "does not know this"},
		{"the request", good, joinapi.CodeInvalid, "identity"},
	} {
		from := len(w.log.String())
		_, err := w.Enrol(t.Context(), tt.token, sends(garbage))
		if joinapi.CodeOf(err) != tt.code || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%s: %v, want %s saying %q", tt.name, err, tt.code, tt.says)
		}
		if line := w.log.String()[from:]; len(line) > 900 || strings.Count(line, "\n") != 1 {
			t.Errorf("%s: logged %d bytes: %q", tt.name, len(line), line)
		}
	}
}

// busy is a store that cannot decide, or whose asker has gone away.
type busy struct{ err error }

func (b busy) Update(context.Context, func(join.Tx) error) error { return b.err }

// What may pass is "unavailable", and is no line for an operator; nor is a host
// that has gone away.
func TestStoreThatCannotDecide(t *testing.T) {
	w := newWorld(t, testPlan(t))
	token := w.token(joinapi.TokenRequest{Uses: 1})
	for _, tt := range []struct {
		err  error
		code joinapi.Code
	}{
		{&join.UnavailableError{Err: errors.New("no leader")}, joinapi.CodeUnavailable},
		{fmt.Errorf("reading: %w", context.Canceled), ""},
	} {
		w.Store = busy{tt.err}
		from := len(w.log.String())
		_, err := w.enrol(token, newKey(t), identityOf(w.Plan.Spec.Nodes[1]))
		if joinapi.CodeOf(err) != tt.code || !errors.Is(err, tt.err) {
			t.Errorf("got %v, want %s", err, tt.code)
		}
		if log := w.log.String()[from:]; strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
			t.Errorf("logged %q", log)
		}
	}
	// What does not pass is a line, of a kind, so that a flood of it is counted.
	w.Store = busy{errors.New("database space exceeded")}
	from := len(w.log.String())
	if _, err := w.enrol(token, newKey(t), identityOf(w.Plan.Spec.Nodes[1])); err == nil {
		t.Error("enrolled without a store")
	}
	if log := w.log.String()[from:]; !strings.Contains(log, "level=WARN") || !strings.Contains(log, "why=internal") {
		t.Errorf("logged %q", log)
	}
}

// A redeemer that waits for the one use in another's hands goes when its host
// goes.
func TestWaitingEndsWithTheHost(t *testing.T) {
	w := newWorld(t, testPlan(t))
	token := w.token(joinapi.TokenRequest{Uses: 1})
	held, release := make(chan bool), make(chan bool)
	w.Store = &slow{Store: w.Store, held: held, release: release}
	done := make(chan error)
	go func() {
		_, err := w.enrol(token, newKey(t), identityOf(w.Plan.Spec.Nodes[1]))
		done <- err
	}()
	<-held // the use is in its hands
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := w.Enrol(ctx, token, sends(joinapi.EnrolRequest{CSR: csr(t, newKey(t)), Identity: identityOf(w.Plan.Spec.Nodes[2])}))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// slow holds the first transaction that writes, until it is released.
type slow struct {
	join.Store
	once          sync.Once
	held, release chan bool
}

func (s *slow) Update(ctx context.Context, fn func(join.Tx) error) error {
	return s.Store.Update(ctx, func(tx join.Tx) error {
		return fn(writing{tx, func() {
			s.once.Do(func() {
				s.held <- true
				<-s.release
			})
		}})
	})
}

type writing struct {
	join.Tx
	before func()
}

func (w writing) Put(key string, value []byte) {
	w.before()
	w.Tx.Put(key, value)
}
