// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTokenOfTheKernelCommandLine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	const cmdline = "quiet nodeprep.token=np1.kernel"
	load := func(file, cmdline string) config {
		t.Helper()
		c, err := loadConfig(flagsFor(t, "joinsvc: https://a:1\n"+file, "--stateDir="+dir), cmdline)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	want := func(when string, c config, token string) {
		t.Helper()
		if c.Token != token {
			t.Errorf("%s the token is %q, want %q", when, c.Token, token)
		}
	}
	c := load("token: np1.file\n", cmdline)
	want("at first", c, "np1.kernel")
	if _, err := os.Stat(dir); err == nil {
		t.Error("reading the configuration has made the state folder")
	}
	note, err := c.takeToken(cmdline)
	if err != nil || !strings.Contains(note, c.tokenFile()) || strings.Contains(note, "np1.") {
		t.Errorf("taking it says %q, %v", note, err)
	}
	info, err := os.Stat(c.tokenFile())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want a file of mode 0600", info, err)
	}
	if note, err = c.takeToken(cmdline); err != nil || note != "" {
		t.Errorf("taken twice: %q, %v", note, err)
	}
	want("with a word of the operator", load("token: np1.file\n", cmdline), "np1.file")
	want("at a boot without it", load("", "quiet"), "np1.kernel")
	want("at a boot that repeats it", load("", cmdline), "np1.kernel")
	want("at a boot with another", load("token: np1.file\n", "nodeprep.token=np1.other"), "np1.other")
	if _, err = c.takeToken("nodeprep.token=np1.other"); err != nil {
		t.Error(err)
	}
	want("when that was taken, too", load("", ""), "np1.other")
}

// A state folder that a user may read shows no token.
func TestTokenFileOfAnOpenFolder(t *testing.T) {
	dir := t.TempDir()
	c := config{StateDir: dir}
	if err := os.WriteFile(c.tokenFile(), []byte("np1.old\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := c.takeToken("nodeprep.token=np1.new"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(c.tokenFile()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want mode 0600", info, err)
	}
}

// A token that cannot be read or kept ends the run before it is used: the next one
// would not know that it was. It is a fault of the disk's, and no configuration's.
func TestTokenThatCannotBeKept(t *testing.T) {
	dir := t.TempDir()
	for name, place := range map[string]string{"a folder in its place": "kernel-token/x", "a file in the folder's": "state"} {
		t.Run(name, func(t *testing.T) {
			c := config{StateDir: filepath.Join(dir, name)}
			if place == "state" {
				c.StateDir = filepath.Join(dir, name, "state")
			}
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name, place)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name, place), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if note, err := c.takeToken("nodeprep.token=np1.new"); err == nil || note != "" {
				t.Errorf("taking it says %q, %v", note, err)
			}
			var config *configError
			_, err := loadConfig(flagsFor(t, "joinsvc: https://a:1\n", "--stateDir="+c.StateDir), "")
			if err == nil || errors.As(err, &config) || !strings.Contains(err.Error(), "reading the token that came by the kernel command line") {
				t.Errorf("reading it: %v", err)
			}
			if _, err := c.lock(t.Context(), func(string) {}); place == "state" && (err == nil || !strings.Contains(err.Error(), "making the state folder")) {
				t.Errorf("locking: %v", err)
			}
		})
	}
}

func TestTokenOfAStrangeCommandLine(t *testing.T) {
	if note, err := (config{StateDir: t.TempDir()}).takeToken("nodeprep.token=np1.new nodeprep.tokn=x"); err == nil || note != "" {
		t.Errorf("taking it says %q, %v", note, err)
	}
}
