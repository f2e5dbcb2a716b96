// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

func TestPlanInitSuggested(t *testing.T) {
	code, out, errs := planned(t, "init", "--yes")
	if code != 0 || errs != "" {
		t.Fatalf("exit %d, %s", code, errs)
	}
	golden.Check(t, filepath.Join("testdata", "init.yaml"), out)
	if _, report := plan.Parse([]byte(out)); len(report) > 0 {
		t.Errorf("the suggested plan has %v", report)
	}
}

func TestPlanInitFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plan.yaml")
	attempt := func(args ...string) (int, string) {
		code, out, errs := planned(t, append([]string{"init", "--yes", "-o", file}, args...)...)
		if out != "" {
			t.Errorf("the plan is printed although it has a file: %s", out)
		}
		return code, errs
	}
	if code, errs := attempt("--cluster", "first"); code != 0 {
		t.Fatalf("exit %d, %s", code, errs)
	}
	if code, errs := attempt("--cluster", "second"); code != 1 || !strings.Contains(errs, "--force") {
		t.Errorf("over a file: exit %d, %s", code, errs)
	}
	if code, errs := attempt("--force", "--vlan", "0"); code != 1 || !strings.Contains(errs, "--vlan") {
		t.Errorf("with a wrong answer: exit %d, %s", code, errs)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "name: first\n") {
		t.Errorf("the file was touched: %v\n%s", err, text)
	}
	if code, errs := attempt("--force", "--cluster", "second"); code != 0 {
		t.Errorf("with --force: exit %d, %s", code, errs)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "name: second\n") {
		t.Errorf("the file is not replaced: %v\n%s", err, text)
	}
}

// converse runs the command with somebody who types replies.
func converse(t *testing.T, replies string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := planInitCommand()
	cmd.SetArgs(append([]string{}, args...)) // nil would be the test's own
	cmd.SetIn(strings.NewReader(replies))
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

// A wrong answer is told and asked for again; an empty one takes what stands in
// brackets; what has a flag is not asked.
func TestPlanInitConversation(t *testing.T) {
	out, errs, err := converse(t, "K8\nk9\n"+strings.Repeat("\n", 10)+"99\n5\n"+strings.Repeat("\n", 9), "--domain", "lab.example")
	if err != nil {
		t.Fatal(err, errs)
	}
	golden.Check(t, filepath.Join("testdata", "conversation.txt"), errs)
	p, report := plan.Parse([]byte(out))
	if len(report) > 0 || p.Metadata.Name != "k9" || p.Spec.Domain != "lab.example" {
		t.Errorf("%v\n%s", report, out)
	}
	if len(p.Spec.Nodes) != 5 {
		t.Errorf("%d nodes, want 5", len(p.Spec.Nodes))
	}
}

func TestPlanInitEndsWithItsAnswers(t *testing.T) {
	out, _, err := converse(t, "k9\n")
	if err == nil || out != "" || !strings.Contains(err.Error(), "--domain: the answers ended here") {
		t.Errorf("error is %v, output %q", err, out)
	}
}

// Without a terminal nobody is waited for.
func TestPlanInitWithoutTerminal(t *testing.T) {
	in, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	if converses(in) {
		t.Error("/dev/null passes for a terminal")
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	if !converses(terminal) {
		t.Error("a terminal does not pass for one")
	}
	stdin := os.Stdin
	os.Stdin = in
	t.Cleanup(func() { os.Stdin = stdin })
	code, out, errs := planned(t, "init", "--vlan", "7")
	if code != 2 || out != "" || !strings.Contains(errs, "--cluster, --domain") || strings.Contains(errs, "--vlan") || !strings.Contains(errs, "--yes") {
		t.Errorf("exit %d, %q, %s", code, out, errs)
	}
	if code, _, errs = planned(t, "init", "--vlan", "0"); code != 1 || !strings.Contains(errs, "--vlan:") {
		t.Errorf("a wrong answer: exit %d, %s", code, errs)
	}
}
