// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestUsage(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"help":         {[]string{"-h"}, 0, "usage: soak"},
		"no command":   {nil, 2, "a command"},
		"no run":       {[]string{"-runs", "0", "--", "true"}, 2, "at least one run"},
		"unknown flag": {[]string{"-often", "5"}, 2, "-often"},
	} {
		var out, errs strings.Builder
		if code := run(t.Context(), c.args, &out, &errs); code != c.code || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%s: exit status %d, %q; want %d, %q", name, code, errs.String(), c.code, c.says)
		}
	}
}

// The whole of the target with runs of no length.
func TestShortSoak(t *testing.T) {
	for command, want := range map[string]int{`echo '{}' >"$RACK_RECORD"`: 0, "false": 1} {
		dir := filepath.Join(t.TempDir(), "out")
		var out, errs strings.Builder
		if code := run(t.Context(), []string{"-quiet", "-runs", "2", "-out", dir, "--", "sh", "-c", command}, &out, &errs); code != want {
			t.Errorf("%s: exit status %d, want %d: %s%s", command, code, want, out.String(), errs.String())
		}
		if _, err := os.Stat(filepath.Join(dir, "soak.md")); err != nil {
			t.Error(err)
		}
	}
}

func TestBurnTakesAProcessor(t *testing.T) {
	before := cpuTime(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() { // others may want the processor too
		for ctx.Err() == nil && cpuTime(t) < before+200*time.Millisecond {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	if err := keepBusy(ctx); err != nil {
		t.Fatal(err)
	}
	if took := cpuTime(t) - before; took < 200*time.Millisecond {
		t.Errorf("a minute of burning took %v of a processor", took)
	}
}

func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano())
}
