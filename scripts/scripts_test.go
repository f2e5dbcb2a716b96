// SPDX-License-Identifier: Apache-2.0

// Package scripts tests what a fresh machine runs first, with programs that only
// write down what they are asked.
package scripts

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// checkout is a folder with a script, in a path with a blank, on a machine whose
// programs are these.
type checkout struct {
	t      *testing.T
	dir    string
	policy string // the machine's file of that name
	env    []string
}

// fake are programs of a user's machine with sudo: each call is a line in the file
// LOG. apt-get finds its lists locked as often as the file LOCKED has lines, and
// stays in an installation where HANG is set.
func fake() map[string]string {
	return map[string]string{
		"id":         `echo 1000`,
		"getent":     `echo "user:x:1000:1000::$DIR/home:/bin/sh"`,
		"dpkg-query": `exit 1`,
		"apt-cache":  `echo runc`,
		"sudo":       `echo "$@" >>"$LOG"; exec "$@"`,
		"chown":      `echo chown "$@" >>"$LOG"`,
		"dpkg":       `exit 0`,
		"apt-get": `if [ -s "$DIR/locked" ]; then
	sed -i 1d "$DIR/locked"
	echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 42 (apt-get)" >&2
	exit 100
fi
case "$*" in *install*) "$POLICY" || echo "no service starts: $?" >>"$LOG" ;; esac
case "$* $HANG" in *install*yes) echo begun; exec sleep 600 ;; esac`,
	}
}

func newCheckout(t *testing.T, script string) checkout {
	t.Helper()
	c := checkout{t: t, dir: filepath.Join(t.TempDir(), "a b"), policy: filepath.Join(t.TempDir(), "policy-rc.d")}
	for _, folder := range []string{"scripts", "programs", "home", "bin"} {
		if err := os.MkdirAll(c.file(folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{script: "scripts/" + script, "../go.mod": "go.mod"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		c.write(to, strings.ReplaceAll(string(text), "/usr/sbin/policy-rc.d", c.policy))
	}
	for name, text := range fake() {
		c.write("programs/"+name, "#!/bin/bash\n"+text+"\n")
	}
	c.env = append(c.env, "PATH="+c.file("programs")+":"+os.Getenv("PATH"), "DIR="+c.dir, "LOG="+c.file("log"), "POLICY="+c.policy, "GOFLAGS="+os.Getenv("GOFLAGS"))
	return c
}

func (c checkout) file(name string) string { return filepath.Join(c.dir, name) }

func (c checkout) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(c.file(name), []byte(text), 0o755); err != nil {
		c.t.Fatal(err)
	}
}

func (c checkout) log() string {
	text, err := os.ReadFile(c.file("log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Fatal(err)
	}
	return string(text)
}

// run runs a script; heard is called with all that it has printed, at each word.
func (c checkout) run(heard func(said string, p *os.Process), script string, args ...string) (said string, err error) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), c.file("scripts/"+script), args...)
	cmd.Env, cmd.Dir = c.env, c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Minute
	var out bytes.Buffer
	cmd.Stdout = writer(func(p []byte) {
		out.Write(p)
		heard(out.String(), cmd.Process)
	})
	cmd.Stderr = cmd.Stdout
	err = cmd.Run()
	return out.String(), err
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

func ignore(string, *os.Process) {}

// interrupt ends a script, and what it has started, when that says that it has begun.
func interrupt() func(string, *os.Process) {
	done := false
	return func(said string, p *os.Process) {
		if !done && strings.Contains(said, "\nbegun\n") {
			done = syscall.Kill(-p.Pid, syscall.SIGTERM) == nil
		}
	}
}

// locked holds the lock of a file until the script says that it waits.
func (c checkout) locked(file string, flags int) func(string, *os.Process) {
	c.t.Helper()
	f, err := os.OpenFile(file, flags, 0o600)
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return func(said string, _ *os.Process) {
		if strings.Contains(said, "waiting for the end of another") {
			_ = f.Close() // again when more is said
		}
	}
}

// A service has no HOME, a machine that has just booted has an apt at work, and what
// Debian starts by itself is told not to, for as long as it takes.
func TestSetup(t *testing.T) {
	c := newCheckout(t, "setup")
	c.write("locked", "1\n")
	said, err := c.run(ignore, "setup", "lab")
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if !strings.Contains(said, "waiting for another apt") {
		t.Errorf("it said\n%s", said)
	}
	const apt = "env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get "
	at := 0
	for _, step := range []string{apt + "-qq update", apt + "-qq update", apt + "-qqy", "no service starts: 101", "rm -f " + c.policy} {
		next := strings.Index(c.log()[at:], step)
		if next < 0 {
			t.Fatalf("no %q in its place in\n%s", step, c.log())
		}
		at += next + len(step)
	}
	if _, err := os.Readlink(c.file("home/.cache/nodeprep/go")); err != nil {
		t.Error(err)
	}
}

// A setup that is cut off leaves no machine on which no service is started, and its
// half of a Go goes with the next one.
func TestSetupThatIsCutOff(t *testing.T) {
	c := newCheckout(t, "setup")
	half := c.file("home/.cache/nodeprep/go.abcdef/go")
	if err := errors.Join(os.MkdirAll(half, 0o755), os.Chmod(half, 0o555)); err != nil {
		t.Fatal(err)
	}
	c.env = append(c.env, "HANG=yes")
	said, err := c.run(interrupt(), "setup", "lab")
	if err == nil || !strings.Contains(c.log(), "no service starts: 101") {
		t.Errorf("%v: it said\n%s\nand did\n%s", err, said, c.log())
	}
	for _, left := range []string{half, c.policy} {
		if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("left: %s, %v", left, err)
		}
	}
}

// One that was killed outright leaves it to the next; what is somebody else's stays.
func TestSetupAfterOneThatWasKilled(t *testing.T) {
	ours := "#!/bin/sh\n# of scripts/setup (nodeprep), for as long as it installs\nexit 101\n"
	for text, stays := range map[string]bool{ours: false, "#!/bin/sh\nexit 101\n": true} {
		c := newCheckout(t, "setup")
		if err := os.WriteFile(c.policy, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		if said, err := c.run(ignore, "setup", "go"); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		if kept, err := os.ReadFile(c.policy); (err == nil) != stays || stays && string(kept) != text {
			t.Errorf("%q became %q, %v", text, kept, err)
		}
	}
}

func TestTwoSetups(t *testing.T) {
	c := newCheckout(t, "setup")
	cache := c.file("home/.cache/nodeprep")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	said, err := c.run(c.locked(filepath.Join(cache, "setup.lock"), os.O_CREATE|os.O_RDWR), "setup", "go")
	if err != nil || !strings.Contains(said, "waiting for the end of another") || !strings.Contains(said, "everything is there") {
		t.Errorf("%v: it said\n%s", err, said)
	}
}

// root has the stages run as they are, for the user who called sudo.
func (c checkout) root() checkout {
	c.write("programs/id", "#!/bin/sh\necho 0\n")
	c.env = append(c.env, "SUDO_UID=7", "SUDO_GID=8")
	return c
}

// What is built belongs to the user, and no other run of this folder builds meanwhile.
func TestStages(t *testing.T) {
	c := newCheckout(t, "stages").root()
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	said, err := c.run(c.locked(c.dir, os.O_RDONLY), "stages", "a: umask", "b: exit 3", "c: true")
	var failed *exec.ExitError
	if !errors.As(err, &failed) || failed.ExitCode() != 3 {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"waiting for the end of another run in " + c.dir, "\n0022\n", "failed with status 3", "Not run: c"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	if want := fmt.Sprintln("chown -R 7:8 bin"); c.log() != want {
		t.Errorf("did %q", c.log())
	}
}

func TestStagesThatAreCutOff(t *testing.T) {
	c := newCheckout(t, "stages").root()
	said, err := c.run(interrupt(), "stages", "a: echo begun; sleep 600")
	if err == nil || c.log() != "chown -R 7:8 bin\n" {
		t.Errorf("%v: it said\n%s\nand did %q", err, said, c.log())
	}
}
