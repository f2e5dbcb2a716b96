// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// feed gives the limiter n samples, two seconds apart, as many joining as may.
func feed(l *Limiter, clock *time.Time, n int, took time.Duration, err error) {
	for range n {
		*clock = clock.Add(2 * time.Second)
		l.Used(l.Reading().Limit)
		l.Observe(took, err)
	}
}

func TestLimitFollowsTheAPIServer(t *testing.T) {
	clock := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	l := NewLimiter(func() time.Time { return clock })
	limit := func() int { return l.Reading().Limit }
	if limit() != 1 {
		t.Fatalf("begins with %d", limit())
	}
	feed(l, &clock, 60, 50*time.Millisecond, nil)
	fast := limit()
	if fast < 50 || fast > Most {
		t.Errorf("after two minutes of a fast API server: %d", fast)
	}
	feed(l, &clock, 5, 700*time.Millisecond, nil) // between ease and the bound
	if got := limit(); got < fast || got > fast+1 {
		t.Errorf("neither fast nor slow: from %d to %d", fast, got)
	}
	feed(l, &clock, 7, 4200*time.Millisecond, nil)
	if got := limit(); got > fast/2+1 || got < 2 {
		t.Errorf("14 s of a slow one: from %d to %d, want half", fast, got)
	}
	feed(l, &clock, 60, 4200*time.Millisecond, nil)
	if r := l.Reading(); r.Limit != 1 || r.AtEase || r.Latency < 4*time.Second {
		t.Errorf("two minutes of a slow one: %+v", r)
	}
	feed(l, &clock, 60, 20*time.Millisecond, nil)
	if got := limit(); got < 6 || got > 13 || got >= fast {
		t.Errorf("two minutes after it recovered: %d; more slowly than at first (%d)", got, fast)
	}
	if r := l.Reading(); !r.AtEase {
		t.Errorf("not at ease: %+v", r)
	}
}

func TestOneSlowAnswerIsNoNews(t *testing.T) {
	clock := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	l := NewLimiter(func() time.Time { return clock })
	feed(l, &clock, 30, 50*time.Millisecond, nil)
	before := l.Reading().Limit
	feed(l, &clock, 1, 2*time.Second, nil)
	if got := l.Reading().Limit; got < before {
		t.Errorf("from %d to %d", before, got)
	}
}

func TestNobodyBeginsWhileItDoesNotAnswer(t *testing.T) {
	clock := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	l := NewLimiter(func() time.Time { return clock })
	feed(l, &clock, 30, 50*time.Millisecond, nil)
	before, answered := l.Reading().Limit, clock
	away := errors.New("connection refused")
	feed(l, &clock, 3, time.Millisecond, away) // refused at once is not fast
	r := l.Reading()
	if r.Limit != 0 || !errors.Is(r.Err, away) || !r.Answered.Equal(answered) || !r.Failing.Equal(answered.Add(2*time.Second)) {
		t.Errorf("%+v", r)
	}
	feed(l, &clock, 1, 50*time.Millisecond, nil)
	if r := l.Reading(); r.Limit < 1 || r.Limit > before/2+1 || r.Err != nil || !r.Failing.IsZero() {
		t.Errorf("after it answered again: %+v", r)
	}
}

func TestCallsOfAnotherKind(t *testing.T) {
	clock := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	l := NewLimiter(func() time.Time { return clock })
	l.Felt(time.Minute)
	if r := l.Reading(); r.Latency != 0 {
		t.Errorf("before anything was measured: %+v", r)
	}
	feed(l, &clock, 10, 600*time.Millisecond, nil)
	l.Felt(time.Millisecond)
	if r := l.Reading(); r.Latency != 600*time.Millisecond {
		t.Errorf("a faster call counted: %+v", r)
	}
	l.Felt(3 * time.Second)
	if r := l.Reading(); r.Latency < time.Second {
		t.Errorf("a slower call did not count: %+v", r)
	}
}

// A limit that nobody reaches says nothing of what would be if they did.
func TestAnUnusedLimitStays(t *testing.T) {
	clock := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	l := NewLimiter(func() time.Time { return clock })
	for range 100 {
		clock = clock.Add(2 * time.Second)
		l.Used(0)
		l.Observe(time.Millisecond, nil)
	}
	if got := l.Reading().Limit; got != 1 {
		t.Errorf("raised to %d while nobody joined", got)
	}
}

// book keeps a queue as the store does, from the changes of each answer alone.
type book struct {
	t       *testing.T
	joining map[string]Slot
	waiting []Place
	up      time.Time
}

func newBook(t *testing.T) *book { return &book{t: t, joining: map[string]Slot{}} }

func (b *book) ask(node string, now time.Time, limit int) Answer {
	b.t.Helper()
	a := Queue{Joining: slices.Collect(maps.Values(b.joining)), Waiting: b.waiting, Up: b.up}.Ask(node, now, limit)
	for _, gone := range a.Gone {
		b.waiting = slices.DeleteFunc(b.waiting, func(p Place) bool { return p.Seq == gone.Seq })
	}
	for _, s := range a.Freed {
		delete(b.joining, s.Node)
	}
	if a.Held != nil {
		if i := slices.IndexFunc(b.waiting, func(p Place) bool { return p.Seq == a.Held.Seq }); i >= 0 {
			b.waiting[i] = *a.Held
		} else {
			b.waiting = append(b.waiting, *a.Held)
		}
	}
	if a.Taken != nil {
		if _, held := b.joining[node]; !held && len(b.joining) >= limit {
			b.t.Errorf("%s was admitted, and %d join already; the limit is %d", node, len(b.joining), limit)
		}
		b.joining[node] = *a.Taken
	}
	b.check()
	return a
}

// check finds a node with two places, and places out of order.
func (b *book) check() {
	b.t.Helper()
	seen, last := map[string]bool{}, uint64(0)
	for _, p := range b.waiting {
		if _, joins := b.joining[p.Node]; joins || seen[p.Node] || p.Seq <= last {
			b.t.Errorf("%s has two places, or %d follows %d", p.Node, p.Seq, last)
		}
		seen[p.Node], last = true, p.Seq
	}
}

func TestFirstComeFirstServed(t *testing.T) {
	b := newBook(t)
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, want := range []Answer{{Admitted: true, Joining: 1}, {Place: 1, Of: 1, Joining: 1}, {Place: 2, Of: 2, Joining: 1}} {
		a := b.ask(fmt.Sprintf("n%d", i), now, 1)
		if a.Admitted != want.Admitted || !a.Admitted && (a.Place != want.Place || a.Of != want.Of) || a.Joining != want.Joining {
			t.Errorf("n%d: %+v", i, a)
		}
		now = now.Add(time.Second)
	}
	if a := b.ask("n0", now, 1); !a.Admitted {
		t.Errorf("a node that joins asked again: %+v", a)
	}
	if a := b.ask("n1", now, 1); a.Place != 1 || a.Of != 2 || a.Held != nil {
		t.Errorf("a node that waits asked again: %+v", a)
	}
	delete(b.joining, "n0")
	if a := b.ask("n2", now, 1); a.Admitted {
		t.Error("the second of the queue went first")
	}
	if a := b.ask("n1", now, 1); !a.Admitted {
		t.Errorf("the first of the queue: %+v", a)
	}
	if a := b.ask("n2", now, 2); !a.Admitted || len(b.waiting) != 0 {
		t.Errorf("the limit rose: %+v, %v", a, b.waiting)
	}
	if a := b.ask("n3", now, 0); a.Admitted || a.Place != 1 {
		t.Errorf("nobody may: %+v", a)
	}
}

func TestTheSilentLoseTheirPlace(t *testing.T) {
	b := newBook(t)
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	b.ask("joins", now, 1)
	b.ask("silent", now, 1)
	b.ask("asks", now, 1)
	for range 8 {
		now = now.Add(25 * time.Second)
		b.ask("asks", now, 1)
	}
	if a := b.ask("asks", now, 1); a.Place != 1 || a.Of != 1 {
		t.Errorf("after %s: %+v", 8*25*time.Second, a)
	}
	if a := b.ask("silent", now, 1); a.Place != 2 {
		t.Errorf("it comes back at the end: %+v", a)
	}
	for range 40 {
		now = now.Add(25 * time.Second)
		if b.ask("asks", now, 1).Admitted {
			break
		}
	}
	if _, ok := b.joining["joins"]; ok || b.joining["asks"].Node == "" {
		t.Errorf("a slot of a node that was never heard of again: %v", b.joining)
	}
}

// A join that takes longer than joinsvc waits for a silent host is still that
// host's: it speaks when it asks again, and stands before all that wait.
func TestALongJoinKeepsItsSlot(t *testing.T) {
	b := newBook(t)
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	b.ask("joins", now, 1)
	since := b.joining["joins"].Since
	now = now.Add(abandoned + time.Minute)
	b.waiting = append(b.waiting, Place{Seq: 1, Node: "waits", Since: now, Asked: now})
	a := b.ask("joins", now, 1)
	if !a.Admitted || len(a.Freed) > 0 || !b.joining["joins"].Since.Equal(since) {
		t.Errorf("after a long join: %+v, %v", a, b.joining)
	}
	if a := b.ask("waits", now, 1); a.Admitted || a.Place != 1 {
		t.Errorf("who waits meanwhile: %+v", a)
	}
}

// While joinsvc is away nobody can ask, so nobody is silent.
func TestARestartKeepsPlaces(t *testing.T) {
	b := newBook(t)
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 100 {
		b.ask(fmt.Sprintf("n%d", i), now, 1)
	}
	now = now.Add(time.Hour)
	b.up = now
	if a := b.ask("n99", now.Add(time.Minute), 1); a.Place != 99 || a.Of != 99 || a.Joining != 1 {
		t.Errorf("after an hour without joinsvc: %+v", a)
	}
	now = now.Add(silence + time.Minute)
	for range 3 { // so many at a time
		b.ask("n99", now, 1)
	}
	if a := b.ask("n99", now, 1); a.Place != 1 || a.Of != 1 {
		t.Errorf("nobody else came back: %+v", a)
	}
}

func TestWait(t *testing.T) {
	for _, tt := range []struct {
		place, limit int
		join         time.Duration
		about, again time.Duration
	}{
		{1, 1, 0, usualJoin, shortestPause},
		{7, 3, 60 * time.Second, 3 * time.Minute, 23 * time.Second},
		{300, 10, time.Minute, 30 * time.Minute, longestPause},
		{1, 0, 20 * time.Second, 20 * time.Second, shortestPause},
	} {
		if about, again := (Answer{Place: tt.place}).Wait(tt.limit, tt.join); about != tt.about || again != tt.again {
			t.Errorf("%+v: %s, %s", tt, about, again)
		}
	}
}

// Times of a clock that was ahead become now, and what is written of them has a
// bound; those of a replica whose clock differs a little stay.
func TestTimesInTheFuture(t *testing.T) {
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	later := now.Add(240 * time.Hour)
	q := Queue{Up: now.Add(-time.Hour)}
	for i := range 100 {
		name := fmt.Sprintf("n%03d", i)
		q.Joining = append(q.Joining, Slot{Node: name, Since: now.Add(-time.Minute), Heard: later})
		q.Waiting = append(q.Waiting, Place{Seq: uint64(i + 1), Node: "w" + name, Since: later, Asked: later})
	}
	q.Joining[0].Heard = now.Add(time.Second)
	a := q.Ask("x", now, 1)
	if len(a.Mended.Joining) != atOnce/2 || len(a.Mended.Waiting) != atOnce/2 || len(a.Gone)+len(a.Freed) > 0 || a.Place != 101 {
		t.Fatalf("%d and %d mended, %d and %d gone, place %d", len(a.Mended.Joining), len(a.Mended.Waiting), len(a.Freed), len(a.Gone), a.Place)
	}
	slot, place := a.Mended.Joining[0], a.Mended.Waiting[0]
	if slot.Node != "n001" || !slot.Heard.Equal(now) || !slot.Since.Equal(now.Add(-time.Minute)) {
		t.Errorf("the slot is %+v", slot)
	}
	if place.Seq != 1 || !place.Asked.Equal(now) || !place.Since.Equal(now) {
		t.Errorf("the place is %+v", place)
	}
}
