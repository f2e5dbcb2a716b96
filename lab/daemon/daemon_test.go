// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, script string) *Daemon {
	t.Helper()
	d, err := Start("script", t.TempDir(), exec.Command("sh", "-c", script))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestStop(t *testing.T) {
	d := start(t, "echo here; exec sleep 600")
	if err := d.Exited(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second time there is nothing to end
		if err := d.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.cmd.Process.Signal(os.Interrupt); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("after Stop: %v", err)
	}
}

func TestExitedTellsTheLastWords(t *testing.T) {
	d := start(t, "echo port in use >&2; exit 3")
	deadline := time.Now().Add(time.Minute)
	for d.Exited() == nil && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	err := d.Exited()
	if !errors.Is(err, os.ErrProcessDone) || !strings.Contains(err.Error(), "script: port in use") {
		t.Errorf("got %v", err)
	}
}

func TestNoSuchProgram(t *testing.T) {
	if _, err := Start("nosuch", t.TempDir(), exec.Command("/nonexistent")); err == nil || !strings.Contains(err.Error(), "starting nosuch: ") {
		t.Errorf("got %v", err)
	}
}
