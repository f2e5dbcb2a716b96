// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

const examplePlan = "../../docs/examples/k8c1.yaml"

// unasked is said where nobody tells what nodes hold.
const unasked = "note: AS numbers and addresses are what the plan prefers; what nodes hold is not known: no joinsvc runs here\n"

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
	_, report, err := plan.Load(examplePlan)
	if err != nil {
		t.Fatal(err)
	}
	var warnings string
	for _, w := range report.Warnings() {
		warnings += w.String() + "\n"
	}
	for _, tc := range []struct {
		args    []string
		first   string
		has     []string
		without string
	}{
		{
			[]string{"apic"},
			"{\n  \"polUni\": {",
			[]string{`"addr": "192.168.9.193"`, `"asn": "63551"`, "orchestrator:joinsvc-k8c1"},
			"warning:",
		},
		{
			[]string{"terraform"},
			"terraform {",
			[]string{`resource "aci_rest_managed"`, "CiscoDevNet/aci", "192.168.9.193"},
			"warning:",
		},
		{
			[]string{"frr"},
			"! leaf201\n",
			[]string{"\n! leaf202\n", "neighbor 192.168.9.195 remote-as 63553\n"},
			"warning:",
		},
		{[]string{"frr", "--leaf", "leaf202"}, "", []string{"router-id 2.0.0.2\n"}, "2.0.0.1"},
		{[]string{"bird"}, "# leaf201\n", []string{"\n# leaf202\n", "router id 2.0.0.2;"}, "warning:"},
		{[]string{"nxos"}, "! leaf201\n", []string{"\n! leaf202\n", "router bgp 65000\n"}, "warning:"},
		{[]string{"eos"}, "! leaf201\n", []string{"\n! leaf202\n", "router bgp 65000\n"}, "warning:"},
		{[]string{"sonic"}, "{\n    \"leaf201\": {", []string{`"leaf202": {`}, "warning:"},
		{[]string{"sonic", "--leaf", "leaf201"}, "{\n", []string{"2.0.0.1"}, "2.0.0.2"},
		{
			[]string{"calico"},
			"# Calico's side of cluster k8c1",
			[]string{"kind: IPPool\n", "natOutgoing: false\n", "name: leaf202-k8c1s2\n"},
			"warning:",
		},
		{[]string{"metallb"}, "# The addresses that MetalLB 0.16.1 gives", []string{"kind: IPAddressPool\n"}, "warning:"},
		{
			[]string{"kubeadm"},
			"# k8c1m0.labs.haystacknetworks.com: kubeadm init",
			[]string{"kind: InitConfiguration\n", "# k8c1s2.labs.haystacknetworks.com: kubeadm join\n"},
			"warning:",
		},
		{
			[]string{"kubeadm", "--node", "k8c1s1"},
			"# k8c1s1.labs.haystacknetworks.com: kubeadm join",
			[]string{"token: <minted-when-the-node-joins>\n"},
			"k8c1s2",
		},
		{[]string{"kickstart"}, "# What a kickstart file needs", []string{"%post --erroronfail\n", "k8c1s2, worker"}, "network --hostname"},
		{
			[]string{"kickstart", "--node", "k8c1s1.labs.haystacknetworks.com"},
			"# What a kickstart file needs",
			[]string{"network --hostname=k8c1s1.labs.haystacknetworks.com\n"},
			"k8c1s2",
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
			want := warnings
			if tc.args[0] != "metallb" {
				want += unasked
			}
			if tc.args[0] == "sonic" {
				want += "note: " + sonicLacks + "\n"
			}
			if diff := cmp.Diff(want, errs); diff != "" {
				t.Errorf("standard error (-want +got):\n%s", diff)
			}
		})
	}
}

// The manifest is printed as the init node applies it, with the plan's settings:
// the file alone would have calico-node take another address for the node's.
func TestRenderTheManifest(t *testing.T) {
	manifest, err := filepath.Abs("../../pkg/calico/testdata/calico.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := edited(t, "manifest: /etc/joinsvc/calico.yaml", "manifest: "+manifest)
	code, out, errs := render(t, "manifest", file)
	p, err := loadValid(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := readManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out); code != 0 || diff != "" || !strings.Contains(out, `value: "cidr=192.168.9.192/28"`) {
		t.Errorf("exit %d, %s (-want +got):\n%s", code, errs, diff)
	}
}

// lldp is a report of eno1, eno2, … at port 1/17 of these leaves.
func lldp(t *testing.T, leaves ...string) string {
	t.Helper()
	var interfaces []any
	for i, leaf := range leaves {
		interfaces = append(interfaces, map[string]any{fmt.Sprint("eno", i+1): map[string]any{
			"port": map[string]any{"descr": "topology/pod-1/paths-" + leaf + "/pathep-[eth1/17]"},
		}})
	}
	text, err := json.Marshal(map[string]any{"lldp": map[string]any{"interface": interfaces}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What hosts report of their neighbours stands for the plan's ports.
func TestRenderWithLLDP(t *testing.T) {
	file := edited(t, `ports: ["leaf201:1/4", "leaf202:1/4"]`, "")
	folder := t.TempDir()
	code, out, errs := render(t, "apic", file, "--lldp", folder)
	if code != 1 || out != "" || !strings.Contains(errs, folder+" holds no report") {
		t.Errorf("an empty folder: exit %d, %s", code, errs)
	}
	write(t, filepath.Join(folder, "k8c1s1.json"), lldp(t, "201"))
	code, out, errs = render(t, "apic", file, "--lldp", folder)
	if code != 1 || out != "" || !strings.Contains(errs, "eno2") {
		t.Errorf("one leg: exit %d, %s", code, errs)
	}
	write(t, filepath.Join(folder, "k8c1s1.json"), lldp(t, "201", "202"))
	code, out, errs = render(t, "apic", file, "--lldp", folder)
	if code != 0 || !strings.Contains(out, `"fromPort": "17"`) {
		t.Errorf("exit %d, no port 1/17 in\n%s%s", code, out, errs)
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
		"unknown kind":      {[]string{"juniper", examplePlan}, 2, `"juniper" is no kind; the kinds are ` + strings.Join(kindNames(), ", ")},
		"no kind":           {nil, 2, "want a kind and a plan, got 0 argument(s); the kinds are "},
		"no plan":           {[]string{"calico"}, 2, "want a kind and a plan, got 1 argument(s)"},
		"two plans":         {[]string{"calico", examplePlan, examplePlan}, 2, "got 3 argument(s)"},
		"no such file":      {[]string{"calico", "/nonexistent"}, 1, "reading the plan: open /nonexistent"},
		"no such node":      {[]string{"kubeadm", examplePlan, "--node", "k8c1s9"}, 1, `plan k8c1 has no node "k8c1s9"; it has k8c1m0, k8c1s1, k8c1s2`},
		"flag of another":   {[]string{"calico", examplePlan, "--node", "k8c1s1"}, 2, "calico takes no --node"},
		"two flags":         {[]string{"frr", examplePlan, "--leaf", "leaf201", "--lldp", "."}, 2, "frr takes no --lldp"},
		"a flag left empty": {[]string{"frr", examplePlan, "--leaf", ""}, 2, "--leaf is empty"},
		"no such leaf":      {[]string{"eos", examplePlan, "--leaf", "leaf203"}, 1, `"leaf203"`},
		"no such folder":    {[]string{"terraform", examplePlan, "--lldp", "/nonexistent"}, 1, "opening the folder of --lldp: "},
		"no ACI":            {[]string{"apic", edited(t, "    aci:\n", "    aci:\n      pod: 300\n")}, 1, "spec.fabric.aci.pod"},
		"unknown flag":      {[]string{"calico", examplePlan, "--colour"}, 2, "--colour"},
		"no MetalLB":        {[]string{"metallb", edited(t, "    metallb:\n      version: 0.16.1\n", "")}, 1, "spec.loadBalancers.metallb.version: is missing"},
		"no manifest there": {[]string{"manifest", edited(t, "manifest: /etc/joinsvc/calico.yaml", "manifest: /nonexistent/calico.yaml")}, 1, "spec.calico.manifest: open /nonexistent/calico.yaml"},
		"no load balancer":  {[]string{"metallb", edited(t, "  loadBalancers:\n    subnet: 172.29.0.0/16\n    metallb:\n      version: 0.16.1\n", "", "172.29.0.", "172.27.0.")}, 1, "spec.loadBalancers: is missing"},
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
		if !strings.Contains(help, fmt.Sprintf("    %-9s  %s", k.name, k.doc)) || len(k.doc) > 75 {
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
