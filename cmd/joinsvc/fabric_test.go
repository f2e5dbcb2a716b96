// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/fabric/apic"
	"github.com/nodeprep/nodeprep/pkg/fabric/apic/apictest"
)

const apicPassword = "correct horse battery staple"

// aciFabric is an APIC with the leaves and the outside domain of the shipped plan, and
// an operator's files for it.
type aciFabric struct {
	installation
	*apictest.Server
	ca string
}

func newACIFabric(t *testing.T) aciFabric {
	t.Helper()
	s := apictest.Start(apictest.Options{User: "joinsvc", Password: apicPassword, Leaves: []int{201, 202}, Pairs: [][2]int{{201, 202}}})
	t.Cleanup(s.Close)
	if err := s.Post("uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`); err != nil {
		t.Fatal(err)
	}
	t.Setenv(passwordVariable, apicPassword)
	f := aciFabric{installation: install(t, asShipped), Server: s}
	f.ca = filepath.Join(f.dir, "ca.pem")
	write(t, f.ca, string(s.CA()))
	return f
}

// fabric runs one of the fabric commands.
func (f aciFabric) fabric(command string, args ...string) (code int, stdout, stderr string) {
	f.t.Helper()
	return f.cli(append([]string{"fabric", command, "--apic", f.URL(), "--ca", f.ca, f.dir + "/plan.yaml"}, args...)...)
}

func (f aciFabric) want(code int, part, command string, args ...string) string {
	f.t.Helper()
	got, out, errs := f.fabric(command, args...)
	if got != code || !strings.Contains(out+errs, part) {
		f.t.Errorf("fabric %s %q: exit %d, want %d with %q\n%s%s", command, args, got, code, part, out, errs)
	}
	if strings.Contains(out+errs, apicPassword) {
		f.t.Errorf("fabric %s tells the password", command)
	}
	return out
}

func TestFabricPushDiffDelete(t *testing.T) {
	f := newACIFabric(t)
	before := f.Dump()
	f.want(1, "+ fvTenant uni/tn-TEN_K8_C1", "diff")
	f.want(1, "say --yes", "push")
	if diff := cmp.Diff(before, f.Dump()); diff != "" {
		t.Errorf("without a yes it changed (-before +after):\n%s", diff)
	}
	f.want(0, "done", "push", "--yes")
	f.want(0, "0 to make, 0 to change, 0 to delete", "diff")
	f.Requests()
	f.want(0, "0 to make", "push")
	if w := f.Writes(); len(w) > 0 {
		t.Errorf("with nothing to do it sent %q", w)
	}
	f.want(1, "say --yes", "delete")
	f.want(0, "- uni/tn-TEN_K8_C1", "delete", "--yes")
	if diff := cmp.Diff(before, f.Dump()); diff != "" {
		t.Errorf("push and delete left something (-before +after):\n%s", diff)
	}
}

func TestFabricConflict(t *testing.T) {
	f := newACIFabric(t)
	if err := f.Post("uni/tn-TEN_K8_C1", `{"fvTenant": {"attributes": {"name": "TEN_K8_C1"}, "children": [
		{"fvCtx": {"attributes": {"name": "VRF_K8_C1", "pcEnfPref": "unenforced", "annotation": "orchestrator:terraform"}}}]}}`); err != nil {
		t.Fatal(err)
	}
	before := f.Dump()
	f.want(1, `pcEnfPref "unenforced" -> "enforced"`, "diff")
	f.want(1, "ctx-VRF_K8_C1 belongs to orchestrator:terraform", "push", "--yes")
	if diff := cmp.Diff(before, f.Dump()); diff != "" {
		t.Errorf("against a conflict it changed (-before +after):\n%s", diff)
	}
	var changes apic.Changes
	out := f.want(1, "", "diff", "-o", "json")
	if err := json.Unmarshal([]byte(out), &changes); err != nil || len(changes.Conflicts) != 1 || len(changes.Used) != 1 || len(changes.Create) < 100 {
		t.Errorf("%v, %+v", err, changes.Conflicts)
	}
}

func TestFabricTrouble(t *testing.T) {
	f := newACIFabric(t)
	open := filepath.Join(f.dir, "open")
	write(t, open, apicPassword)
	if err := os.Chmod(open, 0o640); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(f.dir, "empty")
	write(t, empty, "\n")
	sum := sha256.Sum256([]byte("another key"))
	other := "sha256:" + hex.EncodeToString(sum[:])
	plan := f.dir + "/plan.yaml"
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"diff without an APIC", []string{"diff", plan}, 2, "--apic is missing"},
		{"push without an APIC", []string{"push", plan}, 2, "--apic is missing"},
		{"diff without a plan", []string{"diff", "--apic", f.URL(), "/nonexistent"}, 2, "reading the plan"},
		{"delete without a plan", []string{"delete", "--apic", f.URL(), "/nonexistent"}, 1, "reading the plan"},
		{"unknown format", []string{"diff", "--apic", f.URL(), plan, "-o", "xml"}, 2, "--output"},
		{"unknown certificate", []string{"diff", "--apic", f.URL(), plan}, 2, "name the CA that signed its certificate for this host, or pin its key"},
		{"another key", []string{"push", "--apic", f.URL(), "--pin", other, plan}, 1, other},
		{"no pin", []string{"push", "--apic", f.URL(), "--pin", "abc", plan}, 2, "is no pin"},
		{"pin and CA", []string{"diff", "--apic", f.URL(), "--pin", other, "--ca", f.ca, plan}, 2, "--ca and --pin"},
		{"no argument", []string{"diff"}, 2, "received 0; the call is: joinsvc fabric diff PLAN [flags]"},
		{"two plans", []string{"push", "--apic", f.URL(), plan, plan}, 2, "received 2; the call is: joinsvc fabric push PLAN"},
		{"no CA", []string{"diff", "--apic", f.URL(), "--ca", "/nonexistent", plan}, 2, "reading --ca"},
		{"open password file", []string{"diff", "--apic", f.URL(), "--ca", f.ca, "--password-file", open, plan}, 2, "chmod 600"},
		{"empty password file", []string{"diff", "--apic", f.URL(), "--ca", f.ca, "--password-file", empty, plan}, 2, "empty"},
		{"no password file", []string{"diff", "--apic", f.URL(), "--ca", f.ca, "--password-file", "/nonexistent", plan}, 2, "--password-file"},
		{"another user", []string{"diff", "--apic", f.URL(), "--ca", f.ca, "--user", "admin", plan}, 2, "logging in as admin"},
		{"no LLDP reports", []string{"diff", "--apic", f.URL(), "--ca", f.ca, "--lldp", t.TempDir(), plan}, 2, "holds no report"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := f.cli(append([]string{"fabric"}, tt.args...)...)
			if code != tt.code || !strings.Contains(errs, tt.says) || strings.Contains(out+errs, apicPassword) {
				t.Errorf("exit %d, want %d with %q\n%s%s", code, tt.code, tt.says, out, errs)
			}
		})
	}
	if w := f.Writes(); len(w) > 0 {
		t.Errorf("it wrote %q", w)
	}
	t.Setenv(passwordVariable, "")
	f.want(2, passwordVariable, "diff")
}

func TestFabricPasswordFile(t *testing.T) {
	f := newACIFabric(t)
	t.Setenv(passwordVariable, "not this one")
	file := filepath.Join(f.dir, "password")
	write(t, file, apicPassword+"\n")
	f.want(1, "+ fvTenant", "diff", "--password-file", file)
}

func TestFabricPlanWithoutACI(t *testing.T) {
	f := newACIFabric(t)
	text, err := os.ReadFile(f.dir + "/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), "    aci:\n")
	_, after, _ := strings.Cut(rest, "\n  # Node AS numbers")
	write(t, f.dir+"/plan.yaml", before+"\n  # Node AS numbers"+after)
	f.want(2, "spec.fabric.aci: is missing", "diff")
	f.want(0, "0 to delete", "delete", "--yes")
}

func TestOnlyYesIsYes(t *testing.T) {
	for text, yes := range map[string]bool{"yes\n": true, " yes \n": true, "yes": true, "y\n": false, "\n": false, "": false, "no\n": false} {
		if err := readYes(t.Context(), strings.NewReader(text)); (err == nil) != yes {
			t.Errorf("%q: %v", text, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := readYes(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
