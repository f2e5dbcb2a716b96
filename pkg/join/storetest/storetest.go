// SPDX-License-Identifier: Apache-2.0

// Package storetest is what every join.Store has to pass.
package storetest

import (
	"context"
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
		{"an empty value is there", emptyValue},
		{"what is deleted is gone", deleted},
		{"own deletions are seen", ownDeletions},
		{"a deleted read runs again", deletedRead},
		{"what is deleted and made again runs again", madeAgain},
		{"a guarded prefix notices what is added", guardAdded},
		{"a guarded prefix notices what is changed", guardChanged},
		{"a guard of nothing notices the first", guardEmpty},
		{"a guard notices only its prefix", guardElsewhere},
		{"a list guards nothing", listGuardsNothing},
		{"one of many adds to a guarded prefix", oneAdds},
		{"whoever lists and guards takes a number of its own", numbers},
		{"many writers of one key all succeed", crowd},
		{"a context that is over is told", contextOver},
		{"a context that is over while waiting is told", contextOverWaiting},
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

func remove(t *testing.T, s join.Store, key string) {
	t.Helper()
	update(t, s, func(tx join.Tx) error { tx.Delete(key); return nil })
}

func emptyValue(t *testing.T, s join.Store) {
	for _, value := range [][]byte{{}, nil} {
		update(t, s, func(tx join.Tx) error {
			tx.Put("a", value)
			if own, err := tx.Get("a"); own == nil {
				t.Errorf("its own empty write is absent, %v", err)
			}
			return nil
		})
		update(t, s, func(tx join.Tx) error {
			got, err := tx.Get("a")
			if got == nil {
				t.Errorf("an empty value is absent, %v", err)
			}
			all, err := tx.List("a")
			if all["a"] == nil {
				t.Errorf("an empty value is not listed, %v", err)
			}
			return nil
		})
		remove(t, s, "a")
	}
}

func deleted(t *testing.T, s join.Store) {
	remove(t, s, "a") // is not there, which is no error
	put(t, s, "a", "1")
	put(t, s, "ab", "1")
	remove(t, s, "a")
	want(t, s, "a", "")
	want(t, s, "ab", "1")
	update(t, s, func(tx join.Tx) error { // one key goes as another comes
		tx.Delete("ab")
		tx.Put("c", []byte("1"))
		return nil
	})
	want(t, s, "ab", "")
	want(t, s, "c", "1")
}

func ownDeletions(t *testing.T, s join.Store) {
	put(t, s, "a", "1")
	update(t, s, func(tx join.Tx) error {
		tx.Delete("a")
		if got, err := tx.Get("a"); got != nil || err != nil {
			t.Errorf("after its own deletion %q, %v", got, err)
		}
		tx.Put("a", []byte("2")) // the last word counts
		tx.Put("b", []byte("1"))
		tx.Delete("b")
		return nil
	})
	want(t, s, "a", "2")
	want(t, s, "b", "")
}

// meanwhile runs a transaction that reads by look and writes z, lets other
// happen in the middle of its first attempt, and wants so many attempts.
func meanwhile(t *testing.T, s join.Store, look func(join.Tx) error, other func(), attempts int) {
	t.Helper()
	runs := 0
	update(t, s, func(tx join.Tx) error {
		runs++
		err := look(tx)
		if runs == 1 {
			other()
		}
		tx.Put("z", []byte(strconv.Itoa(runs)))
		return err
	})
	if runs != attempts {
		t.Errorf("ran %d times, want %d", runs, attempts)
	}
	want(t, s, "z", strconv.Itoa(attempts))
}

func deletedRead(t *testing.T, s join.Store) {
	put(t, s, "a", "1")
	meanwhile(t, s, func(tx join.Tx) error { _, err := tx.Get("a"); return err }, func() { remove(t, s, "a") }, 2)
}

// The same value again is another revision.
func madeAgain(t *testing.T, s join.Store) {
	put(t, s, "a", "1")
	meanwhile(t, s, func(tx join.Tx) error { _, err := tx.Get("a"); return err },
		func() { remove(t, s, "a"); put(t, s, "a", "1") }, 2)
}

func guard(prefix string) func(join.Tx) error {
	return func(tx join.Tx) error { return tx.Guard(prefix) }
}

func guardAdded(t *testing.T, s join.Store) {
	put(t, s, "n/1", "1")
	meanwhile(t, s, guard("n/"), func() { put(t, s, "n/2", "1") }, 2)
}

func guardChanged(t *testing.T, s join.Store) {
	put(t, s, "n/1", "1")
	meanwhile(t, s, func(tx join.Tx) error {
		if _, err := tx.List("n/"); err != nil {
			return err
		}
		return tx.Guard("n/")
	}, func() { put(t, s, "n/1", "2") }, 2)
}

func guardEmpty(t *testing.T, s join.Store) {
	meanwhile(t, s, guard("n/"), func() { put(t, s, "n/1", "1") }, 2)
}

func guardElsewhere(t *testing.T, s join.Store) {
	put(t, s, "n/1", "1")
	meanwhile(t, s, guard("n/"), func() { put(t, s, "m/1", "1"); put(t, s, "n", "1"); put(t, s, "o", "1") }, 1)
}

func listGuardsNothing(t *testing.T, s join.Store) {
	put(t, s, "n/1", "1")
	meanwhile(t, s, func(tx join.Tx) error { _, err := tx.List("n/"); return err },
		func() { put(t, s, "n/1", "2"); put(t, s, "n/2", "1") }, 1)
}

// Each adds a key of its own, which no read of another's key would notice.
func oneAdds(t *testing.T, s join.Store) {
	errHeld := errors.New("held")
	var wg sync.WaitGroup
	winners := make(chan string, 30)
	for i := range 30 {
		key := fmt.Sprintf("holder/%d", i)
		wg.Go(func() {
			err := s.Update(t.Context(), func(tx join.Tx) error {
				held, err := tx.List("holder/")
				if len(held) > 0 || err != nil {
					return errors.Join(errHeld, err)
				}
				tx.Put(key, []byte("1"))
				return tx.Guard("holder/")
			})
			if err == nil {
				winners <- key
			}
		})
	}
	wg.Wait()
	close(winners)
	if len(winners) != 1 {
		t.Fatalf("%d of 30 added a key to an empty prefix", len(winners))
	}
}

// Twenty writers share no key: each takes the number after the highest, and
// says so under a name of its own.
func numbers(t *testing.T, s join.Store) {
	const writers = 20
	var wg sync.WaitGroup
	for i := range writers {
		key := fmt.Sprintf("taken/%d", i)
		wg.Go(func() {
			err := s.Update(t.Context(), func(tx join.Tx) error {
				taken, err := tx.List("taken/")
				if err != nil {
					return err
				}
				tx.Put(key, []byte(strconv.Itoa(len(taken))))
				return tx.Guard("taken/")
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var taken map[string][]byte
	update(t, s, func(tx join.Tx) (err error) { taken, err = tx.List("taken/"); return err })
	holders := map[string]string{}
	for key, number := range taken {
		if other, ok := holders[string(number)]; ok {
			t.Errorf("%s and %s both took %s", key, other, number)
		}
		holders[string(number)] = key
	}
	if len(taken) != writers {
		t.Errorf("%d of %d took a number", len(taken), writers)
	}
}

// A rack's worth of writers at once, which gave up after a number of attempts.
func crowd(t *testing.T, s join.Store) {
	const writers = 300
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			if err := s.Update(t.Context(), increment); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	want(t, s, "n", strconv.Itoa(writers))
}

func contextOver(t *testing.T, s join.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Update(ctx, increment)
	var unavailable *join.UnavailableError
	if !errors.Is(err, context.Canceled) || errors.As(err, &unavailable) {
		t.Errorf("got %v, want that the context is cancelled, and nothing of the store", err)
	}
	want(t, s, "n", "")
}

func contextOverWaiting(t *testing.T, s join.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	runs := 0
	err := s.Update(ctx, func(tx join.Tx) error {
		if runs++; runs == 5 {
			cancel()
		}
		if _, err := tx.Get("a"); err != nil {
			return err
		}
		put(t, s, "a", strconv.Itoa(runs)) // whatever it reads changes at once
		tx.Put("b", nil)
		return nil
	})
	if !errors.Is(err, context.Canceled) || runs != 5 {
		t.Errorf("ran %d times, then %v; want 5 and that the context is cancelled", runs, err)
	}
}
