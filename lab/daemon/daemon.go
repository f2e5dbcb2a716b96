// SPDX-License-Identifier: Apache-2.0

// Package daemon runs programs that stay until they are stopped, each with a
// log file. None outlives the process that started it, however that one ends,
// but for those that change their user (lldpd): with it the kernel forgets the
// signal that they would get (prctl(2), PR_SET_PDEATHSIG).
package daemon

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// patience is how long a program has to leave by itself: an API server would
// drain for a minute.
const patience = 5 * time.Second

// A Daemon is one running program.
type Daemon struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
}

// Start runs cmd, whose output goes to <folder>/<name>.log.
func Start(name, folder string, cmd *exec.Cmd) (*Daemon, error) {
	d := &Daemon{name: name, log: filepath.Join(folder, name+".log"), cmd: cmd, done: make(chan struct{})}
	log, err := os.Create(d.log)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go d.own(started)
	if err := errors.Join(<-started, log.Close()); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return d, nil
}

// own starts and reaps the process on one OS thread that stays, because the
// parent-death signal is sent when the forking thread ends (prctl(2)).
func (d *Daemon) own(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := d.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	_ = d.cmd.Wait() // the log says more than the status
	close(d.done)
}

// Tail is the end of what the program has logged.
func (d *Daemon) Tail() string {
	text, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return d.name + ": " + strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// Exited returns an error with the end of the log when the program is no
// longer running, nil while it is.
func (d *Daemon) Exited() error {
	select {
	case <-d.done:
		return fmt.Errorf("%w: %s", os.ErrProcessDone, d.Tail())
	default:
		return nil
	}
}

// Stop ends the program, by force when it has not left after five seconds, and
// returns when it is gone.
func (d *Daemon) Stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("ending %s: %w", d.name, err)
	}
	select {
	case <-d.done:
		return nil
	case <-time.After(patience):
	}
	if err := d.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing %s: %w", d.name, err)
	}
	<-d.done
	return nil
}
