// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A layout is a plan as a fabric sees it: racks with their leaves in the order
// of node IDs, hosts with a port for each leg.
type layout struct {
	plan.Plan
	aci   plan.ACI
	racks []rack
}

// A rack is one or two leaves and the hosts behind them.
type rack struct {
	plan.Rack
	hosts []host
}

// A host is a node with what its sessions and its port channel are made of.
type host struct {
	plan.Node
	asn   uint32
	ports []plan.Port // in the order of the legs
}

// newLayout puts a plan and its cabling together. The layout is of use when the
// report has no error.
func newLayout(p plan.Plan, c Cabling) (layout, plan.Report) {
	l := layout{Plan: p}
	if p.Spec.Fabric.ACI != nil {
		l.aci = *p.Spec.Fabric.ACI
	}
	k := newChecker(p, l.aci)
	byRack := map[string][]int{}
	for i, n := range p.Spec.Nodes {
		byRack[n.Rack] = append(byRack[n.Rack], i)
	}
	asns := p.Spec.ASNs()
	for _, r := range p.Spec.AllRacks() {
		hosts := make([]host, 0, len(byRack[r.Name]))
		for _, at := range byRack[r.Name] {
			n := p.Spec.Nodes[at]
			ports := k.ports(at, r, c.of(p, n))
			hosts = append(hosts, host{n, asns[at], ports})
		}
		// A vPC's side A is the leaf of the lower node ID.
		r.Leaves = slices.SortedFunc(slices.Values(r.Leaves), func(a, b plan.Leaf) int { return cmp.Compare(a.Node, b.Node) })
		l.racks = append(l.racks, rack{r, hosts})
	}
	k.cabling(c)
	k.fabric(l)
	return l, k.report
}

// named is the name of one of the cluster's objects: VPC_K8C1_K8C1M0. The parts
// are DNS labels, which have no underscore, so that no two names are alike.
func named(p plan.Plan, kind string, parts ...string) string {
	name := kind + "_" + p.Metadata.Name
	for _, part := range parts {
		if part != "" {
			name += "_" + part
		}
	}
	return strings.ToUpper(name)
}

func (l layout) named(kind string, parts ...string) string { return named(l.Plan, kind, parts...) }

// floating says whether the leaves are anchors of one floating SVI.
func (l layout) floating() bool { return l.aci.FloatingSVI.Address.IsValid() }

// outsideLeaf is the leaf that the way out of the fabric begins at.
func (l layout) outsideLeaf() (plan.Leaf, bool) {
	for _, r := range l.racks {
		for _, leaf := range r.Leaves {
			if l.aci.Outside.L3Out != "" && leaf.Name == l.aci.Outside.Leaf {
				return leaf, true
			}
		}
	}
	return plan.Leaf{}, false
}

// ownsOutsidePort says whether the port of the way out gets its access policies
// from here. A plan that names a domain says that the port has them: a router
// is there already, with a VLAN for each of several tenants.
func (l layout) ownsOutsidePort() bool {
	return l.aci.Outside.L3Out != "" && l.aci.Outside.Domain == ""
}

// placesOf are the paths by which a plan speaks of its nodes, and what a
// message has to begin with: Parse puts the nodes of pools behind those that
// are listed, pool by pool.
func placesOf(s plan.Spec) []place {
	pooled := 0
	for _, pool := range s.Pools {
		pooled += pool.Names.Len()
	}
	places := make([]place, 0, len(s.Nodes))
	for i := range max(len(s.Nodes)-pooled, 0) {
		places = append(places, place{path: fmt.Sprintf("spec.nodes[%d]", i)})
	}
	for i, pool := range s.Pools {
		for j := range pool.Names.Len() {
			places = append(places, place{fmt.Sprintf("spec.pools[%d]", i), pool.Names.At(j) + ": "})
		}
	}
	return places
}

// A place is where a plan speaks of a node: its path, and for a node of a pool
// the name, which the path does not tell.
type place struct{ path, prefix string }
