// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const examplePlan = "../../docs/examples/k8c1.yaml"

func render(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs syncBuffer
	code = run(t.Context(), append([]string{"render"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

// edited is the example with one text in the place of another.
func edited(t *testing.T, pairs ...string) string {
	t.Helper()
	text, err := os.ReadFile(examplePlan)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "plan.yaml")
	write(t, file, strings.NewReplacer(pairs...).Replace(string(text)))
	return file
}

// The result is all of the output, and the plan's warnings are beside it.
func TestRender(t *testing.T) {
	for _, tc := range []struct {
		args    []string
		first   string
		has     []string
		without string
	}{
		{
			[]string{"calico"}, "# Calico's side of cluster k8c1",
			[]string{"kind: IPPool\n", "natOutgoing: false\n", "name: leaf202-k8c1s2\n"}, "warning:",
		},
		{[]string{"metallb"}, "# The addresses that MetalLB 0.16.1 gives", []string{"kind: IPAddressPool\n"}, "warning:"},
		{
			[]string{"kubeadm"}, "# k8c1m0.labs.haystacknetworks.com: kubeadm init",
			[]string{"kind: InitConfiguration\n", "# k8c1s2.labs.haystacknetworks.com: kubeadm join\n"}, "warning:",
		},
		{
			[]string{"kubeadm", "--node", "k8c1s1"}, "# k8c1s1.labs.haystacknetworks.com: kubeadm join",
			[]string{"token: <minted-when-the-node-joins>\n"}, "k8c1s2",
		},
		{[]string{"kickstart"}, "# What a kickstart file needs", []string{"%post --erroronfail\n", "k8c1s2, worker"}, "network --hostname"},
		{
			[]string{"kickstart", "--node", "k8c1s1.labs.haystacknetworks.com"}, "# What a kickstart file needs",
			[]string{"network --hostname=k8c1s1.labs.haystacknetworks.com\n"}, "k8c1s2",
		},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			code, out, errs := render(t, append(tc.args, examplePlan)...)
			if code != 0 || !strings.HasPrefix(out, tc.first) || strings.Contains(out, tc.without) {
				t.Errorf("exit %d\n%s", code, out)
			}
			for _, part := range tc.has {
				if !strings.Contains(out, part) {
					t.Errorf("no %q in\n%s", part, out)
				}
			}
			lines := strings.Split(strings.TrimSuffix(errs, "\n"), "\n")
			if len(lines) != 3 || !strings.HasPrefix(lines[0], "warning: spec.bond.updelay: ") {
				t.Errorf("warnings are\n%s", errs)
			}
		})
	}
}

// Every kind refuses an invalid plan with all of its errors, and prints nothing.
func TestRenderOfAnInvalidPlan(t *testing.T) {
	file := edited(t, "address: 192.168.9.195/28", "address: 192.168.9.195/24", "vlan: 1500", "vlan: 5000", "dns:", "dnss:")
	for _, kind := range kindNames() {
		code, out, errs := render(t, kind, file)
		if code != 1 || out != "" {
			t.Errorf("%s: exit %d\n%s", kind, code, out)
		}
		for _, part := range []string{"3 error(s)", "spec.nodeNetwork.dnss: ", "spec.nodeNetwork.vlan: 5000", "spec.nodes[2].address: 192.168.9.195/24", "warning: "} {
			if !strings.Contains(errs, part) {
				t.Errorf("%s: no %q in\n%s", kind, part, errs)
			}
		}
	}
}

func TestRenderRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"unknown kind":     {[]string{"juniper", examplePlan}, 2, `"juniper" is no kind; the kinds are ` + strings.Join(kindNames(), ", ")},
		"no kind":          {nil, 2, "want a kind and a plan, got 0 argument(s); the kinds are "},
		"no plan":          {[]string{"calico"}, 2, "want a kind and a plan, got 1 argument(s)"},
		"two plans":        {[]string{"calico", examplePlan, examplePlan}, 2, "got 3 argument(s)"},
		"no such file":     {[]string{"calico", "/nonexistent"}, 1, "reading the plan: open /nonexistent"},
		"no such node":     {[]string{"kubeadm", examplePlan, "--node", "k8c1s9"}, 1, `plan k8c1 has no node "k8c1s9"`},
		"flag of another":  {[]string{"calico", examplePlan, "--node", "k8c1s1"}, 2, "calico takes no --node"},
		"unknown flag":     {[]string{"calico", examplePlan, "--colour"}, 2, "--colour"},
		"Calico's range":   {[]string{"metallb", edited(t, "metallb:\n      version: 0.16.1", "calicoIPAM: true")}, 1, "spec.loadBalancers.calicoIPAM: Calico owns the range"},
		"no MetalLB":       {[]string{"metallb", edited(t, "    metallb:\n      version: 0.16.1\n", "")}, 1, "spec.loadBalancers.metallb.version: is missing"},
		"no load balancer": {[]string{"metallb", edited(t, "  loadBalancers:\n    subnet: 172.29.0.0/16\n    metallb:\n      version: 0.16.1\n", "")}, 1, "spec.loadBalancers: is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := render(t, tc.args...)
			if code != tc.code || out != "" || !strings.Contains(errs, tc.says) {
				t.Errorf("exit %d, want %d; no %q in\n%s%s", code, tc.code, tc.says, out, errs)
			}
		})
	}
}

// --help and the shell know the kinds from the same table.
func TestRenderTeachesItsKinds(t *testing.T) {
	_, help, _ := render(t, "--help")
	for _, k := range renderKinds() {
		if !strings.Contains(help, fmt.Sprintf("    %-10s %s\n", k.name, k.doc)) || len(k.doc) > 75 {
			t.Errorf("%s is not in, or too long for\n%s", k.name, help)
		}
	}
	complete := func(args ...string) string {
		var out, errs syncBuffer
		run(t.Context(), append([]string{"__complete", "render"}, args...), &out, &errs)
		return out.String()
	}
	var want strings.Builder
	for _, k := range renderKinds() {
		want.WriteString(k.name + "\t" + k.doc + "\n")
	}
	want.WriteString(":4\n") // no files
	if diff := cmp.Diff(want.String(), complete("")); diff != "" {
		t.Errorf("completion of kinds (-want +got):\n%s", diff)
	}
	if got := complete("calico", ""); got != "yaml\nyml\n:8\n" { // files with these endings
		t.Errorf("completion of plans is %q", got)
	}
	if got := complete("calico", "plan.yaml", ""); got != ":4\n" {
		t.Errorf("completion after the plan is %q", got)
	}
}
