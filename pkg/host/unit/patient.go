// SPDX-License-Identifier: Apache-2.0

package unit

import (
	"context"
	"errors"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

// callLimit is how long systemctl waits for a reload of systemd
// (src/systemctl/systemctl-daemon-reload.c, twice DEFAULT_TIMEOUT_USEC).
const callLimit = 3 * time.Minute

// twice makes a call that may be repeated, and repeats one that is not answered
// in time: a systemd that executes itself anew forgets whom it owes an answer.
func twice(ctx context.Context, call func(context.Context) error) error {
	once := func() error {
		ctx, cancel := context.WithTimeout(ctx, callLimit)
		defer cancel()
		return call(ctx)
	}
	err := once()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = once()
	}
	return err
}

// asked is twice for a call that answers with one thing.
func asked[T any](ctx context.Context, call func(context.Context) (T, error)) (answer T, err error) {
	err = twice(ctx, func(ctx context.Context) (err error) {
		answer, err = call(ctx)
		return err
	})
	return answer, err
}

// patient is a bus on which no question, and no change of unit files, is waited for
// without an end. Jobs have a bound of their own.
type patient struct{ bus }

// GetUnitPropertiesContext is the bus's, with an end.
func (p patient) GetUnitPropertiesContext(ctx context.Context, unit string) (map[string]any, error) {
	return asked(ctx, func(ctx context.Context) (map[string]any, error) { return p.bus.GetUnitPropertiesContext(ctx, unit) })
}

// ReloadContext is the bus's, with an end.
func (p patient) ReloadContext(ctx context.Context) error { return twice(ctx, p.bus.ReloadContext) }

// EnableUnitFilesContext is the bus's, with an end.
func (p patient) EnableUnitFilesContext(ctx context.Context, files []string, runtime, force bool) (installs bool, made []dbus.EnableUnitFileChange, err error) {
	err = twice(ctx, func(ctx context.Context) (err error) {
		installs, made, err = p.bus.EnableUnitFilesContext(ctx, files, runtime, force)
		return err
	})
	return installs, made, err
}

// DisableUnitFilesContext is the bus's, with an end.
func (p patient) DisableUnitFilesContext(ctx context.Context, files []string, runtime bool) ([]dbus.DisableUnitFileChange, error) {
	return asked(ctx, func(ctx context.Context) ([]dbus.DisableUnitFileChange, error) {
		return p.bus.DisableUnitFilesContext(ctx, files, runtime)
	})
}

// MaskUnitFilesContext is the bus's, with an end.
func (p patient) MaskUnitFilesContext(ctx context.Context, files []string, runtime, force bool) ([]dbus.MaskUnitFileChange, error) {
	return asked(ctx, func(ctx context.Context) ([]dbus.MaskUnitFileChange, error) {
		return p.bus.MaskUnitFilesContext(ctx, files, runtime, force)
	})
}

// UnmaskUnitFilesContext is the bus's, with an end.
func (p patient) UnmaskUnitFilesContext(ctx context.Context, files []string, runtime bool) ([]dbus.UnmaskUnitFileChange, error) {
	return asked(ctx, func(ctx context.Context) ([]dbus.UnmaskUnitFileChange, error) {
		return p.bus.UnmaskUnitFilesContext(ctx, files, runtime)
	})
}

// ListUnitsByPatternsContext is the bus's, with an end.
func (p patient) ListUnitsByPatternsContext(ctx context.Context, states, patterns []string) ([]dbus.UnitStatus, error) {
	return asked(ctx, func(ctx context.Context) ([]dbus.UnitStatus, error) {
		return p.bus.ListUnitsByPatternsContext(ctx, states, patterns)
	})
}

// ListUnitFilesByPatternsContext is the bus's, with an end.
func (p patient) ListUnitFilesByPatternsContext(ctx context.Context, states, patterns []string) ([]dbus.UnitFile, error) {
	return asked(ctx, func(ctx context.Context) ([]dbus.UnitFile, error) {
		return p.bus.ListUnitFilesByPatternsContext(ctx, states, patterns)
	})
}
