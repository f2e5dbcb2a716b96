// SPDX-License-Identifier: Apache-2.0

package phase_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/phase"
)

// notes are what a run of one phase tells beside its beginning and end.
func notes(t *testing.T, p phase.Phase) (said []string) {
	t.Helper()
	r := phase.Runner{Now: time.Now, Report: func(e phase.Event) {
		if e.Kind == phase.Noted {
			said = append(said, e.Message)
		}
	}}
	if _, err := r.Run(t.Context(), []phase.Phase{p}); err != nil {
		t.Error(err)
	}
	return said
}

// kubeadm and dnf are silent for minutes: who looks sees at what the run is, and
// what is told of it is a wait, of which status and history keep the newest.
func TestASilentStepIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k knob
		p := k.phase("kubeadm")
		plan := p.Plan
		p.Plan = func(ctx context.Context) ([]phase.Change, error) {
			changes, err := plan(ctx)
			for i := range changes {
				do := changes[i].Do
				changes[i].Do = func(ctx context.Context) error {
					time.Sleep(5 * time.Minute)
					return do(ctx)
				}
			}
			return changes, err
		}
		got := notes(t, p)
		want := []string{"waiting for 2m0s: still at kubeadm: on", "waiting for 4m0s: still at kubeadm: on"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("notes (-want +got):\n%s", diff)
		}
		for _, said := range got {
			if e := (phase.Event{Kind: phase.Noted, Message: said}); !e.Waits() {
				t.Errorf("%q is no wait", said)
			}
		}
	})
}

// What a step said before it fell silent is repeated with its age; one that goes
// on for hours is told of rarely, and one that speaks itself not at all.
func TestAStepThatFallsSilent(t *testing.T) {
	for name, tc := range map[string]struct {
		step        func(ctx context.Context)
		first, last string
		most        int
	}{
		"speaks": {func(ctx context.Context) {
			for range 30 {
				phase.Notef(ctx, "waiting: place 7")
				time.Sleep(time.Minute)
			}
		}, "waiting: place 7", "waiting: place 7", 30},
		"falls silent": {func(ctx context.Context) {
			time.Sleep(time.Minute)
			phase.Notef(ctx, "waiting: place 7")
			time.Sleep(3 * time.Minute)
		}, "waiting: place 7", "waiting for 3m0s: still at a: on; it said 2m0s ago: waiting: place 7", 2},
		"works aloud": {func(ctx context.Context) {
			for i := range 3 {
				phase.Aside(ctx, fmt.Sprint("[step ", i, "]"))
				time.Sleep(50 * time.Second)
			}
		}, "waiting for 2m0s: still at a: on; it said 20s ago: [step 2]", "waiting for 2m0s: still at a: on; it said 20s ago: [step 2]", 1},
		"for hours": {func(context.Context) {
			time.Sleep(5*time.Hour - time.Minute)
		}, "waiting for 2m0s: still at a: on", "waiting for 4h48m0s: still at a: on", 60},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				on := false
				got := notes(t, phase.Phase{Name: "a", Plan: func(context.Context) ([]phase.Change, error) {
					if on {
						return nil, nil
					}
					return []phase.Change{{What: "a", To: "on", Do: func(ctx context.Context) error {
						on = true
						tc.step(ctx)
						return nil
					}}}, nil
				}})
				if len(got) == 0 || got[0] != tc.first || got[len(got)-1] != tc.last || len(got) > tc.most {
					t.Errorf("%d notes: %s", len(got), strings.Join(got, "\n"))
				}
			})
		})
	}
}

// Planning again after the changes asks joinsvc once more, and may have to wait
// for it: that is told, though the notes of the first time are not repeated.
func TestWaitsOfPlanningAgainAreTold(t *testing.T) {
	on := false
	got := notes(t, phase.Phase{Name: "kubeadm", Plan: func(ctx context.Context) ([]phase.Change, error) {
		phase.Notef(ctx, "a note")
		if on {
			phase.Waiting(ctx)(errors.New("connection refused"), 0)
			return nil, nil
		}
		return []phase.Change{{What: "a", Do: func(context.Context) error { on = true; return nil }}}, nil
	}})
	if want := []string{"a note", "waiting: connection refused"}; !slices.Equal(got, want) {
		t.Errorf("notes are %q, want %q", got, want)
	}
}
