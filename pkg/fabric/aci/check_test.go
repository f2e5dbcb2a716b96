// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

func problems(t *testing.T, err error) []string {
	t.Helper()
	var invalid *plan.InvalidError
	if err != nil && !errors.As(err, &invalid) {
		t.Fatalf("the error is a %T, want a *plan.InvalidError", err)
	}
	var all []string
	if invalid != nil {
		for _, p := range invalid.Report {
			all = append(all, p.Problem.String())
		}
	}
	return all
}

func TestTreeNamesEveryProblem(t *testing.T) {
	const ports, l3out = `["leaf101:1/1", "leaf102:1/1"]`, "l3out: L3O_S1\n"
	const app = l3out + "      applications: "
	const outside = l3out + "      outside: "
	long := strings.Repeat("n", 60)
	pool := "  pools:\n    - {names: \"p{1..2}\", role: worker, addresses: 10.1.0.11-10.1.0.12, ports: [\"leaf101:1/{1..2}\", \"leaf102:1/{1..2}\"]}\n  nodes:\n"
	for name, test := range map[string]struct {
		replace []string
		cabling Cabling
		want    []string
	}{
		"valid": {nil, nil, nil},
		"no ACI": {
			[]string{"    aci:\n      tenant: TEN_S1\n      vrf: VRF_S1\n      " + l3out, ""},
			nil,
			[]string{"spec.fabric.aci: is missing; want at least tenant, vrf and l3out"},
		},
		"no ports": {
			[]string{", ports: " + ports, ""},
			nil,
			[]string{
				"spec.nodes[0].ports: eno1 leads nowhere: neither a port here, such as leaf101:1/3, nor an ACI leaf in m0.json of the LLDP reports",
				"spec.nodes[0].ports: eno2 leads nowhere: neither a port here, such as leaf102:1/3, nor an ACI leaf in m0.json of the LLDP reports",
			},
		},
		"one port of two": {
			[]string{ports, `["leaf101:1/1"]`},
			nil,
			[]string{"spec.nodes[0].ports: eno2 leads nowhere: neither a port here, such as leaf102:1/3, nor an ACI leaf in m0.json of the LLDP reports"},
		},
		"a leaf that is not there": {
			[]string{ports, `["leaf101:1/1", "leaf103:1/1"]`},
			nil,
			[]string{"spec.nodes[0].ports[1]: leaf103:1/1 is a port of no leaf of the plan"},
		},
		"both legs on one leaf": {
			[]string{ports, `["leaf101:1/1", "leaf101:1/2"]`},
			nil,
			[]string{"spec.nodes[0].ports: no leg leads to leaf102; a virtual port channel needs both leaves"},
		},
		"behind a fabric extender": {
			[]string{ports, `["leaf101:101/1/1", "leaf102:1/1"]`},
			nil,
			[]string{"spec.nodes[0].ports[0]: leaf101:101/1/1 is behind a fabric extender; want a port of the leaf itself"},
		},
		"a pool on a port that is taken": {
			[]string{"  nodes:\n", pool},
			nil,
			[]string{
				"spec.pools[0].ports[0]: p1: leaf101:1/1 leads to eno1 of m0 already",
				"spec.pools[0].ports[1]: p1: leaf102:1/1 leads to eno2 of m0 already",
			},
		},
		"names that become too long": {
			[]string{"name: m0,", "name: " + long + ",", l3out, app + "[{name: " + long + ", addresses: [172.16.0.1/32], ports: [80]}]\n"},
			nil,
			[]string{
				"spec.nodes[0].name: makes the name VPC_S1_" + strings.ToUpper(long) + " of 67 characters; the APIC takes 64",
				"spec.fabric.aci.applications[0].name: makes the name EPG_K8_APP_" + long + " of 71 characters; the APIC takes 64",
			},
		},
		"the longest name of a cluster": {[]string{"{name: s1}", "{name: " + strings.Repeat("c", 44) + "}"}, nil, nil},
		"a cluster's name too long": {
			[]string{"{name: s1}", "{name: " + strings.Repeat("c", 45) + "}"},
			nil,
			[]string{"metadata.name: makes the name MATCH_" + strings.Repeat("C", 45) + "_LOADBALANCERS of 65 characters; the APIC takes 64"},
		},
		"the longest name of a leaf": {[]string{"leaf101", strings.Repeat("l", 57)}, nil, nil},
		"a leaf's name too long": {
			[]string{"leaf101", strings.Repeat("l", 58)},
			nil,
			[]string{"spec.fabric.leaves[0].name: makes the name LIP_S1_" + strings.Repeat("L", 58) + " of 65 characters; the APIC takes 64"},
		},
		"names of a rack and its leaf too long": {
			append(twoRacks(), "r2", strings.Repeat("r", 58), "leaf103", strings.Repeat("l", 58)),
			nil,
			[]string{
				"spec.racks[1].name: makes the name NDP_S1_" + strings.Repeat("R", 58) + " of 65 characters; the APIC takes 64",
				"spec.racks[1].leaves[0].name: makes the name LIP_S1_" + strings.Repeat("L", 58) + " of 65 characters; the APIC takes 64",
			},
		},
		"outside by a host's port": {
			[]string{l3out, outside + "{l3out: L3O_OUT, leaf: leaf101, port: 1/1, vlan: 108, address: 10.108.0.1/30}\n"},
			nil,
			[]string{"spec.fabric.aci.outside.port: leaf101:1/1 leads to eno1 of m0 already"},
		},
		"outside behind a fabric extender": {
			[]string{l3out, outside + "{l3out: L3O_OUT, leaf: leaf101, port: 101/1/48, vlan: 108, address: 10.108.0.1/30}\n"},
			nil,
			[]string{"spec.fabric.aci.outside.port: 101/1/48 is behind a fabric extender; want a port of the leaf itself"},
		},
		"LLDP says otherwise": {
			nil,
			Cabling{"m0": {"eno1": {1, 101, "1/1"}, "eno2": {1, 102, "1/7"}}},
			[]string{"spec.nodes[0].ports[1]: is leaf102:1/1 in the plan, LLDP on eno2 saw topology/pod-1/paths-102/pathep-[eth1/7]"},
		},
		"LLDP sees another pod": {
			nil,
			Cabling{"m0": {"eno1": {2, 101, "1/1"}}},
			[]string{"spec.nodes[0].ports[0]: is leaf101:1/1 in the plan, LLDP on eno1 saw topology/pod-2/paths-101/pathep-[eth1/1]"},
		},
		"LLDP sees another rack": {
			[]string{", ports: " + ports, ""},
			Cabling{"m0.labs.example.com": {"eno1": {1, 101, "1/1"}, "eno2": {1, 109, "1/1"}}, "m9": nil},
			[]string{
				"spec.nodes[0].ports: LLDP on eno2 saw topology/pod-1/paths-109/pathep-[eth1/1], a port of no leaf of the plan in pod 1",
				"spec.nodes: the LLDP report m9.json is of no node of the plan",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, err := Tree(edited(t, small, test.replace...), test.cabling)
			if diff := cmp.Diff(test.want, problems(t, err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if (root == nil) != (err != nil) {
				t.Errorf("the tree is %v, the error %v", root, err)
			}
		})
	}
}

func TestRacksAreNamedInProblems(t *testing.T) {
	p := edited(t, small, append(twoRacks(), `"leaf103:1/1", "leaf103:1/2"`, `"leaf103:1/1", "leaf101:1/2"`)...)
	want := []string{
		"spec.nodes[0].ports[1]: leaf101:1/2 is a port of no leaf of rack r2",
	}
	_, err := Tree(p, nil)
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
