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

// Every setting comes from every place that is named for it; the token from no flag.
func TestEverySettingFromEverySource(t *testing.T) {
	values := map[string]string{"joinsvc": "https://a:1", "token": "np1.x", "plan": "/p", "node": "n", "stateDir": t.TempDir()}
	of := func(c config) map[string]string {
		return map[string]string{"joinsvc": c.Joinsvc, "token": c.Token, "plan": c.Plan, "node": c.Node, "stateDir": c.StateDir}
	}
	for _, key := range keys() {
		for source, load := range map[string]func() (config, error){
			"file":   func() (config, error) { return mergeConfig(flagsFor(t, key+": "+values[key]+"\n"), "") },
			"kernel": func() (config, error) { return mergeConfig(flagsFor(t, ""), "nodeprep."+key+"="+values[key]) },
			"flag":   func() (config, error) { return mergeConfig(flagsFor(t, "", "--"+key+"="+values[key]), "") },
			"environment": func() (config, error) {
				t.Setenv("NODEPREP_"+strings.ToUpper(key), values[key])
				defer os.Unsetenv("NODEPREP_" + strings.ToUpper(key))
				return mergeConfig(flagsFor(t, ""), "")
			},
		} {
			if key == "token" && source == "flag" {
				continue
			}
			c, err := load()
			if err != nil {
				t.Fatal(key, source, err)
			}
			for other, got := range of(c) {
				want := map[bool]string{true: values[key]}[other == key]
				if other == "stateDir" && key != "stateDir" {
					want = "/var/lib/nodeprep"
				}
				if got != want {
					t.Errorf("%s from the %s: %s is %q, want %q", key, source, other, got, want)
				}
			}
			from := map[string]string{"kernel": "the kernel command line", "environment": "NODEPREP_TOKEN in the environment"}[source]
			if key == "token" && from != "" && c.TokenFrom != from {
				t.Errorf("the token of the %s is said to be of %s", source, c.TokenFrom)
			}
		}
	}
}

// An address of joinsvc is one that can be called, and nothing else is taken for one.
func TestAddressOfJoinsvc(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://10.9.0.2:8443": true, "https://joinsvc": true, "http://a:1": false, "https://": false, "a:1": false, "https://a:1 b": false, "https://[::1": false,
	} {
		if err := (config{Joinsvc: address}).check(); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := (config{Plan: "/p", Node: "n"}).check(); err != nil {
		t.Error(err)
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
