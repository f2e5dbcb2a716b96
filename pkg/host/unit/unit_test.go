// SPDX-License-Identifier: Apache-2.0

package unit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/phase"
)

// manager is a systemd with one unit. It refuses what systemd refuses.
type manager struct {
	state State
	log   []string
	fails string // the verb that is refused in any state
}

func (m *manager) State(context.Context, string) (State, error) {
	if m.fails == "state" {
		return State{}, errors.New("state refused")
	}
	return m.state, nil
}

func (m *manager) do(verb string, refuse bool, change func()) error {
	m.log = append(m.log, verb)
	if refuse || verb == m.fails {
		return fmt.Errorf("%s refused in state %v", verb, m.state)
	}
	change()
	return nil
}

func (m *manager) Enable(context.Context, string) error {
	return m.do("enable", m.state.File == "masked", func() { m.state.File = "enabled" })
}

func (m *manager) Unmask(context.Context, string) error {
	return m.do("unmask", false, func() { m.state.Load, m.state.File = "loaded", "disabled" })
}

func (m *manager) Start(context.Context, string) error {
	return m.do("start", m.state.Load != "loaded", func() { m.state.Active = "active" })
}

func (m *manager) Stop(context.Context, string) error {
	return m.do("stop", false, func() { m.state.Active = "inactive" })
}

func (m *manager) Disable(context.Context, string) error {
	return m.do("disable", m.state.File == "masked", func() { m.state.File = "disabled" })
}

func (m *manager) Mask(context.Context, string) error {
	return m.do("mask", false, func() { m.state.Load, m.state.File = "masked", "masked" })
}

const name = "some.service"

func TestPlans(t *testing.T) {
	enabled := func(m *manager) phase.Phase { return phase.Phase{Plan: Enabled{m, name}.Plan} }
	running := func(m *manager) phase.Phase { return phase.Phase{Plan: Running{m, name}.Plan} }
	masked := func(m *manager) phase.Phase { return phase.Phase{Plan: Masked{m, name}.Plan} }
	tests := []struct {
		name  string
		want  func(*manager) phase.Phase
		state State
		log   string
	}{
		{"enable", enabled, State{Load: "loaded", Active: "inactive", File: "disabled"}, "enable"},
		{"enable masked", enabled, State{Load: "masked", Active: "inactive", File: "masked"}, "unmask enable"},
		{"enabled", enabled, State{Load: "loaded", Active: "activating", File: "enabled"}, ""},
		{"run", running, State{Load: "loaded", Active: "inactive", File: "disabled"}, "enable start"},
		{"run failed", running, State{Load: "loaded", Active: "failed", File: "enabled"}, "start"},
		{"run enabled-runtime", running, State{Load: "loaded", Active: "active", File: "enabled-runtime"}, "enable"},
		{"running", running, State{Load: "loaded", Active: "active", File: "enabled"}, ""},
		{"mask", masked, State{Load: "loaded", Active: "active", File: "enabled"}, "stop disable mask"},
		{"mask starting", masked, State{Load: "loaded", Active: "activating", File: "disabled"}, "stop disable mask"},
		{"mask failed", masked, State{Load: "loaded", Active: "failed", File: "enabled"}, "disable mask"},
		{"masked but running", masked, State{Load: "masked", Active: "active", File: "masked"}, "stop"},
		{"masked", masked, State{Load: "masked", Active: "inactive", File: "masked"}, ""},
		{"absent", masked, State{Load: "not-found", Active: "inactive"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &manager{state: tt.state}
			runner := phase.Runner{Now: time.Now, Report: func(phase.Event) {}}
			for range 2 { // the second run has nothing left to do
				if _, err := runner.Run(t.Context(), []phase.Phase{tt.want(m)}); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.log, strings.Join(m.log, " ")); diff != "" {
					t.Errorf("verbs (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// What is planned reads as what a unit is and becomes, and what systemd refuses is
// the change's error, with nothing after it.
func TestPlansInWords(t *testing.T) {
	enabled := func(m *manager) ([]phase.Change, error) { return Enabled{m, name}.Plan(t.Context()) }
	running := func(m *manager) ([]phase.Change, error) { return Running{m, name}.Plan(t.Context()) }
	masked := func(m *manager) ([]phase.Change, error) { return Masked{m, name}.Plan(t.Context()) }
	fresh, gone := State{Load: "loaded", Active: "inactive", File: "disabled"}, State{Load: "masked", Active: "inactive", File: "masked"}
	for _, tc := range []struct {
		plan  func(*manager) ([]phase.Change, error)
		state State
		want  string
		fails []string // each of the verbs; the last is the last that is tried
	}{
		{enabled, gone, "some.service: masked -> enabled", []string{"unmask", "enable"}},
		{running, fresh, "some.service: disabled -> enabled, some.service: inactive -> active", []string{"enable", "start"}},
		{masked, State{Load: "loaded", Active: "active", File: "enabled"}, "some.service: active -> inactive, some.service: enabled -> masked", []string{"stop", "disable", "mask"}},
	} {
		changes, err := tc.plan(&manager{state: tc.state})
		var words []string
		for _, c := range changes {
			words = append(words, c.String())
		}
		if got := strings.Join(words, ", "); err != nil || got != tc.want {
			t.Errorf("planned %q, want %q; %v", got, tc.want, err)
		}
		for i, verb := range tc.fails {
			m := &manager{state: tc.state, fails: verb}
			_, err := phase.Runner{Now: time.Now, Report: func(phase.Event) {}}.Run(t.Context(), []phase.Phase{
				{Name: "x", Plan: func(context.Context) ([]phase.Change, error) { return tc.plan(m) }},
			})
			if err == nil || !strings.Contains(err.Error(), verb+" refused") || len(m.log) != i+1 {
				t.Errorf("%s is refused after %q: %v", verb, m.log, err)
			}
		}
		if _, err := tc.plan(&manager{fails: "state"}); err == nil || err.Error() != "state refused" {
			t.Errorf("a systemd that does not answer: %v", err)
		}
	}
}

func TestUnitThatIsNotInstalled(t *testing.T) {
	m := &manager{state: State{Load: "not-found", Active: "inactive"}}
	for _, plan := range []func(context.Context) ([]phase.Change, error){Enabled{m, name}.Plan, Running{m, name}.Plan} {
		if _, err := plan(t.Context()); err == nil || !strings.Contains(err.Error(), "unit some.service is not on this host") {
			t.Errorf("got %v", err)
		}
	}
}

func TestStateOf(t *testing.T) {
	got := stateOf(map[string]any{
		"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled", "SubState": "running", "ActiveEnterTimestamp": uint64(1_700_000_000_000_000),
	})
	want := State{"loaded", "active", "enabled", time.Unix(1_700_000_000, 0), "running"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if !stateOf(map[string]any{"LoadState": "not-found", "ActiveEnterTimestamp": uint64(0)}).Since.IsZero() {
		t.Error("a unit that never ran has a time")
	}
}

func TestOwnSwap(t *testing.T) {
	loaded := dbus.UnitStatus{LoadState: "loaded"}
	tests := []struct {
		name       string
		unit       dbus.UnitStatus
		properties map[string]any
		want       bool
	}{
		{"zram-generator", loaded, map[string]any{"FragmentPath": "/run/systemd/generator/dev-zram0.swap"}, true},
		{"from fstab", loaded, map[string]any{"FragmentPath": "/run/systemd/generator/swapfile.swap", "SourcePath": "/etc/fstab"}, false},
		{"switched on by hand", loaded, map[string]any{"FragmentPath": ""}, false},
		{"another name", dbus.UnitStatus{LoadState: "loaded", Followed: "dev-sda2.swap"}, map[string]any{"FragmentPath": "/etc/systemd/system/x.swap"}, false},
		{"masked", dbus.UnitStatus{LoadState: "masked"}, map[string]any{"FragmentPath": "/etc/systemd/system/x.swap"}, false},
	}
	for _, tt := range tests {
		if got := ownSwap(tt.unit, tt.properties); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
