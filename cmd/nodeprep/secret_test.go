// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
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
			for _, verb := range []string{"run", "status"} {
				var out bytes.Buffer
				code := e.run(t.Context(), []string{verb, "--config", file}, &out, &out)
				if verb == "run" && code == 0 {
					t.Errorf("%s was taken:\n%s", text, out.String())
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
