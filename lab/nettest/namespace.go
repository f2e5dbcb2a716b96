// SPDX-License-Identifier: Apache-2.0

// Package nettest gives tests network namespaces, and programs that run in them
// until the test ends. All of it takes root.
package nettest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/command"
)

// A Namespace is a network namespace, by its name for ip-netns(8).
type Namespace string

// New makes a namespace that is gone after the test, with all that is in it. Its
// name begins with the kind of test and the process: two runs may share a machine.
func New(t testing.TB, kind, name string) Namespace {
	t.Helper()
	n := Namespace(fmt.Sprintf("%s-%d-%s", kind, os.Getpid(), name))
	Run(t, "ip", "netns", "add", string(n))
	t.Cleanup(func() {
		if _, err := command.Run(context.Background(), command.New("ip", "netns", "delete", string(n))); err != nil {
			t.Error(err)
		}
	})
	n.IP(t, "link", "set", "lo", "up")
	return n
}

// IP runs ip(8) on the namespace and returns what it prints.
func (n Namespace) IP(t testing.TB, args ...string) string {
	t.Helper()
	return Run(t, "ip", append([]string{"-n", string(n)}, args...)...)
}

// Command is a program that is to run in the namespace.
func (n Namespace) Command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", string(n), name}, args...)...)
}

// Sweep removes what runs of a kind have left that were killed before they could,
// and returns the names of these namespaces.
func Sweep(t testing.TB, kind string) []Namespace {
	t.Helper()
	var swept []Namespace
	for line := range strings.Lines(Run(t, "ip", "netns", "list")) {
		name := strings.Fields(line)[0]
		var pid int
		if _, err := fmt.Sscanf(name, kind+"-%d-", &pid); err != nil || syscall.Kill(pid, 0) == nil {
			continue
		}
		for process := range strings.FieldsSeq(Run(t, "ip", "netns", "pids", name)) {
			kill(t, process)
		}
		Run(t, "ip", "netns", "delete", name)
		swept = append(swept, Namespace(name))
	}
	return swept
}

// kill ends a process that may be leaving already, such as one whose parent was
// the last to be killed.
func kill(t testing.TB, process string) {
	t.Helper()
	pid, err := strconv.Atoi(process)
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatalf("killing process %s: %v", process, err)
	}
}
