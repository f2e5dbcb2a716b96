// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/phase"
)

// manager is the program, its static pod and its lease (kubeadm).
const manager = "kube-controller-manager"

// Succeed lets this host's kube-controller-manager lead at once when the lease
// is of one that has ended here. On a slow host it does end: as soon as it has
// its lease it gives the API server ten seconds to be healthy (1.37,
// WaitForAPIServer), which that is not while it makes its roles, and it does not
// give the lease back. The next instance would wait for all of it, and until then
// no DaemonSet, and so no Calico, has a pod. A host runs one instance, so what
// one here took before the one that runs was started is nobody's.
func (n Node) Succeed(ctx context.Context, host string) error {
	born, err := n.born(manager, time.Now())
	if err != nil {
		return err
	}
	client, err := n.administrator()
	if err != nil {
		return err
	}
	defer client.Close()
	freed, err := client.Release(ctx, manager, host, born.Add(-clockError))
	if err != nil {
		return fmt.Errorf("giving back the lease of a %s that has ended: %w", manager, err)
	}
	if freed {
		phase.Notef(ctx, "%s leads without waiting: the lease was of an instance that has ended here", manager)
	}
	return nil
}

// clockError is by how much the start of a process is uncertain: /proc/stat has
// the boot in whole seconds.
const clockError = 2 * time.Second

// ticks are how many of a process's start times are a second: USER_HZ, which is
// 100 on every architecture that Kubernetes has (proc_pid_stat(5)).
const ticks = 100

// born is when the program of that name was started; now when none runs.
func (n Node) born(program string, now time.Time) (time.Time, error) {
	names, err := n.Root.Names("/proc")
	if err != nil {
		return now, fmt.Errorf("looking for %s: %w", program, err)
	}
	for _, name := range names {
		if _, err := strconv.Atoi(name); err != nil {
			continue
		}
		line, _ := n.Root.Read("/proc/" + name + "/cmdline") // it may have ended
		argv0, _, _ := strings.Cut(line, "\x00")
		if path.Base(argv0) == program {
			return n.started(name)
		}
	}
	return now, nil
}

// started reads when a process was (proc_pid_stat(5), proc_stat(5)).
func (n Node) started(pid string) (time.Time, error) {
	boot, err := n.bootTime()
	if err != nil {
		return time.Time{}, err
	}
	stat, err := n.Root.Read("/proc/" + pid + "/stat")
	if err != nil {
		return time.Time{}, fmt.Errorf("reading when process %s was started: %w", pid, err)
	}
	// The name, in brackets, may have spaces; the start is the 22nd field.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return time.Time{}, fmt.Errorf("reading when process %s was started: /proc/%[1]s/stat has %d fields after its name", pid, len(fields))
	}
	start, err := strconv.ParseInt(fields[19], 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading when process %s was started: %w", pid, err)
	}
	return boot.Add(time.Duration(start) * time.Second / ticks), nil
}

func (n Node) bootTime() (time.Time, error) {
	stat, err := n.Root.Read("/proc/stat")
	if err != nil {
		return time.Time{}, fmt.Errorf("reading when this host was booted: %w", err)
	}
	for line := range strings.Lines(stat) {
		if seconds, ok := strings.CutPrefix(line, "btime "); ok {
			at, err := strconv.ParseInt(strings.TrimSpace(seconds), 10, 64)
			if err != nil {
				return time.Time{}, fmt.Errorf("reading when this host was booted: %w", err)
			}
			return time.Unix(at, 0), nil
		}
	}
	return time.Time{}, fmt.Errorf("reading when this host was booted: /proc/stat has no btime")
}
