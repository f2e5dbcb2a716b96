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
	APIVersion string   `json:"apiVersion"` // version of this format
	Kind       string   `json:"kind"`       // of this document
	Metadata   Metadata `json:"metadata"`
	Spec       Spec     `json:"spec"`
}

// Metadata names the cluster.
type Metadata struct {
	Name string `json:"name" schema:"label"` // a DNS label (RFC 1123), for example "k8c1"
}

// Spec is what should exist; its fields are nouns.
type Spec struct {
	Domain      string      `json:"domain" schema:"domain"` // DNS domain of the nodes
	NodeNetwork NodeNetwork `json:"nodeNetwork,omitzero"`
	Bond        Bond        `json:"bond"`
	Fabric      Fabric      `json:"fabric"`
	ASN         ASN         `json:"asn"`
	Pods        Pods        `json:"pods"`
	// Services is the range of cluster IPs.
	Services Range `json:"services"`
	// LoadBalancers is the range that every node announces for services of
	// type LoadBalancer; empty announces none.
	LoadBalancers LoadBalancers `json:"loadBalancers,omitzero"`
	// Site lists ranges that are in use elsewhere and that nodes and pods have
	// to reach: no range of the plan may overlap one.
	Site       []netip.Prefix `json:"site,omitempty"`
	Kubernetes Kubernetes     `json:"kubernetes"`
	Runtime    Runtime        `json:"runtime,omitzero"`
	Packages   Packages       `json:"packages,omitzero"`
	Calico     Calico         `json:"calico,omitzero"`
	Host       Host           `json:"host,omitzero"`
	// Racks have leaves, a subnet and a VLAN of their own. Without any, the
	// plan is one rack of nodeNetwork and fabric.leaves.
	Racks []Rack `json:"racks,omitempty"`
	// Pools are nodes by the dozen. They come after those of nodes.
	Pools []Pool `json:"pools,omitempty"`
	// Nodes are the hosts, each an item; one of them, or of a pool, is the
	// control plane.
	Nodes []Node `json:"nodes,omitempty"`
}

// NodeNetwork is the subnet that nodes and leaves share.
type NodeNetwork struct {
	// Subnet is needed by each rack, or by a plan without racks.
	Subnet  netip.Prefix `json:"subnet,omitzero"`
	VLAN    uint16       `json:"vlan,omitempty" schema:"1..4094"` // IEEE 802.1Q VLAN ID, 1 to 4094
	Gateway netip.Addr   `json:"gateway,omitzero"`                // the leaves' shared address
	// GatewayMetric is that of the nodes' default route through the gateway,
	// default 50. BIRD installs what it learns with metric 0, so that a metric
	// above 0 steps back as soon as a leaf announces a default.
	GatewayMetric *uint32 `json:"gatewayMetric,omitempty"`
	// DNS are the nodes' name servers, in the order in which they are asked; three
	// at the most.
	DNS []netip.Addr `json:"dns,omitempty" schema:"ip"`
}

// Bond joins the legs that lead to the two leaves.
type Bond struct {
	Name string   `json:"name,omitempty" schema:"ifname"`   // of the bond, default bond0
	Legs []string `json:"legs" schema:"ifname,nonempty"`    // interfaces of the host, the first leaf's first
	Mode string   `json:"mode,omitempty" schema:"=802.3ad"` // 802.3ad, the only one that a leaf pair answers
	// MIIMon is the kernel's link check interval (Documentation/networking/bonding.rst);
	// whole milliseconds, default 100ms.
	MIIMon time.Duration `json:"miimon,omitempty"`
	// UpDelay is how long a leg has to be up before it is used. The kernel
	// rounds it down to a multiple of miimon. Default 0.
	UpDelay  time.Duration `json:"updelay,omitempty"`
	MinLinks int           `json:"minLinks,omitempty" schema:"1.."`   // legs that must be up, default 1
	MTU      int           `json:"mtu,omitempty" schema:"1280..9216"` // bytes, 1280 to 9216, default 9000
}

// ASN is the range that node AS numbers are leased from.
type ASN struct {
	Model Model  `json:"model,omitempty"`              // node (default) or cluster
	First uint32 `json:"first" schema:"1..2147483647"` // 1 to 2147483647: larger ones Calico does not store
	Last  uint32 `json:"last" schema:"1..2147483647"`  // in the cluster model the same as first
	// Owned says that the range is registered to the operator; without it,
	// public numbers are warned of (RFC 6996).
	Owned bool `json:"owned,omitempty"`
}

// Pods is the range that Calico cuts into blocks, one or more a node.
type Pods struct {
	Subnet    netip.Prefix `json:"subnet"`                              // IPv4, and no other range of the plan overlaps it
	BlockSize int          `json:"blockSize,omitempty" schema:"20..32"` // prefix length of a block, 20 to 32, default 26
	// Outside says that the leaf side lets pods reach what lies beyond the
	// fabric. Pods keep their own addresses there: nothing translates them.
	Outside bool `json:"outside,omitempty"`
}

// Range is one subnet of addresses.
type Range struct {
	Subnet netip.Prefix `json:"subnet"` // IPv4, and no other range of the plan overlaps it
}

// LoadBalancers is the range of services of type LoadBalancer. Calico announces
// it; one controller, and never two, takes addresses from it.
type LoadBalancers struct {
	Subnet  netip.Prefix `json:"subnet"` // IPv4, and no other range of the plan overlaps it
	MetalLB MetalLB      `json:"metallb,omitzero"`
}

// MetalLB is the controller that takes addresses from the range.
type MetalLB struct {
	Version string `json:"version,omitempty" schema:"metallb"` // "0.16.1"; its objects differ below 0.13
	// Speaker says that MetalLB's own BGP speaker runs as well, which makes a
	// second announcer of one range: an error.
	Speaker bool `json:"speaker,omitempty"`
}

// Kubernetes is the release and how to reach its API server.
type Kubernetes struct {
	Version     string         `json:"version" schema:"release"` // a release: "1.37.2"
	APIEndpoint netip.AddrPort `json:"apiEndpoint"`              // the control plane's address and a port: "192.168.9.193:6443"
	// Pace is normal (default), or slow for hosts whose processors or disks
	// make the control plane's parts take one another for dead: kubeadm,
	// probes, leases and etcd wait longer, and what is really dead is noticed
	// after minutes.
	Pace Pace `json:"pace,omitempty"`
}

// Runtime is what runs containers.
type Runtime struct {
	Name RuntimeName `json:"name,omitempty"` // containerd, the one that hosts are prepared with
}

// Packages is where the hosts' package manager finds the runtime and Kubernetes.
type Packages struct {
	// Folder is a repository on the host itself: an absolute path that holds
	// packages and their repodata. Empty leaves the host's own repositories.
	Folder string `json:"folder,omitempty" schema:"path"`
}

// Calico is the manifest that joinsvc checks, sets and hands to the cluster.
type Calico struct {
	// Manifest is an absolute path on the machine of joinsvc, which does not
	// serve without it.
	Manifest string `json:"manifest,omitempty"`
	// API is where Calico keeps its objects: auto (default) asks the API server,
	// as Calico does; crd is crd.projectcalico.org/v1, native
	// projectcalico.org/v3, whatever else is served.
	API CalicoAPI `json:"api,omitempty"`
}

// Host holds choices about the hosts themselves.
type Host struct {
	SELinux SELinux `json:"selinux,omitempty"` // permissive (default), enforcing, or leave, which changes nothing
}

// A Rack is a pair of leaves with the subnet of the nodes behind them. What it
// leaves out is the plan's.
type Rack struct {
	Name        string      `json:"name" schema:"label"` // by which nodes and pools refer to it
	NodeNetwork NodeNetwork `json:"nodeNetwork,omitzero"`
	// LeafASN is what these leaves show to their nodes, default fabric.asn.
	LeafASN uint32 `json:"leafASN,omitempty" schema:"1..2147483647"`
	Leaves  []Leaf `json:"leaves,omitempty"`
	// ASNs are the numbers of the rack's nodes, inside spec.asn.
	ASNs ASNRange `json:"asns,omitzero"`
}

// A Pool is a number of nodes that differ by their place only: the first name
// goes with the first address, the first number and the first of each port.
type Pool struct {
	Names     Pattern   `json:"names"` // k8c1a{01..40} is forty names
	Role      Role      `json:"role"`
	Rack      string    `json:"rack,omitempty" schema:"label"` // needed in a plan with racks
	Addresses AddrRange `json:"addresses"`                     // one for each name: "192.168.9.200-192.168.9.203"
	ASNs      ASNRange  `json:"asns,omitzero"`                 // one for each name: "63560-63563"; left out, the rack's or the plan's
	Ports     []Pattern `json:"ports,omitempty"`               // leaf ports in the order of the legs: "leaf201:1/{1..40}"
}

// Node is one planned host.
type Node struct {
	Name    string       `json:"name" schema:"label"` // without the domain: "k8c1m0"
	Role    Role         `json:"role"`
	Rack    string       `json:"rack,omitempty" schema:"label"` // needed in a plan with racks
	Address netip.Prefix `json:"address"`                       // with the subnet's length: 192.168.9.193/28
	// ASN is this node's number; left out, its place among the nodes of the
	// range (its rack's, or without one the plan's) counts from the first.
	ASN uint32 `json:"asn,omitempty" schema:"1..2147483647"`
	// MACs are hardware addresses by which the host is known when it enrols;
	// without any, by its host name or a token of its own (--node).
	MACs []MAC `json:"macs,omitempty"`
	// Ports are the leaf ports in the order of the legs: "leaf201:1/3". ACI's
	// interface selectors need them; a host's LLDP report can stand for them.
	Ports []Port `json:"ports,omitempty"`
}
