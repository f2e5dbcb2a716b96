// SPDX-License-Identifier: Apache-2.0

package lldp

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/fabric/aci"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// example is the shipped plan, with what a pattern matches taken out.
func example(t *testing.T, without string) plan.Plan {
	t.Helper()
	doc, err := os.ReadFile("../../docs/examples/k8c1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, report := plan.Parse(regexp.MustCompile(without).ReplaceAllLiteral(doc, nil))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	nothing = `^$`
	ports   = `(?m)^ +ports: \["leaf.*\n`
)

// The reports stand for the ports of a plan, and agree with those that it has. A
// host with both its cables prints a list, one with a cable left an object, and
// one without any neither.
func TestReportsStandForPorts(t *testing.T) {
	sweep(t)
	p, unported := example(t, nothing), example(t, ports)
	want := rendered(t, p, nil)
	r := newRack(t, p, planned(p))
	folder := r.reports(t)
	cabling := r.read(t, folder)
	for what, p := range map[string]plan.Plan{"without ports": unported, "with ports": p} {
		if diff := cmp.Diff(want, rendered(t, p, cabling)); diff != "" {
			t.Errorf("the plan %s (-want +got):\n%s", what, diff)
		}
	}

	r.unplug(t, "k8c1s1", "eno2")
	r.unplug(t, "k8c1s2", "eno1")
	r.unplug(t, "k8c1s2", "eno2")
	folder = r.reports(t)
	for node, shape := range map[string]string{
		"k8c1m0": `{"lldp":{"interface":[{"eno1":{`,
		"k8c1s1": `{"lldp":{"interface":{"eno1":{`,
		"k8c1s2": `{"lldp":{}}`,
	} {
		if text := compact(t, filepath.Join(folder, node+".json")); !strings.HasPrefix(text, shape) {
			t.Errorf("%s prints %s, want %s", node, text, shape)
		}
	}
	const nowhere = "leads nowhere: neither a port here, such as "
	refused(t, unported, r.read(t, folder),
		"spec.nodes[1].ports: eno2 "+nowhere+"leaf202:1/3, nor an ACI leaf in k8c1s1.json of the LLDP reports",
		"spec.nodes[2].ports: eno1 "+nowhere+"leaf201:1/3, nor an ACI leaf in k8c1s2.json of the LLDP reports",
		"spec.nodes[2].ports: eno2 "+nowhere+"leaf202:1/3, nor an ACI leaf in k8c1s2.json of the LLDP reports",
	)
}

// One host has its legs at each other's leaf, two have each other's cable. Each
// problem says what the plan has and what is there.
func TestSwappedCables(t *testing.T) {
	sweep(t)
	p := example(t, nothing)
	cables := planned(p) // two of each host
	cables[0].Port, cables[1].Port = cables[1].Port, cables[0].Port
	cables[3].Port, cables[5].Port = cables[5].Port, cables[3].Port
	r := newRack(t, p, cables)
	refused(t, p, r.read(t, r.reports(t)),
		"spec.nodes[0].ports[0]: is leaf201:1/3 in the plan, LLDP on eno1 saw topology/pod-1/paths-202/pathep-[eth1/3]",
		"spec.nodes[0].ports[1]: is leaf202:1/3 in the plan, LLDP on eno2 saw topology/pod-1/paths-201/pathep-[eth1/3]",
		"spec.nodes[1].ports[1]: is leaf202:1/4 in the plan, LLDP on eno2 saw topology/pod-1/paths-202/pathep-[eth1/5]",
		"spec.nodes[2].ports[1]: is leaf202:1/5 in the plan, LLDP on eno2 saw topology/pod-1/paths-202/pathep-[eth1/4]",
	)
}

// read wants the reports to say how the cables are.
func (r *rack) read(t *testing.T, folder string) aci.Cabling {
	t.Helper()
	got, err := aci.ReadLLDP(os.DirFS(folder))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.cabling(), got); diff != "" {
		t.Errorf("the cabling (-want +got):\n%s", diff)
	}
	return got
}

// rendered is the tree in both of its forms.
func rendered(t *testing.T, p plan.Plan, c aci.Cabling) string {
	t.Helper()
	tree, err := aci.Tree(p, c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := aci.JSON(tree)
	terraform, other := aci.Terraform(tree)
	if err := errors.Join(err, other); err != nil {
		t.Fatal(err)
	}
	return string(text) + string(terraform)
}

func refused(t *testing.T, p plan.Plan, c aci.Cabling, problems ...string) {
	t.Helper()
	_, err := aci.Tree(p, c)
	if err == nil {
		t.Fatal("there is a tree")
	}
	want := fmt.Sprintf("the plan has %d error(s):\n  %s", len(problems), strings.Join(problems, "\n  "))
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// compact is a report without the space between its tokens.
func compact(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), "")
}
