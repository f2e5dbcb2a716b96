// SPDX-License-Identifier: Apache-2.0

// Package command runs the few programs that have no other door: the package
// manager, rpm and kubeadm. It is the one place that imports os/exec.
//
// Every command runs under LC_ALL=C, is bounded by its context, has its output
// captured, and fails with an error that shows a line to paste into a shell.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long a command is waited for that is to end.
type patience struct {
	// end is the time from SIGTERM to SIGKILL. A package transaction that is killed
	// outright leaves its database half written, and rpm looks at signals when it
	// has ended (rpm, rpmio/rpmsq.c): on a slow host that is minutes. The unit's
	// TimeoutStopSec= is longer.
	end time.Duration
	// output is how long the output stays open after the command's own end.
	output time.Duration
}

func enough() patience { return patience{end: 10 * time.Minute, output: 30 * time.Second} }

// A Command is one program with its arguments. The zero Env is the caller's own.
type Command struct {
	Name  string
	Args  []string
	Env   []string // added to the caller's environment, "KEY=value"
	Stdin string
	// Said, if set, is told each line that the command prints, one at a time.
	Said func(line string)
}

// A Runner runs a command and returns its standard output. Run is the real one.
type Runner func(context.Context, Command) (string, error)

// New is a command by its words.
func New(name string, args ...string) Command { return Command{Name: name, Args: args} }

// Run runs c and returns its standard output. Any error is an *Error. The command
// does not outlive this process, were it killed outright: the next run would take
// what it is making for what an unfinished one has left, and reset it.
func Run(ctx context.Context, c Command) (string, error) { return run(ctx, c, enough()) }

func run(ctx context.Context, c Command, p patience) (string, error) {
	var stdout output
	var both transcript
	aloud := func() io.Writer { return &lines{say: c.Said, one: &both.mu} }
	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.Name, c.Args...) // finish sees to its end
	cmd.Env = append(append(os.Environ(), "LC_ALL=C"), c.Env...)
	cmd.Stdin = strings.NewReader(c.Stdin)
	cmd.Stdout = io.MultiWriter(&stdout, &both, aloud())
	cmd.Stderr = io.MultiWriter(&both, aloud())
	cmd.WaitDelay = p.output
	// The kernel sends it when the thread ends that has started the command
	// (PR_SET_PDEATHSIG(2const)), so that this one must last.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := finish(ctx, cmd, p.end)
	if err == nil || errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		// The latter: it succeeded, and what it has started holds its output open,
		// as a daemon from a package's scriptlet may.
		return stdout.String(), nil
	}
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case stdout.over:
		err = fmt.Errorf("it printed more than %d MB: %w", maxOutput>>20, err)
	}
	return stdout.String(), &Error{Command: c, Output: both.text.String(), Err: err}
}

// finish runs cmd to its end. When ctx is over it is told to end, and killed when
// it has not after the time for that. One that was told so has failed.
func finish(ctx context.Context, cmd *exec.Cmd, grace time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	told := make(chan bool, 1)
	stop := context.AfterFunc(ctx, func() {
		told <- cmd.Process.Signal(syscall.SIGTERM) == nil
		select {
		case <-ended:
		case <-time.After(grace):
			_ = cmd.Process.Kill() // it may have ended by now
		}
	})
	err := cmd.Wait()
	close(ended)
	if !stop() && <-told && err == nil {
		err = ctx.Err()
	}
	return err
}

// What a command prints is bounded: one that runs wild, a scriptlet in a loop,
// would take all of the host's memory. The largest output that is meant is a list
// of packages.
const (
	maxOutput     = 16 << 20 // bytes on standard output; past it the command fails
	maxTranscript = 64 << 10 // of the end of both streams, for an error
	maxLine       = 400      // of a line that is told
)

// output is the standard output, up to maxOutput.
type output struct {
	bytes.Buffer
	over bool
}

func (o *output) Write(p []byte) (int, error) {
	if o.Len()+len(p) > maxOutput {
		o.over = true
		return 0, io.ErrShortWrite // closes the pipe, which ends most programs
	}
	return o.Buffer.Write(p)
}

// A transcript is the end of what a command prints: each stream in order, the two side by
// side as they arrive. os/exec copies each from a goroutine, hence the lock.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p[max(0, len(p)-maxTranscript):])
	t.text.Next(max(0, t.text.Len()-maxTranscript))
	return len(p), nil
}

// lines tells one stream line by line; of a long one the beginning is enough.
type lines struct {
	say  func(line string)
	one  sync.Locker // at a time, of both streams
	part []byte      // of a line whose end is yet to come
}

func (l *lines) Write(p []byte) (int, error) {
	if l.say == nil {
		return len(p), nil
	}
	l.one.Lock()
	defer l.one.Unlock()
	for line := range bytes.Lines(p) {
		l.part = append(l.part, line[:min(len(line), maxLine-len(l.part))]...)
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		if text := strings.TrimSpace(string(l.part)); text != "" {
			l.say(text)
		}
		l.part = l.part[:0]
	}
	return len(p), nil
}

// Error is a command that failed.
type Error struct {
	Command Command
	Output  string // the end of what it printed
	Err     error
}

// tailLines is how much of the output an error shows.
const tailLines = 12

// Error shows the command as it can be pasted, the cause, and the last lines.
func (e *Error) Error() string {
	text := fmt.Sprintf("running `%s`: %v", e.Command, e.Err)
	if tail := lastLines(e.Output, tailLines); tail != "" {
		text += "; its last words:\n" + tail
	}
	return text
}

// Unwrap is the cause: an *exec.ExitError, exec.ErrNotFound or the context's.
func (e *Error) Unwrap() error { return e.Err }

// ExitCode is the command's own verdict, or -1 when it did not run to its end.
func (e *Error) ExitCode() int {
	var exit *exec.ExitError
	if errors.As(e.Err, &exit) {
		return exit.ExitCode()
	}
	return -1
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}

// String is the command as a POSIX shell would take it.
func (c Command) String() string {
	words := make([]string, 0, 2+len(c.Env)+len(c.Args))
	words = append(words, "LC_ALL=C")
	for _, e := range c.Env {
		key, value, _ := strings.Cut(e, "=")
		words = append(words, key+"="+quote(value))
	}
	words = append(words, quote(c.Name))
	for _, a := range c.Args {
		words = append(words, quote(a))
	}
	return strings.Join(words, " ")
}

func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@%+", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
