// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// whole fails when the store holds what may never be.
func (w *world) whole() {
	w.t.Helper()
	violations, err := join.Violations(w.t.Context(), w.Store)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, v := range violations {
		w.t.Error(v)
	}
}

// A damage is done to the store of a cluster whose three nodes have enrolled:
// it changes one record, or copies it to another key.
type damage struct {
	name     string
	from, to string // beginnings of keys; the first of each
	field    string // of the record, a JSON name
	value    any    // nil: the field goes
	says     []string
}

func TestEachViolationIsFound(t *testing.T) {
	const m0, s1 = "k8c1m0.labs.haystacknetworks.com", "k8c1s1.labs.haystacknetworks.com"
	p := testPlan(t)
	p.Spec.Nodes[0].Role = plan.Worker // all with one token
	w := newWorld(t, p)
	token := w.token(joinapi.TokenRequest{Uses: len(p.Spec.Nodes)})
	for _, n := range p.Spec.Nodes {
		if _, err := w.enrol(token, newKey(t), identityOf(n)); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []damage{
		{name: "whole"},
		{name: "number shared", to: "nodes/" + s1, field: "asn", value: 63551, says: []string{"has asn/63551, which is leased to " + m0, "shares asn/63551 with " + m0, "asn/63552: is leased to " + s1 + ", which does not have it"}},
		{name: "address shared", to: "nodes/" + s1, field: "address", value: "192.168.9.193/28", says: []string{"shares addresses/192.168.9.193 with " + m0, "addresses/192.168.9.194: is leased to"}},
		{name: "name of another", to: "nodes/" + s1, field: "name", value: m0, says: []string{"nodes/" + s1 + `: names itself "` + m0}},
		{name: "key shared", from: "nodes/" + m0, to: "nodes/" + s1, says: []string{"shares keys/"}},
		{name: "lease of another", to: "asn/63552", field: "node", value: m0, says: []string{"nodes/" + s1 + ": has asn/63552, which is leased to " + m0, "asn/63552: is leased to " + m0 + ", which does not have it"}},
		{name: "no number leased", from: "-asn/63552", says: []string{"nodes/" + s1 + ": has no lease asn/63552"}},
		{name: "no address leased", from: "-addresses/192.168.9.194", says: []string{"has no lease addresses/192.168.9.194"}},
		{name: "no key leased", from: "-keys/", says: []string{"has no lease keys/"}},
		{name: "no node", from: "-nodes/" + s1, says: []string{"asn/63552: is leased to " + s1 + ", which is not enrolled", "addresses/192.168.9.194: is leased", "keys/"}},
		{name: "a lease too many", from: "asn/63552", to: "asn/63560", says: []string{"asn/63560: is leased to " + s1 + ", which does not have it"}},
		{name: "used too often", to: "tokens/", field: "uses", value: 2, says: []string{"has 2 uses, and was used 3 times", "is beyond the 2 uses"}},
		{name: "slot without a key", from: "-tokens/*/keys/", says: []string{"which does not say so"}},
		{name: "key without a slot", from: "-tokens/*/slots/1", says: []string{"is of slot 1, which does not say so"}},
		{name: "slot of another key", to: "tokens/*/slots/1", field: "key", value: "00", says: []string{"was taken by key 00, which does not say so", "is of slot 1, which does not say so"}},
		{name: "slot of another number", to: "tokens/*/slots/1", field: "slot", value: 2, says: []string{"calls itself slot 2"}},
		{name: "token gone", from: "-tokens/", says: []string{"is not there, but was used"}},
		{name: "no record", to: "nodes/" + s1, field: "asn", value: "x", says: []string{"cannot be decoded"}},
	} {
		t.Run(d.name, func(t *testing.T) {
			undo := d.do(w)
			defer undo()
			found, err := join.Violations(t.Context(), w.Store)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, v := range found {
				lines = append(lines, v.String())
			}
			text := strings.Join(lines, "\n")
			for _, says := range d.says {
				if !strings.Contains(text, says) {
					t.Errorf("found %q, want %q", text, says)
				}
			}
			if (len(d.says) == 0) != (len(found) == 0) {
				t.Errorf("found %q", text)
			}
		})
	}
}

// What follows an enrolment has its node, and each its one place.
func TestViolationsOfLivesAreFound(t *testing.T) {
	const s1 = "k8c1s1.labs.haystacknetworks.com"
	w := newWorld(t, testPlan(t))
	w.makeCluster(w.all()[0])
	for says, records := range map[string]map[string]string{
		"": {},
		"reports/nobody/0000000000000001: is about nobody, which is not enrolled": {"reports/nobody/0000000000000001": "{}"},
		"sessions/nobody: is about nobody, which is not enrolled":                 {"sessions/nobody": "{}"},
		"joining/nobody: is of nobody, which is not enrolled":                     {"joining/nobody": `{"node":"nobody"}`},
		"joining/" + s1 + `: names "another"`:                                     {"joining/" + s1: `{"node":"another"}`},
		"queue/2: is of " + s1 + ", which has queue/1":                            {"queue/1": `{"node":"` + s1 + `"}`, "queue/2": `{"node":"` + s1 + `"}`},
		"queue/1: is of " + s1 + ", which has joining/" + s1:                      {"queue/1": `{"node":"` + s1 + `"}`, "joining/" + s1: `{"node":"` + s1 + `"}`},
		"queue/1: cannot be decoded: unexpected end of JSON input":                {"queue/1": ""},
		`tokens/x: calls itself "y"`:                                              {"tokens/x": `{"id":"y"}`},
		"access: is there, and nobody has made a cluster":                         {"init": `{"node":"` + s1 + `"}`},
	} {
		t.Run(says, func(t *testing.T) {
			before := map[string][]byte{}
			w.write(func(tx join.Tx) {
				for key, record := range records {
					before[key], _ = tx.Get(key)
					tx.Put(key, []byte(record))
				}
			})
			found, err := join.Violations(t.Context(), w.Store)
			if err != nil || len(found) > 1 || (len(found) == 0) != (says == "") || len(found) > 0 && found[0].String() != says {
				t.Errorf("found %v, %v", found, err)
			}
			w.write(func(tx join.Tx) {
				for key, value := range before {
					if tx.Delete(key); value != nil {
						tx.Put(key, value)
					}
				}
			})
		})
	}
}

func (w *world) write(fn func(join.Tx)) {
	w.t.Helper()
	err := w.Store.Update(w.t.Context(), func(tx join.Tx) error {
		fn(tx)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// do returns how it is undone.
func (d damage) do(w *world) func() {
	w.t.Helper()
	var key string
	var before []byte
	err := w.Store.Update(w.t.Context(), func(tx join.Tx) error {
		if gone, ok := strings.CutPrefix(d.from, "-"); ok {
			key, before = d.first(w, tx, gone)
			tx.Delete(key)
			return nil
		}
		if d.to == "" {
			return nil
		}
		var data []byte
		key, data = d.first(w, tx, d.to)
		before = data
		if d.from != "" {
			_, data = d.first(w, tx, d.from)
			if key == "" {
				key = d.to
			}
		}
		if d.field != "" {
			var record map[string]any
			if err := json.Unmarshal(data, &record); err != nil {
				return err
			}
			record[d.field] = d.value
			data, _ = json.Marshal(record)
		}
		tx.Put(key, data)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return func() {
		err := w.Store.Update(w.t.Context(), func(tx join.Tx) error {
			switch {
			case before != nil:
				tx.Put(key, before)
			case key != "":
				tx.Delete(key)
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// first is the first record whose key begins so; * stands for a token's id.
func (damage) first(w *world, tx join.Tx, begins string) (string, []byte) {
	w.t.Helper()
	before, after, _ := strings.Cut(begins, "*")
	all, err := tx.List(before)
	if err != nil {
		w.t.Fatal(err)
	}
	var keys []string
	for key := range all {
		if strings.Contains(key, after) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return "", nil
	}
	key := slices.Min(keys)
	return key, all[key]
}

// What a reinstallation and a change of the AS model leave is whole too.
func TestStoreIsWholeAfterwards(t *testing.T) {
	w := newWorld(t, testPlan(t))
	w.all()
	s1 := w.Plan.Spec.Nodes[1]
	again := joinapi.TokenRequest{Uses: 1, Node: s1.Name, Reinstalled: true}
	for range 2 {
		if _, err := w.enrol(w.token(again), newKey(t), identityOf(s1)); err != nil {
			t.Fatal(err)
		}
		w.whole()
	}
}
