// SPDX-License-Identifier: Apache-2.0

// Package soak repeats the lab's whole way while a processor is kept busy beside
// it, and keeps a record: a way that works once on a quiet machine is not known
// to work.
package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// ErrFailed is a soak of which not every run passed.
var ErrFailed = errors.New("not every run passed")

// Config is what is repeated.
type Config struct {
	Runs    int
	Command []string      // makes one run; it writes its Record to the file in RACK_RECORD
	Busy    []string      // runs beside all of them; it ends when it is killed
	Limit   time.Duration // of one run, after which it is killed and has failed
	Dir     string        // for the record, and for what each run printed
	Now     func() time.Time
	Out     io.Writer
}

// Record is what one run writes down.
type Record struct {
	Stages  []Stage `json:"stages"`
	Failure string  `json:"failure,omitempty"`
}

// Stage is one thing that happened.
type Stage struct {
	Machine string  `json:"machine,omitempty"` // empty: the rack as a whole
	What    string  `json:"what"`
	Seconds float64 `json:"seconds"` // since the machines were started
}

// Run is one run as it ended.
type Run struct {
	Record
	Took time.Duration // building and taking down included
	Err  error
}

// Soak makes the runs one after the other, prints a line for each and the table
// at the end, and leaves the table in Dir. A failed run does not end it: what
// fails once in five is worth the other four. The error is ErrFailed when one
// did not pass.
func Soak(ctx context.Context, c Config) error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the record: %w", err)
	}
	stop, err := keepBusy(ctx, c.Busy)
	if err != nil {
		return err
	}
	defer stop()
	var runs []Run
	for i := range c.Runs {
		fmt.Fprintf(c.Out, "soak: run %d of %d, since %s\n", i+1, c.Runs, c.Now().Format("15:04:05"))
		r := c.one(ctx, i+1)
		runs = append(runs, r)
		fmt.Fprintf(c.Out, "soak: run %d %s after %s\n", i+1, r.outcome(), r.Took.Round(time.Second))
		if ctx.Err() != nil {
			break
		}
	}
	return c.conclude(runs)
}

// conclude prints and keeps the table.
func (c Config) conclude(runs []Run) error {
	table, passed := Table(runs), 0
	for _, r := range runs {
		if r.Err == nil {
			passed++
		}
	}
	verdict := fmt.Sprintf("%d of %d passed\n", passed, c.Runs)
	file := filepath.Join(c.Dir, "soak.md")
	err := os.WriteFile(file, []byte(table+"\n"+verdict), 0o644)
	fmt.Fprintf(c.Out, "\n%s\n%sThe table is in %s\n", table, verdict, file)
	if err != nil {
		return fmt.Errorf("keeping the record: %w", err)
	}
	if passed < c.Runs {
		return fmt.Errorf("%w: %d of %d did", ErrFailed, passed, c.Runs)
	}
	return nil
}

// one makes a run. What it prints goes into a file of its own.
func (c Config) one(ctx context.Context, n int) Run {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Limit, fmt.Errorf("not over after %s", c.Limit))
	defer cancel()
	start := c.Now()
	file := filepath.Join(c.Dir, fmt.Sprintf("run%d.json", n))
	err := errors.Join(remove(file), c.execute(ctx, filepath.Join(c.Dir, fmt.Sprintf("run%d.log", n)), file))
	run := Run{Took: c.Now().Sub(start), Err: err}
	text, readErr := os.ReadFile(file)
	if readErr == nil {
		readErr = json.Unmarshal(text, &run.Record)
	}
	if readErr != nil {
		run.Err = errors.Join(run.Err, fmt.Errorf("reading the run's record: %w", readErr))
	}
	return run
}

// remove takes an earlier soak's record away, so that it is nobody's.
func remove(file string) error {
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (c Config) execute(ctx context.Context, log, record string) error {
	out, err := os.Create(log)
	if err != nil {
		return fmt.Errorf("opening the run's log: %w", err)
	}
	cmd := grouped(ctx, c.Command)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), "RACK_RECORD="+record)
	err = cmd.Run()
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	if err != nil {
		err = fmt.Errorf("%w; see %s", err, log)
	}
	return errors.Join(err, out.Close())
}

// grouped is a command whose whole process group ends with ctx: first asked, so
// that a rack takes its machines down and make its children, then killed.
func grouped(ctx context.Context, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	return cmd
}

// keepBusy starts the program beside the runs and returns what ends it.
func keepBusy(ctx context.Context, argv []string) (stop func(), err error) {
	if len(argv) == 0 {
		return func() {}, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := grouped(ctx, argv)
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("keeping a processor busy: %w", err)
	}
	return func() {
		cancel()
		_ = cmd.Wait() // it was killed, which is its way to end
	}, nil
}
