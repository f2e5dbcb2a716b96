// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// asJoinsvc makes the test's program joinsvc itself, so that a benchmark can
// run it as a process of its own.
const asJoinsvc = "JOINSVC_BENCHMARK"

func TestMain(m *testing.M) {
	if os.Getenv(asJoinsvc) != "" {
		if spec := os.Getenv(onSmallDisk); spec != "" {
			if err := mountSmallDisk(spec); err != nil {
				panic(err)
			}
		}
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// BenchmarkLarge runs joinsvc as a whole process on a plan of 5,000 listed
// hosts in 100 racks: check, and each kind of render, which checks first. The
// peak is the largest resident set of the runs.
func BenchmarkLarge(b *testing.B) {
	file := filepath.Join(b.TempDir(), "large.yaml")
	if err := os.WriteFile(file, plantest.Large(5000, 100), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Run("check", func(b *testing.B) { process(b, "plan", "check", file) })
	b.Run("show", func(b *testing.B) { process(b, "plan", "show", file) })
	b.Run("diff", func(b *testing.B) { process(b, "plan", "diff", file, file) })
	for _, kind := range kindNames() {
		b.Run(kind, func(b *testing.B) { process(b, "render", kind, file) })
	}
}

func process(b *testing.B, args ...string) {
	var peak int64 // KiB
	for b.Loop() {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), asJoinsvc+"=1")
		cmd.Stdout = io.Discard
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	b.ReportMetric(float64(peak)/1024, "peak-MiB")
}
