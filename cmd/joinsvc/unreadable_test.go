// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
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

// What is not joinsvc's, such as the lost+found of a disk that is mounted there,
// may be closed to it; and a data folder may be a link to where it lies.
func TestWhatIsNotJoinsvcsMayBeClosed(t *testing.T) {
	i := started(t, asShipped)
	closed := []string{i.file("lost+found"), i.file("etcd/lost+found"), i.file("backup.tgz")}
	for _, path := range closed[:2] {
		mkdir(t, path)
	}
	write(t, closed[2], "")
	elsewhere := i.dir + "/disk"
	if err := os.Rename(i.dir+"/data", elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, i.dir+"/data"); err != nil {
		t.Fatal(err)
	}
	for _, path := range closed {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(path, 0o700) })
	}
	// Whoever comes as far as to miss the CA has looked at all of the folder.
	removeAll(t, i.file("ca.pem"))
	if code, log := i.unprivileged(t); code != 1 || strings.Contains(log, "permission denied") || !strings.Contains(log, "ca.pem: no such file") {
		t.Errorf("exit %d, is refused for what is not its own:\n%s", code, log)
	}
	if err := os.Chmod(i.file("cluster.key"), 0); err != nil {
		t.Fatal(err)
	}
	if code, log := i.unprivileged(t); code != 1 || !strings.Contains(log, "chown -R joinsvc:joinsvc "+elsewhere) || !strings.Contains(log, elsewhere+"/cluster.key") {
		t.Errorf("exit %d, wants chown of the folder behind the link:\n%s", code, log)
	}
}

// A key that others may read is told; one in a folder that they may not pass, or
// that is its owner's alone, is not.
func TestKeysThatOthersMayRead(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"ca.pem", "cluster.key"} {
		write(t, filepath.Join(dir, name), "")
	}
	for name, tt := range map[string]struct {
		folder, file os.FileMode
		says         bool
	}{
		"as joinsvc makes them":         {0o700, 0o600, false},
		"a folder that all may pass":    {0o755, 0o600, false},
		"all may read, and pass":        {0o755, 0o644, true},
		"the group may read, and pass":  {0o750, 0o640, true},
		"all may read, nobody may pass": {0o700, 0o644, false},
		"all may pass, the group reads": {0o701, 0o640, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := errors.Join(os.Chmod(dir, tt.folder), os.Chmod(filepath.Join(dir, "ca.pem"), tt.file)); err != nil {
				t.Fatal(err)
			}
			var log syncBuffer
			warnExposed(dir, slog.New(slog.NewTextHandler(&log, nil)))
			if said := strings.Contains(log.String(), "chmod 600") && strings.Contains(log.String(), "ca.pem"); said != tt.says || strings.Contains(log.String(), "cluster.key") {
				t.Errorf("it says %q", log.String())
			}
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
	kill := time.AfterFunc(silence, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	_ = cmd.Wait() // its status is what is returned
	return cmd.ProcessState.ExitCode(), errs.String()
}
