// SPDX-License-Identifier: Apache-2.0

package interview

import (
	"fmt"
	"net/netip"

	"github.com/nodeprep/nodeprep/pkg/draft"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Answers are what a first plan is made of.
type Answers struct {
	Cluster, Domain, Release string
	Subnet                   netip.Prefix
	VLAN                     uint16
	Gateway                  netip.Addr
	DNS                      []netip.Addr
	Legs                     []string
	Leaves                   []plan.Leaf
	FabricASN                uint32
	Model                    plan.Model
	ASNs                     plan.ASNRange
	Hosts                    int
	APIPort                  uint16
	Pods, Services           netip.Prefix
	LoadBalancers            netip.Prefix
}

// last is the subnet's broadcast address.
func (a Answers) last() netip.Addr {
	bytes := a.Subnet.Masked().Addr().As4()
	for bit := a.Subnet.Bits(); bit < 32; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(bytes)
}

// fromLast is the n-th address before the broadcast address, empty if the
// subnet is too small for it.
func (a Answers) fromLast(n int) string {
	if !a.Subnet.IsValid() {
		return ""
	}
	address := a.last()
	for range n {
		address = address.Prev()
	}
	if !a.Subnet.Contains(address) || address == a.Subnet.Addr() {
		return ""
	}
	return address.String()
}

// taken says whether a host cannot have an address of the subnet.
func (a Answers) taken(address netip.Addr) bool {
	for _, l := range a.Leaves {
		if l.Address == address {
			return true
		}
	}
	return address == a.Gateway || address == a.Subnet.Addr() || address == a.last()
}

// addresses are the first n of the subnet that a host can have.
func (a Answers) addresses(n int) []netip.Addr {
	var out []netip.Addr
	if !a.Subnet.IsValid() {
		return nil
	}
	for at := a.Subnet.Addr(); a.Subnet.Contains(at) && len(out) < n; at = at.Next() {
		if !a.taken(at) {
			out = append(out, at)
		}
	}
	return out
}

// room is how many hosts the subnet takes, up to what an interview makes.
func (a Answers) room() int { return len(a.addresses(maxHosts)) }

// Draft is the plan of the answers, with comments for who goes on with it.
func (a Answers) Draft() draft.Draft {
	d := draft.Draft{
		Title: []string{
			fmt.Sprintf("The plan of %s: hosts behind leaves, each a node that speaks BGP to all of them.", a.Cluster),
			"What is left out has a default: `joinsvc plan show` prints it.",
		},
		Plan: a.plan(),
	}
	d.Above("spec.nodeNetwork", "", "The subnet that nodes and leaves share; the gateway is the leaves' shared address.")
	d.Above("spec.bond", "", "The hosts' interfaces that lead to the leaves, in the order of the leaves.")
	d.Beside("spec.bond.mtu", "bytes; the leaves' interfaces need as much")
	d.Above("spec.fabric", "", "The leaves, and the AS number that they show to the nodes.")
	d.Above("spec.asn", "", "AS numbers of the nodes, leased from here. RFC 6996 has 64512–65534 for private use.")
	d.Above("spec.pods", "", "Ranges that exist in this cluster alone. All are routed as they are: no overlay, no NAT.")
	d.Above("spec.loadBalancers", "Services of type LoadBalancer: every node announces this range.")
	d.Above("spec.kubernetes", "", "The API server is the control plane's.")
	d.Above("spec.calico", "", "Calico's own manifest, on the machine of joinsvc.")
	d.Above("spec.nodes", "", "The hosts. Give each the hardware addresses of its cards, by which it is known when it",
		`enrols, as macs: ["00:00:5e:00:53:01"]; without any, its hostname or a token for it says which it is.`)
	return d
}

func (a Answers) plan() plan.Plan {
	p := plan.Plan{APIVersion: plan.APIVersion, Kind: plan.Kind, Metadata: plan.Metadata{Name: a.Cluster}}
	p.Spec = plan.Spec{
		Domain:        a.Domain,
		NodeNetwork:   plan.NodeNetwork{Subnet: a.Subnet, VLAN: a.VLAN, Gateway: a.Gateway, DNS: a.DNS},
		Bond:          plan.Bond{Legs: a.Legs, MTU: 9000},
		Fabric:        plan.Fabric{ASN: a.FabricASN, Leaves: a.Leaves},
		ASN:           plan.ASN{Model: a.Model, First: a.ASNs.First, Last: a.ASNs.Last},
		Pods:          plan.Pods{Subnet: a.Pods, BlockSize: 26},
		Services:      plan.Range{Subnet: a.Services},
		LoadBalancers: plan.LoadBalancers{Subnet: a.LoadBalancers},
		Kubernetes:    plan.Kubernetes{Version: a.Release},
		Calico:        plan.Calico{Manifest: "/etc/joinsvc/calico.yaml"},
		Nodes:         a.nodes(),
	}
	if len(p.Spec.Nodes) > 0 {
		p.Spec.Kubernetes.APIEndpoint = netip.AddrPortFrom(p.Spec.Nodes[0].Address.Addr(), a.APIPort)
	}
	return p
}

// nodes are one control plane, k8c1m0, and workers from k8c1s1 on.
func (a Answers) nodes() []plan.Node {
	var nodes []plan.Node
	for i, address := range a.addresses(a.Hosts) {
		n := plan.Node{Name: fmt.Sprintf("%ss%d", a.Cluster, i), Role: plan.Worker, Address: netip.PrefixFrom(address, a.Subnet.Bits())}
		if i == 0 {
			n.Name, n.Role = a.Cluster+"m0", plan.ControlPlane
		}
		nodes = append(nodes, n)
	}
	return nodes
}
