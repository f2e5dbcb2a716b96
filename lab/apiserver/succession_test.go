// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/lab/nettest"
	"github.com/nodeprep/nodeprep/pkg/atomicfile"
)

// testSuccession kills a kube-controller-manager that leads, and starts another,
// which would wait ten minutes for the lease: it leads as soon as that is given
// back, and keeps its own when the same is done again.
func (f *fixture) testSuccession(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	first := f.elected(t)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	before := f.leader(t, "")
	signal(t, first, syscall.SIGKILL)
	_ = first.Wait()            // "signal: killed"
	time.Sleep(3 * time.Second) // more than /proc is uncertain by

	second := f.elected(t)
	nettest.Start(t, "kube-controller-manager", t.TempDir(), second)
	f.showProcess(t, second.Process.Pid)
	time.Sleep(10 * time.Second) // five of its attempts
	if now := f.holder(t); now != before {
		t.Fatalf("it did not wait: the lease went from %q to %q", before, now)
	}
	if err := f.host().Succeed(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	after := f.leader(t, before)
	if err := f.host().Succeed(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	if now := f.holder(t); now != after {
		t.Errorf("who leads was put out: the lease went from %q to %q", after, now)
	}
}

// elected is a kube-controller-manager that leads for long once it does.
func (f *fixture) elected(t *testing.T) *exec.Cmd {
	t.Helper()
	ports, err := freePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	flags := append(f.managerFlags(ports[0]), "--leader-elect=true",
		"--leader-elect-lease-duration=10m", "--leader-elect-renew-deadline=9m", "--leader-elect-retry-period=2s")
	return exec.Command(f.binaries["kube-controller-manager"], flags...)
}

func (f *fixture) holder(t *testing.T) string {
	t.Helper()
	return f.kubectl(t, "", "-n", "kube-system", "get", "lease", "kube-controller-manager", "--ignore-not-found", "-o", "jsonpath={.spec.holderIdentity}")
}

// leader waits for one that is not this one.
func (f *fixture) leader(t *testing.T, but string) (holder string) {
	t.Helper()
	eventually(t, "a kube-controller-manager that leads", func() error {
		if holder = f.holder(t); holder == "" || holder == but {
			return fmt.Errorf("the lease is of %q", holder)
		}
		return nil
	})
	return holder
}

// showProcess puts what /proc says of one process below the host's root.
func (f *fixture) showProcess(t *testing.T, pid int) {
	t.Helper()
	id := strconv.Itoa(pid)
	eventually(t, "the program", func() error {
		line, err := os.ReadFile("/proc/" + id + "/cmdline")
		if err == nil && !strings.Contains(string(line), "kube-controller-manager\x00") {
			err = errors.New("it is not started yet")
		}
		return err
	})
	for _, file := range []string{"stat", id + "/cmdline", id + "/stat"} {
		text, err := os.ReadFile(filepath.Join("/proc", file))
		if err == nil {
			err = atomicfile.Write(filepath.Join(f.Root, "proc", file), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
