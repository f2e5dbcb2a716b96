// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every thread of a machine is as nice as it was started, and as it is told later:
// an emulated processor is one of them, and not the first.
func TestEveryThreadIsReniced(t *testing.T) {
	m := bare(t, "one")
	m.Nice = 5
	g := NewGroup()
	t.Cleanup(g.Kill)
	v, err := m.Start(g)
	if err != nil {
		t.Fatal(err)
	}
	monitored(t, v)
	if got := niceness(t, v); len(got) < 2 || slices.Max(got) != 5 || slices.Min(got) != 5 {
		t.Errorf("started with niceness 5, its threads have %v", got)
	}
	if err := v.Renice(0); err != nil {
		t.Fatal(err)
	}
	want := 0
	if os.Getuid() != 0 {
		want = 5 // only root goes forward again
	}
	if got := niceness(t, v); slices.Max(got) != want || slices.Min(got) != want {
		t.Errorf("told 0, its threads have %v, want %d", got, want)
	}
	if v.Nice != 0 {
		t.Errorf("told 0, the machine that replaces it will have %d", v.Nice)
	}
}

// niceness is that of each thread, field 19 of its stat (proc_pid_stat(5)).
func niceness(t *testing.T, v *VM) []int {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", v.PID()))
	if err != nil {
		t.Fatal(err)
	}
	var all []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		var nice int
		if _, err := fmt.Sscan(strings.Fields(rest)[16], &nice); err != nil {
			t.Fatal(err)
		}
		all = append(all, nice)
	}
	return all
}
