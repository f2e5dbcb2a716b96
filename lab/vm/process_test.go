// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is for what has to come, on a machine that does much else.
const patience = time.Minute

// bare is a machine with nothing to boot: its firmware idles, the monitor works.
func bare(t *testing.T, name string) Machine {
	t.Helper()
	dir, err := os.MkdirTemp("", "vm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	near, far, err := NewWire()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return Machine{
		Name: name, Dir: dir, MemoryMiB: 32, CPUs: 1, Accel: TCG,
		NICs: []NIC{{Name: "eno1", MAC: "00:00:5e:00:53:01", ACPIIndex: 1, Socket: near}},
	}
}

// monitored waits until the emulator listens.
func monitored(t *testing.T, v *VM) {
	t.Helper()
	for began := time.Now(); time.Since(began) < patience; time.Sleep(50 * time.Millisecond) {
		if v.SetLink(t.Context(), "eno1", true) == nil {
			return
		}
		if err := v.Exited(); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the monitor does not answer")
}

func TestMachineRunsAndIsKilled(t *testing.T) {
	g := NewGroup()
	t.Cleanup(g.Kill)
	v, err := bare(t, "one").Start(g)
	if err != nil {
		t.Fatal(err)
	}
	monitored(t, v)
	if err := v.SetLink(t.Context(), "eno9", false); !errors.Is(err, ErrMonitor) {
		t.Errorf("pulling a cable that does not exist: %v", err)
	}
	if err := v.Reset(t.Context()); err != nil {
		t.Error(err)
	}
	v.Kill()
	if err := v.Exited(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("after Kill: %v", err)
	}
}

func TestGroupIsOneProcessGroup(t *testing.T) {
	g := NewGroup()
	t.Cleanup(g.Kill)
	var pids []int
	for _, name := range []string{"a", "b"} {
		v, err := bare(t, name).Start(g)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, v.PID())
	}
	for _, pid := range pids {
		if got, err := syscall.Getpgid(pid); err != nil || got != pids[0] {
			t.Errorf("process group of %d: %d, %v; want %d", pid, got, err, pids[0])
		}
	}
	g.Kill()
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is left: %v", pid, err)
		}
	}
	if _, err := bare(t, "c").Start(g); err != nil {
		t.Errorf("a group that has been emptied takes no machine: %v", err)
	}
}

func TestLastWords(t *testing.T) {
	m := bare(t, "broken")
	m.Kernel = "/nonexistent/vmlinuz"
	v, err := m.Start(NewGroup())
	if err != nil {
		t.Fatal(err)
	}
	<-v.Done()
	if err := v.Exited(); err == nil || !strings.Contains(err.Error(), "/nonexistent/vmlinuz") {
		t.Errorf("got %v", err)
	}
}

// childEnv makes the test binary a program that starts a machine and waits to
// be killed.
const childEnv = "VM_TEST_CHILD"

func TestMachineDiesWithItsOwner(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		v, err := bare(t, "orphan").Start(NewGroup())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stdout.WriteString("pid " + strconv.Itoa(v.PID()) + "\n"); err != nil {
			t.Fatal(err)
		}
		<-v.Done()
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestMachineDiesWithItsOwner$")
	child.Env = append(os.Environ(), childEnv+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 64)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(string(line[:n]), "pid ")))
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	for began := time.Now(); time.Since(began) < patience; time.Sleep(20 * time.Millisecond) {
		if gone(pid) {
			return
		}
	}
	t.Errorf("machine %d outlived its owner", pid)
}

// gone says that a process does not run any more: absent, or a zombie that
// whoever adopted it has yet to reap.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}
