// SPDX-License-Identifier: Apache-2.0

package join

import (
	"fmt"
	"strconv"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// asTrans is no speaker's number (RFC 6793).
const asTrans = 23456

func formatASN(asn uint32) string { return strconv.FormatUint(uint64(asn), 10) }

func parseASN(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

func asnKey(asn uint32) string { return asnPrefix + formatASN(asn) }

// giveASN is the one number that all nodes share, which nobody leases, or one
// of the node's own.
func (c *Coordinator) giveASN(tx Tx, h plan.HostPlan) (uint32, error) {
	if shared, ok := c.sharedASN(); ok {
		return shared, nil
	}
	return c.leaseASN(tx, h)
}

// sharedASN is the number that every node has in the cluster model, whatever
// was on record before the plan took that model.
func (c *Coordinator) sharedASN() (uint32, bool) {
	asn := c.Plan.Spec.ASN
	return asn.First, asn.Model == plan.PerCluster
}

// asn is the number of an enrolled node.
func (c *Coordinator) asn(n Node) uint32 {
	if shared, ok := c.sharedASN(); ok {
		return shared
	}
	return n.ASN
}

// leaseASN takes the number that the node holds already, else the one that the
// plan prefers, else the next that is free in the range of the node's rack.
func (c *Coordinator) leaseASN(tx Tx, h plan.HostPlan) (uint32, error) {
	all, err := list[lease](tx, asnPrefix)
	if err != nil {
		return 0, err
	}
	held := make(map[string]string, len(all))
	for number, l := range all {
		held[number] = l.Node
	}
	asn, ok := pickASN(c.Plan.Spec, h, held)
	if !ok {
		numbers, path := asnRange(c.Plan.Spec, h.Rack)
		return 0, refuse(joinapi.CodeConflict, "no ASN left",
			"%d–%d has no free number left for %s; enlarge %s", numbers.First, numbers.Last, h.Name, path)
	}
	// This read guards the transaction: the list does not.
	if _, _, err := get[lease](tx, asnKey(asn)); err != nil {
		return 0, err
	}
	return asn, put(tx, asnKey(asn), lease{h.Name})
}

// asnRange is where the numbers of a rack's nodes come from, and where the plan
// says so.
func asnRange(s plan.Spec, rack string) (plan.ASNRange, string) {
	for i, r := range s.Racks {
		if r.Name == rack && r.ASNs.Len() > 0 {
			return r.ASNs, fmt.Sprintf("spec.racks[%d].asns", i)
		}
	}
	return plan.ASNRange{First: s.ASN.First, Last: s.ASN.Last}, "spec.asn"
}

// pickASN is leaseASN without a store; held maps numbers to nodes. A number
// that another planned node prefers is left to it as long as others are free,
// or one displaced node would displace all that follow.
func pickASN(s plan.Spec, h plan.HostPlan, held map[string]string) (uint32, bool) {
	for number, node := range held {
		if node == h.Name {
			return parseASN(number)
		}
	}
	numbers, _ := asnRange(s, h.Rack)
	if numbers.First <= h.ASN && h.ASN <= numbers.Last && held[formatASN(h.ASN)] == "" {
		return h.ASN, true
	}
	preferred := map[uint32]bool{}
	for _, asn := range s.ASNs() {
		preferred[asn] = true
	}
	for _, leave := range []map[uint32]bool{preferred, nil} {
		for n := uint64(numbers.First); n <= uint64(numbers.Last); n++ {
			asn := uint32(n)
			if held[formatASN(asn)] == "" && asn != asTrans && !leave[asn] {
				return asn, true
			}
		}
	}
	return 0, false
}
