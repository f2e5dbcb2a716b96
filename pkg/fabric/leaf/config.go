// SPDX-License-Identifier: Apache-2.0

// Package leaf prints the configuration that one leaf switch needs so that it
// and the nodes of its rack agree: the sessions, what passes them, and the
// interfaces that the nodes hang on. One view of the plan, one emitter a
// platform; all of it is pure.
package leaf

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// MaxPaths is over how many nodes a leaf spreads the load of one address: as
// many as ACI's largest (BGP address family context policy, maxEcmp).
const MaxPaths = 64

// restartMinutes is how long a node stays away that announced too many routes.
const restartMinutes = 5

// A Config is one leaf's side of a plan, in no platform's words.
type Config struct {
	Cluster  string // the plan's name; what has to be named on a leaf begins with it
	Rack     string // "" in a plan without racks
	Name     string
	RouterID netip.Addr
	// ASN is what the nodes see, and Internal the switch's own number where it
	// is another, else 0. The leaf then shows ASN by local-as: its table has
	// "63500 63552" for a node's route, and nodes see "63500 65000", as with ACI.
	ASN, Internal uint32

	VLAN    uint16
	Address netip.Prefix // of the leaf in the nodes' subnet
	Gateway netip.Addr   // of all leaves of the rack
	MTU     int          // bytes

	Model   plan.Model
	NodeASN uint32 // of all nodes in the cluster model, else 0
	Nodes   []Node // of the rack
	// Peers is how many nodes the subnet has room for: its host addresses less
	// the leaves' and the gateway.
	Peers int

	Timers       plan.Timers
	BFD          plan.BFD // its Interval is 0 where the plan wants none
	MaxPrefixes  int      // that one node may announce
	DefaultRoute bool
	Advertised   []netip.Prefix // announced while the leaf has a route to them
	FromNodes    []Match        // all that is taken from nodes
	ToNodes      []Match        // all that is announced to them
}

// A Node is a neighbour.
type Node struct {
	Name    string // fully qualified
	Host    string // short
	Address netip.Addr
	ASN     uint32
	Ports   []string // of this leaf, that its legs end at: "1/3"
	// Channel is the number of the node's port channel. All leaves of a rack
	// need one number for it, and it has to stay when another node goes: it is
	// 1000 and the place of the node's address in the subnet.
	Channel int
	// Shared says that the node has legs to other leaves as well.
	Shared bool
}

// AS is the number of the switch's own BGP process.
func (c Config) AS() uint32 { return cmp.Or(c.Internal, c.ASN) }

// group, from and to name what a leaf has of this cluster: another cluster on
// the same leaf has names of its own.
func (c Config) group() string { return c.Cluster + "-nodes" }
func (c Config) from() string  { return c.Cluster + "-from-nodes" }
func (c Config) to() string    { return c.Cluster + "-to-nodes" }

// ConfigOf is the view of the leaf of that name. Its error has every value that
// no configuration can be made of.
func ConfigOf(p plan.Plan, leaf string) (Config, error) {
	var problems problems
	s := p.Spec
	rack, i, ok := find(s, leaf)
	if !ok {
		problems.add("spec.fabric.leaves", "none is called %q, nor in spec.racks; name a leaf of the plan", leaf)
		return Config{}, problems.err(leaf)
	}
	problems.check(p, rack, rack.Leaves[i])
	if err := problems.err(leaf); err != nil {
		return Config{}, err
	}
	c := Config{
		Cluster: p.Metadata.Name, Rack: rack.Name, Name: leaf,
		ASN:  cmp.Or(rack.LeafASN, s.Fabric.ASN),
		VLAN: rack.NodeNetwork.VLAN, Gateway: rack.NodeNetwork.Gateway, MTU: s.Fabric.MTU,
		RouterID: cmp.Or(rack.Leaves[i].RouterID, rack.Leaves[i].Address),
		Address:  netip.PrefixFrom(rack.Leaves[i].Address, rack.NodeNetwork.Subnet.Bits()),
		Model:    s.ASN.Model, Peers: room(rack),
		Timers: s.Fabric.Timers, BFD: s.Fabric.BFD, MaxPrefixes: s.Fabric.MaxPrefixes,
		DefaultRoute: s.Fabric.DefaultRoute, Advertised: s.Fabric.Advertised,
		FromNodes: fromNodes(s), ToNodes: toNodes(s),
	}
	if s.Fabric.InternalASN != c.ASN {
		c.Internal = s.Fabric.InternalASN
	}
	if c.Model == plan.PerCluster {
		c.NodeASN = s.ASN.First
	}
	c.Nodes = nodesOf(p, rack, leaf)
	return c, nil
}

// find is the leaf's rack and its place among the rack's leaves.
func find(s plan.Spec, leaf string) (plan.Rack, int, bool) {
	for _, r := range s.AllRacks() {
		if i := slices.IndexFunc(r.Leaves, func(l plan.Leaf) bool { return l.Name == leaf }); i >= 0 {
			return r, i, true
		}
	}
	return plan.Rack{}, 0, false
}

func nodesOf(p plan.Plan, rack plan.Rack, leaf string) []Node {
	asns := p.Spec.ASNs()
	at := p.Spec.NodesOf(rack.Name)
	nodes := make([]Node, len(at))
	for i, j := range at {
		n := p.Spec.Nodes[j]
		node := Node{
			Name: p.FQDN(n), Host: n.Name, Address: n.Address.Addr(), ASN: asns[j],
			Channel: 1000 + place(n.Address.Addr(), rack.NodeNetwork.Subnet),
		}
		for _, port := range n.Ports {
			if port.Leaf == leaf {
				node.Ports = append(node.Ports, port.ID)
			}
			node.Shared = node.Shared || port.Leaf != leaf
		}
		nodes[i] = node
	}
	return nodes
}

// place is which address of the subnet a is: 1 for the first host.
func place(a netip.Addr, subnet netip.Prefix) int {
	first, own := subnet.Masked().Addr().As4(), a.As4()
	return int(binary.BigEndian.Uint32(own[:])) - int(binary.BigEndian.Uint32(first[:]))
}

// room is the number of addresses that are left for nodes.
func room(r plan.Rack) int {
	hosts := 1<<(32-r.NodeNetwork.Subnet.Bits()) - 2 // less the network's own and broadcast
	return max(1, hosts-len(r.Leaves)-1)
}
