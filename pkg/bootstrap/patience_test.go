// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/retry"
)

// The pages tell how long a host waits for the others.
func TestPatienceIsDocumented(t *testing.T) {
	for page, want := range map[string]string{
		"operations.md": fmt.Sprintf("joins again, for %.0f minutes in all", joinTimeout.Minutes()),
		"calico.md":     map[time.Duration]string{30 * time.Minute: "gives up after half an hour only while"}[routedTimeout],
	} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		if words := strings.Join(strings.Fields(string(text)), " "); want == "" || !strings.Contains(words, want) {
			t.Errorf("docs/%s does not say %q", page, want)
		}
	}
}

func TestJudge(t *testing.T) {
	refused := func(code joinapi.Code, after time.Duration) error {
		e := joinapi.Errorf(code, "said so")
		e.RetryAfter = after
		return fmt.Errorf("asking: %w", e)
	}
	for _, tc := range []struct {
		name string
		err  error
		want retry.Verdict
	}{
		{"not yet", refused(joinapi.CodeNotYet, 5*time.Second), retry.Verdict{Again: true, Floor: 5 * time.Second, Answered: true}},
		{"not yet, without a time", refused(joinapi.CodeNotYet, 0), retry.Verdict{Again: true, Answered: true}},
		{"rate limit", refused(joinapi.CodeTooMany, time.Second), retry.Verdict{Again: true, Floor: time.Second, Answered: true}},
		{"rate limit without a time", refused(joinapi.CodeTooMany, 0), retry.Verdict{Again: true}},
		{"trouble of its own", refused(joinapi.CodeInternal, 0), retry.Verdict{Again: true}},
		{"contention", refused(joinapi.CodeUnavailable, time.Second), retry.Verdict{Again: true, Floor: time.Second, Answered: true}},
		{"a proxy without joinsvc", &joinapi.UnexpectedAnswerError{Status: 502}, retry.Verdict{Again: true}},
		{"a code of a later version", refused("gone-for-good", 0), retry.Verdict{}},
		{"network", &url.Error{Op: "Post", Err: io.EOF}, retry.Verdict{Again: true}},
		{"unauthorized", refused(joinapi.CodeUnauthorized, 0), retry.Verdict{}},
		{"forbidden", refused(joinapi.CodeForbidden, 0), retry.Verdict{}},
		{"conflict", refused(joinapi.CodeConflict, 0), retry.Verdict{}},
		{"invalid", refused(joinapi.CodeInvalid, 0), retry.Verdict{}},
		{"another joinsvc", &url.Error{Op: "Post", Err: &joinapi.WrongCAError{}}, retry.Verdict{}},
		{"no token", errors.New("no token is set"), retry.Verdict{}},
	} {
		if diff := cmp.Diff(tc.want, judge(tc.err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// A queue's honest answer is waited for longer than a silent joinsvc, and each
// of its words is heeded.
func TestQueueIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, asked := time.Now(), 0
		_, err := persist(t.Context(), func(context.Context) (int, error) {
			asked++
			if time.Since(start) < 3*joinsvcTimeout {
				e := joinapi.Errorf(joinapi.CodeNotYet, "you are 7th")
				e.RetryAfter = 30 * time.Second
				return 0, e
			}
			return 0, nil
		})
		if err != nil || asked > 92 {
			t.Errorf("after %s and %d questions: %v", time.Since(start), asked, err)
		}
	})
}

// A run does not end by a rate limit, nor by a joinsvc that is gone for minutes.
func TestWhatEndsNoRun(t *testing.T) {
	for _, trouble := range []error{
		joinapi.Errorf(joinapi.CodeTooMany, "slow down"), joinapi.Errorf(joinapi.CodeInternal, "etcd"), &url.Error{Op: "Post", Err: io.EOF},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_, err := persist(t.Context(), func(context.Context) (int, error) {
				if time.Since(start) < joinsvcTimeout-time.Minute {
					return 0, trouble
				}
				return 0, nil
			})
			if err != nil {
				t.Errorf("%v ended the run after %s: %v", trouble, time.Since(start), err)
			}
		})
	}
}

// sights answers how the node is, one after the other, the last for ever.
type sights struct {
	Coordinator
	views []joinapi.NodeView
	errs  []error
}

func (s *sights) Node(context.Context) (joinapi.NodeView, error) {
	v, err := s.views[0], s.errs[0]
	if len(s.views) > 1 {
		s.views, s.errs = s.views[1:], s.errs[1:]
	}
	return v, err
}

func runRouted(t *testing.T, s Coordinator) (notes []string, result phase.Result, err error) {
	t.Helper()
	r := phase.Runner{Now: time.Now, Report: func(e phase.Event) {
		if e.Kind == phase.Noted {
			notes = append(notes, e.Message)
		}
	}}
	routed := Routed(s)
	routed.Needs = nil
	result, err = r.Run(t.Context(), []phase.Phase{routed})
	return notes, result, err
}

func TestRoutedWaitsForTheLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		half := joinapi.NodeView{Phase: joinapi.PhaseJoined, Sessions: []joinapi.Session{{Leaf: "leaf201", State: joinapi.Established}, {Leaf: "leaf202"}}}
		s := &sights{
			views: []joinapi.NodeView{{Phase: joinapi.PhaseJoined}, half, {}, {Phase: joinapi.PhaseRouted}},
			errs:  []error{nil, nil, &url.Error{Op: "Post", Err: io.EOF}, nil},
		}
		notes, result, err := runRouted(t, s)
		if err != nil || result.Changes != 1 {
			t.Fatal(result, err)
		}
		want := []string{"waiting: not every leaf routes to this node: leaf201 Established, leaf202 not reported"}
		if diff := cmp.Diff(want, notes); diff != "" {
			t.Errorf("notes (-want +got):\n%s", diff)
		}
	})
}

// A node whose leaves know it and that has nothing to announce is no failure:
// the run waits for the first pod, says so, and does not go round with the unit.
func TestNodeWithoutAPodIsWaitedFor(t *testing.T) {
	const why = "Calico has cut the node no block of 10.32.0.0/16 to announce: it does with the first pod there that is not in the host's network"
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := &pod{start: start, after: 30 * time.Hour, bare: joinapi.NodeView{
			Phase: joinapi.PhaseJoined, Reason: "session to leaf201 is Established, but routes nothing: " + why,
			Sessions: []joinapi.Session{{Leaf: "leaf201", State: joinapi.Established, Reason: why}, {Leaf: "leaf202", State: joinapi.Established, Reason: why}},
		}}
		notes, result, err := runRouted(t, s)
		if err != nil || result.Changes != 1 || time.Since(start) < s.after {
			t.Fatalf("after %s: %+v, %v", time.Since(start), result, err)
		}
		for _, part := range []string{"all sessions are Established, and this node announces nothing yet", why, "goes on by itself"} {
			if !strings.Contains(notes[0], part) || !strings.Contains(notes[len(notes)-1], part) {
				t.Errorf("said %q; want %q in it", notes[0], part)
			}
		}
		if len(notes) < 60 || len(notes) > 300 {
			t.Errorf("said %d times in %s", len(notes), s.after)
		}
	})
}

// pod is a node that gets its first pod after a time.
type pod struct {
	Coordinator
	start time.Time
	after time.Duration
	bare  joinapi.NodeView
}

func (p *pod) Node(context.Context) (joinapi.NodeView, error) {
	if time.Since(p.start) < p.after {
		return p.bare, nil
	}
	return joinapi.NodeView{Phase: joinapi.PhaseRouted}, nil
}

// joinsvc's "not now" is not the leaves': the next run looks at this host again.
func TestJoinsvcThatIsBusyIsNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := joinapi.Errorf(joinapi.CodeUnavailable, "etcd")
		busy.RetryAfter = 5 * time.Second
		start := time.Now()
		_, _, err := runRouted(t, &sights{views: []joinapi.NodeView{{Phase: joinapi.PhaseJoined}, {}}, errs: []error{nil, busy}})
		if took := time.Since(start); joinapi.CodeOf(err) != joinapi.CodeUnavailable || took > routedTimeout {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// Sessions that are down, or of which nobody knows, are not waited for so.
func TestOnlyEstablishedSessionsAreWaitedForLonger(t *testing.T) {
	up := joinapi.Session{Leaf: "leaf201", State: joinapi.Established, Reason: "no block"}
	for name, sessions := range map[string][]joinapi.Session{
		"none":     nil,
		"one down": {up, {Leaf: "leaf202", State: "Idle"}},
		"unknown":  {up, {Leaf: "leaf202", State: joinapi.Unknown, Reason: "the API server does not answer"}},
		"unseen":   {up, {Leaf: "leaf202"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, _, err := runRouted(t, &sights{views: []joinapi.NodeView{{Phase: joinapi.PhaseJoined, Sessions: sessions}}, errs: []error{nil}})
				if took := time.Since(start); err == nil || took > routedTimeout {
					t.Errorf("after %s: %v", took, err)
				}
			})
		})
	}
}

// A node that is not routed any more, or of which that cannot be told, is not
// as planned.
func TestNodeThatIsNotRoutedAnyMoreFailsTheRun(t *testing.T) {
	for _, view := range []joinapi.NodeView{
		{Phase: joinapi.PhaseJoined, Reason: "session to leaf201 is unknown: the API server does not answer since 31m"},
		{Phase: joinapi.PhaseFailed, Reason: "session to leaf201 is unknown: the API server does not answer since 31m"},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_, _, err := runRouted(t, &sights{views: []joinapi.NodeView{view}, errs: []error{nil}})
			if err == nil || !strings.Contains(err.Error(), view.Reason) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > routedTimeout || took < routedTimeout-time.Minute {
				t.Errorf("gave up after %s", took)
			}
		})
	}
}
