// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/yamldoc"
)

// objectName is what the APIC takes as an object's name.
var objectName = regexp.MustCompile(`^[a-zA-Z0-9_.:-]{1,64}$`)

// A checker collects what keeps a plan from becoming a tree. What Parse checks
// is not checked again.
type checker struct {
	plan   plan.Plan
	pod    uint8
	places []place
	report plan.Report

	nodeIDs map[uint16]string       // an ACI node ID's leaf
	used    map[leafSocket]string   // a port's user
	subnets map[netip.Prefix]string // an external EPG's subnet
}

// A leafSocket is one port of one leaf.
type leafSocket struct{ leaf, port string }

func newChecker(p plan.Plan, a plan.ACI) *checker {
	return &checker{
		plan: p, pod: a.Pod, places: placesOf(p.Spec),
		nodeIDs: map[uint16]string{}, used: map[leafSocket]string{}, subnets: map[netip.Prefix]string{},
	}
}

func (k *checker) errorf(path, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	k.report = append(k.report, plan.Problem{Severity: plan.Error, Problem: yamldoc.Problem{Path: path, Message: message}})
}

// name refuses what the APIC does not take as the name of an object.
func (k *checker) name(path, name string) {
	switch {
	case objectName.MatchString(name):
	case name == "":
		k.errorf(path, "is missing")
	case len(name) > 64:
		k.errorf(path, "makes the name %s of %d characters; the APIC takes 64", name, len(name))
	default:
		k.errorf(path, "makes the name %q; the APIC takes letters, digits and _.:- only", name)
	}
}

// scope refuses what the APIC takes as the name of other objects, but not of a
// tenant or a VRF: those have no colon, and a tenant's has 63 characters (class
// metadata of fv:Tenant and fv:Ctx).
func (k *checker) scope(path, name string, most int) {
	switch {
	case strings.Contains(name, ":"):
		k.errorf(path, "is %q; the APIC takes no colon there", name)
	case len(name) > most && len(name) <= 64:
		k.errorf(path, "is the name %s of %d characters; the APIC takes %d there", name, len(name), most)
	default:
		k.name(path, name)
	}
}

// leavesPath is where a plan speaks of the leaves of the rack at place i.
func leavesPath(i int, r plan.Rack) string {
	if r.Name == "" {
		return "spec.fabric.leaves"
	}
	return fmt.Sprintf("spec.racks[%d].leaves", i)
}

// leaves checks the leaves of the rack at place i.
func (k *checker) leaves(i int, r plan.Rack) {
	path := leavesPath(i, r)
	if n := len(r.Leaves); n != 1 && n != 2 {
		k.errorf(path, "has %d leaves; want two for a virtual port channel, or one", n)
	}
	for j, leaf := range r.Leaves {
		at := fmt.Sprintf("%s[%d].node", path, j)
		k.name(fmt.Sprintf("%s[%d].name", path, j), named(k.plan, "LIP", leaf.Name))
		if leaf.Node < 101 || leaf.Node > 4000 {
			k.errorf(at, "is %d; want the node ID that the fabric gave to %s, 101 to 4000", leaf.Node, leaf.Name)
			continue
		}
		if other, taken := k.nodeIDs[leaf.Node]; taken {
			k.errorf(at, "%d is the node ID of %s already", leaf.Node, other)
		}
		k.nodeIDs[leaf.Node] = leaf.Name
	}
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

// fabric checks what the plan says of the fabric itself, and the names that
// come of it.
func (k *checker) fabric(l layout) {
	const path = "spec.fabric.aci"
	k.derivedNames()
	if k.plan.Spec.Fabric.ACI == nil {
		k.errorf(path, "is missing; want at least tenant, vrf and l3out")
		return
	}
	k.scope(path+".tenant", l.aci.Tenant, 63)
	k.scope(path+".vrf", l.aci.VRF, 64)
	k.name(path+".l3out", l.aci.L3Out)
	k.floating(path+".floatingSVI", l)
	k.bridges()
	k.outside(path+".outside", l)
	k.securitySubnets(l)
}

// derivedNames checks the longest names that come of each of the plan's.
func (k *checker) derivedNames() {
	k.name("metadata.name", named(k.plan, "MATCH", "LOADBALANCERS"))
	for i, r := range k.plan.Spec.Racks {
		k.name(fmt.Sprintf("spec.racks[%d].name", i), named(k.plan, "NDP", r.Name))
	}
	for i, n := range k.plan.Spec.Nodes {
		k.name(k.places[i].path+".name", named(k.plan, "VPC", n.Name))
	}
}

func (k *checker) floating(path string, l layout) {
	if !l.floating() {
		return
	}
	k.name(path+".domain", l.physicalDomain())
	for _, r := range l.racks {
		if subnet := r.NodeNetwork.Subnet; !subnet.Contains(l.aci.FloatingSVI.Address) {
			k.errorf(path+".address", "%s is outside %s of %s; a floating SVI has one subnet", l.aci.FloatingSVI.Address, subnet, rackName(r.Rack))
		}
	}
}

// bridges wants racks of different subnets to have different VLANs. All SVIs of
// an L3Out with one encapsulation are one bridge domain throughout the fabric,
// whatever their leaves (APIC Layer 3 Networking Configuration Guide, "SVI
// External Encapsulation Scope"), so that the racks would be one segment.
func (k *checker) bridges() {
	first := map[uint16]plan.Rack{}
	for i, r := range k.plan.Spec.Racks {
		other, taken := first[r.NodeNetwork.VLAN]
		switch {
		case !taken:
			first[r.NodeNetwork.VLAN] = r
		case other.NodeNetwork.Subnet != r.NodeNetwork.Subnet:
			k.errorf(fmt.Sprintf("spec.racks[%d].nodeNetwork.vlan", i), "%d is the VLAN of rack %s already, which ACI would join with this one in one bridge domain; want another",
				r.NodeNetwork.VLAN, other.Name)
		}
	}
}

func (k *checker) outside(path string, l layout) {
	out := l.aci.Outside
	if out.L3Out == "" {
		return
	}
	k.name(path+".l3out", out.L3Out)
	k.name(path+".domain", l.outsideDomain())
	if out.L3Out == l.aci.L3Out {
		k.errorf(path+".l3out", "%s is the L3Out to the nodes; want another name", out.L3Out)
	}
	if _, ok := l.outsideLeaf(); !ok {
		k.errorf(path+".leaf", "%q is no leaf of the plan", out.Leaf)
	}
	var port plan.Port
	if err := port.UnmarshalText([]byte(out.Leaf + ":" + out.Port)); err != nil || strings.Count(port.ID, "/") != 1 {
		k.errorf(path+".port", "%q is no port of a leaf; want one such as 1/48", out.Port)
	} else if other, taken := k.used[leafSocket{out.Leaf, out.Port}]; taken {
		k.errorf(path+".port", "%s:%s leads to %s already", out.Leaf, out.Port, other)
	}
	if out.VLAN < 1 || out.VLAN > 4094 {
		k.errorf(path+".vlan", "%d is not in 1–4094", out.VLAN)
	}
	if !out.Address.IsValid() {
		k.errorf(path+".address", "is missing; want the leaf's address such as 10.108.0.1/30")
	}
}

// securitySubnets wants each subnet in one external EPG only. Of two that have a
// prefix in one VRF the leaves deploy one (fault F0467). 0.0.0.0/0 they take from
// several, and then let traffic pass that no contract allows (Cisco tech note
// 218113).
func (k *checker) securitySubnets(l layout) {
	if l.aci.Outside.L3Out != "" {
		k.subnets[everything()] = "EPG_DEFAULT"
	}
	for _, subnet := range l.nodeSubnets() {
		k.subnets[subnet] = "EPG_K8_NODES"
	}
	k.subnets[k.plan.Spec.Pods.Subnet] = "EPG_K8_PODS"
	names := map[string]bool{}
	for i, app := range l.aci.Applications {
		path := fmt.Sprintf("spec.fabric.aci.applications[%d]", i)
		k.name(path+".name", appName("EPG", app))
		if names[app.Name] {
			k.errorf(path+".name", "%s is another application's already", app.Name)
		}
		names[app.Name] = true
		for j, subnet := range app.Addresses {
			if other, taken := k.subnets[subnet]; taken {
				k.errorf(fmt.Sprintf("%s.addresses[%d]", path, j), "%s is in the external EPG %s already", subnet, other)
			}
			k.subnets[subnet] = appName("EPG", app)
		}
	}
}
