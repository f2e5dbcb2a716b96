// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/lab/vm"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Run runs a command on a machine of the rack: Infra or a host.
func (r *Rack) Run(ctx context.Context, machine string, argv ...string) (vm.Output, error) {
	v, err := r.vm(machine)
	if err != nil {
		return vm.Output{}, err
	}
	return v.Run(ctx, argv...)
}

// Unit is what systemd says of one property of a unit, or "" while the
// machine's agent does not answer.
func (r *Rack) Unit(ctx context.Context, machine, unit, property string) string {
	out, err := r.Run(ctx, machine, "systemctl", "show", "--property="+property, "--value", unit)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out.Stdout))
}

// StandBack has the machines of one role stand back behind the others, or, told
// "", none.
func (r *Rack) StandBack(role plan.Role) error {
	var errs []error
	for _, h := range r.Hosts {
		nice := 0
		if h.Role == role {
			nice = behindNice
		}
		v, err := r.vm(h.Name)
		if err == nil {
			err = v.Renice(nice)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// SetLink plugs a cable of a machine in, or pulls it.
func (r *Rack) SetLink(ctx context.Context, machine, nic string, up bool) error {
	v, err := r.vm(machine)
	if err != nil {
		return err
	}
	return v.SetLink(ctx, nic, up)
}

// Replace kills a machine and starts another on the same cables. Disks are
// overlays that go with their machine, so it starts as the first one did.
func (r *Rack) Replace(name string) error {
	old, err := r.vm(name)
	if err != nil {
		return err
	}
	old.Kill()
	fresh, err := old.Start(r.group)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.machines[name] = fresh
	return nil
}

// Alive looks for what no waiting mends: a machine that is gone, a kernel that
// panicked.
func (r *Rack) Alive() error {
	for _, name := range r.order {
		v, err := r.vm(name)
		if err != nil {
			return err
		}
		if err := v.Exited(); err != nil {
			return err
		}
		serial, err := r.Console(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a machine has just been started
			return fmt.Errorf("reading the console of %s: %w", name, err)
		}
		if at := bytes.Index(serial, []byte("Kernel panic")); at >= 0 {
			panicLine, _, _ := bytes.Cut(serial[at:], []byte("\n"))
			return fmt.Errorf("%s: %s", name, bytes.TrimSpace(panicLine))
		}
	}
	return nil
}

// Console is what a machine has printed on its serial line.
func (r *Rack) Console(name string) ([]byte, error) {
	v, err := r.vm(name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(v.SerialPath())
}

// Machines are the names of all, Infra first, then the plan's hosts in order.
func (r *Rack) Machines() []string { return slices.Clone(r.order) }

// PIDs are the emulators' processes.
func (r *Rack) PIDs() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	pids := make([]int, 0, len(r.machines))
	for _, v := range r.machines {
		pids = append(pids, v.PID())
	}
	return pids
}

// Dir is the folder with the machines' consoles and sockets.
func (r *Rack) Dir() string { return r.config.Dir }

// PauseImage is the name of the image on the hosts' disks that does nothing.
func (r *Rack) PauseImage() string { return r.config.PauseImage }

func (r *Rack) vm(name string) (*vm.VM, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.machines[name]
	if !ok {
		return nil, fmt.Errorf("the rack has no machine %q", name)
	}
	return v, nil
}
