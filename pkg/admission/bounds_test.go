// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// What a time-out frees is free after it, not at it, nor before: a host that asks
// at the last moment has kept its promise.
func TestTheMomentOfATimeOut(t *testing.T) {
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, over := range []bool{false, true} {
		late := time.Duration(0)
		if over {
			late = 1
		}
		for what, q := range map[string]Queue{
			"a silent place":  {Waiting: []Place{{Seq: 1, Node: "n", Since: now.Add(-time.Hour), Asked: now.Add(-silence - late)}}},
			"a silent slot":   {Joining: []Slot{{Node: "n", Since: now.Add(-longest), Heard: now.Add(-abandoned - late)}}},
			"a slot too long": {Joining: []Slot{{Node: "n", Since: now.Add(-longest - late), Heard: now}}},
		} {
			if a := q.Ask("x", now, 0); (len(a.Gone)+len(a.Freed) == 1) != over {
				t.Errorf("%s, %v over: %d places and %d slots are free", what, late, len(a.Gone), len(a.Freed))
			}
		}
		// Its own host speaks, which keeps it until it is too long.
		own := Queue{Joining: []Slot{{Node: "x", Since: now.Add(-longest - late), Heard: now.Add(-longest)}}}
		if a := own.Ask("x", now, 0); a.Admitted == over {
			t.Errorf("its own slot, %v over: admitted %v", late, a.Admitted)
		}
		// A sign of life is written when a quarter of a time-out is over.
		sign := now.Add(-silence/refresh - late)
		a := Queue{Joining: []Slot{{Node: "x", Since: now, Heard: sign}}}.Ask("x", now, 1)
		if (a.Taken != nil) != over || over && !a.Taken.Heard.Equal(now) {
			t.Errorf("a slot's sign of life, %v over: %+v", late, a.Taken)
		}
		a = Queue{Waiting: []Place{{Seq: 1, Node: "x", Since: now, Asked: sign}}}.Ask("x", now, 0)
		if (a.Held != nil) != over || over && !a.Held.Asked.Equal(now) {
			t.Errorf("a place's sign of life, %v over: %+v", late, a.Held)
		}
		// Clocks differ a little.
		ahead := now.Add(ahead + late)
		for what, q := range map[string]Queue{
			"heard": {Joining: []Slot{{Node: "n", Since: now, Heard: ahead}}}, "admitted": {Joining: []Slot{{Node: "n", Since: ahead, Heard: now}}},
			"asked": {Waiting: []Place{{Seq: 1, Node: "n", Since: now, Asked: ahead}}}, "came": {Waiting: []Place{{Seq: 1, Node: "n", Since: ahead, Asked: now}}},
		} {
			if m := q.Ask("x", now, 0).Mended; (len(m.Joining)+len(m.Waiting) == 1) != over {
				t.Errorf("%s, %v too far ahead: mended %+v", what, late, m)
			}
		}
	}
}

// An answer frees so much and no more: what is left is the next one's.
func TestAnAnswerHasABound(t *testing.T) {
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	var q Queue
	for i := range atOnce + 1 {
		name := fmt.Sprint("n", i)
		q.Joining = append(q.Joining, Slot{Node: name, Since: now.Add(-longest), Heard: now.Add(-longest)})
		q.Waiting = append(q.Waiting, Place{Seq: uint64(i + 1), Node: "w" + name, Since: now.Add(-longest), Asked: now.Add(-longest)})
	}
	a := q.Ask("x", now, 0)
	if len(a.Freed) != atOnce || len(a.Gone) != atOnce || a.Joining != 1 || a.Of != 2 || a.Held.Seq != atOnce+2 {
		t.Errorf("%d slots, %d places; %d join, %d wait", len(a.Freed), len(a.Gone), a.Joining, a.Of)
	}
	after := q.After(a)
	if len(after.Joining) != 1 || len(after.Waiting) != 2 || after.Waiting[1].Node != "x" {
		t.Errorf("afterwards %+v", after)
	}
}

// The queue after an answer has what it said, in the order of asking, and is the
// same queue otherwise: since when joinsvc is up, too.
func TestAfter(t *testing.T) {
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	slot := func(node string) Slot { return Slot{Node: node, Since: now, Heard: now} }
	place := func(seq uint64, node string) Place { return Place{Seq: seq, Node: node, Since: now, Asked: now} }
	q := Queue{Up: now, Joining: []Slot{slot("a"), slot("b")}, Waiting: []Place{place(1, "c"), place(2, "d"), place(3, "e")}}
	held, taken := place(2, "d"), slot("b")
	held.Asked, taken.Heard = now.Add(time.Minute), now.Add(time.Minute)
	got := q.After(Answer{Freed: []Slot{slot("a")}, Gone: []Place{place(1, "c")}, Held: &held, Taken: &taken})
	if want := "b@1m0s, d@1m0s e@0s"; described(got, now) != want || !got.Up.Equal(now) {
		t.Errorf("got %s, up %s, want %s", described(got, now), got.Up, want)
	}
	if want := "a@0s b@0s, c@0s d@0s e@0s"; described(q, now) != want || described(q.After(Answer{}), now) != want {
		t.Errorf("the queue itself is %s, want %s", described(q, now), want)
	}
}

func described(q Queue, since time.Time) string {
	text := ""
	for i, s := range q.Joining {
		if i > 0 {
			text += " "
		}
		text += s.Node + "@" + s.Heard.Sub(since).String()
	}
	text += ","
	for _, p := range q.Waiting {
		text += " " + p.Node + "@" + p.Asked.Sub(since).String()
	}
	return text
}

// The limit moves at its bounds: of latency, of time, and of how many join.
func TestWhenTheLimitMoves(t *testing.T) {
	began := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		limit, used int
		after, took time.Duration
		want        int
	}{
		"in time":                       {10, 10, quick, time.Millisecond, 11},
		"too early":                     {10, 10, quick - 1, time.Millisecond, 10},
		"four of five are used":         {10, 8, quick, time.Millisecond, 11},
		"fewer are":                     {10, 7, quick, time.Millisecond, 10},
		"most":                          {Most, Most, quick, time.Millisecond, Most},
		"not at ease at half the bound": {10, 10, quick, Bound / 2, 10},
		"at ease below it":              {10, 10, quick, Bound/2 - 1, 11},
		"at the bound":                  {10, 10, quick, Bound, 10},
		"above it":                      {10, 10, quick, Bound + 1, 5},
		"one stays":                     {1, 1, quick, 2 * Bound, 1},
	} {
		clock := began
		l := NewLimiter(func() time.Time { return clock })
		l.limit = tt.limit
		l.Used(tt.used)
		clock = began.Add(tt.after)
		l.Observe(tt.took, nil)
		if got := l.Reading().Limit; got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

// After the limit was cut it moves more slowly, either way.
func TestAfterACut(t *testing.T) {
	began := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		after, took time.Duration
		want        int
	}{
		"felt for a while":    {settle - 1, 2 * Bound, 8},
		"cut again":           {settle, 2 * Bound, 4},
		"not raised so early": {steady - 1, 1, 8},
		"raised by one":       {steady, 1, 9},
	} {
		clock := began
		l := NewLimiter(func() time.Time { return clock })
		l.limit, l.cut, l.used, l.easy = 8, began, 8, calm
		l.raised = began.Add(-time.Hour)
		clock = began.Add(tt.after)
		l.Observe(tt.took, nil)
		if got := l.Reading().Limit; got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

// Failures in a row, not one of them, are an API server that is not there; and
// while hosts join, or did a minute ago, it is asked more often.
func TestReadingAndPause(t *testing.T) {
	clock := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	l := NewLimiter(func() time.Time { return clock })
	if got := l.Pause(); got != idlePause {
		t.Errorf("nobody ever looked: %v", got)
	}
	l.Used(0)
	clock = clock.Add(time.Minute - 1)
	if got := l.Pause(); got != busyPause {
		t.Errorf("within a minute: %v", got)
	}
	clock = clock.Add(1)
	if got := l.Pause(); got != idlePause {
		t.Errorf("after a minute: %v", got)
	}
	for i, want := range []int{1, 1, 0, 0} {
		l.Observe(0, errors.New("away"))
		if got := l.Reading().Limit; got != want {
			t.Errorf("after %d failures: %d, want %d", i+1, got, want)
		}
	}
	l.Observe(0, nil)
	l.Observe(0, errors.New("away"))
	if got := l.Reading().Limit; got != 1 {
		t.Errorf("a failure after an answer: %d", got)
	}
	for i := range 60 {
		l.Observe(0, nil)
		if r := l.Reading(); r.AtEase && i < calm-1 {
			t.Errorf("at ease after %d answers", i+1)
		}
	}
	if !l.Reading().AtEase {
		t.Error("not at ease after sixty")
	}
	l.Observe(0, errors.New("away"))
	if l.Reading().AtEase {
		t.Error("at ease with a failure")
	}
}
