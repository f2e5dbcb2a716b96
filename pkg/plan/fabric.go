// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"net/netip"
	"time"
)

// Fabric is the leaf side of every BGP session.
type Fabric struct {
	ASN uint32 `json:"asn" schema:"1..2147483647"` // that the leaves show to the nodes
	// InternalASN is the switches' own number where it is another (on ACI the
	// route reflectors'). The leaves then show asn by local-as, and what they
	// announce has both in its path.
	InternalASN uint32 `json:"internalASN,omitempty" schema:"1..4294967294"`
	// Leaves are those of a plan without racks.
	Leaves []Leaf `json:"leaves,omitempty"`
	MTU    int    `json:"mtu,omitempty" schema:"1280..9216"` // bytes, of the leaves' interfaces, default bond.mtu
	Timers Timers `json:"timers,omitzero"`
	BFD    BFD    `json:"bfd,omitzero"` // left out, none: open-source Calico has none
	// MaxPrefixes is how many routes a leaf takes from one node, default 500.
	MaxPrefixes int `json:"maxPrefixes,omitempty" schema:"1..300000"`
	// DefaultRoute says that the leaves announce 0.0.0.0/0 to the nodes.
	DefaultRoute bool `json:"defaultRoute,omitempty"`
	// Advertised are further ranges that the leaves announce to the nodes.
	Advertised []netip.Prefix `json:"advertised,omitempty"`
	ACI        *ACI           `json:"aci,omitempty"`
}

// A Leaf is one switch that peers with every node of its rack.
type Leaf struct {
	Name    string     `json:"name" schema:"label"` // by which ports refer to it: "leaf201"
	Address netip.Addr `json:"address"`             // its own, in the nodes' subnet
	// RouterID is the leaf's BGP identifier, default its address. On ACI it is
	// the same in every L3Out of a VRF, and a loopback has it.
	RouterID netip.Addr `json:"routerID,omitzero"`
	Node     uint16     `json:"node,omitempty" schema:"101..4000"` // ACI's node ID, 101 to 4000
}

// Timers are BGP's (RFC 4271 section 10), whole seconds.
type Timers struct {
	Keepalive time.Duration `json:"keepalive,omitempty"` // between two signs of life, default a third of hold: 60s
	Hold      time.Duration `json:"hold,omitempty"`      // without one until the session ends, default 180s
}

// BFD is bidirectional forwarding detection (RFC 5880) for the sessions.
type BFD struct {
	Interval   time.Duration `json:"interval,omitempty"`                  // of sending and receiving: 50ms to 999ms
	Multiplier int           `json:"multiplier,omitempty" schema:"1..50"` // lost packets that end a session, 1 to 50, default 3
}

// ACI places the leaf side in a Cisco ACI fabric.
type ACI struct {
	Tenant string `json:"tenant" schema:"aciname"`       // a tenant: "TEN_K8_C1"
	VRF    string `json:"vrf" schema:"aciname"`          // of the nodes, in the tenant: "VRF_K8_C1"
	L3Out  string `json:"l3out" schema:"aciname"`        // towards the nodes: "L3O_K8_C1"
	Pod    uint8  `json:"pod,omitempty" schema:"1..255"` // of the fabric, default 1
	// FloatingSVI has the leaves as anchors of one floating SVI; its address is
	// a further one of the subnet. Without it, each host's port channel is a
	// path of its own.
	FloatingSVI  FloatingSVI   `json:"floatingSVI,omitzero"`
	Outside      Outside       `json:"outside,omitzero"`
	Applications []Application `json:"applications,omitempty"`
}

// FloatingSVI is a subnet interface that moves with the hosts.
type FloatingSVI struct {
	Address netip.Addr `json:"address,omitzero"`                  // of the leaves that are no anchors
	Domain  string     `json:"domain,omitempty" schema:"aciname"` // the physical domain of the hosts' ports; left out, one of the cluster's own is made
}

// Outside is the L3Out that leads out of the fabric, by OSPF over one routed
// sub-interface.
type Outside struct {
	L3Out   string       `json:"l3out,omitempty" schema:"aciname"`  // "L3O_EXTERNAL"; left out, nothing is made
	Leaf    string       `json:"leaf,omitempty" schema:"label"`     // the name of one of the fabric's leaves
	Port    string       `json:"port,omitempty" schema:"portid"`    // "1/48"
	VLAN    uint16       `json:"vlan,omitempty" schema:"1..4094"`   // IEEE 802.1Q VLAN ID, 1 to 4094
	Address netip.Prefix `json:"address,omitzero"`                  // of the leaf: 10.108.0.1/30
	Area    uint32       `json:"area,omitempty"`                    // OSPF area, default 0
	Domain  string       `json:"domain,omitempty" schema:"aciname"` // the layer 3 domain of the port; left out, one of the cluster's own is made
}

// An Application is reached from outside the fabric at addresses of its own.
type Application struct {
	Name      string         `json:"name" schema:"aciname"`            // "MCAST" makes EPG_K8_APP_MCAST
	Addresses []netip.Prefix `json:"addresses" schema:"nonempty"`      // of the load balancers' range, or of pods
	Ports     []uint16       `json:"ports" schema:"1..65535,nonempty"` // TCP ports
}
