// SPDX-License-Identifier: Apache-2.0

// Package plan is the operator's whole intent: one strict, versioned document
// from which everything else is derived.
//
// Parse decodes it into typed values, fills in what is left out, and reports
// every problem at once. Past Parse there are no strings for addresses,
// durations or modes.
package plan

import (
	"net/netip"
	"time"
)

// The version and kind that a plan names in its first two lines.
const (
	APIVersion = "nodeprep.dev/v1alpha1"
	Kind       = "ClusterPlan"
)

// A Plan describes one cluster and the leaf switches that it is routed by.
type Plan struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata"`
	Spec       Spec     `json:"spec"`
}

// Metadata names the cluster.
type Metadata struct {
	Name string `json:"name"` // a DNS label (RFC 1123), for example "k8c1"
}

// Spec is what should exist; its fields are nouns.
type Spec struct {
	Domain      string      `json:"domain"` // DNS domain of the nodes
	NodeNetwork NodeNetwork `json:"nodeNetwork"`
	Bond        Bond        `json:"bond"`
	Fabric      Fabric      `json:"fabric"`
	ASN         ASN         `json:"asn"`
	Pods        Pods        `json:"pods"`
	Services    Range       `json:"services"`
	// LoadBalancers is the range that every node announces for services of
	// type LoadBalancer; empty announces none.
	LoadBalancers Range      `json:"loadBalancers,omitzero"`
	Kubernetes    Kubernetes `json:"kubernetes"`
	Packages      Packages   `json:"packages,omitzero"`
	Calico        Calico     `json:"calico,omitzero"`
	Host          Host       `json:"host,omitzero"`
	Nodes         []Node     `json:"nodes"`
}

// NodeNetwork is the subnet that nodes and leaves share.
type NodeNetwork struct {
	Subnet  netip.Prefix `json:"subnet"`
	VLAN    uint16       `json:"vlan"`    // IEEE 802.1Q VLAN ID, 1 to 4094
	Gateway netip.Addr   `json:"gateway"` // the leaves' shared address
	DNS     []netip.Addr `json:"dns,omitempty"`
}

// Bond joins the legs that lead to the two leaves.
type Bond struct {
	Name string   `json:"name,omitempty"` // default bond0
	Legs []string `json:"legs"`
	Mode string   `json:"mode,omitempty"` // 802.3ad, the only one that a leaf pair answers
	// MIIMon is the kernel's link check interval (Documentation/networking/bonding.rst);
	// whole milliseconds, default 100ms.
	MIIMon time.Duration `json:"miimon,omitempty"`
	// UpDelay is how long a leg has to be up before it is used. The kernel
	// rounds it down to a multiple of MIIMon.
	UpDelay  time.Duration `json:"updelay,omitempty"`
	MinLinks int           `json:"minLinks,omitempty"` // legs that must be up, default 1
	MTU      int           `json:"mtu,omitempty"`      // bytes, default 9000
}

// Fabric is the leaf side of every BGP session.
type Fabric struct {
	ASN    uint32 `json:"asn"`
	Leaves []Leaf `json:"leaves"`
}

// A Leaf is one switch that peers with every node.
type Leaf struct {
	Name    string     `json:"name"`
	Address netip.Addr `json:"address"`
}

// ASN is the range that node AS numbers are leased from.
type ASN struct {
	First uint32 `json:"first"`
	Last  uint32 `json:"last"`
	// Owned says that the range is registered to the operator; without it,
	// public numbers are warned of (RFC 6996).
	Owned bool `json:"owned,omitempty"`
}

// Pods is the range that Calico cuts into blocks, one or more a node.
type Pods struct {
	Subnet    netip.Prefix `json:"subnet"`
	BlockSize int          `json:"blockSize,omitempty"` // prefix length of a block, default 26
}

// Range is one subnet.
type Range struct {
	Subnet netip.Prefix `json:"subnet"`
}

// Kubernetes is the release and how to reach its API server.
type Kubernetes struct {
	Version     string         `json:"version"`     // "1.37.2"
	APIEndpoint netip.AddrPort `json:"apiEndpoint"` // "192.168.9.193:6443"
}

// Packages is where the hosts' package manager finds the runtime and Kubernetes.
type Packages struct {
	// Folder is a repository on the host itself: an absolute path that holds
	// packages and their repodata. Empty leaves the host's own repositories.
	Folder string `json:"folder,omitempty"`
}

// Calico is the manifest that joinsvc checks, sets and hands to the cluster.
type Calico struct {
	Manifest string `json:"manifest,omitempty"` // path on the machine of joinsvc
}

// Host holds choices about the hosts themselves.
type Host struct {
	SELinux SELinux `json:"selinux,omitempty"` // default permissive
}

// Node is one planned host.
type Node struct {
	Name    string       `json:"name"` // without the domain: "k8c1m0"
	Role    Role         `json:"role"`
	Address netip.Prefix `json:"address"` // with the subnet's length: 192.168.9.193/28
	// ASN is this node's number; left out, the node's place in the list counts
	// from the first number of the range.
	ASN uint32 `json:"asn,omitempty"`
	// MACs are hardware addresses by which the host is known when it enrols.
	MACs []MAC `json:"macs,omitempty"`
}
