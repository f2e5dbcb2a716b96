// SPDX-License-Identifier: Apache-2.0

package plan

import "strconv"

// maxCalicoASN is the largest number that Calico's BGPPeer takes (its CRD
// stores a signed 32-bit integer with format int32).
const maxCalicoASN = 1<<31 - 1

// ASNOf returns the AS number that the node at index i of the plan prefers.
// Who wants many of them asks ASNs.
func (s Spec) ASNOf(i int) uint32 { return s.ASNs()[i] }

func (c *checker) asn(s Spec) {
	first, last := s.ASN.First, s.ASN.Last
	usable := c.number("spec.asn.first", first)
	usable = c.number("spec.asn.last", last) && usable
	if !usable {
		return // what follows would only repeat it
	}
	if last < first {
		c.errorf("spec.asn.last", "%d is below spec.asn.first %d", last, first)
		return
	}
	if first <= s.Fabric.ASN && s.Fabric.ASN <= last {
		c.errorf("spec.asn", "%d–%d holds spec.fabric.asn %d; eBGP needs two numbers", first, last, s.Fabric.ASN)
	}
	c.publicASN("spec.asn", first, last, s.ASN.Owned)
	if n := uint64(last) - uint64(first) + 1; n < uint64(len(s.Nodes)) {
		c.errorf("spec.asn", "%d–%d holds %d numbers, too few for %d nodes", first, last, n, len(s.Nodes))
	}
}

// number refuses what can be no speaker's AS and reports whether it may be one.
func (c *checker) number(path string, asn uint32) bool {
	switch {
	case asn == 0:
		c.errorf(path, "is missing or 0, which no speaker may use (RFC 7607)")
	case asn == 23456:
		c.errorf(path, "23456 is AS_TRANS (RFC 6793)")
	case asn == 65535 || asn == 1<<32-1:
		c.errorf(path, "%d is reserved (RFC 7300)", asn)
	case asn > maxCalicoASN:
		c.errorf(path, "%d is above %d, the largest that Calico's BGPPeer stores", asn, maxCalicoASN)
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

func (c *checker) nodeASN(path string, s Spec, i int, taken seen) {
	asn := s.ASNOf(i)
	if own := s.Nodes[i].ASN; own != 0 && (own < s.ASN.First || own > s.ASN.Last) {
		c.errorf(path, "%d is outside spec.asn %d–%d", own, s.ASN.First, s.ASN.Last)
	}
	c.unique(path, strconv.FormatUint(uint64(asn), 10), taken)
}
