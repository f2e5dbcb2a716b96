// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A run has the host for itself. A second one, by hand beside the unit's, would
// take what kubeadm is making for what an unfinished run has left, and reset it.

// lockPatience is how long a run waits for the end of another: one that has only
// its last words to say, or looks at a session for the last time, ends meanwhile.
const lockPatience = 2 * time.Minute

func (c config) lockFile() string { return filepath.Join(c.StateDir, "run.lock") }

// lock takes the host for this run; the kernel unlocks it when the process ends,
// however it ends. say is told that another is waited for.
func (c config) lock(ctx context.Context, say func(string)) (unlock func(), err error) {
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the state folder: %w", err)
	}
	f, err := os.OpenFile(c.lockFile(), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		if err = take(ctx, f, say); err != nil {
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("locking this host for the run: %w", err)
	}
	return func() { _ = f.Close() }, nil // closing unlocks (flock(2))
}

// take locks f and signs it.
func take(ctx context.Context, f *os.File, say func(string)) error {
	try := func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
	err := try()
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	for tries := 1; errors.Is(err, syscall.EWOULDBLOCK); tries++ {
		if tries == 3 { // a status looks at the lock for a moment
			say(fmt.Sprintf("another run%s is at work on this host; waiting for its end, for %s at most", process(f), lockPatience))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another run%s is at work on this host, and two would undo each other's; see what it does: nodeprep status, journalctl -f -u nodeprep", process(f))
		case <-time.After(200 * time.Millisecond):
		}
		err = try()
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(0), write(f, strconv.Itoa(os.Getpid())+"\n"))
}

func write(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// running tells whether a run is at work, and which process it is.
func (c config) running() (by string, at bool) {
	f, err := os.Open(c.lockFile())
	if err != nil {
		return "", false // no run yet
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
		return "", false
	}
	return process(f), true
}

// process names who has signed the lock file, " (process 4711)".
func process(f *os.File) string {
	var text [32]byte
	n, _ := f.ReadAt(text[:], 0) // the end of the file is an error
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}
