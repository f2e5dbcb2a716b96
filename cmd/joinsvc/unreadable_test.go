// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// unprivileged makes a process that modes of files hold for, whoever runs the
// test: in a user namespace of its own it is nobody's root (user_namespaces(7)).
func unprivileged() *syscall.SysProcAttr {
	const somebody = 1000
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: somebody, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: somebody, HostID: os.Getgid(), Size: 1}},
	}
}

// A file that is there and may not be read, as after a backup was put back as
// root, is neither lost nor damaged: no remedy that costs the cluster is offered
// for it, and nothing is removed.
func TestWhatMayNotBeRead(t *testing.T) {
	for _, path := range []string{"", "lock", "ca.pem", "cluster.key", "etcd", "etcd/member/wal", "etcd/member/snap", "etcd/member/snap/db"} {
		t.Run(path, func(t *testing.T) {
			i := install(t, asShipped)
			_, stop := i.serve()
			stop()
			closed := filepath.Join(i.dir, "data", path)
			info, err := os.Stat(closed)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(closed, 0); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(closed, info.Mode()) })
			code, log := i.unprivileged(t)
			if code != 1 || !strings.Contains(log, "permission denied") || !strings.Contains(log, "chown -R") || !strings.Contains(log, closed) {
				t.Errorf("exit %d, wants chown of %s:\n%s", code, closed, log)
			}
			for _, no := range []string{"enrol every host again", "damaged", "from a backup"} {
				if strings.Contains(log, no) {
					t.Errorf("it says %q:\n%s", no, log)
				}
			}
			if err := os.Chmod(closed, info.Mode()); err != nil {
				t.Fatal(err)
			}
			_, stop = i.serve() // nothing was lost
			stop()
		})
	}
}

// unprivileged runs serve to its end.
func (i installation) unprivileged(t *testing.T) (code int, log string) {
	t.Helper()
	cmd := i.process()
	cmd.SysProcAttr = unprivileged()
	var errs syncBuffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	_ = cmd.Wait() // its status is what is returned
	return cmd.ProcessState.ExitCode(), errs.String()
}
