// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// maxPool is how many nodes one pool may have, so that a slip in a pattern
// cannot fill the memory.
const maxPool = 10_000

// A Pattern is a text with at most one range in braces, as shells expand it:
// "k8c1a{01..40}" is forty names of equal width.
type Pattern struct {
	Prefix, Suffix string
	First, Last    int
	Width          int // digits, with leading zeros; 0 for a text without a range
}

var braces = regexp.MustCompile(`^([^{}]*)\{(\d{1,6})\.\.(\d{1,6})\}([^{}]*)$`)

// UnmarshalText reads a pattern.
func (p *Pattern) UnmarshalText(text []byte) error {
	if !strings.ContainsAny(string(text), "{}") {
		*p = Pattern{Prefix: string(text)}
		return nil
	}
	m := braces.FindStringSubmatch(string(text))
	if m == nil {
		return errors.New("want one range in braces, such as {01..40}")
	}
	first, _ := strconv.Atoi(m[2])
	last, _ := strconv.Atoi(m[3])
	if last < first || last-first >= maxPool {
		return fmt.Errorf("want a range that rises and has at most %d members", maxPool)
	}
	*p = Pattern{Prefix: m[1], Suffix: m[4], First: first, Last: last, Width: len(m[2])}
	return nil
}

// MarshalText is the pattern as it was read.
func (p Pattern) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// String is the pattern as it was read.
func (p Pattern) String() string {
	if p.Width == 0 {
		return p.Prefix
	}
	return fmt.Sprintf("%s{%0*d..%d}%s", p.Prefix, p.Width, p.First, p.Last, p.Suffix)
}

// Len is the number of texts that the pattern stands for.
func (p Pattern) Len() int { return p.Last - p.First + 1 }

// At is the i-th text, from 0.
func (p Pattern) At(i int) string {
	if p.Width == 0 {
		return p.Prefix
	}
	return fmt.Sprintf("%s%0*d%s", p.Prefix, p.Width, p.First+i, p.Suffix)
}

// AddrRange is a run of IPv4 addresses, both ends included.
type AddrRange struct{ First, Last netip.Addr }

// UnmarshalText reads "192.168.9.200-192.168.9.203".
func (r *AddrRange) UnmarshalText(text []byte) error {
	first, last, _ := strings.Cut(string(text), "-")
	a, errA := netip.ParseAddr(first)
	b, errB := netip.ParseAddr(last)
	if errA != nil || errB != nil || !a.Is4() || !b.Is4() || b.Less(a) {
		return errors.New("want two IPv4 addresses, the lower first, such as 192.168.9.200-192.168.9.203")
	}
	*r = AddrRange{a, b}
	return nil
}

// MarshalText is the range as it was read.
func (r AddrRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String is the range as it was read.
func (r AddrRange) String() string { return r.First.String() + "-" + r.Last.String() }

// Len is the number of addresses.
func (r AddrRange) Len() int {
	if !r.First.Is4() || !r.Last.Is4() {
		return 0
	}
	return int(int64(ordinal(r.Last))-int64(ordinal(r.First))) + 1
}

// At is the i-th address, from 0.
func (r AddrRange) At(i int) netip.Addr { return address(ordinal(r.First) + uint32(i)) }

func ordinal(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func address(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// ASNRange is a run of AS numbers, both ends included.
type ASNRange struct{ First, Last uint32 }

// UnmarshalText reads "63560-63563".
func (r *ASNRange) UnmarshalText(text []byte) error {
	first, last, _ := strings.Cut(string(text), "-")
	a, errA := strconv.ParseUint(first, 10, 32)
	b, errB := strconv.ParseUint(last, 10, 32)
	if errA != nil || errB != nil || b < a {
		return errors.New("want two AS numbers, the lower first, such as 63560-63563")
	}
	*r = ASNRange{uint32(a), uint32(b)}
	return nil
}

// MarshalText is the range as it was read.
func (r ASNRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String is the range as it was read.
func (r ASNRange) String() string { return fmt.Sprintf("%d-%d", r.First, r.Last) }

// usable says whether a range was given that can hold something.
func (r ASNRange) usable() bool { return r.First != 0 && r.First <= r.Last }

func (r ASNRange) contains(asn uint32) bool { return r.First <= asn && asn <= r.Last }

// Len is the number of AS numbers; 0 for a range that was left out.
func (r ASNRange) Len() int {
	if r == (ASNRange{}) {
		return 0
	}
	return int(uint64(r.Last) - uint64(r.First) + 1)
}
