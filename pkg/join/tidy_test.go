// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// tokens are the ids on record, and of how many keys there is something under each.
func (w *world) tokens() map[string]int {
	w.t.Helper()
	ids := map[string]int{}
	for key := range w.under("tokens/") {
		id, _, under := strings.Cut(strings.TrimPrefix(key, "tokens/"), "/")
		if !under {
			ids[id] += 0
			continue
		}
		ids[id]++
	}
	return ids
}

func idOf(t *testing.T, token string) string {
	t.Helper()
	parsed, err := joinapi.ParseToken(token)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.ID
}

// A store does not grow for ever by tokens: one whose time was over long ago goes
// with its uses, unless a node comes back with it.
func TestOldTokensGo(t *testing.T) {
	w := newWorld(t, testPlan(t))
	nodes := w.Plan.Spec.Nodes
	unused, living, dead := w.token(joinapi.TokenRequest{Uses: 3}), w.token(joinapi.TokenRequest{Uses: 1}), w.token(joinapi.TokenRequest{Uses: 1})
	key := newKey(t)
	if _, err := w.enrol(living, key, identityOf(nodes[1])); err != nil {
		t.Fatal(err)
	}
	if _, err := w.enrol(dead, newKey(t), identityOf(nodes[2])); err != nil {
		t.Fatal(err)
	}
	w.reinstall(2)
	w.clock = w.clock.Add(24 * time.Hour)
	_, err := w.enrol(unused, newKey(t), identityOf(nodes[2]))
	wantCode(t, err, joinapi.CodeUnauthorized, "expired at")
	w.token(joinapi.TokenRequest{Uses: 1})
	if got := len(w.tokens()); got != 5 {
		t.Errorf("after a day %d tokens are left of 5", got)
	}
	w.clock = w.clock.Add(30 * 24 * time.Hour)
	last := w.token(joinapi.TokenRequest{Uses: 1})
	left := w.tokens()
	// Beside these two there is that of the day before, and that which k8c1s2 has its key by.
	if uses, there := left[idOf(t, last)]; len(left) != 4 || left[idOf(t, living)] != 2 || !there || uses != 0 {
		t.Errorf("left are %v", left)
	}
	for _, token := range []string{unused, dead} {
		if _, there := left[idOf(t, token)]; there {
			t.Errorf("token %s is there", idOf(t, token))
		}
	}
	again := sends(joinapi.EnrolRequest{CSR: csr(t, key), Identity: identityOf(nodes[1])})
	if _, err := w.Enrol(t.Context(), living, again); err != nil {
		t.Errorf("a node does not come back with its token and key: %v", err)
	}
	_, err = w.enrol(dead, newKey(t), identityOf(nodes[2]))
	wantCode(t, err, joinapi.CodeUnauthorized, "does not know this enrolment token")
	w.whole()
}

// However often a token was used, its uses go with it.
func TestManyUsesGo(t *testing.T) {
	const uses = 150 // more than a transaction has operations for
	w := newWorld(t, testPlan(t))
	id := idOf(t, w.token(joinapi.TokenRequest{Uses: uses}))
	for n := range uses {
		key := fmt.Sprintf("%064x", n)
		use := fmt.Appendf(nil, `{"slot":%d,"key":%q,"node":"gone"}`, n, key)
		w.write(func(tx join.Tx) {
			tx.Put(fmt.Sprintf("tokens/%s/slots/%d", id, n), use)
			tx.Put("tokens/"+id+"/keys/"+key, use)
		})
	}
	w.whole()
	w.clock = w.clock.Add(31 * 24 * time.Hour)
	w.token(joinapi.TokenRequest{Uses: 1})
	if left := w.tokens(); len(left) != 1 || left[id] != 0 {
		t.Errorf("left are %v", left)
	}
	w.whole()
}
