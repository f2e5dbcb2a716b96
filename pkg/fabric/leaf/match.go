// SPDX-License-Identifier: Apache-2.0

package leaf

import (
	"net/netip"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A Match is the routes within Prefix whose length is from Min to Max.
type Match struct {
	Prefix   netip.Prefix
	Min, Max int
}

func exactly(p netip.Prefix) Match { return Match{p, p.Bits(), p.Bits()} }

// fromNodes is what a node has to announce and nothing else: the blocks of its
// pods, the single addresses that Calico moved to it from another's block, the
// load balancers' range, and of it the addresses of services with
// externalTrafficPolicy Local. A node cannot draw other traffic to itself.
func fromNodes(s plan.Spec) []Match {
	pods := s.Pods.Subnet
	matches := []Match{{pods, max(s.Pods.BlockSize, pods.Bits()), 32}}
	lb := s.LoadBalancers.Subnet
	if !lb.IsValid() {
		return matches
	}
	matches = append(matches, exactly(lb))
	if lb.Bits() < 32 {
		matches = append(matches, Match{lb, 32, 32})
	}
	return matches
}

// toNodes is what a node hears: the ways out, and the other nodes' routes. There
// is no session between nodes, so that what one pod sends another crosses a leaf.
func toNodes(s plan.Spec) []Match {
	var matches []Match
	if s.Fabric.DefaultRoute {
		matches = append(matches, exactly(netip.PrefixFrom(netip.IPv4Unspecified(), 0)))
	}
	for _, p := range s.Fabric.Advertised {
		matches = append(matches, exactly(p))
	}
	return append(matches, fromNodes(s)...)
}
