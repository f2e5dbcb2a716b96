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

// onSmallDisk makes the data folder a file system of its own, of so many bytes,
// in a mount namespace of joinsvc's process alone: the process mounts it before
// it becomes joinsvc (TestMain).
const onSmallDisk = "JOINSVC_SMALL_DISK"

// mountSmallDisk mounts a tmpfs as NAME=size in the environment says.
func mountSmallDisk(spec string) error {
	dir, size, _ := strings.Cut(spec, "=")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// Nothing that is mounted here is seen outside (mount_namespaces(7)).
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	return syscall.Mount("small", dir, "tmpfs", 0, "mode=0700,size="+size)
}

// A disk without room is told with its name, what is free, and what to do, and
// neither by a stack trace nor by etcd's own last words.
func TestDiskFull(t *testing.T) {
	for name, size := range map[string]string{"at once": "1m", "while etcd makes its log": "40m"} {
		t.Run(name, func(t *testing.T) {
			i := install(t, asShipped)
			cmd := i.process()
			cmd.Env = append(cmd.Env, onSmallDisk+"="+filepath.Join(i.dir, "data")+"="+size)
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
				UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
			}
			var log syncBuffer
			cmd.Stderr = &log
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = cmd.Wait() // its status is looked at below
			}()
			select {
			case <-ended:
			case <-time.After(time.Minute):
				_ = cmd.Process.Kill()
				t.Fatalf("it goes on\n%s", log.String())
			}
			if code := cmd.ProcessState.ExitCode(); code != 1 {
				t.Errorf("exit %d", code)
			}
			for _, part := range []string{"the disk is full: small on " + i.dir + "/data", "kB free", "no space left on device", "Make room on " + i.dir + "/data", "start joinsvc again"} {
				if !strings.Contains(log.String(), part) {
					t.Errorf("no %q in\n%s", part, log.String())
				}
			}
			for _, no := range []string{"goroutine ", "panic: "} {
				if strings.Contains(log.String(), no) {
					t.Errorf("it says %q:\n%s", no, log.String())
				}
			}
		})
	}
}
