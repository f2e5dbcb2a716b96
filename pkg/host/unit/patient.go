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

// patient is a bus on which no question, and no change of unit files, is waited for
// without an end. Jobs have a bound of their own.
type patient struct{ bus }

// GetUnitPropertiesContext is the bus's, with an end.
func (p patient) GetUnitPropertiesContext(ctx context.Context, unit string) (is map[string]any, err error) {
	err = twice(ctx, func(ctx context.Context) (err error) {
		is, err = p.bus.GetUnitPropertiesContext(ctx, unit)
		return err
	})
	return is, err
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
func (p patient) DisableUnitFilesContext(ctx context.Context, files []string, runtime bool) (made []dbus.DisableUnitFileChange, err error) {
	err = twice(ctx, func(ctx context.Context) (err error) {
		made, err = p.bus.DisableUnitFilesContext(ctx, files, runtime)
		return err
	})
	return made, err
}

// MaskUnitFilesContext is the bus's, with an end.
func (p patient) MaskUnitFilesContext(ctx context.Context, files []string, runtime, force bool) (made []dbus.MaskUnitFileChange, err error) {
	err = twice(ctx, func(ctx context.Context) (err error) {
		made, err = p.bus.MaskUnitFilesContext(ctx, files, runtime, force)
		return err
	})
	return made, err
}

// UnmaskUnitFilesContext is the bus's, with an end.
func (p patient) UnmaskUnitFilesContext(ctx context.Context, files []string, runtime bool) (made []dbus.UnmaskUnitFileChange, err error) {
	err = twice(ctx, func(ctx context.Context) (err error) {
		made, err = p.bus.UnmaskUnitFilesContext(ctx, files, runtime)
		return err
	})
	return made, err
}

// ListUnitsByPatternsContext is the bus's, with an end.
func (p patient) ListUnitsByPatternsContext(ctx context.Context, states, patterns []string) (all []dbus.UnitStatus, err error) {
	err = twice(ctx, func(ctx context.Context) (err error) {
		all, err = p.bus.ListUnitsByPatternsContext(ctx, states, patterns)
		return err
	})
	return all, err
}

// ListUnitFilesByPatternsContext is the bus's, with an end.
func (p patient) ListUnitFilesByPatternsContext(ctx context.Context, states, patterns []string) (all []dbus.UnitFile, err error) {
	err = twice(ctx, func(ctx context.Context) (err error) {
		all, err = p.bus.ListUnitFilesByPatternsContext(ctx, states, patterns)
		return err
	})
	return all, err
}
