// SPDX-License-Identifier: Apache-2.0

// Package leases puts what a cluster's nodes hold in the place of what its plan
// prefers. The two differ after a node was removed from the middle of a plan:
// those behind it prefer other numbers then, and keep the ones that they leased.
package leases

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/yamldoc"
)

// A Lease is what one node holds.
type Lease struct {
	Address netip.Prefix
	ASN     uint32
}

// Held are the leases by the nodes' full names.
type Held map[string]Lease

// Put returns the plan as its nodes hold it, and warns of every difference: of a
// node that holds something else than the plan prefers, and of one that holds
// nothing yet and prefers what another has.
func (h Held) Put(p plan.Plan) (plan.Plan, plan.Report) {
	c := checker{owners: map[uint32]string{}, at: map[netip.Addr]string{}, shared: p.Spec.ASN.Model == plan.PerCluster}
	for name, lease := range h {
		c.owners[lease.ASN], c.at[lease.Address.Addr()] = name, name
	}
	asns := p.Spec.ASNs()
	p.Spec.Nodes = slices.Clone(p.Spec.Nodes)
	for i := range p.Spec.Nodes {
		n := &p.Spec.Nodes[i]
		if lease, ok := h[p.FQDN(*n)]; ok {
			c.held(n, asns[i], lease)
		} else {
			c.free(*n, asns[i])
		}
	}
	return p, c.report
}

type checker struct {
	owners map[uint32]string     // by number
	at     map[netip.Addr]string // owners by address
	shared bool                  // all nodes have one number, and nobody leases it
	report plan.Report
}

// warnf goes by the node's name, for a node of a pool is no item of a list.
func (c *checker) warnf(n plan.Node, field, format string, args ...any) {
	problem := yamldoc.Problem{Path: fmt.Sprintf("spec.nodes[%q].%s", n.Name, field), Message: fmt.Sprintf(format, args...)}
	c.report = append(c.report, plan.Problem{Severity: plan.Warning, Problem: problem})
}

func (c *checker) held(n *plan.Node, asn uint32, l Lease) {
	if l.Address.Addr() != n.Address.Addr() {
		c.warnf(*n, "address", "is %s by the plan, and the node holds %s, which counts until it is released", n.Address.Addr(), l.Address.Addr())
	}
	n.Address = netip.PrefixFrom(l.Address.Addr(), n.Address.Bits()) // the subnet's length, which may have grown
	if c.shared {
		return
	}
	if l.ASN != asn {
		c.warnf(*n, "asn", "is %d by the plan, and the node holds %d, which counts until it is released: set it to that", asn, l.ASN)
	}
	n.ASN = l.ASN
}

func (c *checker) free(n plan.Node, asn uint32) {
	if owner := c.at[n.Address.Addr()]; owner != "" {
		c.warnf(n, "address", "is %s by the plan, which %s holds: the node is refused when it enrols; give it another, or free that one with `joinsvc nodes release %[2]s`", n.Address.Addr(), owner)
	}
	if owner := c.owners[asn]; owner != "" && !c.shared {
		c.warnf(n, "asn", "is %d by the plan, which %s holds: the node gets another when it enrols, and its leaves do not expect that; set one that is free", asn, owner)
	}
}
