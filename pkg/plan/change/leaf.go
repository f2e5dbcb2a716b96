// SPDX-License-Identifier: Apache-2.0

package change

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// leaf is one switch with all that its configuration is made of.
type leaf struct {
	plan.Leaf
	rack plan.Rack
	spec *plan.Spec
	// neighbours are the nodes behind it as its BGP has them, ports as its
	// interfaces have them.
	neighbours, ports *neighbours
}

// neighbours are one rack's nodes by their names, as its leaves see them.
type neighbours struct{ value map[string]string }

// name is the leaf's with its rack's: two racks may have a leaf201.
func (l leaf) name() string {
	if l.rack.Name == "" {
		return l.Name
	}
	return l.rack.Name + "/" + l.Name
}

func leavesOf(p plan.Plan) []leaf {
	members := map[string][]node{}
	for _, n := range nodesOf(p) {
		members[n.Rack] = append(members[n.Rack], n)
	}
	var leaves []leaf
	for _, r := range p.Spec.AllRacks() {
		sessions, ports := sessionsOf(p.Spec, r, members[r.Name]), portsOf(members[r.Name])
		for _, l := range r.Leaves {
			leaves = append(leaves, leaf{Leaf: l, rack: r, spec: &p.Spec, neighbours: sessions, ports: ports})
		}
	}
	return leaves
}

// sessionsOf has one neighbour per node, or in the cluster model the subnet.
func sessionsOf(s plan.Spec, r plan.Rack, nodes []node) *neighbours {
	if s.ASN.Model == plan.PerCluster {
		return &neighbours{map[string]string{"subnet": fmt.Sprint(r.NodeNetwork.Subnet, s.ASN.First)}}
	}
	return collect(nodes, func(n node) string { return fmt.Sprint(n.Address.Addr(), n.asn) })
}

func portsOf(nodes []node) *neighbours {
	return collect(nodes, func(n node) string { return text(n.Ports) })
}

func collect(nodes []node, value func(node) string) *neighbours {
	c := &neighbours{value: make(map[string]string, len(nodes))}
	for _, n := range nodes {
		if v := value(n); v != "" {
			c.value[n.Name] = v
		}
	}
	return c
}

// A difference is what became of a rack's nodes.
type difference struct {
	from, to string // how many there are, and how many of them are new, gone and different; empty if none is
	ends     bool   // some are gone or different
}

func (c *neighbours) against(old *neighbours) difference {
	var come, gone, other int
	for name, value := range c.value {
		was, ok := old.value[name]
		switch {
		case !ok:
			come++
		case was != value:
			other++
		}
	}
	for name := range old.value {
		if _, ok := c.value[name]; !ok {
			gone++
		}
	}
	if come+gone+other == 0 {
		return difference{}
	}
	return difference{
		from: strconv.Itoa(len(old.value)),
		to:   fmt.Sprintf("%d (%d added, %d removed, %d changed)", len(c.value), come, gone, other),
		ends: gone+other > 0,
	}
}

func (l *list) leaves(old, updated []leaf) {
	before := map[string]leaf{}
	for _, f := range old {
		before[f.name()] = f
	}
	rules := leafRules()
	var come []leaf
	known := map[[2]*neighbours]difference{}
	for _, f := range updated {
		was, ok := before[f.name()]
		if !ok {
			come = append(come, f)
			continue
		}
		delete(before, f.name())
		compare(l, Leaves, rules, f.name(), was, f)
		l.behind(was, f, known)
	}
	for _, f := range come {
		l.add("", Change{Scope: Leaves, What: Added, Severity: None, Consequence: "is to be configured; the nodes of its rack peer with it"},
			Member{Name: f.name(), To: text(f.Address)})
	}
	for _, f := range old {
		if _, gone := before[f.name()]; gone {
			l.add("", Change{Scope: Leaves, What: Removed, Severity: Reset, Consequence: "the nodes of its rack lose their sessions to it, and joinsvc removes their BGPPeers to it; what was configured for the plan is to be deleted from it"},
				Member{Name: f.name(), From: text(f.Address)})
		}
	}
}

// behind tells of the nodes of a leaf. Leaves of a rack share them, so that
// they are compared once.
func (l *list) behind(was, is leaf, known map[[2]*neighbours]difference) {
	differing := func(a, b *neighbours) difference {
		pair := [2]*neighbours{a, b}
		if _, ok := known[pair]; !ok {
			known[pair] = b.against(a)
		}
		return known[pair]
	}
	if d := differing(was.neighbours, is.neighbours); d.to != "" {
		c := Change{Scope: Leaves, What: "neighbours", Severity: None, Consequence: "configure it anew; sessions of neighbours that are removed or changed end, the others stay"}
		if d.ends {
			c.Severity = Reset
		}
		l.add(d.from+d.to, c, Member{is.name(), d.from, d.to})
	}
	if d := differing(was.ports, is.ports); d.to != "" && is.spec.Fabric.ACI != nil {
		c := Change{Scope: Leaves, What: "ports", Severity: None, Consequence: "push interface selectors and paths anew; a port that is taken away carries nothing more"}
		l.add(d.from+d.to, c, Member{is.name(), d.from, d.to})
	}
}

// leafRules are about a leaf that the plan had before.
func leafRules() []rule[leaf] { return slices.Concat(leafBGP(), leafNetwork(), leafACI()) }

const configure = "configure it anew"

// leafBGP is the part of a leaf's configuration that sessions depend on.
func leafBGP() []rule[leaf] {
	const restart = configure + "; its sessions are made anew"
	return []rule[leaf]{
		{what: "address", severity: Reset, each: true, consequence: restart, get: func(l leaf) any { return l.Address }},
		{what: "routerID", severity: Reset, each: true, consequence: restart, get: func(l leaf) any { return l.RouterID }},
		{what: "fabric.asn", severity: Reset, consequence: restart, get: func(l leaf) any { return l.rack.LeafASN }},
		{what: "fabric.internalASN", severity: Reset, consequence: restart, get: func(l leaf) any { return l.spec.Fabric.InternalASN }},
		{what: "asn.model", severity: Reset, consequence: restart, get: func(l leaf) any { return l.spec.ASN.Model }},
		{what: "fabric.timers", severity: Reset, consequence: restart, get: func(l leaf) any { return timers(l.spec.Fabric.Timers) }},
		{what: "fabric.bfd", severity: Reset, consequence: restart, get: func(l leaf) any { return bfd(l.spec.Fabric.BFD) }},
		{what: "fabric.maxPrefixes", severity: None, consequence: configure, get: func(l leaf) any { return l.spec.Fabric.MaxPrefixes }},
		{
			what: "fabric.defaultRoute", severity: None, get: func(l leaf) any { return l.spec.Fabric.DefaultRoute },
			consequence: configure + "; the nodes' default route moves between the gateway and what the leaves announce",
		},
		{what: "fabric.advertised", severity: None, consequence: configure, get: func(l leaf) any { return l.spec.Fabric.Advertised }},
		{what: "pods.subnet", severity: None, consequence: configure, get: func(l leaf) any { return l.spec.Pods.Subnet }},
		{
			what: "pods.outside", severity: None, get: func(l leaf) any { return l.spec.Pods.Outside },
			consequence: configure + "; pods come to reach what lies beyond the fabric, or do not any more",
		},
		{what: "loadBalancers.subnet", severity: None, consequence: configure, get: func(l leaf) any { return l.spec.LoadBalancers.Subnet }},
	}
}

func timers(t plan.Timers) string { return fmt.Sprintf("%s/%s", t.Keepalive, t.Hold) }

func bfd(b plan.BFD) string {
	if b == (plan.BFD{}) {
		return ""
	}
	return fmt.Sprintf("%s x %d", b.Interval, b.Multiplier)
}

// leafNetwork is the part that frames depend on.
func leafNetwork() []rule[leaf] {
	const together = configure + ", at the time at which the hosts change"
	return []rule[leaf]{
		{what: "nodeNetwork.subnet", severity: Reset, consequence: together, get: func(l leaf) any { return l.rack.NodeNetwork.Subnet }},
		{what: "nodeNetwork.vlan", severity: Reset, consequence: together, get: func(l leaf) any { return l.rack.NodeNetwork.VLAN }},
		{what: "nodeNetwork.gateway", severity: None, consequence: together, get: func(l leaf) any { return l.rack.NodeNetwork.Gateway }},
		{what: "fabric.mtu", severity: None, consequence: configure + "; keep it at least the hosts'", get: func(l leaf) any { return l.spec.Fabric.MTU }},
	}
}

// leafACI is where the leaf side is in a Cisco ACI fabric.
func leafACI() []rule[leaf] {
	const elsewhere = "delete what the old plan made, by the old plan, then push the new: objects cannot be renamed"
	const push = "push the leaf side anew"
	aci := func(get func(plan.ACI) any) func(leaf) any {
		return func(l leaf) any {
			if l.spec.Fabric.ACI == nil {
				return nil
			}
			return get(*l.spec.Fabric.ACI)
		}
	}
	return []rule[leaf]{
		{what: "node", severity: Reset, each: true, consequence: elsewhere, get: func(l leaf) any { return l.Node }},
		{what: "fabric.aci.tenant", severity: Reset, consequence: elsewhere, get: aci(func(a plan.ACI) any { return a.Tenant })},
		{what: "fabric.aci.vrf", severity: Reset, consequence: elsewhere, get: aci(func(a plan.ACI) any { return a.VRF })},
		{what: "fabric.aci.l3out", severity: Reset, consequence: elsewhere, get: aci(func(a plan.ACI) any { return a.L3Out })},
		{what: "fabric.aci.pod", severity: Reset, consequence: elsewhere, get: aci(func(a plan.ACI) any { return a.Pod })},
		{what: "fabric.aci.floatingSVI", severity: Reset, consequence: push + "; all sessions of the L3Out are made anew", get: aci(func(a plan.ACI) any { return floating(a.FloatingSVI) })},
		{what: "fabric.aci.outside", severity: None, consequence: push + "; routes out of the fabric are learnt anew", get: aci(func(a plan.ACI) any { return outside(a.Outside) })},
		{what: "fabric.aci.applications", severity: None, consequence: push + "; contracts change, sessions do not", get: aci(func(a plan.ACI) any { return applications(a.Applications) })},
	}
}

func floating(f plan.FloatingSVI) string {
	if f == (plan.FloatingSVI{}) {
		return ""
	}
	return text(f.Address) + " in " + f.Domain
}

func outside(o plan.Outside) string {
	if o == (plan.Outside{}) {
		return ""
	}
	return fmt.Sprintf("%s at %s:%s, VLAN %d, %s, area %d, %s", o.L3Out, o.Leaf, o.Port, o.VLAN, o.Address, o.Area, o.Domain)
}

func applications(list []plan.Application) []string {
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = fmt.Sprintf("%s %v %v", a.Name, a.Addresses, a.Ports)
	}
	return words
}
