// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"errors"
	"net"
	"net/netip"
)

// Role is what a node is for, as kubeadm has it. A reader may meet one that it
// does not know: joinsvc may be the newer.
type Role string

// The roles.
const (
	ControlPlane Role = "control-plane"
	Worker       Role = "worker"
)

// MAC is an IEEE 802 hardware address in the form that the kernel prints
// (lower-case, with colons), so that two of them can be compared.
type MAC string

// UnmarshalText accepts what net.ParseMAC does, if it has six bytes.
func (m *MAC) UnmarshalText(text []byte) error {
	hw, err := net.ParseMAC(string(text))
	if err != nil || len(hw) != 6 {
		return errors.New("want six bytes such as 00:00:5e:00:53:01")
	}
	*m = MAC(hw.String())
	return nil
}

// HostPlan is what one host needs of the plan to prepare itself: its own name,
// leases and links, and what it installs. It is a document of this API. The
// operator's plan has a version of its own and may grow apart from it.
type HostPlan struct {
	Cluster    string       `json:"cluster"`
	Rack       string       `json:"rack,omitempty"`
	Name       string       `json:"name"` // fully qualified: the Kubernetes node name
	Domain     string       `json:"domain"`
	Role       Role         `json:"role"`
	Address    netip.Prefix `json:"address"` // leased, with the subnet's length
	ASN        uint32       `json:"asn"`     // leased
	Network    Network      `json:"network"`
	Bond       Bond         `json:"bond"`
	Leaves     []Leaf       `json:"leaves"` // the peers of its BGP sessions
	Kubernetes Kubernetes   `json:"kubernetes"`
	// PackageFolder is a repository on the host itself, an absolute path; empty
	// leaves the host's own repositories.
	PackageFolder string `json:"packageFolder,omitempty"`
	SELinux       string `json:"selinux"` // permissive, enforcing, or leave, which changes nothing
}

// Network is the subnet that the host shares with its leaves.
type Network struct {
	Subnet  netip.Prefix `json:"subnet"`
	VLAN    uint16       `json:"vlan"` // IEEE 802.1Q VLAN ID
	Gateway netip.Addr   `json:"gateway,omitzero"`
	// GatewayMetric is that of the default route; left out, the host's choice.
	GatewayMetric *uint32      `json:"gatewayMetric,omitempty"`
	DNS           []netip.Addr `json:"dns,omitempty"` // in the order in which they are asked
}

// Bond joins the host's legs (Documentation/networking/bonding.rst). Times are
// whole milliseconds, as the kernel has them.
type Bond struct {
	Name     string   `json:"name"`
	Legs     []string `json:"legs"` // the first leaf's first
	Mode     string   `json:"mode"` // "802.3ad"
	MIIMon   int64    `json:"miimonMilliseconds"`
	UpDelay  int64    `json:"updelayMilliseconds"`
	MinLinks int      `json:"minLinks"`
	MTU      int      `json:"mtu"` // bytes
}

// Leaf is a switch that peers with the host.
type Leaf struct {
	Name    string     `json:"name"`
	Address netip.Addr `json:"address"`
	ASN     uint32     `json:"asn"` // that it shows to the host
}

// Kubernetes is the release, and where its API server answers.
type Kubernetes struct {
	Version     string         `json:"version"`     // "1.37.2"
	APIEndpoint netip.AddrPort `json:"apiEndpoint"` // "192.168.9.193:6443"
}
