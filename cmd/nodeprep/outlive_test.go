// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/bootstrap"
)

// An operator starts a run over a connection of the network that it rebuilds, or
// in a pipe whose reader ends: the run goes on, and a hang-up does not reach what
// it has started.
func TestARunOutlivesWhoStartedIt(t *testing.T) {
	const sign = "NODEPREP_TEST_RESULT"
	if file := os.Getenv(sign); file != "" {
		if err := os.WriteFile(file, []byte(strconv.Itoa(runHere(t))), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name, leave := range map[string]func(us *os.Process, out *os.File) error{
		"the reader":   func(_ *os.Process, out *os.File) error { return out.Close() },
		"the terminal": func(us *os.Process, _ *os.File) error { return us.Signal(syscall.SIGHUP) },
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "result")
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			us := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestARunOutlivesWhoStartedIt$")
			us.Env, us.Stdout = append(os.Environ(), sign+"="+file), write
			if err := errors.Join(us.Start(), write.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := read.Read(make([]byte, 1)); err != nil { // the run has begun
				t.Fatal(err)
			}
			if err := leave(us.Process, read); err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = io.Copy(io.Discard, read) }()
			_ = us.Wait() // the test around it may fail to write
			if code, err := os.ReadFile(file); err != nil || string(code) != "0" {
				t.Errorf("exit status %q, %v", code, err)
			}
		})
	}
}

// runHere is a run of a fresh host that prints to the process's own output, and
// takes long enough to be left.
func runHere(t *testing.T) int {
	t.Helper()
	s := newScene(t)
	url, token := s.joinsvc.Start(t)
	t.Setenv("NODEPREP_TOKEN", token)
	machine := func(ctx context.Context) (*bootstrap.Machine, error) {
		time.Sleep(time.Second)
		return s.host.Machine(ctx)
	}
	e := edges{root: s.host.Root, kernel: s.host.Kernel, machine: machine}
	return e.run(t.Context(), []string{"run", "--joinsvc", url, "--stateDir", t.TempDir(), "--config", "/none"}, os.Stdout, os.Stderr)
}
