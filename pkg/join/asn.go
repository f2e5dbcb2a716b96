// SPDX-License-Identifier: Apache-2.0

package join

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// asTrans is no speaker's number (RFC 6793).
const asTrans = 23456

func formatASN(asn uint32) string { return strconv.FormatUint(uint64(asn), 10) }

func asnKey(asn uint32) string { return asnPrefix + formatASN(asn) }

// giveASN sets the one number that all nodes share, which nobody leases, or one
// of the node's own. n may have one already.
func (c *Coordinator) giveASN(tx Tx, n *Node, h plan.HostPlan) error {
	shared, ok := c.sharedASN()
	switch {
	case ok && n.ASN != 0:
		return nil // asn() has the shared one; a lease stays on record
	case ok:
		n.ASN, n.SharedASN = shared, true
		return nil
	}
	var wanted []uint32
	if n.ASN != 0 && !n.SharedASN {
		wanted = append(wanted, n.ASN)
	}
	if numbers, _ := asnRange(c.Plan.Spec, h.Rack); numbers.First <= h.ASN && h.ASN <= numbers.Last {
		wanted = append(wanted, h.ASN)
	}
	asn, err := c.leaseASN(tx, h, wanted)
	n.ASN, n.SharedASN = asn, false
	return err
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

// leaseASN takes the first of wanted that no other node holds: the number that
// the node has already, and the one that the plan prefers. Only when they are
// gone does it look at all, and takes the next that is free in the range of the
// node's rack.
func (c *Coordinator) leaseASN(tx Tx, h plan.HostPlan, wanted []uint32) (uint32, error) {
	for _, asn := range wanted {
		if ok, err := takeASN(tx, asn, h.Name); ok || err != nil {
			return asn, err
		}
	}
	all, err := list[lease](tx, asnPrefix)
	if err != nil {
		return 0, err
	}
	numbers, path := asnRange(c.Plan.Spec, h.Rack)
	asn, ok := pickASN(numbers, c.inventory().preferred, all)
	if !ok {
		return 0, refuse(joinapi.CodeConflict, "no ASN left",
			"%d–%d has no free number left for %s; enlarge %s", numbers.First, numbers.Last, h.Name, path)
	}
	// The list guards nothing, but this reads the number's own key.
	if ok, err := takeASN(tx, asn, h.Name); !ok {
		return 0, errors.Join(err, fmt.Errorf("AS %d is free and held in one state of the store", asn))
	}
	return asn, nil
}

// takeASN reports whether the node holds the number, which it does when nobody
// else does. The read guards the transaction.
func takeASN(tx Tx, asn uint32, node string) (bool, error) {
	held, ok, err := get[lease](tx, asnKey(asn))
	if err != nil || ok {
		return held.Node == node, err
	}
	return true, put(tx, asnKey(asn), lease{node})
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

// pickASN is the next number that nobody holds. One that a planned node prefers
// is left to it as long as others are free, or one displaced node would
// displace all that follow.
func pickASN(numbers plan.ASNRange, preferred map[uint32]bool, held map[string]lease) (uint32, bool) {
	for _, leave := range []map[uint32]bool{preferred, nil} {
		for n := uint64(numbers.First); n <= uint64(numbers.Last); n++ {
			asn := uint32(n)
			if _, taken := held[formatASN(asn)]; !taken && asn != asTrans && !leave[asn] {
				return asn, true
			}
		}
	}
	return 0, false
}
