// SPDX-License-Identifier: Apache-2.0

package change

import (
	"fmt"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// models are those of the two plans. They decide what becomes of the number of a
// node that has enrolled: the one that all share it has as soon as joinsvc has
// read the plan, and one that it has leased it keeps (join.Coordinator, giveASN).
type models struct{ was, is plan.Model }

func modelsOf(old, updated plan.Plan) models {
	return models{old.Spec.ASN.Model, updated.Spec.ASN.Model}
}

const leasing = "nodes lease from the new range when they enrol; a node keeps the number that it holds"

// cluster is what the plan says of all nodes' numbers.
func (m models) cluster() []rule[plan.Plan] {
	model := rule[plan.Plan]{
		what: "asn.model", severity: Reset, get: func(p plan.Plan) any { return p.Spec.ASN.Model },
		consequence: "a node leases a number of its own when it enrols: one that enrolled keeps the number that all had, or has the one again that it leased before; nodes of one number drop each other's routes, for the leaves put theirs in its place no more",
	}
	numbers := rule[plan.Plan]{
		what: "asn", severity: None, consequence: leasing,
		get: func(p plan.Plan) any { return fmt.Sprintf("%d–%d", p.Spec.ASN.First, p.Spec.ASN.Last) },
	}
	if m.is == plan.PerCluster {
		model.consequence = "all nodes have the one number as soon as joinsvc is started with the new plan, and the leaves another neighbour: no session comes up until both have changed"
		numbers.severity = Reset
		numbers.consequence = "all nodes have it as soon as joinsvc is started with the new plan: no session comes up until the leaves expect it"
	}
	return []rule[plan.Plan]{model, numbers}
}

// node is what the plan says of one node's number.
func (m models) node() rule[node] {
	r := rule[node]{what: "asn", severity: Reset, each: true, get: func(n node) any { return n.asn }}
	switch {
	case m.is == plan.PerCluster:
		r.consequence = "nothing is to be done on the node: it has the number as soon as joinsvc is started with the new plan, and its sessions come up when the leaves expect it"
	case m.was == plan.PerCluster:
		r.consequence = "a node that enrolled keeps the number that all had (joinsvc status), and its sessions end as soon as the leaves expect another: drain it, switch it off, delete its Node, free what it holds with `joinsvc nodes release`, and install it anew"
	default:
		r.consequence = "a node that enrolled keeps the number that it leased (joinsvc status), and its sessions end as soon as the leaves expect another; set nodes[].asn to what it holds, or drain it, switch it off, delete its Node, free the number with `joinsvc nodes release`, and install it anew"
	}
	return r
}
