// SPDX-License-Identifier: Apache-2.0

package kerneltest

import (
	"context"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/lab/cache"
)

// patience is for a machine that shares two cores with a build; alone it takes
// a tenth of that. The tree that it boots from is built before, once.
const patience = 4 * time.Minute

// TestNetcfg runs the kernel tests of pkg/netcfg.
func TestNetcfg(t *testing.T) {
	c, err := cache.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := buildBoot(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := Suite{Package: "./pkg/netcfg", Module: "../..", Tags: "kernel", Run: "^TestKernel"}.Go(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r.Output)
	if !r.Passed {
		t.Error(r.Why)
	}
}

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name, console, why string
	}{
		{"passed", "=== RUN   TestA\n--- PASS: TestA (0.01s)\nPASS\n\nkerneltest: exit status 0\n", ""},
		{"failed", "--- FAIL: TestA (0.01s)\n--- PASS: TestB (0.01s)\nFAIL\nkerneltest: exit status 1\n", "the tests ended with exit status 1"},
		{"panicked", "=== RUN   TestA\n--- PASS: TestA (0.01s)\nKernel panic - not syncing\n", "the machine ended before its tests did"},
		{"no such test", "testing: warning: no tests to run\nPASS\nkerneltest: exit status 0\n", "no test has run"},
		{"no binary", "/init: line 17: /in/test: not found\nkerneltest: exit status 127\n", "the tests ended with exit status 127"},
		{"skipped", "x\n--- PASS: TestA (0.01s)\n    --- SKIP: TestA/b (0.00s)\nkerneltest: exit status 0\n", "a test was skipped"},
		{"a test that prints the sentinel", "x\n--- PASS: TestA (0.01s)\nkerneltest: exit status 0\nkerneltest: exit status 2\n", "the tests ended with exit status 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if r := judge(test.console); r.Why != test.why || r.Passed != (test.why == "") {
				t.Errorf("passed: %t, why: %q, want %q", r.Passed, r.Why, test.why)
			}
		})
	}
}
