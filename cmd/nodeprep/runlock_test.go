// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// Who waits is told of this process, and of nothing that an earlier one with a
// longer number has left.
func TestTheLockNamesItsHolderAlone(t *testing.T) {
	c := config{StateDir: t.TempDir()}
	file := filepath.Join(c.StateDir, "run.lock")
	if err := os.WriteFile(file, []byte("123456789012\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	unlock, err := c.lock(t.Context(), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if text, err := os.ReadFile(file); err != nil || string(text) != fmt.Sprintln(os.Getpid()) {
		t.Errorf("the lock says %q, %v", text, err)
	}
}

// A run by hand beside the unit's touches nothing: it would reset what kubeadm is
// making. A dry run and status may look.
func TestTwoRunsAtOnce(t *testing.T) {
	s, dir := newScene(t), t.TempDir()
	url, token := s.joinsvc.Start(t)
	t.Setenv("NODEPREP_TOKEN", token)
	c := config{StateDir: dir}
	unlock, err := c.lock(t.Context(), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	e := edges{root: s.host.Root, kernel: s.host.Kernel, machine: s.host.Machine}
	waits := func(stop func()) { stop() } // called when a run says that it waits
	call := func(args ...string) (int, string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out := listener{words: "waiting for its end", then: func() { waits(cancel) }}
		code := e.run(ctx, append(args, "--joinsvc", url, "--stateDir", dir, "--config", "/none"), &out, &out)
		return code, out.text.String()
	}
	before := s.host.Snapshot(t)
	code, said := call("run")
	if want := fmt.Sprintf("another run (process %d) is at work on this host", os.Getpid()); code != 1 || !strings.Contains(said, want) {
		t.Errorf("exit status %d; want 1 and %q in %q", code, want, said)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 || s.host.Snapshot(t) != before {
		t.Errorf("the second run left %v, %v", names, err)
	}
	if code, said := call("run", "--dry-run"); code != 0 {
		t.Error(said)
	}
	if code, said := call("status"); code != 0 || !strings.Contains(said, fmt.Sprintf("at work (process %d)", os.Getpid())) {
		t.Errorf("status, %d: %s", code, said)
	}
	waits = func(func()) { unlock() }
	if code, said := call("run", "--json"); code != 0 || !strings.Contains(said, "is at work on this host; waiting for its end") {
		t.Error(said)
	}
	if info, err := os.Stat(c.lockFile()); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	if code, said := call("status"); code != 0 || strings.Contains(said, "at work") || !strings.Contains(said, "succeeded") {
		t.Errorf("status, %d: %s", code, said)
	}
}

// A listener is an output that does something once it has been told some words.
type listener struct {
	text  bytes.Buffer
	words string
	then  func()
	heard bool
}

func (l *listener) Write(p []byte) (int, error) {
	n, err := l.text.Write(p)
	if !l.heard && strings.Contains(l.text.String(), l.words) {
		l.heard = true
		l.then()
	}
	return n, err
}

// What a phase waited for and has got is no note of the run any more, neither
// while it goes on nor when it has ended.
func TestAWaitThatIsOverIsNotTold(t *testing.T) {
	for _, next := range []phase.Event{
		{Phase: "kubeadm", Kind: phase.Planned, Change: "kubeadm: not started -> worker"},
		{Phase: "kubeadm", Kind: phase.Applied, Change: "kubeadm: not started -> worker"},
		{Phase: "kubeadm", Kind: phase.Done, Message: "1 change"},
		{Phase: "kubeadm", Kind: phase.Failed, Message: "waited 15m0s: connection refused"},
	} {
		dir := t.TempDir()
		h := newHistory(dir, true)
		h.add(phase.Event{Phase: "kubeadm", Kind: phase.Noted, Message: "waiting: connection refused"})
		h.add(phase.Event{Phase: "lacp", Kind: phase.Noted, Message: "waiting: no partner"})
		h.add(phase.Event{Phase: "kubeadm", Kind: phase.Noted, Message: "another thing"})
		h.add(next)
		last, _, err := readLastRun(dir)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"lacp: waiting: no partner", "kubeadm: another thing"}
		if got := summarize(last).Notes; !slices.Equal(got, want) {
			t.Errorf("after %s the notes are %q, want %q", next.Kind, got, want)
		}
	}
}

// Whoever looks while a run waits sees in what, since when, and how the run
// before ended; a run that was cut off is no success.
func TestStatusWhileARunIsAtWork(t *testing.T) {
	dir := t.TempDir()
	c := config{StateDir: dir}
	before := newHistory(dir, true)
	if err := before.save(fmt.Errorf("packages: no space left")); err != nil {
		t.Fatal(err)
	}
	h := newHistory(dir, true)
	for _, e := range []phase.Event{
		{Phase: "network", Kind: phase.Started},
		{Phase: "network", Kind: phase.Done},
		{Phase: "kubeadm", Kind: phase.Started},
		{Phase: "kubeadm", Kind: phase.Noted, Message: "waiting: place 7 of 9"},
		{Phase: "kubeadm", Kind: phase.Noted, Message: "another thing"},
		{Phase: "kubeadm", Kind: phase.Noted, Message: "waiting for 3h2m0s: place 2 of 9"},
	} {
		e.Time = time.Now().Add(-8*time.Minute - time.Second)
		h.add(e)
	}
	show := func() string {
		var out bytes.Buffer
		s, err := edges{root: rooted.Root(dir)}.gatherStatus(t.Context(), c)
		if err == nil {
			err = s.print(&out)
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if said := show(); !strings.Contains(said, "failed: cut off") || strings.Contains(said, "succeeded") {
		t.Errorf("of a run that was cut off:\n%s", said)
	}
	unlock, err := c.lock(t.Context(), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	said := show()
	for _, want := range []string{"at work", ", in kubeadm\n", "failed: packages: no space left", "kubeadm: another thing", "waiting for 3h2m0s: place 2 of 9 (said 8m"} {
		if !strings.Contains(said, want) {
			t.Errorf("want %q in\n%s", want, said)
		}
	}
	if strings.Contains(said, "place 7") || strings.Contains(said, "succeeded") {
		t.Errorf("of a run at work:\n%s", said)
	}
	if info, err := os.Stat(lastRunFile(dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	// The next run knows what became of this one and of the one before.
	if next := newHistory(dir, true); next.run.Before != "packages: no space left" {
		t.Errorf("before: %q", next.run.Before)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 2 {
		t.Errorf("left: %q", left)
	}
}
