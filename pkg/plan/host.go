// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"net/netip"
	"strings"
)

// HostPlan is the part of a plan that one host needs to prepare itself. It
// travels to the host as JSON; a node sees only itself.
type HostPlan struct {
	Cluster     string       `json:"cluster"`
	Rack        string       `json:"rack,omitempty"`
	Name        string       `json:"name"` // fully qualified: the Kubernetes node name
	Role        Role         `json:"role"`
	Address     netip.Prefix `json:"address"`
	ASN         uint32       `json:"asn"`
	Domain      string       `json:"domain"`
	NodeNetwork NodeNetwork  `json:"nodeNetwork"`
	Bond        Bond         `json:"bond"`
	Fabric      Fabric       `json:"fabric"`
	Kubernetes  Kubernetes   `json:"kubernetes"`
	Packages    Packages     `json:"packages"`
	Host        Host         `json:"host"`
}

// VLANName is the link that carries the node's address: "bond0.1500".
func (h HostPlan) VLANName() string {
	return fmt.Sprintf("%s.%d", h.Bond.Name, h.NodeNetwork.VLAN)
}

// PeerName names the BGPPeer of a leaf and a node, both by their short names:
// "leaf201-k8c1m0". No two of a valid plan share one.
func PeerName(leaf, node string) string { return leaf + "-" + node }

// FQDN is the node's name with the plan's domain, which is its Kubernetes name.
func (p Plan) FQDN(n Node) string { return n.Name + "." + p.Spec.Domain }

// HostPlan derives what the node called name (short or fully qualified) needs,
// with the number that it prefers; joinsvc sets the leased ones.
func (p Plan) HostPlan(name string) (HostPlan, error) {
	for i, n := range p.Spec.Nodes {
		if n.Name == name || p.FQDN(n) == name {
			return p.hostPlan(n, p.Spec.ASNOf(i)), nil
		}
	}
	return HostPlan{}, p.NoNode(name)
}

// NoNode says that the plan has no node of that name, and which it has.
func (p Plan) NoNode(name string) error {
	const few = 5
	var names []string
	for _, n := range p.Spec.Nodes[:min(few, len(p.Spec.Nodes))] {
		names = append(names, n.Name)
	}
	if len(p.Spec.Nodes) > few {
		names = append(names, "…")
	}
	return fmt.Errorf("plan %s has no node %q; it has %s", p.Metadata.Name, name, strings.Join(names, ", "))
}

// HostPlans are those of all nodes, in their order.
func (p Plan) HostPlans() []HostPlan {
	asns := p.Spec.ASNs()
	hosts := make([]HostPlan, len(asns))
	for i, n := range p.Spec.Nodes {
		hosts[i] = p.hostPlan(n, asns[i])
	}
	return hosts
}

func (p Plan) hostPlan(n Node, asn uint32) HostPlan {
	s := p.Spec
	rack, _ := s.RackOf(n) // Parse refuses a node whose rack is not there
	return HostPlan{
		Cluster:     p.Metadata.Name,
		Rack:        n.Rack,
		Name:        p.FQDN(n),
		Role:        n.Role,
		Address:     n.Address,
		ASN:         asn,
		Domain:      s.Domain,
		NodeNetwork: rack.NodeNetwork,
		Bond:        s.Bond,
		Fabric:      Fabric{ASN: rack.LeafASN, Leaves: rack.Leaves},
		Kubernetes:  s.Kubernetes,
		Packages:    s.Packages,
		Host:        s.Host,
	}
}
