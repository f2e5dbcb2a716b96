// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// same says whether two values of an attribute mean the same. An APIC answers
// with what it has made of a value: flags in its own order, well-known ports
// and protocols by name, an OSPF area as an address.
func same(attribute, a, b string) bool {
	return a == b || normal(attribute, a) == normal(attribute, b)
}

// normal is the one spelling of a value that stands for all of them.
func normal(attribute, value string) string {
	switch attribute {
	case "ctrl", "peerCtrl", "privateASctrl", "addrTCtrl", "grCtrl", "areaCtrl",
		"enforceRtctrl", "scope", "aggregate", "tcpRules", "directives":
		return flags(value)
	case "dFromPort", "dToPort", "sFromPort", "sToPort":
		return named(value, "unspecified", "0", "ftpData", "20", "ssh", "22", "smtp", "25", "dns", "53",
			"http", "80", "pop3", "110", "https", "443", "rtsp", "554")
	case "prot":
		return named(value, "unspecified", "0", "icmp", "1", "igmp", "2", "tcp", "6", "egp", "8", "igp", "9",
			"udp", "17", "icmpv6", "58", "eigrp", "88", "ospfigp", "89", "pim", "103", "l2tp", "115")
	case "staleIntvl":
		return named(value, "default", "300")
	case "areaId":
		return area(value)
	case "name", "descr", "annotation":
		return value
	}
	return scalar(value)
}

// flags are a comma list's members in one order, without the word for none.
func flags(value string) string {
	list := strings.Split(value, ",")
	slices.Sort(list)
	list = slices.DeleteFunc(slices.Compact(list), func(f string) bool { return f == "" || f == "unspecified" })
	return strings.Join(list, ",")
}

// named is the number that a name stands for, of pairs of both.
func named(value string, pairs ...string) string {
	for pair := range slices.Chunk(pairs, 2) {
		if value == pair[0] {
			return pair[1]
		}
	}
	return scalar(value)
}

// area is an OSPF area as an address (RFC 2328 section C.2).
func area(value string) string {
	if value == "backbone" {
		return "0.0.0.0"
	}
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		return value
	}
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
}

// scalar is a number, a truth, an address or a prefix in its usual spelling;
// anything else stays.
func scalar(value string) string {
	switch value {
	case "true":
		return "yes"
	case "false":
		return "no"
	}
	if n, err := strconv.ParseUint(value, 10, 64); err == nil {
		return strconv.FormatUint(n, 10)
	}
	if p, err := netip.ParsePrefix(value); err == nil {
		return p.String()
	}
	if a, err := netip.ParseAddr(value); err == nil {
		return a.String()
	}
	return value
}

// writeOnly says of an attribute that the APIC never answers with its value, so
// that nobody can tell whether it has changed.
func writeOnly(attribute string) bool {
	return attribute == "password" || attribute == "authKey" || attribute == "key"
}
