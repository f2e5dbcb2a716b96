// SPDX-License-Identifier: Apache-2.0

// Package rack runs one cluster of virtual machines from nothing to routed:
// a pair of leaf switches with FRR, the hosts of a plan with two legs each,
// and joinsvc on a machine of its own. It stands where the data centre
// stands (cables, switches, installer, operator) and does nothing that
// nodeprep and joinsvc are there to do.
package rack

import (
	"fmt"
	"net/netip"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// The management network: a provisioning segment on which hosts reach
// joinsvc, as an installer would have set it up. Leaf 1 routes between it and
// the node subnet, so that joinsvc reaches the API server.
const (
	managementBits = 24
	uplinkAddress  = "10.9.0.1" // on the first leaf
	serviceAddress = "10.9.0.2" // of joinsvc
	serviceHost    = 2          // its last octet
	servicePort    = 8443
	firstHost      = 11 // 10.9.0.11 is the first host
)

// Topology is the rack that one plan asks for.
type Topology struct {
	Plan  plan.Plan
	Hosts []Host
}

// Host is one machine that is to become a node.
type Host struct {
	Name       string // short: "k8c1m0"
	FQDN       string
	Role       plan.Role
	Address    netip.Prefix // on the VLAN
	ASN        uint32
	Legs       []Leg      // in the order of the plan's bond
	Management netip.Addr // of the provisioning NIC
	NIC        string     // hardware address of the provisioning NIC
}

// Leg is one cable between a host and a leaf.
type Leg struct {
	Name    string // on the host: "eno1"
	MAC     string // of the host's card
	LeafMAC string // of the leaf's port
}

// NewTopology lays out a rack. Each leg needs a hardware address from the
// plan, because the machine gets the card that the plan describes, and a name
// of the form eno<n>, because that is the card's ACPI index.
func NewTopology(p plan.Plan) (Topology, error) {
	t := Topology{Plan: p}
	for i, n := range p.Spec.Nodes {
		hp, err := p.HostPlan(n.Name)
		if err != nil {
			return Topology{}, fmt.Errorf("laying out the rack: %w", err)
		}
		legs, err := legsOf(p, i)
		if err != nil {
			return Topology{}, fmt.Errorf("laying out the rack: %w", err)
		}
		t.Hosts = append(t.Hosts, Host{
			Name: n.Name, FQDN: hp.Name, Role: n.Role, Address: hp.Address, ASN: hp.ASN, Legs: legs,
			Management: netip.AddrFrom4([4]byte{10, 9, 0, byte(firstHost + i)}),
			NIC:        managementMAC(firstHost + i),
		})
	}
	return t, nil
}

func legsOf(p plan.Plan, node int) ([]Leg, error) {
	n, names := p.Spec.Nodes[node], p.Spec.Bond.Legs
	if len(names) != len(p.Spec.Fabric.Leaves) || len(n.MACs) != len(names) {
		return nil, fmt.Errorf("node %s has %d hardware addresses for %d legs to %d leaves: each leg leads to one leaf",
			n.Name, len(n.MACs), len(names), len(p.Spec.Fabric.Leaves))
	}
	legs := make([]Leg, len(names))
	for i, name := range names {
		if _, err := acpiIndex(name); err != nil {
			return nil, err
		}
		legs[i] = Leg{Name: name, MAC: string(n.MACs[i]), LeafMAC: fmt.Sprintf("02:00:00:01:%02x:%02x", node, i)}
	}
	return legs, nil
}

// acpiIndex is n of "eno<n>", the name that systemd makes of an ACPI index
// (systemd.net-naming-scheme(7)).
func acpiIndex(name string) (int, error) {
	var n int
	if _, err := fmt.Sscanf(name, "eno%d", &n); err != nil || name != fmt.Sprintf("eno%d", n) || n < 1 {
		return 0, fmt.Errorf("leg %q: a virtual machine's cards are called eno1, eno2, …", name)
	}
	return n, nil
}

// managementMAC is locally administered (IEEE 802c) and ends like the address.
func managementMAC(host int) string { return fmt.Sprintf("02:00:00:09:00:%02x", host) }
