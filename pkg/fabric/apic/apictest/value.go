// SPDX-License-Identifier: Apache-2.0

package apictest

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A value is the kind of an attribute: what may be written, and how the APIC
// answers with it.
type value struct {
	valid  func(string) bool
	answer func(string) string // nil answers as written
	secret bool                // never answered
}

// An APIC's naming:Name takes these characters; tenants and VRFs no colon.
var (
	objectName = regexp.MustCompile(`^[a-zA-Z0-9_.:-]+$`)
	tenantName = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)
	encapName  = regexp.MustCompile(`^vlan-([0-9]{1,4})$`)
	annotation = regexp.MustCompile(`^[a-zA-Z0-9_.:-]*$`)
	text       = regexp.MustCompile(`^[a-zA-Z0-9\\!#$%()*,\-./:;@ _{|}~?&+]*$`)
)

func matching(pattern *regexp.Regexp, most int) value {
	return value{valid: func(s string) bool { return len(s) <= most && pattern.MatchString(s) }}
}

func name(most int) value { return matching(objectName, most) }

// optionalName is a target that may be taken away.
func optionalName() value {
	return value{valid: func(s string) bool { return len(s) <= 64 && (s == "" || objectName.MatchString(s)) }}
}

func enum(values ...string) value {
	return value{valid: func(s string) bool { return slices.Contains(values, s) }}
}

func yesNo() value {
	return value{
		valid: func(s string) bool { return slices.Contains([]string{"yes", "no", "true", "false"}, s) },
		answer: func(s string) string {
			return strings.NewReplacer("true", "yes", "false", "no").Replace(s)
		},
	}
}

// flags are a comma list; the answer has the order in which they are given here.
func flags(values ...string) value {
	return value{
		valid: func(s string) bool {
			for f := range strings.SplitSeq(s, ",") {
				if s != "" && !slices.Contains(values, f) {
					return false
				}
			}
			return true
		},
		answer: func(s string) string {
			set := strings.Split(s, ",")
			return strings.Join(slices.DeleteFunc(slices.Clone(values), func(f string) bool { return !slices.Contains(set, f) }), ",")
		},
	}
}

// number is a whole number, or one of the words that stand for one.
func number(least, most uint64, words ...string) value {
	return value{valid: func(s string) bool {
		n, err := strconv.ParseUint(s, 10, 64)
		return err == nil && n >= least && n <= most || slices.Contains(words, s)
	}}
}

// port is a TCP or UDP port; the answer names the well-known ones.
func port() value {
	named := map[string]string{"0": "unspecified", "20": "ftpData", "22": "ssh", "25": "smtp", "53": "dns", "80": "http", "110": "pop3", "443": "https", "554": "rtsp"}
	return value{
		valid: number(0, 65535, "unspecified", "ftpData", "ssh", "smtp", "dns", "http", "pop3", "https", "rtsp").valid,
		answer: func(s string) string {
			if word, ok := named[s]; ok {
				return word
			}
			return s
		},
	}
}

func address() value {
	return value{valid: func(s string) bool { _, err := netip.ParseAddr(s); return err == nil }}
}

// subnet is a network: no bit of the host is set.
func subnet() value {
	return value{valid: func(s string) bool {
		p, err := netip.ParsePrefix(s)
		return err == nil && p.Masked() == p
	}}
}

// interfaceAddress is a host's address with a length, or all zero where each
// member of a virtual port channel has its own.
func interfaceAddress() value {
	return value{valid: func(s string) bool {
		p, err := netip.ParsePrefix(s)
		return err == nil && isHost(p) || s == "0.0.0.0"
	}}
}

// isHost says whether an address is neither a subnet's own nor its broadcast,
// which subnets of 31 and 32 bits do not have (RFC 3021).
func isHost(p netip.Prefix) bool {
	next := netip.PrefixFrom(p.Addr().Next(), p.Bits())
	return p.Addr().Is6() || p.Bits() > 30 || p.Masked() != p && next.Masked() == p.Masked()
}

// peer is a neighbour's address or the subnet of dynamic neighbours.
func peer() value {
	return value{valid: func(s string) bool { return address().valid(s) || subnet().valid(s) }}
}

func encap() value {
	return value{valid: func(s string) bool {
		m := encapName.FindStringSubmatch(s)
		if m == nil {
			return false
		}
		n, err := strconv.Atoi(m[1])
		return err == nil && n >= 1 && n <= 4094
	}}
}

// area is an OSPF area; the answer has it as an address.
func area() value {
	return value{
		valid: func(s string) bool { return s == "backbone" || address().valid(s) || number(0, 1<<32-1).valid(s) },
		answer: func(s string) string {
			n, err := strconv.ParseUint(s, 10, 32)
			if err != nil {
				return s
			}
			if n == 0 {
				return "backbone"
			}
			return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
		},
	}
}

func dn() value {
	return value{valid: func(s string) bool {
		return s == "" || strings.HasPrefix(s, "uni/") || strings.HasPrefix(s, "topology/")
	}}
}

// password is never answered.
func password() value {
	return value{valid: func(s string) bool { return len(s) <= 512 }, secret: true}
}
