// SPDX-License-Identifier: Apache-2.0

package phase_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/phase"
)

// A log keeps what happened, "a started", and how many phases ran at once.
type log struct {
	mu            sync.Mutex
	lines         []string
	running, most int
}

func (l *log) runner() phase.Runner {
	return phase.Runner{Now: time.Now, Report: func(e phase.Event) {
		switch e.Kind {
		case phase.Started, phase.Done, phase.Failed, phase.Skipped:
			l.lines = append(l.lines, strings.TrimSpace(e.Phase+" "+string(e.Kind)))
		default:
		}
	}}
}

// slow is a phase whose planning takes a while.
func (l *log) slow(name string, took time.Duration, err error, needs ...string) phase.Phase {
	return phase.Phase{Name: name, Needs: needs, Plan: func(ctx context.Context) ([]phase.Change, error) {
		l.count(1)
		defer l.count(-1)
		select {
		case <-time.After(took):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return nil, err
	}}
}

func (l *log) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running += n
	l.most = max(l.most, l.running)
}

func beside(p phase.Phase) phase.Phase {
	p.Beside = true
	return p
}

func TestNeedsAreChecked(t *testing.T) {
	for _, tc := range []struct {
		name   string
		phases []phase.Phase
		want   []string
	}{
		{"a need that is not there", []phase.Phase{{Name: "a", Needs: []string{"modlues"}}}, []string{`phase "a" needs "modlues", which no phase is called`}},
		{"twice", []phase.Phase{{Name: "a"}, {Name: "a"}}, []string{`two phases are called "a"`}},
		{"itself", []phase.Phase{{Name: "a", Needs: []string{"a"}}}, []string{"a needs a"}},
		{"a circle", []phase.Phase{{Name: "x"}, {Name: "a", Needs: []string{"x", "b"}}, {Name: "b", Needs: []string{"c"}}, {Name: "c", Needs: []string{"a"}}}, []string{"a needs b needs c needs a"}},
		{"all at once", []phase.Phase{{Name: "a", Needs: []string{"b", "y"}}, {Name: "b", Needs: []string{"a", "z"}}}, []string{`"y"`, `"z"`, "a needs b needs a"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			planned := false
			for i := range tc.phases {
				tc.phases[i].Plan = func(context.Context) ([]phase.Change, error) { planned = true; return nil, nil }
			}
			r := new(log).runner()
			_, err := r.Run(t.Context(), tc.phases)
			_, dry := r.DryRun(t.Context(), tc.phases)
			if err == nil || dry == nil || err.Error() != dry.Error() || planned {
				t.Fatalf("Run %v, DryRun %v, something was planned: %v", err, dry, planned)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v\nwant %q in it", err, want)
				}
			}
		})
	}
}

func TestOrderFollowsFromNeeds(t *testing.T) {
	var l log
	phases := []phase.Phase{l.slow("c", 0, nil, "b"), l.slow("z", 0, nil), l.slow("b", 0, nil, "a"), l.slow("a", 0, nil)}
	if _, err := l.runner().Run(t.Context(), phases); err != nil {
		t.Fatal(err)
	}
	want := []string{"a started", "a done", "b started", "b done", "c started", "c done", "z started", "z done"}
	if diff := cmp.Diff(want, l.lines); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// What does not need the one that failed finishes; the error names each failure.
func TestFailureStopsWhatNeedsIt(t *testing.T) {
	var l log
	down, full := errors.New("no carrier"), errors.New("disk full")
	phases := []phase.Phase{
		l.slow("network", 0, down), l.slow("lacp", 0, nil, "network"), l.slow("swap", 0, nil), l.slow("packages", 0, full), l.slow("kubeadm", 0, nil, "lacp", "swap"),
	}
	_, err := l.runner().Run(t.Context(), phases)
	if !errors.Is(err, down) || !errors.Is(err, full) || err.Error() != "network: no carrier\npackages: disk full" {
		t.Errorf("got %v", err)
	}
	slices.Sort(l.lines)
	want := []string{
		"kubeadm skipped", "lacp skipped", "network failed", "network started", "packages failed", "packages started", "swap done", "swap started",
	}
	if diff := cmp.Diff(want, l.lines); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A dry run plans what it can, too, and tells every failure.
func TestDryRunGoesOnAfterAFailure(t *testing.T) {
	var l log
	down := errors.New("no carrier")
	res, err := l.runner().DryRun(t.Context(), []phase.Phase{l.slow("network", 0, down), l.slow("lacp", 0, nil, "network"), l.slow("swap", 0, nil)})
	if !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(phase.Result{Unknown: []string{"lacp"}}, res); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"network started", "network failed", "swap started"}, l.lines); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestDryRunPlansAhead(t *testing.T) {
	change := func(context.Context) ([]phase.Change, error) { return []phase.Change{{What: "x"}}, nil }
	res, err := new(log).runner().DryRun(t.Context(), []phase.Phase{
		{Name: "network", Plan: change}, {Name: "packages", Plan: change, Needs: []string{"network"}, Ahead: true}, {Name: "kubelet", Plan: change, Needs: []string{"packages"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(phase.Result{Changes: 2, Unknown: []string{"kubelet"}}, res); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

// A phase that runs beside others takes none of their time, and those that do
// not say so stay one after the other and in order.
func TestBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		start := time.Now()
		phases := []phase.Phase{
			l.slow("network", time.Second, nil),
			beside(l.slow("lacp", time.Minute, nil, "network")),
			l.slow("firewall", 20*time.Second, nil), l.slow("swap", 20*time.Second, nil),
			l.slow("packages", time.Second, nil, "lacp"), l.slow("kubelet", time.Second, nil),
		}
		if _, err := l.runner().Run(t.Context(), phases); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 63*time.Second {
			t.Errorf("took %s", took)
		}
		want := []string{
			"network started", "network done", "lacp started", "firewall started", "firewall done", "swap started", "swap done",
			"lacp done", "packages started", "packages done", "kubelet started", "kubelet done",
		}
		slices.SortStableFunc(l.lines[2:4], func(a, b string) int { return strings.Compare(b, a) }) // the two start together
		if diff := cmp.Diff(want, l.lines); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if l.most != 2 {
			t.Errorf("%d at once", l.most)
		}
	})
}

// The line holds whatever ends or waits beside it: none of it starts while another
// runs, and none of it waits for one that is beside.
func TestTheLineAndWhatIsBesideIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		start := time.Now()
		got := map[string]string{}
		r := phase.Runner{Now: time.Now, Report: func(e phase.Event) {
			if e.Kind == phase.Started {
				got[e.Phase] = time.Since(start).String()
			}
		}}
		_, err := r.Run(t.Context(), []phase.Phase{
			l.slow("network", 10*time.Second, nil),
			beside(l.slow("clock", time.Second, nil)), beside(l.slow("lacp", time.Minute, nil)),
			beside(l.slow("probe", time.Second, nil, "lacp")),
			l.slow("firewall", 10*time.Second, nil), l.slow("swap", 10*time.Second, nil),
		})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"network": "0s", "clock": "0s", "lacp": "0s", "firewall": "10s", "swap": "20s", "probe": "1m0s"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("starts (-want +got):\n%s", diff)
		}
	})
}

// Reporters write to one file: they are called by one phase at a time.
func TestReportsComeOneAtATime(t *testing.T) {
	var busy sync.Mutex
	r := phase.Runner{Now: time.Now, Report: func(phase.Event) {
		if !busy.TryLock() {
			t.Error("a report came while another was written")
			return
		}
		defer busy.Unlock()
		for range 100 {
			runtime.Gosched() // the others get their turn
		}
	}}
	var phases []phase.Phase
	for _, name := range strings.Split("abcdefgh", "") {
		phases = append(phases, beside(phase.Phase{Name: name, Plan: func(context.Context) ([]phase.Change, error) { return nil, nil }}))
	}
	if _, err := r.Run(t.Context(), phases); err != nil {
		t.Fatal(err)
	}
}

func TestHowManyRunAtOnceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		var phases []phase.Phase
		for _, name := range strings.Split("abcdefghij", "") {
			phases = append(phases, beside(l.slow(name, time.Second, nil)))
		}
		start := time.Now()
		res, err := l.runner().Run(t.Context(), phases)
		if err != nil || res.Changes != 0 || l.most != 4 || time.Since(start) != 3*time.Second {
			t.Errorf("%v, %v: %d at once, in %s", res, err, l.most, time.Since(start))
		}
	})
}

// An interrupted run waits for what runs and starts nothing else.
func TestInterruptedRunStartsNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		stop := errors.New("the host goes down")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stop) })
		ends := phase.Phase{Name: "a", Plan: func(context.Context) ([]phase.Change, error) { time.Sleep(time.Minute); return nil, nil }}
		_, err := l.runner().Run(ctx, []phase.Phase{ends, l.slow("b", 0, nil), l.slow("c", 0, nil)})
		if !errors.Is(err, stop) || !strings.HasPrefix(err.Error(), "b: ") {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff([]string{"a started", "a done"}, l.lines); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// What stopped the run is not told beside what failed because of it.
func TestInterruptedRunTellsItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l log
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := l.runner().Run(ctx, []phase.Phase{l.slow("a", time.Minute, nil), l.slow("b", 0, nil)})
		if err == nil || err.Error() != "a: context deadline exceeded" {
			t.Errorf("got %v", err)
		}
	})
}
