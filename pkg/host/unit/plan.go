// SPDX-License-Identifier: Apache-2.0

package unit

import (
	"context"
	"fmt"

	"github.com/nodeprep/nodeprep/pkg/phase"
)

// Starter is what it takes to have a unit enabled or running.
type Starter interface {
	State(ctx context.Context, name string) (State, error)
	Enable(ctx context.Context, name string) error
	Unmask(ctx context.Context, name string) error
	Start(ctx context.Context, name string) error
}

// Stopper is what it takes to be rid of a unit.
type Stopper interface {
	State(ctx context.Context, name string) (State, error)
	Stop(ctx context.Context, name string) error
	Disable(ctx context.Context, name string) error
	Mask(ctx context.Context, name string) error
}

// Enabled is a unit that starts at boot, whether or not it runs now: kubelet,
// which kubeadm starts and which cannot run before.
type Enabled struct {
	Units Starter
	Name  string
}

// Plan names what is missing. A unit that is not there is an error.
func (e Enabled) Plan(ctx context.Context) ([]phase.Change, error) {
	_, changes, err := e.plan(ctx)
	return changes, err
}

func (e Enabled) plan(ctx context.Context) (State, []phase.Change, error) {
	st, err := e.Units.State(ctx, e.Name)
	if err != nil {
		return st, nil, err
	}
	if st.Absent() {
		return st, nil, fmt.Errorf("unit %s is not on this host; the package that brings it is not installed", e.Name)
	}
	if st.File == "enabled" {
		return st, nil, nil
	}
	return st, []phase.Change{{
		What: e.Name, From: st.File, To: "enabled",
		Do: func(ctx context.Context) error {
			if st.Load == "masked" {
				if err := e.Units.Unmask(ctx, e.Name); err != nil {
					return err
				}
			}
			return e.Units.Enable(ctx, e.Name)
		},
	}}, nil
}

// Running is a unit that runs, now and from every boot on.
type Running struct {
	Units Starter
	Name  string
}

// Plan names what is missing.
func (r Running) Plan(ctx context.Context) ([]phase.Change, error) {
	st, changes, err := Enabled(r).plan(ctx)
	if err != nil || st.Running() {
		return changes, err
	}
	return append(changes, phase.Change{
		What: r.Name, From: st.Active, To: "active",
		Do: func(ctx context.Context) error { return r.Units.Start(ctx, r.Name) },
	}), nil
}

// Masked is a unit that neither runs nor can be started. One that is not on
// the host needs nothing.
type Masked struct {
	Units Stopper
	Name  string
}

// Plan names what is left to do: stop, disable (which also removes its alias
// for D-Bus activation), mask.
func (m Masked) Plan(ctx context.Context) ([]phase.Change, error) {
	st, err := m.Units.State(ctx, m.Name)
	if err != nil || st.Absent() {
		return nil, err
	}
	var changes []phase.Change
	if st.Active != "inactive" && st.Active != "failed" {
		changes = append(changes, phase.Change{
			What: m.Name, From: st.Active, To: "inactive",
			Do: func(ctx context.Context) error { return m.Units.Stop(ctx, m.Name) },
		})
	}
	if st.Load != "masked" {
		changes = append(changes, phase.Change{
			What: m.Name, From: st.File, To: "masked",
			Do: func(ctx context.Context) error {
				if err := m.Units.Disable(ctx, m.Name); err != nil {
					return err
				}
				return m.Units.Mask(ctx, m.Name)
			},
		})
	}
	return changes, nil
}
