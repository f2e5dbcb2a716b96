// SPDX-License-Identifier: Apache-2.0

package imported

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

type prefix = netip.Prefix

// calicoASN is the number of nodes for which nothing says one
// (docs.tigera.io/calico/latest/reference/resources/bgpconfig).
const calicoASN = 64512

// member is a node of the plan: one of Calico's, with what the ifcfg files of its
// host add to it.
type member struct {
	name         string // without the domain
	at           Place
	address      netip.Prefix
	addressAt    Place
	asn          uint32
	controlPlane bool
	macs         []plan.MAC
}

// members puts Calico's Nodes and the hosts of the ifcfg files together, by
// their addresses, and settles the subnet that they share.
func (b *builder) members() []member {
	var members []member
	for _, n := range b.collector.nodes {
		name, domain := n.short()
		if domain != "" {
			learn(b.collector, &b.domain, "the domain", domain, n.at)
		}
		asn := cmp.Or(n.asn, b.commonASN.value, calicoASN)
		members = append(members, member{name: name, at: n.at, address: n.address, addressAt: n.addressAt, asn: asn, controlPlane: n.controlPlane})
	}
	if !b.subnet.known {
		b.guessSubnet(members)
	}
	b.matchHosts(members)
	for i := range members {
		b.settleLength(&members[i])
	}
	return members
}

// guessSubnet takes the one that most nodes' addresses are of.
func (b *builder) guessSubnet(members []member) {
	count := map[netip.Prefix]int{}
	for _, m := range members {
		subnet := m.address.Masked()
		count[subnet]++
		if m.address.IsValid() && count[subnet] > count[b.subnet.value] || !b.subnet.known && m.address.IsValid() {
			b.subnet = fact[prefix]{subnet, m.addressAt, true}
		}
	}
}

// matchHosts finds the node of each host by its address.
func (b *builder) matchHosts(members []member) {
	byAddress := map[netip.Addr]int{}
	for i, m := range members {
		byAddress[m.address.Addr()] = i
	}
	for _, h := range b.addresses {
		i, ok := byAddress[h.address.Addr()]
		switch {
		case ok:
			members[i].macs = h.macs
		case len(members) > 0:
			b.problem(h.at, "%s is the address of no Node", h.address)
		}
	}
}

// settleLength gives an address the length of the subnet, in which leaves and
// nodes are neighbours, and reports any other length and any stranger.
func (b *builder) settleLength(m *member) {
	subnet := b.subnet.value
	switch {
	case !m.address.IsValid() || !b.subnet.known:
	case !subnet.Contains(m.address.Addr()):
		b.problem(m.addressAt, "%s has %s, which is outside of %s (%s)", m.name, m.address, subnet, b.subnet.at)
	case m.address.Bits() != subnet.Bits():
		b.problem(m.addressAt, "%s has %s, but the subnet is %s (%s); /%d is taken", m.name, m.address, subnet, b.subnet.at, subnet.Bits())
		m.address = netip.PrefixFrom(m.address.Addr(), subnet.Bits())
	}
}

func (b *builder) nodes(members []member) {
	roles := b.roles(members)
	b.numbers(members)
	for i, m := range members {
		path := fmt.Sprintf("spec.nodes[%d]", i)
		n := plan.Node{Name: m.name, Role: roles[i], Address: m.address, MACs: slices.Concat(m.macs, b.hints.MACs[m.name])}
		if n.Role == "" {
			b.draft.Todo(path+".role", "control-plane or worker")
		}
		if b.spec.ASN.Model == plan.PerNode {
			n.ASN = m.asn
		}
		if !m.address.IsValid() {
			b.gap(path+".address", "the address with its length, such as 192.168.9.193/28")
		}
		b.draft.Above(path, m.at.String())
		b.spec.Nodes = append(b.spec.Nodes, n)
	}
	if len(members) == 0 {
		b.gap("spec.nodes", "the hosts: give Calico's Nodes")
	}
	b.draft.Above("spec.nodes", "", "Where macs are left out, no file has them: a host is then known by its hostname, or by a token for its name.")
}

// roles are known of all nodes once a control plane is known, by its labels or
// by the hints, which may give either form of its name. Else they are a gap.
func (b *builder) roles(members []member) []plan.Role {
	at := map[string]int{}
	for i, m := range members {
		at[m.name] = i
	}
	for _, name := range b.hints.ControlPlanes {
		short, _, _ := strings.Cut(name, ".")
		if i, ok := at[short]; ok {
			members[i].controlPlane = true
		} else {
			b.problem(Place{File: "--control-plane"}, "there is no Node %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.hints.MACs)) {
		if _, ok := at[name]; !ok {
			b.problem(Place{File: "--mac"}, "there is no Node %s", name)
		}
	}
	roles := make([]plan.Role, len(members))
	if !slices.ContainsFunc(members, func(m member) bool { return m.controlPlane }) {
		if len(members) > 0 {
			b.gaps = append(b.gaps, Gap{"spec.nodes[].role", "which node is the control plane: --control-plane"})
		}
		return roles
	}
	for i, m := range members {
		roles[i] = plan.Worker
		if m.controlPlane {
			roles[i] = plan.ControlPlane
		}
	}
	return roles
}

// numbers finds out whether each node has a number of its own or all have one.
func (b *builder) numbers(members []member) {
	owners := map[uint32]string{}
	a := &b.spec.ASN
	for _, m := range members {
		owners[m.asn] = cmp.Or(owners[m.asn], m.name)
		if a.First == 0 || m.asn < a.First {
			a.First = m.asn
		}
		a.Last = max(a.Last, m.asn)
	}
	b.draft.Above("spec.asn", "", "The nodes' AS numbers. Give last more than there is now, for nodes to come.")
	switch {
	case len(members) == 0:
		b.gap("spec.asn", "the nodes' AS numbers: give Calico's Nodes")
		return
	case len(owners) == 1 && len(members) > 1:
		a.Model = plan.PerCluster
		return
	}
	a.Model = plan.PerNode
	for _, m := range members {
		if owner := owners[m.asn]; owner != m.name {
			b.problem(m.at, "%s has AS number %d, which is %s's", m.name, m.asn, owner)
		}
	}
}
