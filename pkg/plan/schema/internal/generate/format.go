// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"net/netip"
	"reflect"
	"time"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A format is a kind of text. Its pattern takes all that plan.Parse does, and
// may take more: that 10.0.0.9/28 has host bits set is for Parse to say.
type format struct {
	Kind    string // what people call it
	pattern string // of regular expressions, what ECMA-262 and RE2 have in common
	Example string
}

// The pieces of patterns.
const (
	octet = `(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
	ipv4  = `(` + octet + `\.){3}` + octet
	label = `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?` // RFC 1123 section 2.1
	slot  = `([1-9][0-9]{0,2}/){1,2}[1-9][0-9]{0,2}`
	unit  = `(ns|us|µs|μs|ms|s|m|h)`
	count = `([0-9]+(\.[0-9]*)?|\.[0-9]+)`
	byte2 = `[0-9A-Fa-f]{2}`
)

// formatOf is the kind of text that a Go type is written as.
func formatOf(t reflect.Type) (format, bool) {
	f, ok := map[reflect.Type]format{
		reflect.TypeFor[netip.Addr]():     {"IPv4 address", ipv4, "192.168.9.206"},
		reflect.TypeFor[netip.Prefix]():   {"IPv4 prefix", ipv4 + `/(3[0-2]|[12]?[0-9])`, "192.168.9.192/28"},
		reflect.TypeFor[netip.AddrPort](): {"IPv4 address and port", ipv4 + `:0*[1-9][0-9]{0,4}`, "192.168.9.193:6443"},
		reflect.TypeFor[time.Duration]():  {"duration", `\+?(0|(` + count + unit + `)+)`, "2400ms"},
		reflect.TypeFor[plan.MAC](): {
			"MAC address", byte2 + `((:` + byte2 + `){5}|(-` + byte2 + `){5}|` + byte2 + `(\.` + byte2 + byte2 + `){2})`, "00:00:5e:00:53:01",
		},
		reflect.TypeFor[plan.Port]():      {"leaf port", label + `:` + slot, "leaf201:1/3"},
		reflect.TypeFor[plan.Pattern]():   {"pattern", `[^{}]*(\{[0-9]{1,6}\.\.[0-9]{1,6}\}[^{}]*)?`, "k8c1a{01..40}"},
		reflect.TypeFor[plan.AddrRange](): {"IPv4 range", ipv4 + `-` + ipv4, "192.168.9.200-192.168.9.203"},
		reflect.TypeFor[plan.ASNRange]():  {"AS range", `[0-9]+-[0-9]+`, "63560-63563"},
	}[t]
	return f, ok
}

// formatNamed is the kind of text that a field's tag names.
func formatNamed(name string) (format, bool) {
	f, ok := map[string]format{
		"label":   {"DNS label", label, "k8c1"},
		"domain":  {"DNS domain", label + `(\.` + label + `)*`, "example.net"},
		"ifname":  {"interface name", `[a-zA-Z0-9_.-]{1,15}`, "eno1"},
		"ip":      {"IP address", `(` + ipv4 + `|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%.+)?)`, "2001:db8::53"},
		"path":    {"absolute path", `/.*`, "/srv/packages"},
		"release": {"Kubernetes release", `1\.[0-9]{1,2}\.[0-9]{1,3}`, "1.37.2"},
		"metallb": {"MetalLB release", `0\.[0-9]{1,2}\.[0-9]{1,3}`, "0.16.1"},
		"aciname": {"ACI name", `[a-zA-Z0-9_.:-]{1,64}`, "TEN_K8_C1"},
		"portid":  {"port", slot, "1/48"},
	}[name]
	return f, ok
}

func (f format) schema() *Schema {
	return &Schema{Type: "string", Pattern: "^" + f.pattern + "$", kind: f.Kind}
}
