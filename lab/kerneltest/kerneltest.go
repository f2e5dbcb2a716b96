// SPDX-License-Identifier: Apache-2.0

// Package kerneltest runs the tests of a Go package in a virtual machine with a
// kernel of its own: those that need modules, bonds or VLANs, which the machine
// that they are built on may not have, and must not lend.
//
// The machine is small: Debian's kernel, the modules that the tests ask for,
// busybox, and the test binary over 9p. It is always emulated, because it is
// through its boot in the time that finding out about KVM takes.
package kerneltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/lab/vm"
)

// Suite is one package's tests.
type Suite struct {
	Package string // as go test takes it, relative to Module
	Module  string // folder of the module that the package is in
	Tags    string // build tags
	Run     string // -test.run
}

// Result is what a machine has said.
type Result struct {
	Passed bool
	Output string // of the tests, as go test -v prints it
	Why    string // not passed
}

// sentinel is the line that init prints when the tests are over, with their exit
// status. Nothing else counts: QEMU exits with 0 when its guest has panicked.
const sentinel = "kerneltest: exit status "

// Go runs the suite. An error is about the machine; tests that fail are a
// Result.
func (s Suite) Go(ctx context.Context, c *cache.Cache) (Result, error) {
	boot, err := buildBoot(ctx, c)
	if err != nil {
		return Result{}, err
	}
	dir, err := os.MkdirTemp("", "kerneltest")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir)
	if err := s.compile(ctx, filepath.Join(dir, "in")); err != nil {
		return Result{}, err
	}
	console, err := runMachine(ctx, boot, dir, s.Run)
	if err != nil {
		return Result{}, err
	}
	return judge(console), nil
}

// compile builds the test binary, static, so that it needs no userland.
func (s Suite) compile(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-tags", s.Tags, "-o", filepath.Join(dir, "test"), s.Package)
	cmd.Dir = s.Module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// bootTime is how long a machine may print nothing; it takes seconds, and some ten
// times that on processors that are shared by many.
const bootTime = 90 * time.Second

// errSilent is a machine that did not boot: not a line of a test was reached.
var errSilent = errors.New("the machine has printed nothing")

// runMachine boots, waits until the machine has powered itself off, and returns
// what it has printed. An emulated machine of two processors has been seen to hang
// before its first word, once in about ten (QEMU 7.2, thread=multi): it is started
// once more. One that has said anything is not.
func runMachine(ctx context.Context, b boot, dir, run string) (string, error) {
	console, err := runOnce(ctx, b, dir, run)
	if errors.Is(err, errSilent) {
		return runOnce(ctx, b, dir, run)
	}
	return console, err
}

func runOnce(ctx context.Context, b boot, dir, run string) (string, error) {
	group := vm.NewGroup()
	defer group.Kill()
	m := vm.Machine{
		Name: "kerneltest", Dir: dir, Kernel: b.kernel, Initrd: b.initrd,
		KernelArgs: []string{"console=ttyS0", "quiet", "mitigations=off", "panic=-1", "test.run=" + run},
		MemoryMiB:  512, CPUs: 2, Accel: vm.TCG, ExitOnBoot: true,
		Shares: []vm.Share{{Tag: "in", Path: filepath.Join(dir, "in"), ReadOnly: true}},
	}
	v, err := m.Start(group)
	if err != nil {
		return "", err
	}
	late := wait(ctx, v, bootTime)
	if late != nil {
		v.Kill()
	}
	console, err := os.ReadFile(v.SerialPath())
	if late != nil {
		late = fmt.Errorf("%w; it printed:\n%s", late, console)
	}
	return strings.ReplaceAll(string(console), "\r\n", "\n"), errors.Join(late, err)
}

// wait returns when the machine is off, or why it will not be.
func wait(ctx context.Context, v *vm.VM, boot time.Duration) error {
	booted := time.NewTimer(boot)
	defer booted.Stop()
	for {
		select {
		case <-v.Done():
			return nil
		case <-ctx.Done():
			return fmt.Errorf("the machine was not done in time: %w", context.Cause(ctx))
		case <-booted.C:
			if console, err := os.ReadFile(v.SerialPath()); err == nil && strings.TrimSpace(string(console)) == "" {
				return fmt.Errorf("%w in %s", errSilent, boot)
			}
		}
	}
}

// judge decides from what the console shows. Tests that did not run have not
// passed, whoever left them out.
func judge(console string) Result {
	r := Result{Output: console}
	status, ended := lastLine(console, sentinel)
	switch {
	case !ended:
		r.Why = "the machine ended before its tests did"
	case status != "0":
		r.Why = "the tests ended with exit status " + status
	case !strings.Contains(console, "\n--- PASS: "):
		r.Why = "no test has run"
	case regexp.MustCompile(`(?m)^ *--- SKIP: `).MatchString(console):
		r.Why = "a test was skipped"
	default:
		r.Passed = true
	}
	return r
}

// lastLine returns what follows prefix in the last line that begins with it.
func lastLine(text, prefix string) (rest string, ok bool) {
	for line := range strings.Lines(text) {
		if after, found := strings.CutPrefix(line, prefix); found {
			rest, ok = strings.TrimSpace(after), true
		}
	}
	return rest, ok
}
