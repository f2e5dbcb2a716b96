// SPDX-License-Identifier: Apache-2.0

// Package storetest is what every join.Store has to pass.
package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/join"
)

// Run checks the store that open returns; each call returns an empty one.
func Run(t *testing.T, open func(*testing.T) join.Store) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, join.Store)
	}{
		{"what is put is read", putGet},
		{"own writes are seen", ownWrites},
		{"an error writes nothing", errorWritesNothing},
		{"list returns what begins so", listPrefix},
		{"a changed read runs again", changedRead},
		{"a changed absence runs again", changedAbsence},
		{"reads are of one state", oneState},
		{"counters lose nothing", counters},
		{"one of many creates", oneCreates},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

func update(t *testing.T, s join.Store, fn func(join.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, s join.Store, key, value string) {
	t.Helper()
	update(t, s, func(tx join.Tx) error { tx.Put(key, []byte(value)); return nil })
}

func want(t *testing.T, s join.Store, key, value string) {
	t.Helper()
	var got []byte
	update(t, s, func(tx join.Tx) (err error) { got, err = tx.Get(key); return err })
	if string(got) != value {
		t.Errorf("%s is %q, want %q", key, got, value)
	}
}

func putGet(t *testing.T, s join.Store) {
	want(t, s, "a", "")
	put(t, s, "a", "1")
	want(t, s, "a", "1")
	put(t, s, "a", "2")
	want(t, s, "a", "2")
}

func ownWrites(t *testing.T, s join.Store) {
	update(t, s, func(tx join.Tx) error {
		tx.Put("a", []byte("1"))
		got, err := tx.Get("a")
		if string(got) != "1" {
			t.Errorf("own write read as %q", got)
		}
		return err
	})
}

func errorWritesNothing(t *testing.T, s join.Store) {
	sentinel := errors.New("stop")
	err := s.Update(t.Context(), func(tx join.Tx) error { tx.Put("a", []byte("1")); return sentinel })
	if !errors.Is(err, sentinel) {
		t.Errorf("Update returned %v, want what fn returned", err)
	}
	want(t, s, "a", "")
}

func listPrefix(t *testing.T, s join.Store) {
	for _, key := range []string{"n/1", "n/2", "m/1", "n"} {
		put(t, s, key, key)
	}
	var got map[string][]byte
	update(t, s, func(tx join.Tx) (err error) { got, err = tx.List("n/"); return err })
	if diff := cmp.Diff(map[string][]byte{"n/1": []byte("n/1"), "n/2": []byte("n/2")}, got); diff != "" {
		t.Error(diff)
	}
}

// interfere runs a transaction that reads a and writes b, and lets another
// write to a in the middle of its first attempt.
func interfere(t *testing.T, s join.Store) {
	t.Helper()
	runs := 0
	update(t, s, func(tx join.Tx) error {
		runs++
		seen, err := tx.Get("a")
		if runs == 1 {
			put(t, s, "a", "meanwhile")
		}
		tx.Put("b", append([]byte("saw "), seen...))
		return err
	})
	if runs != 2 {
		t.Errorf("ran %d times, want 2", runs)
	}
	want(t, s, "b", "saw meanwhile")
}

func changedRead(t *testing.T, s join.Store) {
	put(t, s, "a", "before")
	interfere(t, s)
}

func changedAbsence(t *testing.T, s join.Store) { interfere(t, s) }

func oneState(t *testing.T, s join.Store) {
	put(t, s, "a", "1")
	put(t, s, "b", "1")
	update(t, s, func(tx join.Tx) error {
		a, err := tx.Get("a")
		if err != nil {
			return err
		}
		update(t, s, func(tx join.Tx) error { tx.Put("a", []byte("2")); tx.Put("b", []byte("2")); return nil })
		b, err := tx.Get("b")
		if string(a) != string(b) {
			t.Errorf("read a=%s and b=%s, which never were together", a, b)
		}
		return err
	})
}

func counters(t *testing.T, s join.Store) {
	const writers, rounds = 10, 5
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range rounds {
				if err := s.Update(t.Context(), increment); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	want(t, s, "n", strconv.Itoa(writers*rounds))
}

func increment(tx join.Tx) error {
	data, err := tx.Get("n")
	n, _ := strconv.Atoi(string(data))
	tx.Put("n", []byte(strconv.Itoa(n+1)))
	return err
}

func oneCreates(t *testing.T, s join.Store) {
	errHeld := errors.New("held")
	var wg sync.WaitGroup
	winners := make(chan string, 50)
	for i := range 50 {
		name := fmt.Sprintf("n%d", i)
		wg.Go(func() {
			err := s.Update(t.Context(), func(tx join.Tx) error {
				if held, err := tx.Get("init"); held != nil || err != nil {
					return errors.Join(errHeld, err)
				}
				tx.Put("init", []byte(name))
				return nil
			})
			if err == nil {
				winners <- name
			}
		})
	}
	wg.Wait()
	close(winners)
	if len(winners) != 1 {
		t.Fatalf("%d of 50 created the key", len(winners))
	}
	want(t, s, "init", <-winners)
}
