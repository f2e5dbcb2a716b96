// SPDX-License-Identifier: Apache-2.0

// Package unit brings units of systemd to a state: enabled, running, or masked
// for good.
//
// It talks to systemd over D-Bus (org.freedesktop.systemd1(5)) and never runs
// systemctl. A job has succeeded when its result is "done" and not before:
// systemd answers the request long before it knows how the job ends.
package unit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

// Systemd is the service manager of this host.
type Systemd struct{ conn bus }

// bus is what is asked of [dbus.Conn].
type bus interface {
	Close()
	GetUnitPropertiesContext(ctx context.Context, unit string) (map[string]any, error)
	GetServicePropertyContext(ctx context.Context, service, property string) (*dbus.Property, error)
	ReloadContext(ctx context.Context) error
	EnableUnitFilesContext(ctx context.Context, files []string, runtime, force bool) (bool, []dbus.EnableUnitFileChange, error)
	DisableUnitFilesContext(ctx context.Context, files []string, runtime bool) ([]dbus.DisableUnitFileChange, error)
	MaskUnitFilesContext(ctx context.Context, files []string, runtime, force bool) ([]dbus.MaskUnitFileChange, error)
	UnmaskUnitFilesContext(ctx context.Context, files []string, runtime bool) ([]dbus.UnmaskUnitFileChange, error)
	StartUnitContext(ctx context.Context, name, mode string, result chan<- string) (int, error)
	StopUnitContext(ctx context.Context, name, mode string, result chan<- string) (int, error)
	RestartUnitContext(ctx context.Context, name, mode string, result chan<- string) (int, error)
	ReloadUnitContext(ctx context.Context, name, mode string, result chan<- string) (int, error)
	ListJobsContext(ctx context.Context) ([]dbus.JobStatus, error)
	ListUnitsByPatternsContext(ctx context.Context, states, patterns []string) ([]dbus.UnitStatus, error)
	ListUnitFilesByPatternsContext(ctx context.Context, states, patterns []string) ([]dbus.UnitFile, error)
}

// Open connects to systemd, over the bus or, as root, directly.
func Open(ctx context.Context) (*Systemd, error) {
	conn, err := dbus.NewWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to systemd: %w", err)
	}
	return &Systemd{patient{conn}}, nil
}

// Close ends the connection.
func (s *Systemd) Close() { s.conn.Close() }

// State is what systemd knows of a unit.
type State struct {
	Load   string    // "loaded", "not-found", "masked", ...
	Active string    // "active", "inactive", "failed", ...
	File   string    // "enabled", "disabled", "static", "masked", ...; "" without a file
	Since  time.Time // when it last became active; zero if never
	Sub    string    // the state of its kind: "running", "start-pre", "auto-restart", ...
}

// Absent reports that there is no such unit on the host.
func (s State) Absent() bool { return s.Load == "not-found" }

// Running reports that the unit is active.
func (s State) Running() bool { return s.Active == "active" }

// State asks for the unit's state. A unit that is not there is no error.
func (s *Systemd) State(ctx context.Context, name string) (State, error) {
	p, err := s.conn.GetUnitPropertiesContext(ctx, name)
	if err != nil {
		return State{}, fmt.Errorf("asking systemd about %s: %w", name, err)
	}
	return stateOf(p), nil
}

func stateOf(properties map[string]any) State {
	text := func(key string) string { v, _ := properties[key].(string); return v }
	st := State{Load: text("LoadState"), Active: text("ActiveState"), File: text("UnitFileState"), Sub: text("SubState")}
	if usec, _ := properties["ActiveEnterTimestamp"].(uint64); usec > 0 { // µs, CLOCK_REALTIME
		st.Since = time.UnixMicro(int64(usec)) //nolint:gosec // good until the year 294246
	}
	return st
}

// Reload makes systemd read unit files, drop-ins and fstab again.
func (s *Systemd) Reload(ctx context.Context) error {
	if err := s.conn.ReloadContext(ctx); err != nil {
		return fmt.Errorf("reloading systemd: %w", err)
	}
	return nil
}

// Enable makes the unit start at boot.
func (s *Systemd) Enable(ctx context.Context, name string) error {
	installs, _, err := s.conn.EnableUnitFilesContext(ctx, []string{name}, false, false)
	if err == nil && !installs {
		err = errors.New("its unit file has no [Install] section")
	}
	if err != nil {
		return fmt.Errorf("enabling %s: %w", name, err)
	}
	return s.Reload(ctx)
}

// Disable keeps the unit from starting at boot.
func (s *Systemd) Disable(ctx context.Context, name string) error {
	if _, err := s.conn.DisableUnitFilesContext(ctx, []string{name}, false); err != nil {
		return fmt.Errorf("disabling %s: %w", name, err)
	}
	return s.Reload(ctx)
}

// Mask keeps the unit from being started by anything.
func (s *Systemd) Mask(ctx context.Context, name string) error {
	if _, err := s.conn.MaskUnitFilesContext(ctx, []string{name}, false, false); err != nil {
		return fmt.Errorf("masking %s: %w", name, err)
	}
	return s.Reload(ctx)
}

// Unmask undoes Mask.
func (s *Systemd) Unmask(ctx context.Context, name string) error {
	if _, err := s.conn.UnmaskUnitFilesContext(ctx, []string{name}, false); err != nil {
		return fmt.Errorf("unmasking %s: %w", name, err)
	}
	return s.Reload(ctx)
}
