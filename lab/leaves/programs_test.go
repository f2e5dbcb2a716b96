// SPDX-License-Identifier: Apache-2.0

package leaves

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/lab/daemon"
	"github.com/nodeprep/nodeprep/pkg/command"
)

// patience is what a loaded machine needs, not a good one.
const patience = 60 * time.Second

// eventually tries again until check has no error.
func eventually(t *testing.T, what string, check func() error) {
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
		time.Sleep(100 * time.Millisecond)
	}
}

// watched runs a program until the test ends, and shows the end of its log if
// the test fails.
func watched(t *testing.T, name, folder string, cmd *exec.Cmd) *daemon.Daemon {
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

// awaitAnswer asks until the program answers, or has left.
func awaitAnswer(t *testing.T, d *daemon.Daemon, ask func() error) {
	t.Helper()
	eventually(t, "waiting for an answer", func() error {
		if err := d.Exited(); err != nil {
			t.Fatal(err)
		}
		return ask()
	})
}

// run fails the test when the program does.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := try(t, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func try(t *testing.T, name string, args ...string) (string, error) {
	return command.Run(t.Context(), command.New(name, args...))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
