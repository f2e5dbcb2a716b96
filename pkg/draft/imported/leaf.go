// SPDX-License-Identifier: Apache-2.0

package imported

import (
	"net/netip"
	"strings"
)

// A leaf is one peer of the nodes.
type leaf struct {
	name    string
	address netip.Addr
	at      Place
	nodes   map[string]bool // that peer with it, fully qualified; "" stands for all
}

// leafASN takes the number that a peer shows, which all leaves have to share.
func (c *collector) leafASN(p peer, at Place) {
	learn(c, &c.fabricASN, "the leaves' AS number (of "+p.name+")", p.asn, at)
}

// leaves puts together which peers are one leaf: those of one address. By its
// name, "leaf201-k8c1m0" for the node k8c1m0, a peer with another address may
// turn out to be a leaf that was met before: a slip.
func (c *collector) leaves() []leaf {
	var leaves []leaf
	byAddress, byName := map[netip.Addr]int{}, map[string]int{}
	for _, p := range c.peers {
		name := p.leafName()
		at, ok := byAddress[p.ip]
		if !ok {
			if at, ok = byName[name]; ok {
				c.problem(p.at, "%s is %s here, but %s in %s; the latter is taken", name, p.ip, leaves[at].address, leaves[at].at)
			}
		}
		if !ok {
			at = len(leaves)
			leaves = append(leaves, leaf{name: name, address: p.ip, at: p.at, nodes: map[string]bool{}})
			byAddress[p.ip], byName[name] = at, at
		}
		leaves[at].nodes[p.node] = true
	}
	return leaves
}

// leafName is the peer's name without the node's.
func (p peer) leafName() string {
	short, _, _ := strings.Cut(p.node, ".")
	if name := strings.TrimSuffix(p.name, "-"+short); short != "" && name != "" {
		return name
	}
	return p.name
}

// checkPeers wants every node to peer with every leaf, and every peer to be of
// a node that is there.
func (c *collector) checkPeers(leaves []leaf) {
	for _, n := range c.nodes {
		for _, l := range leaves {
			if !l.nodes[""] && !l.nodes[n.name] {
				c.problem(n.at, "%s has no BGPPeer to %s (%s)", n.name, l.name, l.address)
			}
		}
	}
	for _, p := range c.peers {
		if _, ok := c.nodeAt[p.node]; p.node != "" && !ok {
			c.problem(p.at, "BGPPeer %s is of %s, of which there is no Node", p.name, p.node)
		}
	}
}
