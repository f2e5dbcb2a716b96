// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/lab/tempo"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// attended is an operator of a rack without machines, whose clock tick moves by
// a minute.
func attended(t *testing.T, pace float64) *test {
	t.Helper()
	at := time.Unix(0, 0).UTC()
	o := &test{tick: func() { at = at.Add(time.Minute) }}
	o.Operator = New(&rack.Rack{Topology: example(t, 2)}, Config{
		Now: func() time.Time { return at }, Report: func(l string) { o.said = append(o.said, l) },
		Board: tempo.NewBoard(devNull(t)), Speed: tempo.Speed{Pace: pace},
	})
	o.pause = 0
	o.usage = func([]int) (tempo.Usage, error) { return tempo.Usage{}, nil } // whatever else this machine does
	return o
}

type test struct {
	*Operator
	tick func()
	said []string
}

func devNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// What moves is waited for, however often it was asked.
func TestAwaitHasPatienceWithWhatMoves(t *testing.T) {
	o := attended(t, 1)
	asked := 0
	err := o.Await(t.Context(), "it is done", func(context.Context) (string, error) {
		o.tick()
		if asked++; asked == 200 {
			return "", nil
		}
		return "stage " + strings.Repeat("x", asked/5), nil // something new every five minutes
	})
	if err != nil || asked != 200 {
		t.Errorf("after %d looks: %v", asked, err)
	}
}

// What stands is given up after a time that the machine's slowness stretches;
// a number that counts is no progress.
func TestAwaitGivesUpWhatStands(t *testing.T) {
	for pace, want := range map[float64]int{1: 9, 3: 25} {
		o := attended(t, pace)
		asked := 0
		err := o.Await(t.Context(), "it is done", func(context.Context) (string, error) {
			o.tick()
			asked++
			return fmt.Sprintf("API server: refused, attempt %d", asked), nil
		})
		var why *tempo.Impatience
		if !errors.Is(err, ErrStalled) || !errors.As(err, &why) || !strings.Contains(why.Last, "attempt 1") {
			t.Errorf("pace %v: %v", pace, err)
		}
		if asked < want || asked > want+2 {
			t.Errorf("pace %v: given up after %d minutes, want %d", pace, asked, want)
		}
	}
}

func TestAwaitEnds(t *testing.T) {
	o := attended(t, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	limit := errors.New("enough")
	err := o.Await(ctx, "it is done", func(context.Context) (string, error) { cancel(limit); return "not yet", nil })
	if !errors.Is(err, limit) || !strings.Contains(err.Error(), "until it is done") {
		t.Errorf("got %v", err)
	}
	broken := errors.New("broken")
	if err := o.Await(t.Context(), "it is done", func(context.Context) (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// A node that fails and is tried again, for ever, is no progress after the
// first time, and neither is one whose sessions come and go.
func TestTellKnowsProgress(t *testing.T) {
	o := attended(t, 1)
	w := &watcher{Operator: o.Operator, seen: map[string]joinapi.NodeStatus{}}
	turn := func(phase joinapi.NodePhase, attempt int) {
		w.tell(joinapi.NodeStatus{Name: "k8c1s1.example", Phase: phase, Reason: fmt.Sprintf("attempt %d", attempt)})
		o.tick()
	}
	turn(joinapi.PhaseJoining, 1)
	turn(joinapi.PhaseFailed, 1)
	for i := range 5 {
		turn(joinapi.PhaseJoining, i)
		turn(joinapi.PhaseFailed, i)
	}
	if got := o.patience.Still(); got != 11*time.Minute {
		t.Errorf("nothing new for %v, want 11m", got)
	}
	turn(joinapi.PhaseJoined, 1)
	if got := o.patience.Still(); got != time.Minute {
		t.Errorf("it joined, and yet nothing new for %v", got)
	}
}

func TestMilestonesOfNodes(t *testing.T) {
	o := attended(t, 1)
	w := &watcher{Operator: o.Operator, seen: map[string]joinapi.NodeStatus{}}
	turn := func(phases ...joinapi.NodePhase) {
		o.tick()
		var nodes []joinapi.NodeStatus
		for i, p := range phases {
			n := joinapi.NodeStatus{Name: fmt.Sprintf("n%d.example", i), Phase: p}
			w.tell(n)
			nodes = append(nodes, n)
		}
		w.show(nodes)
	}
	turn(joinapi.PhaseEnrolled, "")
	if w.passed != 0 {
		t.Errorf("one of two is enrolled, %d milestones are passed", w.passed)
	}
	turn(joinapi.PhasePrepared, joinapi.PhaseEnrolled)
	turn(joinapi.PhaseFailed, joinapi.PhasePrepared) // was prepared before it failed
	if w.passed != 2 {
		t.Errorf("both are enrolled and prepared, %d milestones are passed", w.passed)
	}
	turn(joinapi.PhaseRouted, joinapi.PhaseRouted) // two milestones at one look
	if w.passed != 4 {
		t.Errorf("both are routed, %d milestones are passed", w.passed)
	}
	if last := o.said[len(o.said)-1]; !strings.Contains(last, "routed; expect routed in ") {
		t.Errorf("the last line is %q", last)
	}
	o.reached("joinsvc serves", "")
	o.reached("at the leaves", "")
	if last := o.said[len(o.said)-1]; !strings.HasSuffix(last, "at the leaves") {
		t.Errorf("nothing is to be expected any more, and the last line is %q", last)
	}
}

// Workers stand back from the control plane's joining, a failed attempt
// included, until it routes, and are told so once.
func TestOneRoleGivesWay(t *testing.T) {
	var told []plan.Role
	w := &watcher{Operator: attended(t, 1).Operator, seen: map[string]joinapi.NodeStatus{}}
	w.standBack = func(role plan.Role) error { told = append(told, role); return nil }
	if err := w.giveWay(nil); err != nil {
		t.Errorf("before any node is told of: %v", err)
	}
	behind := []plan.Role{plan.ControlPlane, plan.Worker, ""}
	for i, tc := range []struct {
		plane, first, last joinapi.NodePhase
		told               int // of behind
	}{
		{joinapi.PhaseEnrolled, "", "", 1},
		{joinapi.PhaseJoining, joinapi.PhasePrepared, joinapi.PhaseEnrolled, 1},
		{joinapi.PhaseJoining, joinapi.PhasePrepared, joinapi.PhasePrepared, 2},
		{joinapi.PhaseFailed, joinapi.PhaseFailed, joinapi.PhasePrepared, 2},
		{joinapi.PhaseJoined, joinapi.PhaseJoining, joinapi.PhasePrepared, 2},
		{joinapi.PhaseRouted, joinapi.PhaseJoined, joinapi.PhaseJoining, 3},
		{joinapi.PhaseFailed, joinapi.PhaseJoined, joinapi.PhaseFailed, 3},
	} {
		nodes := []joinapi.NodeStatus{
			{Name: "m0.example", Role: joinapi.ControlPlane, Phase: tc.plane},
			{Name: "s1.example", Role: joinapi.Worker, Phase: tc.first},
			{Name: "s2.example", Role: joinapi.Worker, Phase: tc.last},
		}
		for _, n := range nodes {
			w.tell(n)
		}
		if err := w.giveWay(nodes); err != nil || !slices.Equal(told, behind[:tc.told]) {
			t.Errorf("look %d, %s %s %s: told %v, want %v; %v", i, tc.plane, tc.first, tc.last, told, behind[:tc.told], err)
		}
	}
}

func TestLoadChangesThePace(t *testing.T) {
	l := newOutlook(tempo.Milestones(2), tempo.Speed{Pace: 1, Others: 0})
	if l.shared(0.1) {
		t.Error("a tenth is worth a word")
	}
	if !l.shared(0.5) {
		t.Error("half of the processors is worth no word")
	}
	if got := l.forecast.Pace(); got < 1.9 || got > 2.3 {
		t.Errorf("others take half, the pace is %v", got)
	}
	if l.shared(0.45) || !l.shared(1) || l.forecast.Pace() > 11 {
		t.Errorf("others take everything, the pace is %v", l.forecast.Pace())
	}
	if !l.shared(0) || l.forecast.Pace() > 1.01 {
		t.Errorf("others have gone, the pace is %v", l.forecast.Pace())
	}
}
