// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"cmp"
	"slices"
	"time"
)

const (
	// silence is after what time without asking a host loses its place: several
	// times longestPause, so that one lost answer costs nothing.
	silence = 3 * time.Minute
	// abandoned is after what time a slot is freed whose node has neither joined
	// nor failed nor been heard of. Under emulation a join takes eight minutes.
	abandoned = 15 * time.Minute

	// longest is how long a node may hold a slot, whatever it says meanwhile: at
	// one at a time, one that is never done would stop all others. Who is not
	// done by then waits again, at the end.
	longest = time.Hour

	shortestPause = 5 * time.Second
	longestPause  = 30 * time.Second
	// usualJoin is what a join takes as long as nobody has measured one.
	usualJoin = 90 * time.Second
)

// A Place is a node that waits.
type Place struct {
	Seq   uint64    `json:"-"` // the order of first asking
	Node  string    `json:"node"`
	Since time.Time `json:"since"` // when it first asked
	Asked time.Time `json:"asked"` // when it last asked
}

// A Slot is a node that joins.
type Slot struct {
	Node  string    `json:"node"`
	Since time.Time `json:"since"` // when it was admitted
	Heard time.Time `json:"heard"` // when it last asked or reported
}

// A Queue is who joins and who waits, at one moment.
type Queue struct {
	// Up is since when hosts could ask and report. While they could not, as
	// when joinsvc was away, nobody was silent.
	Up      time.Time
	Joining []Slot
	Waiting []Place // in the order of Seq
}

// An Answer is what one node is told, and what that changes.
type Answer struct {
	Admitted bool
	Place    int // from 1, among Of that wait
	Of       int
	Joining  int // how many join, with this one if it is admitted

	Gone   []Place // places whose hosts went silent, or were admitted
	Freed  []Slot  // slots that nobody holds any more
	Mended Queue   // of whose times a clock that was ahead had made the future; to be written before all else

	Held  *Place // the node's own place, when it has to be written
	Taken *Slot  // the node's own slot, when it has to be written
}

// atOnce bounds what one answer removes of each kind: an etcd transaction has a
// largest size.
const atOnce = 40

// refresh is how much of a time-out may pass before a sign of life is written.
const refresh = 4

// ahead is how far in the future a time may be: replicas' clocks differ a little.
const ahead = time.Minute

// mend makes now of the times that are in the future. They are of a clock that
// was ahead and has been set since; with them a host that is gone would keep what
// it holds until that time comes. some are those that are to be written: the
// others' turn comes.
func (q Queue) mend(now time.Time) (mended, some Queue) {
	wrong := func(at time.Time) bool { return at.Sub(now) > ahead }
	if !slices.ContainsFunc(q.Joining, func(s Slot) bool { return wrong(s.Heard) || wrong(s.Since) }) &&
		!slices.ContainsFunc(q.Waiting, func(p Place) bool { return wrong(p.Asked) || wrong(p.Since) }) {
		return q, Queue{}
	}
	mended = Queue{Up: q.Up, Joining: slices.Clone(q.Joining), Waiting: slices.Clone(q.Waiting)}
	for i := range mended.Joining {
		if s := &mended.Joining[i]; wrong(s.Heard) || wrong(s.Since) {
			s.Since, s.Heard = earlier(s.Since, now), earlier(s.Heard, now)
			some.Joining = append(some.Joining, *s)
		}
	}
	for i := range mended.Waiting {
		if p := &mended.Waiting[i]; wrong(p.Asked) || wrong(p.Since) {
			p.Since, p.Asked = earlier(p.Since, now), earlier(p.Asked, now)
			some.Waiting = append(some.Waiting, *p)
		}
	}
	some.Joining = some.Joining[:min(len(some.Joining), atOnce/2)]
	some.Waiting = some.Waiting[:min(len(some.Waiting), atOnce/2)]
	return mended, some
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Ask is a node's question whether it may join now, while limit may at once.
// Who asks twice has one place, and a node that holds a slot keeps it.
func (q Queue) Ask(node string, now time.Time, limit int) Answer {
	var a Answer
	q, a.Mended = q.mend(now)
	joining := slices.DeleteFunc(slices.Clone(q.Joining), func(s Slot) bool {
		silent := s.Node != node && q.silent(s.Heard, now) > abandoned
		stale := (silent || q.silent(s.Since, now) > longest) && len(a.Freed) < atOnce
		if stale {
			a.Freed = append(a.Freed, s)
		}
		return stale
	})
	waiting := slices.DeleteFunc(slices.Clone(q.Waiting), func(p Place) bool {
		stale := p.Node != node && q.silent(p.Asked, now) > silence && len(a.Gone) < atOnce
		if stale {
			a.Gone = append(a.Gone, p)
		}
		return stale
	})
	a.Joining = len(joining)
	if i := slices.IndexFunc(joining, func(s Slot) bool { return s.Node == node }); i >= 0 {
		a.Admitted = true
		if s := joining[i]; now.Sub(s.Heard) > silence/refresh {
			s.Heard = now
			a.Taken = &s
		}
		return a
	}
	return a.place(waiting, node, now, limit)
}

// After is the queue with what an answer changes of it.
func (q Queue) After(a Answer) Queue {
	gone := func(s Slot) bool {
		return slices.ContainsFunc(a.Freed, func(f Slot) bool { return f.Node == s.Node }) || a.Taken != nil && s.Node == a.Taken.Node
	}
	left := func(p Place) bool {
		return slices.ContainsFunc(a.Gone, func(g Place) bool { return g.Seq == p.Seq }) || a.Held != nil && p.Seq == a.Held.Seq
	}
	after := Queue{
		Up:      q.Up,
		Joining: slices.DeleteFunc(slices.Clone(q.Joining), gone),
		Waiting: slices.DeleteFunc(slices.Clone(q.Waiting), left),
	}
	if a.Taken != nil {
		after.Joining = append(after.Joining, *a.Taken)
	}
	if a.Held != nil {
		after.Waiting = append(after.Waiting, *a.Held)
		slices.SortFunc(after.Waiting, func(a, b Place) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return after
}

// silent is how long nothing was heard that could have been.
func (q Queue) silent(heard, now time.Time) time.Duration {
	if q.Up.After(heard) {
		heard = q.Up
	}
	return now.Sub(heard)
}

func (a Answer) place(waiting []Place, node string, now time.Time, limit int) Answer {
	i := slices.IndexFunc(waiting, func(p Place) bool { return p.Node == node })
	if i < 0 {
		i = len(waiting)
		own := Place{Seq: 1, Node: node, Since: now, Asked: now}
		if i > 0 {
			own.Seq = waiting[i-1].Seq + 1
		}
		waiting = append(waiting, own)
		a.Held = &own
	} else if now.Sub(waiting[i].Asked) > silence/refresh {
		own := waiting[i]
		own.Asked = now
		a.Held = &own
	}
	a.Place, a.Of = i+1, len(waiting)
	if a.Place > limit-a.Joining {
		return a
	}
	if a.Held == nil || waiting[i].Since.Before(now) {
		a.Gone = append(a.Gone, waiting[i])
	}
	a.Admitted, a.Held = true, nil
	a.Taken = &Slot{Node: node, Since: now, Heard: now}
	a.Joining++
	return a
}

// Wait is about how long a node waits that is told a place, when joins take
// join each (0 when nobody knows), and when it should ask again: who is next,
// soon, so that no slot stays empty for long.
func (a Answer) Wait(limit int, join time.Duration) (about, again time.Duration) {
	if join <= 0 {
		join = usualJoin
	}
	limit = max(limit, 1)
	rounds := (a.Place + limit - 1) / limit
	about = time.Duration(rounds) * join
	if rounds < 2 {
		return about, shortestPause
	}
	return about, min(max(about/8, shortestPause), longestPause).Round(time.Second)
}
