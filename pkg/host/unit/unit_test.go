// SPDX-License-Identifier: Apache-2.0

package unit

import (
	"context"
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
}

func (m *manager) State(context.Context, string) (State, error) { return m.state, nil }

func (m *manager) do(verb string, refuse bool, change func()) error {
	m.log = append(m.log, verb)
	if refuse {
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
