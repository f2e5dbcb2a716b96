// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func flagsFor(t *testing.T, file string, args ...string) *pflag.FlagSet {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nodeprep.yaml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := pflag.NewFlagSet("nodeprep", pflag.ContinueOnError)
	flags.String("config", path, "")
	addConfigFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags
}

func TestLaterSourcesWin(t *testing.T) {
	const file = "joinsvc: https://file:1\ntoken: np1.file\n"
	tests := []struct {
		name, env, cmdline string
		args               []string
		want               string
	}{
		{name: "file", want: "https://file:1"},
		{name: "environment", env: "https://env:1", want: "https://env:1"},
		{name: "kernel", env: "https://env:1", cmdline: "quiet nodeprep.joinsvc=https://kernel:1", want: "https://kernel:1"},
		{name: "flag", cmdline: "nodeprep.joinsvc=https://kernel:1", args: []string{"--joinsvc=https://flag:1"}, want: "https://flag:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.env != "" {
				t.Setenv("NODEPREP_JOINSVC", tt.env)
			}
			flags := flagsFor(t, file, tt.args...)
			got, err := loadConfig(flags, tt.cmdline)
			if err != nil {
				t.Fatal(err)
			}
			want := config{Joinsvc: tt.want, Token: "np1.file", TokenFrom: flags.Lookup("config").Value.String(), StateDir: "/var/lib/nodeprep"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("loadConfig (-want +got):\n%s", diff)
			}
		})
	}
}

// docs/hosts.md has every setting, in order, and no other.
func TestPageOfSettings(t *testing.T) {
	page, err := os.ReadFile("../../docs/hosts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## nodeprep's settings")
	table, _, _ = strings.Cut(table, "\n## ")
	var have []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1) {
		have = append(have, m[1])
	}
	if diff := cmp.Diff(keys(), have); diff != "" {
		t.Errorf("docs/hosts.md (-want +got):\n%s", diff)
	}
}

func TestBadConfiguration(t *testing.T) {
	tests := []struct {
		name, file, cmdline string
		want                []string
	}{
		{name: "unknown setting", file: "joinsvc: https://a:1\ntokn: x\n", want: []string{"tokn", "known settings"}},
		{name: "unknown kernel setting", file: "joinsvc: https://a:1\n", cmdline: "nodeprep.tokn=x", want: []string{"nodeprep.tokn"}},
		{name: "nothing", file: "", want: []string{"neither joinsvc nor plan"}},
		{name: "all at once", file: "joinsvc: http://a:1\nplan: /p\n", want: []string{"both joinsvc and plan", "plan is set without node", "no https://HOST:PORT"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := loadConfig(flagsFor(t, tt.file), tt.cmdline)
			if err == nil {
				t.Fatal("loadConfig took it")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("loadConfig: %v\nwant it to say %q", err, want)
				}
			}
		})
	}
}
