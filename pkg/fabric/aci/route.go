// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"net/netip"
	"strconv"
)

// A matchRule is a list of prefixes that route maps name.
type matchRule struct {
	name     string
	prefixes []netip.Prefix
	// longer has the rule match what lies within the prefixes, too: pods are
	// announced as blocks and load balancers as single addresses, and a prefix
	// alone would match neither.
	longer bool
}

func (l layout) matchNodes() matchRule {
	return matchRule{l.named("MATCH", "NODES"), l.nodeSubnets(), false}
}

func (l layout) matchPods() matchRule {
	return matchRule{l.named("MATCH", "PODS"), []netip.Prefix{l.Spec.Pods.Subnet}, true}
}

func (l layout) matchLoadBalancers() matchRule {
	rule := matchRule{name: l.named("MATCH", "LOADBALANCERS"), longer: true}
	if subnet := l.Spec.LoadBalancers.Subnet; subnet.IsValid() {
		rule.prefixes = []netip.Prefix{subnet}
	}
	return rule
}

func (l layout) matchDefault() matchRule {
	rule := matchRule{name: l.named("MATCH", "DEFAULT")}
	if l.Spec.Fabric.DefaultRoute {
		rule.prefixes = []netip.Prefix{everything()}
	}
	return rule
}

func (l layout) matchAdvertised() matchRule {
	return matchRule{l.named("MATCH", "ADVERTISED"), l.Spec.Fabric.Advertised, false}
}

// matchRules are the rules that have a prefix to match.
func (l layout) matchRules() []*Object {
	rules := []matchRule{l.matchPods(), l.matchLoadBalancers(), l.matchDefault(), l.matchAdvertised()}
	if l.aci.Outside.L3Out != "" {
		rules = append(rules, l.matchNodes())
	}
	var objects []*Object
	for _, rule := range rules {
		if len(rule.prefixes) > 0 {
			objects = append(objects, rule.object())
		}
	}
	return objects
}

func (r matchRule) object() *Object {
	rule := mo("rtctrlSubjP", "subj-"+r.name, attributes{"name": r.name})
	aggregate := "no"
	if r.longer {
		aggregate = "yes"
	}
	for _, prefix := range r.prefixes {
		ip := prefix.String()
		rule.Children = append(rule.Children, mo("rtctrlMatchRtDest", "dest-["+ip+"]", attributes{"ip": ip, "aggregate": aggregate}))
	}
	return rule
}

// routeMap permits what any of the rules matches. The names default-export and
// default-import stand for the whole L3Out. An l3extSubnet with export-rtctrl
// cannot do this: it matches the exact prefix, and its "aggregate" works for
// 0.0.0.0/0 only. Without a prefix to match there is no map.
func routeMap(name string, rules ...matchRule) []*Object {
	var contexts []*Object
	for _, rule := range rules {
		if len(rule.prefixes) == 0 {
			continue
		}
		contexts = append(contexts, mo("rtctrlCtxP", "ctx-"+rule.name,
			attributes{"name": rule.name, "order": strconv.Itoa(len(contexts)), "action": "permit"},
			mo("rtctrlRsCtxPToSubjP", "rsctxPToSubjP-"+rule.name, attributes{"tnRtctrlSubjPName": rule.name})))
	}
	if len(contexts) == 0 {
		return nil
	}
	// combinable: the export subnets of the external EPGs count as well.
	return []*Object{mo("rtctrlProfile", "prof-"+name, attributes{"name": name, "type": "combinable"}, contexts...)}
}
