// SPDX-License-Identifier: Apache-2.0

package phase_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nodeprep/nodeprep/pkg/phase"
)

// A knob is a host with one setting, which is all that the runner needs of it.
type knob struct {
	value   string
	stuck   bool  // applying has no effect
	readErr error // observing fails
	doErr   error // applying fails
	writes  int
}

// phase wants the knob at "on".
func (k *knob) phase(name string, after ...string) phase.Phase {
	return phase.Phase{Name: name, Doc: name + " is on", Needs: after, Plan: func(context.Context) ([]phase.Change, error) {
		if k.readErr != nil || k.value == "on" {
			return nil, k.readErr
		}
		return []phase.Change{{What: name, From: k.value, To: "on", Do: k.turnOn}}, nil
	}}
}

func (k *knob) turnOn(context.Context) error {
	k.writes++
	if k.doErr == nil && !k.stuck {
		k.value = "on"
	}
	return k.doErr
}

// recorder keeps events; its clock moves one second at each look.
type recorder struct {
	events []phase.Event
	now    time.Time
}

func (r *recorder) runner() phase.Runner {
	return phase.Runner{
		Report: func(e phase.Event) { r.events = append(r.events, e) },
		Now: func() time.Time {
			r.now = r.now.Add(time.Second)
			return r.now
		},
	}
}

var errBusy = errors.New("device or resource busy")

func TestRun(t *testing.T) {
	tests := []struct {
		name    string
		knobs   map[string]*knob
		want    phase.Result
		wantErr string
		events  []phase.Event
	}{
		{
			name:  "nothing to change",
			knobs: map[string]*knob{"a": {value: "on"}},
			events: []phase.Event{
				{Phase: "a", Kind: phase.Started, Message: "a is on"},
				{Phase: "a", Kind: phase.Done, Message: "nothing to change"},
			},
		},
		{
			name:  "one change, the next phase in order",
			knobs: map[string]*knob{"a": {value: "off"}, "b": {value: "on"}},
			want:  phase.Result{Changes: 1},
			events: []phase.Event{
				{Phase: "a", Kind: phase.Started, Message: "a is on"},
				{Phase: "a", Kind: phase.Planned, Change: "a: off -> on"},
				{Phase: "a", Kind: phase.Applied, Change: "a: off -> on"},
				{Phase: "a", Kind: phase.Done, Message: "1 change"},
				{Phase: "b", Kind: phase.Started, Message: "b is on"},
				{Phase: "b", Kind: phase.Done, Message: "nothing to change"},
			},
		},
		{
			name:    "what is left after applying is an error",
			knobs:   map[string]*knob{"a": {value: "off", stuck: true}},
			want:    phase.Result{Changes: 1},
			wantErr: "a: planning again: still 1 to change after applying, first a: off -> on",
			events: []phase.Event{
				{Phase: "a", Kind: phase.Started, Message: "a is on"},
				{Phase: "a", Kind: phase.Planned, Change: "a: off -> on"},
				{Phase: "a", Kind: phase.Applied, Change: "a: off -> on"},
				{Phase: "a", Kind: phase.Failed, Message: "planning again: still 1 to change after applying, first a: off -> on"},
			},
		},
		{
			name:    "a change that fails names itself",
			knobs:   map[string]*knob{"a": {value: "off", doErr: errBusy}},
			wantErr: "a: changing a: off -> on: device or resource busy",
			events: []phase.Event{
				{Phase: "a", Kind: phase.Started, Message: "a is on"},
				{Phase: "a", Kind: phase.Planned, Change: "a: off -> on"},
				{Phase: "a", Kind: phase.Failed, Change: "a: off -> on", Message: "changing a: off -> on: device or resource busy"},
			},
		},
		{
			name:    "a host that cannot be read",
			knobs:   map[string]*knob{"a": {value: "off", readErr: errBusy}},
			wantErr: "a: device or resource busy",
			events: []phase.Event{
				{Phase: "a", Kind: phase.Started, Message: "a is on"},
				{Phase: "a", Kind: phase.Failed, Message: "device or resource busy"},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var rec recorder
			got, err := rec.runner().Run(t.Context(), phasesOf(tt.knobs))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if text(err) != tt.wantErr {
				t.Errorf("error is %q, want %q", text(err), tt.wantErr)
			}
			if diff := cmp.Diff(tt.events, rec.events, cmpopts.IgnoreFields(phase.Event{}, "Time", "Elapsed")); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunWrapsTheCause(t *testing.T) {
	var rec recorder
	broken := &knob{value: "off", doErr: errBusy}
	if _, err := rec.runner().Run(t.Context(), []phase.Phase{broken.phase("a")}); !errors.Is(err, errBusy) {
		t.Errorf("error %v hides its cause", err)
	}
}

func TestRunTwice(t *testing.T) {
	var rec recorder
	k := &knob{value: "off"}
	for i, want := range []phase.Result{{Changes: 1}, {}} {
		got, err := rec.runner().Run(t.Context(), []phase.Phase{k.phase("a")})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("run %d: error %v, result (-want +got):\n%s", i+1, err, diff)
		}
	}
	if k.writes != 1 {
		t.Errorf("the knob was written %d times, want once", k.writes)
	}
}

func TestRunStopsBetweenChangesWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var done []string
	step := func(name string) phase.Change {
		return phase.Change{What: name, Do: func(context.Context) error {
			done = append(done, name)
			cancel()
			return nil
		}}
	}
	p := phase.Phase{Name: "a", Plan: func(context.Context) ([]phase.Change, error) {
		return []phase.Change{step("first"), step("second")}, nil
	}}
	var rec recorder
	res, err := rec.runner().Run(ctx, []phase.Phase{p})
	if !errors.Is(err, context.Canceled) || res.Changes != 1 {
		t.Errorf("got %d changes and error %v, want 1 and %v", res.Changes, err, context.Canceled)
	}
	if diff := cmp.Diff([]string{"first"}, done); diff != "" {
		t.Errorf("changes made (-want +got):\n%s", diff)
	}
}

func TestDryRun(t *testing.T) {
	network := &knob{value: "off"}
	kubelet, kubeadm := &knob{value: "off"}, &knob{value: "off"}
	swap := &knob{value: "on"}
	var rec recorder
	got, err := rec.runner().DryRun(t.Context(), []phase.Phase{
		network.phase("network"),
		swap.phase("swap"),
		kubelet.phase("kubelet", "swap", "network"),
		kubeadm.phase("kubeadm", "kubelet"), // unknown because what it waits for is
	})
	if err != nil {
		t.Fatal(err)
	}
	want := phase.Result{Changes: 1, Unknown: []string{"kubelet", "kubeadm"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	events := []phase.Event{
		{Phase: "network", Kind: phase.Started, Message: "network is on"},
		{Phase: "network", Kind: phase.Planned, Change: "network: off -> on"},
		{Phase: "swap", Kind: phase.Started, Message: "swap is on"},
		{Phase: "kubelet", Kind: phase.Unknown, Message: "known after network"},
		{Phase: "kubeadm", Kind: phase.Unknown, Message: "known after kubelet"},
	}
	if diff := cmp.Diff(events, rec.events, cmpopts.IgnoreFields(phase.Event{}, "Time", "Elapsed")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if n := network.writes + swap.writes + kubelet.writes + kubeadm.writes; n != 0 {
		t.Errorf("a dry run wrote %d times", n)
	}
}

func TestDryRunPlansWhatDependsOnConvergedPhases(t *testing.T) {
	var rec recorder
	network, kubelet := &knob{value: "on"}, &knob{value: "off"}
	got, err := rec.runner().DryRun(t.Context(), []phase.Phase{network.phase("network"), kubelet.phase("kubelet", "network")})
	if diff := cmp.Diff(phase.Result{Changes: 1}, got); err != nil || diff != "" {
		t.Errorf("error %v, result (-want +got):\n%s", err, diff)
	}
}

func TestDryRunOfUnreadableHost(t *testing.T) {
	var rec recorder
	_, err := rec.runner().DryRun(t.Context(), []phase.Phase{(&knob{readErr: errBusy}).phase("a")})
	if want := "a: device or resource busy"; text(err) != want {
		t.Errorf("error is %q, want %q", text(err), want)
	}
}

func TestElapsed(t *testing.T) {
	var rec recorder
	if _, err := rec.runner().Run(t.Context(), []phase.Phase{(&knob{value: "off"}).phase("a")}); err != nil {
		t.Fatal(err)
	}
	last := rec.events[len(rec.events)-1]
	if last.Kind != phase.Done || last.Elapsed <= 0 {
		t.Errorf("the last event is %+v, want done with the time it took", last)
	}
	if !last.Time.After(rec.events[0].Time) {
		t.Errorf("done at %s, not after the start at %s", last.Time, rec.events[0].Time)
	}
}

// Notes come from Plan and Do, belong to their phase, and are told once though
// Plan runs twice.
func TestNotes(t *testing.T) {
	on := false
	p := phase.Phase{Name: "network", Plan: func(ctx context.Context) ([]phase.Change, error) {
		phase.Notef(ctx, "leg %s is down", "eno2")
		if on {
			return nil, nil
		}
		return []phase.Change{{What: "bond0", Do: func(ctx context.Context) error {
			phase.Notef(ctx, "degraded")
			on = true
			return nil
		}}}, nil
	}}
	var rec recorder
	if _, err := rec.runner().Run(t.Context(), []phase.Phase{p}); err != nil {
		t.Fatal(err)
	}
	var notes []string
	for _, e := range rec.events {
		if e.Kind == phase.Noted {
			notes = append(notes, e.Phase+": "+e.Message)
		}
	}
	if diff := cmp.Diff([]string{"network: leg eno2 is down", "network: degraded"}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	phase.Notef(t.Context(), "outside a run") // must not panic
}

// A wait says for how long it has been going on, but for its beginning; whoever
// shows events knows one that says it again, and takes nothing else for it.
func TestWaiting(t *testing.T) {
	p := phase.Phase{Name: "enrol", Plan: func(ctx context.Context) ([]phase.Change, error) {
		waiting := phase.Waiting(ctx)
		for _, since := range []time.Duration{0, time.Second - 1, time.Second, 61600 * time.Millisecond} {
			waiting(errBusy, since)
		}
		phase.Notef(ctx, "leg eno2 is waiting: no carrier")
		return nil, nil
	}}
	var rec recorder
	if _, err := rec.runner().Run(t.Context(), []phase.Phase{p}); err != nil {
		t.Fatal(err)
	}
	var notes []string
	for _, e := range rec.events {
		if e.Kind == phase.Noted {
			notes = append(notes, fmt.Sprint(e.Message, " ", e.Waits()))
		} else if e.Message = "waiting: for the leaves"; e.Waits() {
			t.Errorf("an event %q is taken for a wait", e.Kind)
		}
	}
	want := []string{
		"waiting: device or resource busy true",
		"waiting: device or resource busy true",
		"waiting for 1s: device or resource busy true",
		"waiting for 1m2s: device or resource busy true",
		"leg eno2 is waiting: no carrier false",
	}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestChangeString(t *testing.T) {
	tests := []struct {
		change phase.Change
		want   string
	}{
		{phase.Change{What: "bond0.mtu", From: "1500", To: "9000"}, "bond0.mtu: 1500 -> 9000"},
		{phase.Change{What: "bond0", To: "802.3ad"}, "bond0: 802.3ad"},
		{phase.Change{What: "bond0", From: "802.3ad"}, "bond0: 802.3ad -> none"},
		{phase.Change{What: "kubeadm init"}, "kubeadm init"},
	}
	for _, tt := range tests {
		if got := tt.change.String(); got != tt.want {
			t.Errorf("%#v is shown as %q, want %q", tt.change, got, tt.want)
		}
	}
}

// phasesOf returns the knobs' phases in the order of their names.
func phasesOf(knobs map[string]*knob) []phase.Phase {
	var out []phase.Phase
	for _, name := range []string{"a", "b"} {
		if k, ok := knobs[name]; ok {
			out = append(out, k.phase(name))
		}
	}
	return out
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
