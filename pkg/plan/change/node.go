// SPDX-License-Identifier: Apache-2.0

package change

import (
	"slices"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// node is one host with all that the plan says of it.
type node struct {
	plan.Node
	rack plan.Rack
	spec *plan.Spec
	asn  uint32
}

func nodesOf(p plan.Plan) []node {
	racks := map[string]plan.Rack{}
	for _, r := range p.Spec.AllRacks() {
		racks[r.Name] = r
	}
	asns := p.Spec.ASNs()
	nodes := make([]node, len(p.Spec.Nodes))
	for i, n := range p.Spec.Nodes {
		nodes[i] = node{Node: n, rack: racks[n.Rack], spec: &p.Spec, asn: asns[i]}
	}
	return nodes
}

func byName(nodes []node) map[string]node {
	m := make(map[string]node, len(nodes))
	for _, n := range nodes {
		m[n.Name] = n
	}
	return m
}

// nodes tells of the nodes that stay, then of those that come and go.
func (l *list) nodes(rules []rule[node], old, updated []node) {
	before, after := byName(old), byName(updated)
	for _, n := range updated {
		if was, ok := before[n.Name]; ok {
			compare(l, Nodes, rules, n.Name, was, n)
		}
	}
	var gone, come []node
	for _, n := range old {
		if _, ok := after[n.Name]; !ok {
			gone = append(gone, n)
		}
	}
	for _, n := range updated {
		if _, ok := before[n.Name]; !ok {
			come = append(come, n)
		}
	}
	l.moved(gone, come)
}

// moved tells additions and removals, and calls a pair of them that is about
// one host a renaming.
func (l *list) moved(gone, come []node) {
	owners := map[string]string{} // of hardware and addresses
	for _, n := range gone {
		for _, mark := range marks(n) {
			owners[mark] = n.Name
		}
	}
	renamed := map[string]bool{}
	for _, n := range come {
		was, mark := formerName(n, owners)
		if was == "" || renamed[was] {
			l.add("", added(), Member{Name: n.Name, To: n.Address.String()})
			continue
		}
		renamed[was] = true
		l.add("", renaming(), Member{Name: was, From: was, To: n.Name + " (its " + mark + ")"})
	}
	for _, n := range gone {
		if !renamed[n.Name] {
			l.add("", removed(), Member{Name: n.Name, From: n.Address.String()})
		}
	}
}

// marks are what a host is known by whatever it is called: first its cards.
func marks(n node) []string {
	var out []string
	for _, mac := range n.MACs {
		out = append(out, "MAC "+string(mac))
	}
	if n.Address.IsValid() {
		out = append(out, "address "+n.Address.Addr().String())
	}
	return out
}

func formerName(n node, owners map[string]string) (name, mark string) {
	for _, mark := range marks(n) {
		if name := owners[mark]; name != "" {
			return name, mark
		}
	}
	return "", ""
}

func added() Change {
	return Change{
		Scope: Nodes, What: Added, Severity: None,
		Consequence: "a host is to be installed for each; it enrols by its MACs or with a token for its name",
	}
}

func removed() Change {
	return Change{
		Scope: Nodes, What: Removed, Severity: Reset,
		Consequence: "drain each, switch its host off and delete its Node first: by the new plan its leaves drop its sessions, and its runs are refused; it keeps its address and number until `joinsvc nodes release` frees them, which also removes its BGPPeers",
	}
}

func renaming() Change {
	return Change{
		Scope: Nodes, What: Renamed, Severity: Reinstall,
		Consequence: "a removal and an addition: a node's name is in its certificates and cannot be changed; drain it, switch it off, delete its Node, free its address and number with `joinsvc nodes release` and the old name, and install the host anew under the other name",
	}
}

// nodeRules are about a node that the plan had before.
func nodeRules(m models) []rule[node] { return slices.Concat(nodeOwn(m), nodeRack(), nodeBond()) }

// nodeOwn is what the plan says of one node.
func nodeOwn(m models) []rule[node] {
	return []rule[node]{
		{
			what: "role", severity: Reinstall, get: func(n node) any { return n.Role },
			consequence: "kubeadm makes a control plane or a worker once: drain the node, switch it off, delete its Node, release it with `joinsvc nodes release`, install the host anew",
		},
		{
			what: "domain", severity: Reinstall, get: func(n node) any { return n.spec.Domain },
			consequence: "a node's full name is in its certificates: each is to be drained, its Node deleted, its old name released with `joinsvc nodes release`, and installed anew",
		},
		{
			what: "rack", severity: Rebuild, get: func(n node) any { return n.Rack },
			consequence: "the host is cabled to other leaves, and gets its network from their rack",
		},
		{
			what: "address", severity: Reinstall, each: true, get: func(n node) any { return n.Address.Addr() }, // its length is the subnet's
			consequence: "a node that enrolled keeps the address that it leased, while leaves that are configured by the new plan wait for the new one: drain the node, switch it off, delete its Node, free the old address with `joinsvc nodes release`, and install it anew",
		},
		m.node(),
		{
			what: "macs", severity: None, each: true, get: func(n node) any { return n.MACs },
			consequence: "by these the host is known when it enrols or asks for its plan",
		},
		{
			what: "ports", severity: None, each: true, get: func(n node) any { return n.Ports },
			consequence: "nothing on the host: the cables, and the leaves' interfaces, are elsewhere",
		},
	}
}

// nodeRack is what a node has from its rack.
func nodeRack() []rule[node] {
	return []rule[node]{
		{
			what: "nodeNetwork.subnet", severity: Rebuild, get: func(n node) any { return n.rack.NodeNetwork.Subnet },
			consequence: "the address gets another length, and what is in reach without the gateway changes, at the next `nodeprep run`",
		},
		{
			what: "nodeNetwork.vlan", severity: Rebuild, get: func(n node) any { return n.rack.NodeNetwork.VLAN },
			consequence: "the VLAN link is made anew at the next `nodeprep run`; hosts that run before the leaves have the VLAN are cut off",
		},
		{
			what: "nodeNetwork.gateway", severity: None, get: func(n node) any { return n.rack.NodeNetwork.Gateway },
			consequence: "the default route is replaced at the next `nodeprep run`",
		},
		{
			what: "nodeNetwork.gatewayMetric", severity: None, get: func(n node) any { return n.rack.NodeNetwork.GatewayMetric },
			consequence: "the default route is replaced at the next `nodeprep run`",
		},
		{
			what: "nodeNetwork.dns", severity: None, get: func(n node) any { return n.rack.NodeNetwork.DNS },
			consequence: "resolv.conf is written at the next `nodeprep run`; pods read it when they start",
		},
		{
			what: "leaves", severity: Reset, get: func(n node) any { return peers(n.rack) },
			consequence: "its BGPPeers follow when joinsvc is started with the new plan, which also removes those to a leaf that is gone: that session ends, the others stay",
		},
		{
			what: "fabric.asn", severity: Reset, get: func(n node) any { return n.rack.LeafASN },
			consequence: "its BGPPeers follow when joinsvc is started with the new plan, and all of its sessions are made anew once the leaves have the number too",
		},
	}
}

func peers(r plan.Rack) []string {
	words := make([]string, len(r.Leaves))
	for i, l := range r.Leaves {
		words[i] = text(l.Name) + " " + text(l.Address)
	}
	return words
}

// nodeBond is what hosts build their network of, or only set in it.
func nodeBond() []rule[node] {
	const built = "the bond is built anew at the next `nodeprep run`: the host is without its network for some seconds"
	const set = "set in the running bond by the next `nodeprep run`"
	return []rule[node]{
		{what: "bond.name", severity: Rebuild, consequence: built, get: func(n node) any { return n.spec.Bond.Name }},
		{what: "bond.legs", severity: Rebuild, consequence: built, get: func(n node) any { return n.spec.Bond.Legs }},
		{what: "bond.mode", severity: Rebuild, consequence: built, get: func(n node) any { return n.spec.Bond.Mode }},
		{
			what: "bond.mtu", severity: Rebuild, get: func(n node) any { return n.spec.Bond.MTU },
			consequence: "bond, legs and VLAN get it at the next `nodeprep run`, for which drivers may take the link down; larger than the leaves' it loses packets",
		},
		{what: "bond.miimon", severity: None, consequence: set, get: func(n node) any { return n.spec.Bond.MIIMon }},
		{what: "bond.updelay", severity: None, consequence: set, get: func(n node) any { return n.spec.Bond.UpDelay }},
		{what: "bond.minLinks", severity: None, consequence: set, get: func(n node) any { return n.spec.Bond.MinLinks }},
	}
}
