// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A token that is written wrongly is refused, and its secret is not repeated: the
// journal is read by more than root.
func TestWrongTokensAreNotRepeated(t *testing.T) {
	const secret = "s3cretsecretsecretsecretsecret32"
	good := "np1." + strings.Repeat("a", 64) + ".k8c1." + secret
	for name, setting := range map[string]string{
		"a list":         "token: [" + good + "]",
		"a map":          "token: {value: " + good + "}",
		"a map's key":    "token: {" + good + ": }",
		"cut short":      "token: " + good[4:],
		"with more":      "token: " + good + ".x",
		"two words":      "token: '" + good + " " + good + "'",
		"the key's name": "tokn: " + good,
		"no key":         good,
		"no YAML":        "token: \"" + good,
		"a line too far": "token:\n" + good + "\nx: {",
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := newScene(t), t.TempDir()
			url, _ := s.joinsvc.Start(t)
			file := filepath.Join(dir, "nodeprep.yaml")
			text := fmt.Sprintf("joinsvc: %s\nstateDir: %s\n%s\n", url, dir, setting)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			e := edges{root: s.host.Root, kernel: s.host.Kernel, machine: s.host.Machine}
			for _, call := range [][]string{{"run"}, {"run", "--dry-run"}, {"status"}} {
				verb := strings.Join(call, " ")
				var out bytes.Buffer
				code := e.run(t.Context(), append(call, "--config", file), &out, &out)
				if verb != "status" && code != badConfig {
					t.Errorf("%s of %s ends with %d, want %d:\n%s", verb, text, code, badConfig, out.String())
				}
				if strings.Contains(out.String(), secret) {
					t.Errorf("%s repeats the secret:\n%s", verb, out.String())
				}
			}
			left, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range left {
				if data, err := os.ReadFile(name); err != nil || name != file && bytes.Contains(data, []byte(secret)) {
					t.Errorf("%s holds the secret, or %v", name, err)
				}
			}
		})
	}
}

// A wrong token is refused with the place that it came from. One of the kernel
// command line is taken all the same, so that the configuration's wins from then on.
func TestWrongTokensPlace(t *testing.T) {
	s, dir := newScene(t), t.TempDir()
	url, token := s.joinsvc.Start(t)
	file := filepath.Join(dir, "nodeprep.yaml")
	e := edges{root: s.host.Root, kernel: s.host.Kernel, machine: s.host.Machine}
	refused := func(place, setting string, call ...string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(fmt.Sprintf("joinsvc: %s\nstateDir: %s\n%s\n", url, dir, setting)), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		code := e.run(t.Context(), append(call, "--config", file), &out, &out)
		if want := "checking the token of " + place + ": the enrolment token has 1 parts"; code != badConfig || !strings.Contains(out.String(), want) {
			t.Errorf("status %d, want %d with %q:\n%s", code, badConfig, want, out.String())
		}
	}
	refused(file, "token: cut", "run", "--dry-run")
	t.Setenv("NODEPREP_TOKEN", "cut")
	refused("NODEPREP_TOKEN in the environment", "", "run", "--dry-run")
	t.Setenv("NODEPREP_TOKEN", "")
	cmdline := filepath.Join(string(s.host.Root), kernelCommandLine)
	if err := errors.Join(os.MkdirAll(filepath.Dir(cmdline), 0o755), os.WriteFile(cmdline, []byte("quiet nodeprep.token=cut\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	refused("the kernel command line", "token: "+token, "run", "--dry-run")
	refused("the kernel command line", "token: "+token, "run")
	refused(filepath.Join(dir, "kernel-token"), "", "run")
	t.Setenv("NODEPREP_TOKEN", token)
	var out bytes.Buffer
	if code := e.run(t.Context(), []string{"run", "--dry-run", "--config", file}, &out, &out); code != 0 {
		t.Errorf("status %d, with the operator's token:\n%s", code, out.String())
	}
	// Once the host has enrolled, no token keeps it from coming back.
	_ = e.run(t.Context(), []string{"run", "--config", file}, &out, &out) // what comes after enrolment is of no interest here
	t.Setenv("NODEPREP_TOKEN", "cut")
	if code := e.run(t.Context(), []string{"run", "--dry-run", "--config", file}, &out, &out); code == badConfig {
		t.Errorf("an enrolled host with a wrong token:\n%s", out.String())
	}
}
