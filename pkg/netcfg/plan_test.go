// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// A change that fails, and a run that is stopped, leave what comes after.
func TestApplyLeavesTheRest(t *testing.T) {
	refused := errors.New("refused")
	for _, test := range []struct {
		name    string
		stop    bool
		want    string
		err     error
		message string
	}{
		{name: "refused", want: "first second", err: refused, message: "changing second: refused"},
		{name: "stopped", stop: true, want: "first", err: context.Canceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var made []string
			change := func(name string, err error) phase.Change {
				return phase.Change{What: name, Do: func(context.Context) error {
					made = append(made, name)
					if test.stop {
						cancel()
					}
					return err
				}}
			}
			err := apply(ctx, []phase.Change{change("first", nil), change("second", refused), change("third", nil)})
			if got := strings.Join(made, " "); got != test.want {
				t.Errorf("made are %q, want %q", got, test.want)
			}
			if !errors.Is(err, test.err) || test.message != "" && err.Error() != test.message {
				t.Errorf("error is %v, want %v", err, test.err)
			}
		})
	}
}

// deaf is a kernel that does not answer.
type deaf struct{ *Model }

func (deaf) Observe(context.Context) (State, error) { return State{}, errors.New("no buffer space") }

func TestPlanOfAKernelThatDoesNotAnswer(t *testing.T) {
	if _, err := Plan(t.Context(), deaf{}, reference()); err == nil || err.Error() != "observing the network: no buffer space" {
		t.Errorf("error is %v", err)
	}
}

// What is refused by the kernel is the error of its step.
func TestTheKernelsRefusal(t *testing.T) {
	k := NewModel("eno1", "eno2")
	k.Refuse = "bond0"
	changes, err := Plan(t.Context(), k, reference())
	if err != nil {
		t.Fatal(err)
	}
	if err := apply(t.Context(), changes); err == nil || err.Error() != "changing bond0: device or resource busy" {
		t.Errorf("error is %v", err)
	}
	if _, ok := k.link("bond0.1500"); ok {
		t.Error("the VLAN was made all the same")
	}
}

// A model is a host to the end: the bond that is planned on it carries LACP, or
// not, as its leaves do.
func TestModel(t *testing.T) {
	for silent, want := range map[bool]Status{false: Up, true: Failed} {
		k := NewModel("eno1", "eno2")
		k.Silent = silent
		converge(t, k, reference())
		s, err := k.Observe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r := Inspect(s, reference().Bond); r.Status != want {
			t.Errorf("%s, want %s", r, want)
		}
	}
}

// A boot that is stopped, and one that finds too few legs, changes nothing.
func TestRestoreThatCannot(t *testing.T) {
	root, c := rooted.Root(t.TempDir()), reference()
	k := NewModel("eno1", "eno2")
	c.Bond.MinLinks = 2
	c = c.Resolve(k.State)
	applyFiles(t, func() ([]phase.Change, error) { return PlanStore(t.Context(), root, c) })
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	alone := NewModel("eno1")
	before := alone.String()
	if _, err := Restore(stopped, alone, root, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if _, err := Restore(t.Context(), alone, root, 0); err == nil || !strings.Contains(err.Error(), "leg eno2 of bond0 does not exist") {
		t.Errorf("error is %v", err)
	}
	if alone.String() != before {
		t.Errorf("changed to\n%s", alone)
	}
	if _, err := Restore(t.Context(), deaf{}, root, 0); err == nil || err.Error() != "looking for eno1, eno2: no buffer space" {
		t.Errorf("error is %v", err)
	}
}
