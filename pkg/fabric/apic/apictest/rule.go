// SPDX-License-Identifier: Apache-2.0

package apictest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// check is what has to hold when a transaction ends. Relations are looked at
// where they were written: an APIC lets a target be deleted, and raises a fault.
func (s *store) check() *refusal {
	for _, dn := range slices.Sorted(maps.Keys(s.before)) {
		if o := s.objects[dn]; o != nil {
			if r := s.resolves(dn, o); r != nil {
				return r
			}
			if r := s.sound(dn, o); r != nil {
				return r
			}
		}
	}
	for _, rule := range []func() *refusal{s.externalSubnets, s.routerIDs, s.channelMembers, s.portsOnce, s.neighboursOnce} {
		if r := rule(); r != nil {
			return r
		}
	}
	return nil
}

// sound wants what is written to obey the rules of its class.
func (s *store) sound(dn string, o *stored) *refusal {
	rule := s.rules[o.class]
	if rule == nil {
		return nil
	}
	if wrong := rule(s, dn, o); wrong != "" {
		return refused(codeRule, "%s: %s", dn, wrong)
	}
	return nil
}

// resolves wants a relation's target to exist and to be of the right class.
func (s *store) resolves(dn string, o *stored) *refusal {
	c := s.table[o.class]
	for _, name := range slices.Sorted(maps.Keys(o.attributes)) {
		value := o.attributes[name]
		found := true
		switch {
		case len(c.target) == 0 || value == "":
		case name == "tDn":
			found = s.isTarget(value, c.target)
		case strings.HasPrefix(name, "tn"):
			found = s.isNamed(dn, value, c.target)
		}
		if !found {
			return refused(codeTarget, "%s: %s %s is no %s", dn, name, value, strings.Join(c.target, " or "))
		}
	}
	if o.class == "l3extVirtualLIfP" && !s.isTarget(o.attributes["nodeDn"], []string{"fabricNode"}) {
		return refused(codeTarget, "%s: nodeDn %s is no fabricNode", dn, o.attributes["nodeDn"])
	}
	return nil
}

func (s *store) isTarget(dn string, classes []string) bool {
	switch classes[0] {
	case "fabricNode":
		return s.isNode(dn)
	case "fabricPathEp":
		return s.isPath(dn)
	}
	o, ok := s.objects[dn]
	return ok && slices.Contains(classes, o.class)
}

// isNamed looks for a target where the APIC does: in the tenant, then in common;
// for access policies in infra. Everything has a policy named default.
func (s *store) isNamed(from, name string, classes []string) bool {
	if name == "default" {
		return true
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(from, "uni/"), "/")
	for dn, o := range s.objects {
		above, _ := split(dn)
		near := above == "uni/"+tenant || above == "uni/tn-common"
		if near && slices.Contains(classes, o.class) && o.attributes["name"] == name {
			return true
		}
	}
	return false
}

var (
	nodeDN    = regexp.MustCompile(`^topology/pod-[0-9]+/node-([0-9]+)$`)
	portDN    = regexp.MustCompile(`^topology/pod-[0-9]+/paths-([0-9]+)/pathep-\[(.+)\]$`)
	channelDN = regexp.MustCompile(`^topology/pod-[0-9]+/protpaths-([0-9]+)-([0-9]+)/pathep-\[(.+)\]$`)
	portName  = regexp.MustCompile(`^eth[0-9]+(/[0-9]+){1,2}$`)
)

func (s *store) isNode(dn string) bool {
	m := nodeDN.FindStringSubmatch(dn)
	return m != nil && s.hasLeaf(m[1])
}

func (s *store) hasLeaf(id string) bool {
	n, err := strconv.Atoi(id)
	return err == nil && slices.Contains(s.nodes, n)
}

// isPath wants a port of a leaf, or a port channel that a policy group makes; a
// virtual one needs the two leaves in one protection group.
func (s *store) isPath(dn string) bool {
	if m := portDN.FindStringSubmatch(dn); m != nil {
		return s.hasLeaf(m[1]) && (portName.MatchString(m[2]) || s.hasChannel(m[2], "link"))
	}
	m := channelDN.FindStringSubmatch(dn)
	return m != nil && s.hasLeaf(m[1]) && s.hasLeaf(m[2]) && s.hasPair(m[1], m[2]) && s.hasChannel(m[3], "node")
}

func (s *store) hasChannel(group, kind string) bool {
	o, ok := s.objects["uni/infra/funcprof/accbundle-"+group]
	return ok && o.attributes["lagT"] == kind
}

func (s *store) hasPair(a, b string) bool {
	for dn, o := range s.objects {
		if o.class == "fabricExplicitGEp" && s.objects[dn+"/nodepep-"+a] != nil && s.objects[dn+"/nodepep-"+b] != nil {
			return true
		}
	}
	return false
}

// each visits the objects of a class in order.
func (s *store) each(class string, visit func(dn string, o *stored) *refusal) *refusal {
	for _, dn := range slices.Sorted(maps.Keys(s.objects)) {
		if o := s.objects[dn]; o.class == class {
			if r := visit(dn, o); r != nil {
				return r
			}
		}
	}
	return nil
}

// vrfOf is the VRF of an L3Out that an object is below.
func (s *store) vrfOf(dn string) string {
	tenant, below, _ := strings.Cut(strings.TrimPrefix(dn, "uni/"), "/")
	out, _, _ := strings.Cut(below, "/")
	relation, ok := s.objects["uni/"+tenant+"/"+out+"/rsectx"]
	if !ok || relation.attributes["tnFvCtxName"] == "" {
		return ""
	}
	return tenant + "/" + relation.attributes["tnFvCtxName"]
}

// externalSubnets wants a subnet that sorts traffic (import-security) in one
// external EPG of a VRF. With 0.0.0.0/0 in two, traffic between EPGs passes
// without a contract (Cisco tech note 218113); a real APIC takes that.
func (s *store) externalSubnets() *refusal {
	seen := map[string]string{}
	return s.each("l3extSubnet", func(dn string, o *stored) *refusal {
		if !slices.Contains(strings.Split(o.attributes["scope"], ","), "import-security") {
			return nil
		}
		key := s.vrfOf(dn) + " " + o.attributes["ip"]
		if other, twice := seen[key]; twice {
			return refused(codeRule, "%s: %s is in the same VRF in %s already", dn, o.attributes["ip"], other)
		}
		seen[key] = dn
		return nil
	})
}

// routerIDs wants one router ID for a leaf in all L3Outs of a VRF, and no two
// leaves with the same.
func (s *store) routerIDs() *refusal {
	ids, leaves := map[string]string{}, map[string]string{}
	return s.each("l3extRsNodeL3OutAtt", func(dn string, o *stored) *refusal {
		vrf, leaf, id := s.vrfOf(dn), o.attributes["tDn"], o.attributes["rtrId"]
		if other := ids[vrf+" "+leaf]; other != "" && other != id {
			return refused(codeRule, "%s: the router ID of %s is %s already in the VRF", dn, leaf, other)
		}
		if other := leaves[vrf+" "+id]; other != "" && other != leaf {
			return refused(codeRule, "%s: the router ID %s is that of %s already in the VRF", dn, id, other)
		}
		ids[vrf+" "+leaf], leaves[vrf+" "+id] = id, leaf
		return nil
	})
}

// channelMembers wants an address on each side of a virtual port channel, and
// none on the channel itself.
func (s *store) channelMembers() *refusal {
	return s.each("l3extRsPathL3OutAtt", func(dn string, o *stored) *refusal {
		if !channelDN.MatchString(o.attributes["tDn"]) {
			return nil
		}
		for _, side := range []string{"A", "B"} {
			if s.objects[fmt.Sprintf("%s/mem-%s", dn, side)] == nil {
				return refused(codeRule, "%s: a virtual port channel without a member %s", dn, side)
			}
		}
		if o.attributes["addr"] != "0.0.0.0" {
			return refused(codeRule, "%s: addr is %q, want 0.0.0.0 on a virtual port channel", dn, o.attributes["addr"])
		}
		return nil
	})
}

// portsOnce wants a port in one selector of an interface profile only.
func (s *store) portsOnce() *refusal {
	users := map[string]string{}
	return s.each("infraPortBlk", func(dn string, o *stored) *refusal {
		selector, _ := split(dn)
		profile, _ := split(selector)
		number := func(name string) int {
			n, _ := strconv.Atoi(o.attributes[name]) // valid, or it would not be here
			return n
		}
		for card := number("fromCard"); card <= number("toCard"); card++ {
			for port := number("fromPort"); port <= number("toPort"); port++ {
				key := fmt.Sprintf("%s %d/%d", profile, card, port)
				if other, taken := users[key]; taken && other != selector {
					return refused(codeRule, "%s: port %d/%d is in %s already", dn, card, port, other)
				}
				users[key] = selector
			}
		}
		return nil
	})
}

// neighboursOnce wants a BGP neighbour once on a leaf in a VRF, however many
// paths its SVI has.
func (s *store) neighboursOnce() *refusal {
	seen := map[string]string{}
	return s.each("bgpPeerP", func(dn string, o *stored) *refusal {
		above, _ := split(dn)
		for _, leaf := range leavesOf(s.objects[above]) {
			key := s.vrfOf(dn) + " " + leaf + " " + o.attributes["addr"]
			if other, twice := seen[key]; twice {
				return refused(codeRule, "%s: leaf %s has the neighbour in %s already", dn, leaf, other)
			}
			seen[key] = dn
		}
		return nil
	})
}
