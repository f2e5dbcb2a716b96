// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/yamldoc"
)

// maxName is how many characters the APIC takes as an object's name.
const maxName = 64

// A checker collects what keeps a plan from becoming a tree: names that come of
// the plan's and are too long, and cabling. What Parse checks is not checked
// again.
type checker struct {
	plan   plan.Plan
	pod    uint8
	places []place
	report plan.Report

	used map[leafSocket]string // a port's user
}

// A leafSocket is one port of one leaf.
type leafSocket struct{ leaf, port string }

func newChecker(p plan.Plan, a plan.ACI) *checker {
	return &checker{plan: p, pod: a.Pod, places: placesOf(p.Spec), used: map[leafSocket]string{}}
}

func (k *checker) errorf(path, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	k.report = append(k.report, plan.Problem{Severity: plan.Error, Problem: yamldoc.Problem{Path: path, Message: message}})
}

// name refuses what the APIC does not take as the name of an object. What it is
// made of, Parse has checked.
func (k *checker) name(path, name string) {
	if len(name) > maxName {
		k.errorf(path, "makes the name %s of %d characters; the APIC takes %d", name, len(name), maxName)
	}
}

// leavesPath is where a plan speaks of the leaves of the rack at place i.
func leavesPath(i int, r plan.Rack) string {
	if r.Name == "" {
		return "spec.fabric.leaves"
	}
	return fmt.Sprintf("spec.racks[%d].leaves", i)
}

// cabling wants every report to be of a node.
func (k *checker) cabling(c Cabling) {
	known := make(map[string]bool, 2*len(k.plan.Spec.Nodes))
	for _, n := range k.plan.Spec.Nodes {
		known[n.Name], known[k.plan.FQDN(n)] = true, true
	}
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if !known[name] {
			k.errorf("spec.nodes", "the LLDP report %s.json is of no node of the plan", name)
		}
	}
}

// fabric checks the names that come of the plan's, and the port that leads out
// of the fabric.
func (k *checker) fabric(l layout) {
	k.derivedNames()
	if k.plan.Spec.Fabric.ACI == nil {
		k.errorf("spec.fabric.aci", "is missing; want at least tenant, vrf and l3out")
		return
	}
	const path = "spec.fabric.aci.outside.port"
	out := l.aci.Outside
	if strings.Count(out.Port, "/") > 1 {
		k.errorf(path, "%s is behind a fabric extender; want a port of the leaf itself", out.Port)
	}
	if other, taken := k.used[leafSocket{out.Leaf, out.Port}]; taken {
		k.errorf(path, "%s:%s leads to %s already", out.Leaf, out.Port, other)
	}
}

// derivedNames checks the longest names that come of each of the plan's.
func (k *checker) derivedNames() {
	k.name("metadata.name", named(k.plan, "MATCH", "LOADBALANCERS"))
	for i, r := range k.plan.Spec.Racks {
		k.name(fmt.Sprintf("spec.racks[%d].name", i), named(k.plan, "NDP", r.Name))
	}
	for i, r := range k.plan.Spec.AllRacks() {
		for j, leaf := range r.Leaves {
			k.name(fmt.Sprintf("%s[%d].name", leavesPath(i, r), j), named(k.plan, "LIP", leaf.Name))
		}
	}
	for i, n := range k.plan.Spec.Nodes {
		k.name(k.places[i].path+".name", named(k.plan, "VPC", n.Name))
	}
	if aci := k.plan.Spec.Fabric.ACI; aci != nil {
		for i, app := range aci.Applications {
			k.name(fmt.Sprintf("spec.fabric.aci.applications[%d].name", i), appName("EPG", app))
		}
	}
}
