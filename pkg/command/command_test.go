// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRun(t *testing.T) {
	out, err := Run(t.Context(), Command{Name: "sh", Args: []string{"-c", `cat; echo "$LC_ALL $X"; echo aside >&2`}, Env: []string{"X=y"}, Stdin: "in\n"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("in\nC y\n", out); diff != "" {
		t.Errorf("standard output (-want +got):\n%s", diff)
	}
}

func TestErrorIsPasteableAndShowsTheTail(t *testing.T) {
	_, err := Run(t.Context(), New("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo line $i; done >&2; echo last >&2; exit 3"))
	var failed *Error
	if !errors.As(err, &failed) || failed.ExitCode() != 3 {
		t.Fatalf("got %v, want an *Error with exit code 3", err)
	}
	text := err.Error()
	if !strings.HasPrefix(text, "running `LC_ALL=C sh -c 'for i in 1") || !strings.HasSuffix(text, "line 13\nlast") {
		t.Errorf("error text: %s", text)
	}
	if strings.Contains(text, "line 2\n") {
		t.Errorf("more than the tail: %s", text)
	}
}

func TestErrorShowsBothStreams(t *testing.T) {
	_, err := Run(t.Context(), New("sh", "-c", "echo said; echo complained >&2; exit 1"))
	var failed *Error
	if !errors.As(err, &failed) || !strings.Contains(failed.Output, "said\n") || !strings.Contains(failed.Output, "complained\n") {
		t.Errorf("got %v, want both lines", err)
	}
}

func TestCommandNotFound(t *testing.T) {
	_, err := Run(t.Context(), New("no-such-program-here"))
	if !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v, want exec.ErrNotFound", err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Run(ctx, New("sleep", "600"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

func TestString(t *testing.T) {
	for want, c := range map[string]Command{
		"LC_ALL=C dnf -y install kubelet-1.37.2":      New("dnf", "-y", "install", "kubelet-1.37.2"),
		"LC_ALL=C echo azAZ09-_./:=,@%+":              New("echo", "azAZ09-_./:=,@%+"),
		"LC_ALL=C echo '{' '`' '[' ';' '~' 'ü'":       New("echo", "{", "`", "[", ";", "~", "ü"),
		`LC_ALL=C echo '' 'a b' 'it'\''s' '$x'`:       New("echo", "", "a b", "it's", "$x"),
		"LC_ALL=C KUBECONFIG='/a b' kubectl get node": {Name: "kubectl", Args: []string{"get", "node"}, Env: []string{"KUBECONFIG=/a b"}},
	} {
		if got := c.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// A package transaction that is killed outright leaves its database half
// written: the command is told to end, and gets the time for it.
func TestACommandEndsByItself(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	up := filepath.Join(t.TempDir(), "up")
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(up); err == nil {
				cancel(errors.New("the run was stopped"))
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	slow := New("sh", "-c", `trap 'sleep 2; echo database closed; exit 0' TERM; : >"$0"; while :; do sleep 0.05; done`, up)
	out, err := run(ctx, slow, patience{end: time.Minute, output: time.Second})
	if out != "database closed\n" {
		t.Errorf("it printed %q, %v", out, err)
	}
	var failed *Error
	if !errors.As(err, &failed) || !strings.Contains(failed.Error(), "the run was stopped") {
		t.Errorf("error is %v, want the cause", err)
	}
	if failed != nil && failed.ExitCode() != -1 {
		t.Errorf("exit code %d of a command that did not run to its end", failed.ExitCode())
	}
	if is := enough().end; is < 10*time.Minute || is > 11*time.Minute {
		t.Errorf("a transaction has %s, the unit 12 minutes", is)
	}
}

// One that does not end is killed after all.
func TestACommandThatDoesNotEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	deaf := New("sh", "-c", `trap '' TERM; echo here; exec sleep 600`)
	deaf.Said = func(string) { cancel() }
	_, err := run(ctx, deaf, patience{end: 50 * time.Millisecond, output: time.Minute})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A nodeprep that is killed outright, by the kernel for want of memory or by
// somebody, leaves no kubeadm at work beside the one of the next run.
func TestACommandDoesNotOutliveUs(t *testing.T) {
	const sign = "NODEPREP_TEST_PID_FILE"
	if file := os.Getenv(sign); file != "" {
		_, err := Run(t.Context(), New("sh", "-c", `echo $$ >"$0.new"; mv "$0.new" "$0"; exec sleep 60`, file))
		t.Fatal("it came back:", err)
	}
	file := filepath.Join(t.TempDir(), "pid")
	us := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	us.Env = append(os.Environ(), sign+"="+file)
	if err := us.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	eventually(t, "the command is up", func() bool {
		text, err := os.ReadFile(file)
		if err == nil {
			pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		return err == nil
	})
	if err := us.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = us.Wait() // killed
	eventually(t, "the command is gone", func() bool {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(text), ") Z ") // ended, and nobody asks how
	})
}

// A scriptlet may start a daemon that keeps the output open: the transaction has
// succeeded all the same.
func TestACommandThatLeavesSomebodyWithItsOutput(t *testing.T) {
	out, err := run(t.Context(), New("sh", "-c", "echo complete; sleep 60 &"), patience{end: time.Minute, output: time.Second})
	if err != nil || out != "complete\n" {
		t.Errorf("it printed %q, %v", out, err)
	}
	if _, err := run(t.Context(), New("sh", "-c", "sleep 60 & exit 3"), patience{end: time.Minute, output: time.Second}); err == nil {
		t.Error("a failure was taken for a success")
	}
}

// A command that runs wild is ended, or at least forgotten, before it has taken
// the host's memory.
func TestOutputIsBounded(t *testing.T) {
	out, err := Run(t.Context(), New("sh", "-c", "yes; echo over >&2; exit 3"))
	var failed *Error
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "it printed more than 16 MB") || !strings.HasSuffix(err.Error(), "over") {
		t.Errorf("without an end: %.300v", err)
	}
	if len(out) > maxOutput {
		t.Errorf("%d bytes were kept", len(out))
	}
	_, err = Run(t.Context(), New("sh", "-c", "yes | head -c 5000000 >&2; echo last >&2; exit 3"))
	if !errors.As(err, &failed) || len(failed.Output) > maxTranscript || !strings.HasSuffix(failed.Output, "y\nlast\n") {
		t.Errorf("%d bytes of the errors were kept", len(failed.Output))
	}
}

// Lines are told as they come, of both streams, whole, and no longer than people read.
func TestLinesAreTold(t *testing.T) {
	var said []string
	c := New("sh", "-c", `printf 'one\n\n  two\nthr'; sleep 0.1; echo ee; echo aside >&2; head -c 5000 /dev/zero | tr '\0' x; echo; printf 'no end'`)
	c.Said = func(line string) { said = append(said, line) }
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	aside := slices.Index(said, "aside") // of another stream: it may come at any time
	if aside < 0 {
		t.Fatalf("said %q", said)
	}
	if diff := cmp.Diff([]string{"one", "two", "three", strings.Repeat("x", maxLine)}, slices.Delete(said, aside, aside+1)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(50 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came about:", what)
		}
	}
}

// The command's own environment is the caller's with LC_ALL=C, and what it adds.
func TestEnvironment(t *testing.T) {
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	t.Setenv("FROM_CALLER", "kept")
	out, err := Run(t.Context(), Command{Name: "sh", Args: []string{"-c", `echo "$LC_ALL $FROM_CALLER $MORE"`}, Env: []string{"MORE=added"}})
	if err != nil || out != "C kept added\n" {
		t.Errorf("it printed %q, %v", out, err)
	}
}

func TestAllOfAShortOutputIsShown(t *testing.T) {
	if got := lastLines("one\ntwo\n\n", 2); got != "one\ntwo" {
		t.Errorf("%q", got)
	}
	if _, err := Run(t.Context(), New("false")); err == nil || strings.Contains(err.Error(), "last words") {
		t.Errorf("a command that said nothing: %v", err)
	}
}
