// SPDX-License-Identifier: Apache-2.0

package apictest

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// An objectRule says what is wrong with one object as it stands among the
// others, or nothing. A real APIC refuses some of it, and of the rest raises a
// fault and deploys nothing.
type objectRule func(s *store, dn string, o *stored) string

// objectRules are by class. They are asked of what a transaction has written.
func objectRules() map[string]objectRule {
	return map[string]objectRule{
		"fvnsEncapBlk":        ascending("from", "to"),
		"infraNodeBlk":        ascending("from_", "to_"),
		"infraPortBlk":        all(ascending("fromCard", "toCard"), ascending("fromPort", "toPort")),
		"vzEntry":             all(entryLayers, ascending("dFromPort", "dToPort")),
		"bgpCtxPol":           timers,
		"ospfExtP":            backboneIsRegular,
		"l3extOut":            all(exportIsEnforced, importHasRoutes),
		"l3extSubnet":         aggregates,
		"l3extLoopBackIfP":    oneLoopback,
		"l3extRsPathL3OutAtt": all(interfaceKind, inNodeProfile, memberAddresses, encapInPool, pathOfDomain),
		"l3extVirtualLIfP":    all(inNodeProfile, encapInPool),
		"l3extRsDynPathAtt":   floatingAddress,
		"ospfIfP":             speaks("ospfExtP"),
		"bgpPeerP":            all(speaks("bgpExtP"), peerNumbers, peerInSubnet),
	}
}

func all(rules ...objectRule) objectRule {
	return func(s *store, dn string, o *stored) string {
		for _, rule := range rules {
			if wrong := rule(s, dn, o); wrong != "" {
				return wrong
			}
		}
		return ""
	}
}

// ascending wants a range of numbers, VLANs or ports not to end before it
// begins. Words for ports are in the order of their numbers here.
func ascending(from, to string) objectRule {
	return func(_ *store, _ string, o *stored) string {
		a, b := o.attributes[from], o.attributes[to]
		if a != "" && b != "" && ordinal(a) > ordinal(b) {
			return from + " " + a + " is above " + to + " " + b
		}
		return ""
	}
}

func ordinal(value string) int {
	words := map[string]int{"ftpData": 20, "ssh": 22, "smtp": 25, "dns": 53, "http": 80, "pop3": 110, "https": 443, "rtsp": 554}
	if n, ok := words[value]; ok {
		return n
	}
	n, _ := strconv.Atoi(strings.TrimPrefix(value, "vlan-")) // "unspecified" is 0
	return n
}

// entryLayers wants a protocol where there is IP, and ports where the protocol
// has some.
func entryLayers(_ *store, _ string, o *stored) string {
	set := func(name string) bool { return o.attributes[name] != "" && o.attributes[name] != "unspecified" }
	ports := slices.ContainsFunc([]string{"dFromPort", "dToPort", "sFromPort", "sToPort"}, set)
	protocol := o.attributes["prot"]
	switch {
	case set("prot") && !slices.Contains([]string{"ip", "ipv4", "ipv6"}, o.attributes["etherT"]):
		return "prot " + protocol + " without an etherT of IP"
	case ports && !slices.Contains([]string{"tcp", "udp", "6", "17"}, protocol):
		return "ports without the prot tcp or udp"
	case o.attributes["stateful"] == "yes" && protocol != "tcp" && protocol != "6":
		return "stateful without the prot tcp"
	}
	return ""
}

// timers wants a hold time as RFC 4271 has it, zero or three seconds, and longer
// than what keeps a session alive.
func timers(_ *store, _ string, o *stored) string {
	hold, err := strconv.Atoi(o.attributes["holdIntvl"])
	keepalive, _ := strconv.Atoi(o.attributes["kaIntvl"])
	switch {
	case err != nil || hold == 0:
		return ""
	case hold < 3:
		return "holdIntvl is below 3"
	case keepalive >= hold:
		return "kaIntvl is not below holdIntvl"
	}
	return ""
}

func backboneIsRegular(_ *store, _ string, o *stored) string {
	id, kind := o.attributes["areaId"], o.attributes["areaType"]
	if slices.Contains([]string{"0", "0.0.0.0", "backbone"}, id) && kind != "" && kind != "regular" {
		return "the backbone is no area of type " + kind
	}
	return ""
}

// exportIsEnforced: an APIC enforces that, and import besides only when told to.
func exportIsEnforced(_ *store, _ string, o *stored) string {
	if enforced := o.attributes["enforceRtctrl"]; enforced != "" && !hasFlag(enforced, "export") {
		return "enforceRtctrl is without export"
	}
	return ""
}

// importHasRoutes wants an L3Out that enforces import to let something in, by
// the route map default-import or by a subnet. A real APIC takes it, and the
// leaves take no route.
func importHasRoutes(s *store, dn string, o *stored) string {
	if !hasFlag(o.attributes["enforceRtctrl"], "import") || s.objects[dn+"/prof-default-import"] != nil {
		return ""
	}
	for _, below := range s.below(dn) {
		if hasFlag(s.objects[below].attributes["scope"], "import-rtctrl") {
			return ""
		}
	}
	return "import is enforced and nothing is imported"
}

// aggregates of routes to import and export are of the default route only.
func aggregates(_ *store, _ string, o *stored) string {
	for flag := range strings.SplitSeq(o.attributes["aggregate"], ",") {
		switch {
		case flag == "":
		case !hasFlag(o.attributes["scope"], flag):
			return "aggregate " + flag + " without the scope"
		case flag != "shared-rtctrl" && o.attributes["ip"] != "0.0.0.0/0" && o.attributes["ip"] != "::/0":
			return "aggregate " + flag + " of another subnet than 0.0.0.0/0"
		}
	}
	return ""
}

func hasFlag(list, flag string) bool { return slices.Contains(strings.Split(list, ","), flag) }

// oneLoopback wants a loopback not to be the one that the router ID makes.
func oneLoopback(s *store, dn string, o *stored) string {
	above, _ := split(dn)
	node := s.objects[above].attributes
	if id := node["rtrId"]; node["rtrIdLoopBack"] != "no" && id == o.attributes["addr"] {
		return "the router ID makes the loopback " + id + " already"
	}
	return ""
}

// speaks wants the L3Out of an interface's protocol to speak it.
func speaks(protocol string) objectRule {
	return func(s *store, dn string, _ *stored) string {
		if s.objects[s.above(dn, "l3extOut")+"/"+protocol] == nil {
			return "the L3Out has no " + protocol
		}
		return ""
	}
}

// peerNumbers wants a neighbour's AS number, and a local one that is neither
// that nor the fabric's.
func peerNumbers(s *store, dn string, _ *stored) string {
	remote, local := s.objects[dn+"/as"], s.objects[dn+"/localasn"]
	switch {
	case remote == nil:
		return "a neighbour without an AS number"
	case local == nil:
		return ""
	case local.attributes["localAsn"] == remote.attributes["asn"]:
		return "the local AS number is the neighbour's"
	case s.asn != 0 && local.attributes["localAsn"] == strconv.Itoa(s.asn):
		return "the local AS number is the fabric's"
	}
	return ""
}

// peerInSubnet wants a neighbour one hop away to be in the subnet of its
// interface, and none of the leaves' own addresses.
func peerInSubnet(s *store, dn string, o *stored) string {
	above, _ := split(dn)
	if s.objects[above].class == "l3extLNodeP" {
		return "" // from loopback to loopback
	}
	addr := o.attributes["addr"]
	prefix, err := netip.ParsePrefix(addr)
	if err != nil {
		a := netip.MustParseAddr(addr) // valid, or it would not be here
		prefix = netip.PrefixFrom(a, a.BitLen())
	}
	own := s.addresses(above)
	inside := func(p netip.Prefix) bool { return p.Overlaps(prefix) && p.Bits() <= prefix.Bits() }
	switch {
	case len(own) > 0 && !slices.ContainsFunc(own, inside):
		return addr + " is outside the interface's subnet"
	case slices.ContainsFunc(own, func(p netip.Prefix) bool { return p.Addr().String() == addr }):
		return addr + " is the leaf's own"
	}
	return ""
}

// addresses are those of an interface and of its members, secondary ones too.
func (s *store) addresses(dn string) []netip.Prefix {
	var found []netip.Prefix
	for _, below := range s.below(dn) {
		o := s.objects[below]
		if !slices.Contains([]string{"l3extRsPathL3OutAtt", "l3extVirtualLIfP", "l3extMember", "l3extIp"}, o.class) {
			continue
		}
		if p, err := netip.ParsePrefix(o.attributes["addr"]); err == nil {
			found = append(found, p)
		}
	}
	return found
}

// above is the nearest object of a class that dn is or is below, or "".
func (s *store) above(dn, class string) string {
	for dn != "" && (s.objects[dn] == nil || s.objects[dn].class != class) {
		dn, _ = split(dn)
	}
	return dn
}
