// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nodeprep/nodeprep/lab/vm"
)

// Speed is how a machine runs guests, as measured before a rack is started.
type Speed struct {
	Pace   float64 // how many times slower than the reference machine
	Others float64 // the part of the processors that others took meanwhile, 0 to 1
}

const (
	// probes guests boot at once: about as many processors as a rack has, so
	// that a machine with more of its own is faster and one that others use
	// slower, which a single guest would not show.
	probes = 4
	// reference is what they take on two processors that do nothing else,
	// emulated by QEMU 7.2; docs/performance.md has that machine.
	reference = 14 * time.Second
	// measureTime bounds it: a machine that takes longer is measured by that.
	measureTime = 2 * time.Minute
)

// Measure boots a kernel without a disk, several at once, in dir. That is a
// short and fixed piece of what a rack does, under the same accelerator.
func Measure(ctx context.Context, accel vm.Accel, kernel, dir string) (Speed, error) {
	before, err := ReadUsage(nil)
	if err != nil {
		return Speed{}, err
	}
	start := time.Now()
	own, err := bootAll(ctx, accel, kernel, dir)
	took := time.Since(start)
	if err != nil {
		return Speed{}, fmt.Errorf("measuring this machine: %w", err)
	}
	after, err := ReadUsage(nil)
	if err != nil {
		return Speed{}, err
	}
	after.ours = map[int]uint64{0: uint64(own.Seconds() * userHZ)} // of all of them, which have ended
	others, _ := after.Others(before)
	return Speed{Pace: took.Seconds() / reference.Seconds(), Others: others}, nil
}

// userHZ is the unit of /proc/stat on every architecture that Go knows.
const userHZ = 100

// bootAll boots the probes and returns the processor time that they took.
func bootAll(ctx context.Context, accel vm.Accel, kernel, dir string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, measureTime)
	defer cancel()
	group := vm.NewGroup()
	defer group.Kill()
	var running []*vm.VM
	for i := range probes {
		m := vm.Machine{
			Name: fmt.Sprintf("probe%d", i), Dir: dir, Kernel: kernel, MemoryMiB: 256, CPUs: 1, Accel: accel, ExitOnBoot: true,
			KernelArgs: []string{"console=ttyS0", "panic=-1", "mitigations=off"},
		}
		v, err := m.Start(group)
		if err != nil {
			return 0, err
		}
		running = append(running, v)
	}
	var own time.Duration
	for _, v := range running {
		select {
		case <-v.Done():
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, context.DeadlineExceeded) {
				return 0, err
			}
			return own, nil // slower than can be told; the rest is killed
		}
		if err := booted(v); err != nil {
			return 0, err
		}
		own += v.CPUTime()
	}
	return own, nil
}

// booted wants the panic of a kernel without a root file system: it got through
// its whole initialisation.
func booted(v *vm.VM) error {
	serial, err := os.ReadFile(v.SerialPath())
	if err == nil && !bytes.Contains(serial, []byte("Kernel panic - not syncing: VFS")) {
		err = v.Exited()
	}
	return err
}
