// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
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

// onDisk starts joinsvc on a data folder of a size, and with other options of its
// mount.
func (i installation) onDisk(options string) (cmd *exec.Cmd, log *syncBuffer, ended chan int) {
	i.t.Helper()
	cmd, log, ended = i.process(), &syncBuffer{}, make(chan int, 1)
	cmd.Env = append(cmd.Env, onSmallDisk+"="+filepath.Join(i.dir, "data")+"="+options)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // its status is looked at by who waits
		ended <- cmd.ProcessState.ExitCode()
	}()
	i.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, log, ended
}

// told wants an end with 1, and all that is said of a disk in the log, by neither
// a stack trace nor etcd's own last words.
func (i installation) told(log *syncBuffer, ended chan int, says []string) {
	i.t.Helper()
	select {
	case code := <-ended:
		if code != 1 {
			i.t.Errorf("exit %d", code)
		}
	case <-time.After(silence):
		i.t.Fatalf("it goes on\n%s", log.String())
	}
	for _, part := range says {
		if !strings.Contains(log.String(), part) {
			i.t.Errorf("no %q in\n%s", part, log.String())
		}
	}
	for _, no := range []string{"goroutine ", "panic: "} {
		if strings.Contains(log.String(), no) {
			i.t.Errorf("it says %q:\n%s", no, log.String())
		}
	}
}

// full is what is said of a disk without room: its name, what is free, and what to
// do.
func (i installation) full() []string {
	return []string{"the disk is full: small on " + i.dir + "/data", "kB free", "no space left on device", "Make room on " + i.dir + "/data", "start joinsvc again"}
}

// crowded is what is said of a disk that has room, and no inode.
func (i installation) crowded() []string {
	return []string{"the disk is full: small on " + i.dir + "/data", "kB free and no inode for another file", "Remove files on " + i.dir + "/data", "df -i", "start joinsvc again"}
}

func (i installation) readOnly() []string {
	return []string{"the disk is mounted read-only: small on " + i.dir + "/data", "read-only file system", "journalctl -k", "start joinsvc again"}
}

func TestDiskFull(t *testing.T) {
	for name, tt := range map[string]struct {
		options string // of the mount, after size=
		says    func(installation) []string
	}{
		"before anything":          {"4k", installation.full},
		"before the CA":            {"8k", installation.full},
		"at once":                  {"1m", installation.full},
		"while etcd makes its log": {"40m", installation.full},
		"without inodes":           {"200m,nr_inodes=3", installation.crowded},
		"read-only":                {"1m,ro", installation.readOnly},
	} {
		t.Run(name, func(t *testing.T) {
			i := install(t, asShipped)
			_, log, ended := i.onDisk(tt.options)
			i.told(log, ended, tt.says(i))
		})
	}
}

// A store that can take no more ends a joinsvc that served, so that whoever looks
// after it knows.
func TestDiskFullWhileItServes(t *testing.T) {
	i := install(t, asShipped)
	cmd, log, ended := i.onDisk("200m")
	if _, err := answers(log, ended); err != nil {
		t.Fatal(err)
	}
	fill(t, fmt.Sprintf("/proc/%d/root%s/data/filler", cmd.Process.Pid, i.dir))
	admin := joinapi.NewAdmin(i.dir + "/run/admin.sock")
	for range 2000 { // until the database has to grow
		if _, err := admin.CreateToken(t.Context(), joinapi.TokenRequest{Uses: 1, TTL: time.Hour}); err != nil {
			break
		}
	}
	i.told(log, ended, i.full())
}

// fill writes a file until its disk takes no more.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
