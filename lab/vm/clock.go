// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"slices"
	"time"
)

// clocked is the machine as it is started: an emulated one is told how fast
// its time stamp counter runs. QEMU hands the host's counter on (cpu_get_ticks,
// system/cpu-timers.c), and Linux 6.1 measures it against emulated timers while
// it boots (arch/x86/kernel/tsc.c). On busy processors it gets that wrong, by a
// factor of 2.7 once, and then lives as much too fast: leases and BGP's hold
// timers run out. A value that is given is not measured.
func (m Machine) clocked() Machine {
	if m.Accel == TCG && m.Kernel != "" {
		m.KernelArgs = append(slices.Clone(m.KernelArgs), fmt.Sprintf("tsc_early_khz=%d", measureTSC(measureTime)))
	}
	return m
}

// measureTime makes the measurement good to some millionths.
const measureTime = 50 * time.Millisecond

// measureTSC returns the frequency of this machine's time stamp counter in kHz.
func measureTSC(during time.Duration) int64 {
	start := readClocks()
	time.Sleep(during)
	end := readClocks()
	return int64(float64(end.ticks-start.ticks) / float64(end.at.Sub(start.at)) * 1e6)
}

// clocks are both clocks at one moment.
type clocks struct {
	ticks uint64
	at    time.Time
}

// readClocks reads them several times and keeps the attempt in which they were
// read closest together: this thread may lose its processor in between.
func readClocks() clocks {
	var best clocks
	closest := time.Hour
	for range 100 {
		before := time.Now()
		ticks := rdtsc()
		if gap := time.Since(before); gap < closest {
			closest, best = gap, clocks{ticks, before.Add(gap / 2)}
		}
	}
	return best
}

// rdtsc reads the time stamp counter (Intel SDM, volume 2, RDTSC).
func rdtsc() uint64
