// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// Renice has a machine that runs stand back by that many steps (nice(2)); one
// that replaces it will, too.
func (v *VM) Renice(nice int) error {
	v.Nice = nice
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", v.PID()))
	if err != nil {
		return fmt.Errorf("reading the threads of machine %s: %w", v.Name, err)
	}
	var errs []error
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err == nil {
			err = renice(id, nice)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// renice sets the niceness of one thread, 0 for the caller's: on Linux each has
// its own, whatever POSIX says of processes (setpriority(2)). Who may not go
// further forward stays where it is, and a thread that has ended needs nothing.
func renice(thread, nice int) error {
	err := syscall.Setpriority(syscall.PRIO_PROCESS, thread, nice)
	if err == nil || errors.Is(err, syscall.ESRCH) || nice <= 0 && errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return fmt.Errorf("giving it niceness %d: %w", nice, err)
}
