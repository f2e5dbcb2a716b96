// SPDX-License-Identifier: Apache-2.0

package nettest

import (
	"os/exec"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/lab/daemon"
	"github.com/nodeprep/nodeprep/pkg/command"
)

// patience is what a loaded machine needs, not a good one.
const patience = 60 * time.Second

// Eventually tries again until check has no error, for a minute at most.
func Eventually(t testing.TB, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Start runs a program until the test ends, and shows the end of its log,
// <folder>/<name>.log, if the test fails.
func Start(t testing.TB, name, folder string, cmd *exec.Cmd) *daemon.Daemon {
	t.Helper()
	d, err := daemon.Start(name, folder, cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("in %s %s", folder, d.Tail())
		}
	})
	return d
}

// AwaitAnswer asks until the program answers, or has left.
func AwaitAnswer(t testing.TB, d *daemon.Daemon, ask func() error) {
	t.Helper()
	Eventually(t, "waiting for an answer", func() error {
		if err := d.Exited(); err != nil {
			t.Fatal(err)
		}
		return ask()
	})
}

// Run fails the test when the program does.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := Try(t, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Try runs a program that may fail.
func Try(t testing.TB, name string, args ...string) (string, error) {
	return command.Run(t.Context(), command.New(name, args...))
}
