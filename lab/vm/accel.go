// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Accel is how a guest's instructions are run.
type Accel string

// The two ways: the processor's own, or translation in software (about ten
// times slower, and possible everywhere).
const (
	KVM Accel = "kvm"
	TCG Accel = "tcg"
)

// ErrUnknownAccel is returned for a forced accelerator that does not exist.
var ErrUnknownAccel = errors.New("unknown accelerator")

// probeTime bounds the trial boot. A kernel under KVM is through in about a
// second; where nested virtualisation is broken the guest spins for ever.
const probeTime = 12 * time.Second

// ChooseAccel returns the accelerator and why. forced, when not empty, is
// taken at its word ("kvm" or "tcg"). Otherwise KVM is tried by booting
// kernel without a disk in dir: a /dev/kvm that opens proves nothing, a guest
// that reaches the end of its boot does.
func ChooseAccel(ctx context.Context, forced, kernel, dir string) (Accel, string, error) {
	switch Accel(forced) {
	case KVM, TCG:
		return Accel(forced), "forced", nil
	case "":
	default:
		return "", "", fmt.Errorf("%w: %q (kvm or tcg)", ErrUnknownAccel, forced)
	}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return TCG, err.Error(), nil
	}
	if err := f.Close(); err != nil {
		return "", "", fmt.Errorf("closing /dev/kvm: %w", err)
	}
	return probeKVM(ctx, kernel, dir)
}

func probeKVM(ctx context.Context, kernel, dir string) (Accel, string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	m := Machine{
		Name: "kvmprobe", Dir: dir, Kernel: kernel, MemoryMiB: 256, CPUs: 1, Accel: KVM, ExitOnBoot: true,
		KernelArgs: []string{"console=ttyS0", "panic=-1"},
	}
	v, err := m.Start(NewGroup())
	if err != nil {
		return "", "", fmt.Errorf("trying KVM: %w", err)
	}
	defer v.Kill()
	select {
	case <-ctx.Done():
		return TCG, fmt.Sprintf("a guest under /dev/kvm did not boot within %s", probeTime), nil
	case <-v.Done():
	}
	serial, err := os.ReadFile(v.SerialPath())
	if err != nil {
		return "", "", fmt.Errorf("trying KVM: %w", err)
	}
	// Without a root file system the kernel ends in this panic: it got
	// through its whole initialisation, on interrupts and timers that work.
	if bytes.Contains(serial, []byte("Kernel panic - not syncing: VFS")) {
		return KVM, "a guest booted under KVM", nil
	}
	return TCG, "a guest under /dev/kvm died: " + v.lastWords(), nil
}
