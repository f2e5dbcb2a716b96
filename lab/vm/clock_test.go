// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"
	"testing"
)

// Two measurements of different length agree, while other tests use the
// processors.
func TestTheCounterRunsEvenly(t *testing.T) {
	short, long := measureTSC(measureTime), measureTSC(4*measureTime)
	if short < 500_000 || short > 10_000_000 {
		t.Errorf("%d kHz is no processor's", short)
	}
	if off := max(short, long) - min(short, long); off*1000 > long {
		t.Errorf("in %s %d kHz, in %s %d kHz", measureTime, short, 4*measureTime, long)
	}
}

func TestOnlyEmulatedKernelsAreToldTheirClock(t *testing.T) {
	told := func(m Machine) bool {
		return strings.Contains(strings.Join(m.command().Args, " "), " tsc_early_khz=")
	}
	if m := (Machine{Kernel: "vmlinuz", Accel: TCG, KernelArgs: make([]string, 1, 2)}); !told(m) || len(m.KernelArgs) != 1 {
		t.Error("an emulated kernel is not told, or the caller's arguments were changed")
	}
	if told(Machine{Kernel: "vmlinuz", Accel: KVM}) || told(Machine{Accel: TCG}) {
		t.Error("who has a clock of its own, or no kernel, is told")
	}
}
