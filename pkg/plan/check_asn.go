// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strconv"
)

// maxCalicoASN is the largest number that Calico's BGPPeer takes (its CRD
// stores a signed 32-bit integer with format int32).
const maxCalicoASN = 1<<31 - 1

func (c *checker) asn(s Spec) {
	first, last := s.ASN.First, s.ASN.Last
	usable := c.speaker("spec.asn.first", first)
	usable = c.speaker("spec.asn.last", last) && usable
	if !usable {
		return // what follows would only repeat it
	}
	if last < first {
		c.errorf("spec.asn.last", "%d is below spec.asn.first %d", last, first)
		return
	}
	c.leafNumbers(s)
	c.publicASN("spec.asn", first, last, s.ASN.Owned)
	if s.ASN.Model == PerCluster {
		if last != first {
			c.errorf("spec.asn.last", "is %d, but all nodes of the model %s share one number; want %d", last, PerCluster, first)
		}
		c.noRackNumbers(s)
		return
	}
	if n := uint64(last) - uint64(first) + 1; n < uint64(len(s.Nodes)) {
		c.errorf("spec.asn", "%d–%d holds %d numbers, too few for %d nodes", first, last, n, len(s.Nodes))
	}
	c.rackNumbers(s)
}

// leafNumbers wants the leaves' numbers outside the nodes' range.
func (c *checker) leafNumbers(s Spec) {
	within := func(path string, asn uint32) {
		if (ASNRange{s.ASN.First, s.ASN.Last}).contains(asn) {
			c.errorf("spec.asn", "%d–%d holds %s %d; eBGP needs two numbers", s.ASN.First, s.ASN.Last, path, asn)
		}
	}
	within("spec.fabric.asn", s.Fabric.ASN)
	within("spec.fabric.internalASN", s.Fabric.InternalASN)
	for i, r := range s.Racks {
		if r.LeafASN != s.Fabric.ASN {
			within(fmt.Sprintf("spec.racks[%d].leafASN", i), r.LeafASN)
		}
	}
}

// rackNumbers wants the racks' ranges inside the plan's, apart from each other,
// and large enough.
func (c *checker) rackNumbers(s Spec) {
	hosts := s.perRack()
	for i, r := range s.Racks {
		path := fmt.Sprintf("spec.racks[%d].asns", i)
		if r.ASNs == (ASNRange{}) {
			continue
		}
		if r.ASNs.First < s.ASN.First || r.ASNs.Last > s.ASN.Last {
			c.errorf(path, "%s is not inside spec.asn %d–%d", r.ASNs, s.ASN.First, s.ASN.Last)
		}
		if n := hosts[r.Name]; r.ASNs.Len() < n {
			c.errorf(path, "%s holds %d numbers, too few for the rack's %d nodes", r.ASNs, r.ASNs.Len(), n)
		}
		common := func(o Rack) bool {
			return o.ASNs != (ASNRange{}) && o.ASNs.First <= r.ASNs.Last && r.ASNs.First <= o.ASNs.Last
		}
		if j := slices.IndexFunc(s.Racks[:i], common); j >= 0 {
			c.errorf(path, "%s overlaps %s of spec.racks[%d].asns", r.ASNs, s.Racks[j].ASNs, j)
		}
	}
}

// noRackNumbers refuses ranges that no node would take its number from.
func (c *checker) noRackNumbers(s Spec) {
	refuse := func(path string, r ASNRange) {
		if r != (ASNRange{}) {
			c.errorf(path, "%s is for the model %s; in the model %s all nodes have spec.asn.first: leave it out", r, PerNode, PerCluster)
		}
	}
	for i, r := range s.Racks {
		refuse(fmt.Sprintf("spec.racks[%d].asns", i), r.ASNs)
	}
	for i, p := range s.Pools {
		refuse(fmt.Sprintf("spec.pools[%d].asns", i), p.ASNs)
	}
}

// speaker refuses what can be no number of one end of a node's session, and
// reports whether it may be one.
func (c *checker) speaker(path string, asn uint32) bool {
	if !c.number(path, asn) {
		return false
	}
	if asn > maxCalicoASN {
		c.errorf(path, "%d is above %d, the largest that Calico's BGPPeer stores", asn, maxCalicoASN)
		return false
	}
	return true
}

// asTrans stands for a number of 32 bits towards a speaker that knows 16.
const asTrans = 23456

// reservedASN is the last number of 16 bits and that of 32 (RFC 7300).
func reservedASN(asn uint32) bool { return asn == 1<<16-1 || asn == 1<<32-1 }

// number refuses what can be no speaker's AS and reports whether it may be one.
func (c *checker) number(path string, asn uint32) bool {
	switch {
	case asn == 0:
		c.errorf(path, "is missing or 0, which no speaker may use (RFC 7607)")
	case asn == asTrans:
		c.errorf(path, "23456 is AS_TRANS (RFC 6793)")
	case reservedASN(asn):
		c.errorf(path, "%d is reserved (RFC 7300)", asn)
	default:
		return true
	}
	return false
}

// publicASN warns of numbers that belong to somebody.
func (c *checker) publicASN(path string, first, last uint32, owned bool) {
	private := func(n uint32) bool {
		return n >= 64512 && n <= 65534 || n >= 4200000000 && n <= 4294967294 // RFC 6996
	}
	switch {
	case first >= 64496 && last <= 64511 || first >= 65536 && last <= 65551:
		c.warnf(path, "%s is for documentation only (RFC 5398)", numbers(first, last))
	case first <= 131071 && last >= 65552:
		c.warnf(path, "%s holds numbers that IANA has reserved (65552–131071)", numbers(first, last))
	case !owned && (!private(first) || !private(last)):
		c.warnf(path, "%s is public; set spec.asn.owned: true if it is registered to you, or use 64512–65534 (RFC 6996)", numbers(first, last))
	}
}

func numbers(first, last uint32) string {
	if first == last {
		return strconv.FormatUint(uint64(first), 10)
	}
	return strconv.FormatUint(uint64(first), 10) + "–" + strconv.FormatUint(uint64(last), 10)
}
