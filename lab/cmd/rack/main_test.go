// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	cases := map[string]struct {
		args []string
		code int
		says string
	}{
		"help":            {[]string{"up", "-h"}, 0, "usage: rack build | up | test"},
		"unknown command": {[]string{"down"}, 2, `no command "down"`},
		"unknown flag":    {[]string{"up", "-nodez", "2"}, 2, "-nodez"},
		"argument":        {[]string{"up", "2"}, 2, `"2" is too much`},
		"no plan":         {[]string{"up", "-plan", "/nonexistent"}, 1, "reading the plan"},
		"too many nodes":  {[]string{"up", "-plan", "../../../docs/examples/k8c1.yaml", "-nodes", "9"}, 1, "want 9 nodes, it has 3"},
		"no packages":     {[]string{"build", "-product", "/nonexistent"}, 1, "make rpm"},
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for name, c := range cases {
		var errs strings.Builder
		if code := run(t.Context(), c.args, null, &errs); code != c.code || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%s: exit status %d, %q; want %d, %q", name, code, errs.String(), c.code, c.says)
		}
	}
}

func TestProductRPMsWantsOneOfEach(t *testing.T) {
	dir := t.TempDir()
	add := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	add("nodeprep-0.1.0-1.x86_64.rpm")
	if _, err := productRPMs(dir); err == nil {
		t.Error("joinsvc is not there")
	}
	add("joinsvc-0.1.0-1.x86_64.rpm")
	if got, err := productRPMs(dir); err != nil || len(got) != 2 {
		t.Errorf("got %q, %v", got, err)
	}
	add("nodeprep-0.2.0-1.x86_64.rpm")
	if _, err := productRPMs(dir); err == nil {
		t.Error("two nodepreps are there")
	}
}
