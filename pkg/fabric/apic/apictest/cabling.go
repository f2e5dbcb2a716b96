// SPDX-License-Identifier: Apache-2.0

package apictest

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// What an interface of an L3Out needs of the access policies. A real APIC takes
// it without, raises a fault (F0467: invalid VLAN, invalid path, node and path
// that do not agree), and the leaf gets no interface.

// interfaceKind wants a VLAN where there are tags, and on virtual port channels
// nothing but SVIs.
func interfaceKind(_ *store, _ string, o *stored) string {
	kind, encap := o.attributes["ifInstT"], o.attributes["encap"]
	switch {
	case kind == "l3-port" && encap != "":
		return "an l3-port with an encap"
	case kind != "" && kind != "l3-port" && encap == "":
		return kind + " without an encap"
	case channelDN.MatchString(o.attributes["tDn"]) && kind != "" && kind != "ext-svi":
		return kind + " on a virtual port channel"
	}
	return ""
}

// leavesOf are the node IDs that an interface is on.
func leavesOf(o *stored) []string {
	for _, name := range []string{"tDn", "nodeDn"} {
		value := o.attributes[name]
		if m := channelDN.FindStringSubmatch(value); m != nil {
			return m[1:3]
		}
		if m := portDN.FindStringSubmatch(value); m != nil {
			return m[1:2]
		}
		if m := nodeDN.FindStringSubmatch(value); m != nil {
			return m[1:2]
		}
	}
	return nil
}

// inNodeProfile wants the leaves of an interface to be in its node profile.
func inNodeProfile(s *store, dn string, o *stored) string {
	profile := s.above(dn, "l3extLNodeP")
	for _, id := range leavesOf(o) {
		known := func(below string) bool {
			node := s.objects[below]
			return node.class == "l3extRsNodeL3OutAtt" && strings.HasSuffix(node.attributes["tDn"], "/node-"+id)
		}
		if !slices.ContainsFunc(s.below(profile), known) {
			return "the node profile has no leaf " + id
		}
	}
	return ""
}

// memberAddresses wants the two sides of a virtual port channel to be two
// addresses of one subnet.
func memberAddresses(s *store, dn string, _ *stored) string {
	a, b := s.objects[dn+"/mem-A"], s.objects[dn+"/mem-B"]
	if a == nil || b == nil {
		return ""
	}
	one, err := netip.ParsePrefix(a.attributes["addr"])
	other, otherErr := netip.ParsePrefix(b.attributes["addr"])
	switch {
	case err != nil || otherErr != nil:
		return "a member without an address"
	case one == other:
		return "both members have " + one.String()
	case one.Masked() != other.Masked():
		return one.String() + " and " + other.String() + " are of two subnets"
	}
	return ""
}

// domainOf is the layer 3 domain of the L3Out that an object is below.
func (s *store) domainOf(dn string) string {
	relation := s.objects[s.above(dn, "l3extOut")+"/rsl3DomAtt"]
	if relation == nil {
		return ""
	}
	return relation.attributes["tDn"]
}

// encapInPool wants the VLAN of an interface in the pool of its L3Out's domain.
// A domain without a pool is somebody else's matter.
func encapInPool(s *store, dn string, o *stored) string {
	encap := o.attributes["encap"]
	pool := s.objects[s.domainOf(dn)+"/rsvlanNs"]
	if encap == "" || pool == nil {
		return ""
	}
	for _, below := range s.below(pool.attributes["tDn"]) {
		block := s.objects[below]
		if block.class == "fvnsEncapBlk" && ordinal(block.attributes["from"]) <= ordinal(encap) && ordinal(encap) <= ordinal(block.attributes["to"]) {
			return ""
		}
	}
	return encap + " is in no block of the domain's pool"
}

// pathOfDomain wants a port channel whose ports are there on each of its leaves,
// and whose attachable access entity profile has the L3Out's domain.
func pathOfDomain(s *store, dn string, o *stored) string {
	_, rest, _ := strings.Cut(o.attributes["tDn"], "/pathep-[")
	name := strings.TrimSuffix(rest, "]")
	if portName.MatchString(name) {
		return ""
	}
	group := "uni/infra/funcprof/accbundle-" + name
	for _, leaf := range leavesOf(o) {
		if !s.selects(leaf, group) {
			return "no selector of leaf " + leaf + " gives a port to " + group
		}
	}
	entity := s.objects[group+"/rsattEntP"]
	domain := s.domainOf(dn)
	if entity == nil || domain != "" && s.objects[entity.attributes["tDn"]+"/rsdomP-["+domain+"]"] == nil {
		return group + " is not attached to the domain " + domain
	}
	return ""
}

// selects says whether a leaf has a port with a policy group: switch profile,
// interface profile, selector, group.
func (s *store) selects(leaf, group string) bool {
	id, _ := strconv.Atoi(leaf)
	for dn, o := range s.objects {
		if o.class != "infraNodeBlk" || ordinal(o.attributes["from_"]) > id || id > ordinal(o.attributes["to_"]) {
			continue
		}
		for _, relation := range s.below(s.above(dn, "infraNodeP")) {
			if ports := s.objects[relation]; ports.class == "infraRsAccPortP" && s.profileSelects(ports.attributes["tDn"], group) {
				return true
			}
		}
	}
	return false
}

func (s *store) profileSelects(profile, group string) bool {
	isPort := func(dn string) bool { return s.objects[dn].class == "infraPortBlk" }
	for _, dn := range s.below(profile) {
		if o := s.objects[dn]; o.class == "infraRsAccBaseGrp" && o.attributes["tDn"] == group {
			selector, _ := split(dn)
			return slices.ContainsFunc(s.below(selector), isPort)
		}
	}
	return false
}

// floatingAddress wants the address that leaves without the SVI's own have, in
// the subnet of the SVI and none of its own.
func floatingAddress(s *store, dn string, o *stored) string {
	above, _ := split(dn)
	floating, err := netip.ParsePrefix(o.attributes["floatingAddr"])
	own, ownErr := netip.ParsePrefix(s.objects[above].attributes["addr"])
	switch {
	case err != nil:
		return "a floating SVI without a floatingAddr"
	case ownErr != nil || floating.Masked() != own.Masked():
		return "floatingAddr " + floating.String() + " is outside the subnet of " + s.objects[above].attributes["addr"]
	case floating == own:
		return "floatingAddr is the anchor's own"
	}
	return ""
}
