// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/change"
)

// planned runs a command of `joinsvc plan`.
func planned(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"plan"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

// planWith is a copy of the example with old replaced by updated, pairwise.
func planWith(t *testing.T, pairs ...string) string {
	t.Helper()
	text, err := os.ReadFile(examplePlan)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(string(text), pairs[i]) {
			t.Fatalf("the example has no %q", pairs[i])
		}
	}
	file := filepath.Join(t.TempDir(), "plan.yaml")
	write(t, file, strings.NewReplacer(pairs...).Replace(string(text)))
	return file
}

// docs/operations.md has every setting with its default, and no other.
func TestPageOfSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "joinsvc.yaml")
	write(t, file, "")
	t.Setenv("JOINSVC_NAMES", "join,10.9.0.2")
	c, err := loadConfig(file)
	if err != nil || len(c.Names) != 2 {
		t.Fatal(c.Names, err)
	}
	want := map[string]string{"plan": c.Plan, "listen": c.Listen, "names": "", "dataDir": c.DataDir, "adminSocket": c.AdminSocket}
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## joinsvc's settings")
	table, _, _ = strings.Cut(table, "\n## ")
	have := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| *`?([^`|]*?)`? *\\|").FindAllStringSubmatch(table, -1) {
		have[m[1]] = strings.TrimSpace(m[2])
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("docs/operations.md (-want +got):\n%s", diff)
	}
}

// README shows what a mistake gets, and it is what it shows.
func TestReadmeShowsWhatCheckSays(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(readme), "$ joinsvc plan check plan.yaml\n")
	block, _, _ = strings.Cut(block, "```")
	shown, last, ok := strings.Cut(block, "…\n")
	if !ok || strings.Count(shown, "\n") < 5 {
		t.Fatalf("README has no such block: %q", block)
	}
	t.Chdir(filepath.Dir(planWith(t, "vlan: 1500", "vlan: fifteen", "192.168.9.194/28", "192.168.9.211/28", "name: k8c1s2", "name: k8c1s1\n      slot: 3")))
	code, out, _ := planned(t, "check", "plan.yaml")
	if code != 1 || !strings.HasPrefix(out, shown) || !strings.HasSuffix(out, last) {
		t.Errorf("exit %d\n%s\nREADME has\n%s…\n%s", code, out, shown, last)
	}
}

func TestPlanShow(t *testing.T) {
	code, out, errs := planned(t, "show", examplePlan)
	if code != 0 || errs != unasked {
		t.Fatalf("exit %d, %s", code, errs)
	}
	golden.Check(t, filepath.Join("testdata", "show.txt"), out)
	code, out, errs = planned(t, "show", "-o", "yaml", examplePlan)
	if code != 0 || errs != unasked {
		t.Fatalf("exit %d, %s", code, errs)
	}
	golden.Check(t, filepath.Join("testdata", "show.yaml"), out)
}

// The plan in -o json is a plan, in which nothing is left to derive.
func TestPlanShowJSON(t *testing.T) {
	pools := planWith(t, "  nodes:\n", "  pools:\n    - names: k8c1a{1..2}\n      role: worker\n      addresses: 192.168.9.200-192.168.9.201\n  nodes:\n")
	code, out, errs := planned(t, "show", "-o", "json", pools)
	if code != 0 {
		t.Fatalf("exit %d, %s", code, errs)
	}
	var got struct {
		Plan     json.RawMessage
		Capacity struct{ ASNsLeft int }
		Racks    []struct{ AddressesLeft int }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	p, report := plan.Parse(got.Plan)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	if n := len(p.Spec.Nodes); n != 5 || p.Spec.Pools != nil || p.Spec.Nodes[4].Name != "k8c1a2" || p.Spec.Nodes[4].ASN != 63555 {
		t.Errorf("%d nodes, the last %+v", n, p.Spec.Nodes[n-1])
	}
	if got.Capacity.ASNsLeft != 7 || got.Racks[0].AddressesLeft != 6 {
		t.Errorf("left are %d numbers and %d addresses, want 7 and 6", got.Capacity.ASNsLeft, got.Racks[0].AddressesLeft)
	}
}

func TestPlanDiff(t *testing.T) {
	updated := planWith(
		t, "mtu: 9000", "mtu: 1500", "name: k8c1s2", "name: k8c1w2", "192.168.9.194/28", "192.168.9.196/28",
		"blockSize: 26", "blockSize: 25", "version: 1.37.2", "version: 1.38.0",
	)
	code, out, errs := planned(t, "diff", examplePlan, updated)
	if code != 0 || errs != "" {
		t.Fatalf("exit %d, %s", code, errs)
	}
	golden.Check(t, filepath.Join("testdata", "diff.txt"), out)

	code, out, _ = planned(t, "diff", "-o", "json", examplePlan, updated)
	var got differences
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 {
		t.Fatalf("exit %d, %v", code, err)
	}
	if got.Worst != change.Impossible || len(got.Changes) != 8 {
		t.Errorf("%d changes, the worst %s; want 8, impossible", len(got.Changes), got.Worst)
	}
	code, out, _ = planned(t, "diff", examplePlan, examplePlan)
	if code != 0 || out != "both plans mean the same\n" {
		t.Errorf("exit %d, %s", code, out)
	}
	if _, out, _ = planned(t, "diff", "-o", "json", examplePlan, examplePlan); !strings.Contains(out, `"changes": []`) {
		t.Errorf("no changes are not an empty list: %s", out)
	}
}

// Of many members the first are named, with values of their own if they differ.
func TestPlanDiffMany(t *testing.T) {
	members := []change.Member{{Name: "a", From: "1", To: "2"}, {Name: "b", From: "1", To: "2"}, {Name: "c", From: "1", To: "2"}, {Name: "d", From: "1", To: "2"}}
	tests := []struct {
		change change.Change
		want   string
	}{
		{change.Change{Scope: change.Nodes, What: "bond.mtu", Members: members}, "1 -> 2, 4 nodes (a, b, c, ...)"},
		{change.Change{Scope: change.Nodes, What: "asn", Members: append(members[:3:3], change.Member{Name: "d", To: "3"})}, "4 nodes (a 1 -> 2, b 1 -> 2, c 1 -> 2, ...)"},
		{change.Change{Scope: change.Leaves, What: "address", Members: []change.Member{{Name: "a"}, {Name: "b", From: "1"}}}, "2 leaves (a nothing -> nothing, b 1 -> nothing)"},
		{change.Change{Scope: change.Nodes, What: change.Added, Members: []change.Member{{Name: "a", To: "10.0.0.1/24"}}}, "a 10.0.0.1/24"},
		{change.Change{Scope: change.Cluster, What: "site", Members: []change.Member{{To: "10.0.0.0/8"}}}, "nothing -> 10.0.0.0/8"},
	}
	for _, tt := range tests {
		if got := becomes(tt.change); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.change.What, got, tt.want)
		}
	}
}

// A plan with errors means nothing, and changes into nothing.
func TestPlanShowAndDiffRefuseErrors(t *testing.T) {
	wrong := planWith(t, "192.168.9.194/28", "192.168.9.211/28", "vlan: 1500", "vlan: 5000")
	for _, args := range [][]string{{"show", wrong}, {"show", "-o", "json", wrong}, {"diff", wrong, examplePlan}, {"diff", examplePlan, wrong}} {
		code, out, errs := planned(t, args...)
		if code != 1 || out != "" || !strings.Contains(errs, "spec.nodes[1].address: 192.168.9.211") || !strings.Contains(errs, "spec.nodeNetwork.vlan: 5000") {
			t.Errorf("%v: exit %d, %q, %s", args, code, out, errs)
		}
	}
	if code, _, errs := planned(t, "show", "/nonexistent"); code != 1 || !strings.Contains(errs, "reading the plan") {
		t.Errorf("exit %d, %s", code, errs)
	}
	for _, args := range [][]string{{"show", "-o", "xml", examplePlan}, {"diff", "-o", "yaml", examplePlan, examplePlan}, {"import", "--services", "x", examplePlan}, {"import", "--mac", "a=b", examplePlan}, {"import", "--api-endpoint", "x", examplePlan}} {
		if code, _, errs := planned(t, args...); code != 2 {
			t.Errorf("%v: exit %d, %s", args, code, errs)
		}
	}
}
