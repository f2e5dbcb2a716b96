// SPDX-License-Identifier: Apache-2.0

package imported

import (
	"net/netip"
	"strconv"
	"strings"
)

// calicoNode is one node with its BGP side
// (docs.tigera.io/calico/latest/reference/resources/node).
type calicoNode struct {
	name         string // fully qualified
	at           Place
	address      netip.Prefix
	addressAt    Place
	asn          uint32 // 0: the cluster's
	asnAt        Place
	controlPlane bool
}

// short is the name up to the first dot, and the domain behind it.
func (n calicoNode) short() (name, domain string) {
	name, domain, _ = strings.Cut(n.name, ".")
	return name, domain
}

// peer is one leaf as one node or all of them see it
// (docs.tigera.io/calico/latest/reference/resources/bgppeer).
type peer struct {
	name string
	node string // of one node; empty for a peer of several
	ip   netip.Addr
	asn  uint32
	at   Place // of its address
}

// value parses a scalar and reports one that is no such value.
func value[T any](c *collector, o object, parse func(string) (T, error), want string, path ...string) (T, Place, bool) {
	text, at := o.text(path...)
	v, err := parse(text)
	switch {
	case text == "":
	case err != nil:
		c.problem(at, "%s: %q is no %s", path[len(path)-1], text, want)
	default:
		return v, at, true
	}
	var none T
	return none, at, false
}

func parseASN(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err
}

func (c *collector) calicoNode(o object) {
	n := calicoNode{}
	n.name, n.at = o.text("metadata", "name")
	if n.name == "" {
		c.problem(n.at, "a Node without metadata.name")
		return
	}
	var ok bool
	n.address, n.addressAt, ok = value(c, o, netip.ParsePrefix, "address with its length, such as 192.168.9.193/28", "spec", "bgp", "ipv4Address")
	if text, _ := o.text("spec", "bgp", "ipv4Address"); !ok && text == "" {
		c.problem(n.at, "%s has no spec.bgp.ipv4Address", n.name)
	}
	n.asn, n.asnAt, _ = value(c, o, parseASN, "AS number", "spec", "bgp", "asNumber")
	for _, role := range []string{"control-plane", "master"} {
		n.controlPlane = n.controlPlane || o.node("metadata", "labels", "node-role.kubernetes.io/"+role) != nil
	}
	if at, twice := c.nodeAt[n.name]; twice {
		c.problem(n.at, "%s is a Node in %s already; that one is taken", n.name, at)
		return
	}
	c.nodeAt[n.name] = n.at
	c.nodes = append(c.nodes, n)
}

func (c *collector) bgpPeer(o object) {
	p := peer{}
	p.name, p.at = o.text("metadata", "name")
	var ok bool
	if p.ip, p.at, ok = value(c, o, netip.ParseAddr, "address such as 192.168.9.204", "spec", "peerIP"); !ok {
		return
	}
	if p.asn, _, ok = value(c, o, parseASN, "AS number", "spec", "asNumber"); !ok {
		c.problem(p.at, "BGPPeer %s has no spec.asNumber", p.name)
	}
	p.node, _ = o.text("spec", "node")
	c.peers = append(c.peers, p)
	if ok {
		_, at := o.text("spec", "asNumber")
		c.leafASN(p, at)
	}
}

// ipPool takes the first pool of IPv4 addresses for the pods' range.
func (c *collector) ipPool(o object) {
	cidr, at, ok := value(c, o, netip.ParsePrefix, "range such as 172.27.0.0/16", "spec", "cidr")
	if !ok || !cidr.Addr().Is4() {
		return
	}
	if disabled, _ := o.text("spec", "disabled"); disabled == "true" {
		return
	}
	learn(c, &c.pods, "the range of the pods", cidr, at)
	if size, at, ok := value(c, o, strconv.Atoi, "block size such as 26", "spec", "blockSize"); ok {
		learn(c, &c.blockSize, "the block size", size, at)
	}
	for _, mode := range []string{"ipipMode", "vxlanMode"} {
		if text, at := o.text("spec", mode); text != "" && text != "Never" {
			c.problem(at, "%s is %s: a plan's pods are routed as they are, without a tunnel", mode, text)
		}
	}
	if text, at := o.text("spec", "natOutgoing"); text == "true" {
		c.problem(at, "natOutgoing is true: a plan's pods keep their own addresses outside")
	}
}

func (c *collector) bgpConfiguration(o object) {
	// Left out, the mesh is on (reference/resources/bgpconfig).
	if mesh, at := o.text("spec", "nodeToNodeMeshEnabled"); mesh != "false" {
		c.problem(at, "nodeToNodeMeshEnabled is not false: a plan's nodes peer with the leaves alone")
	}
	if asn, at, ok := value(c, o, parseASN, "AS number", "spec", "asNumber"); ok {
		learn(c, &c.commonASN, "the AS number of nodes without their own", asn, at)
	}
	for _, entry := range o.list("spec", "serviceLoadBalancerIPs") {
		if cidr, at, ok := value(c, entry, netip.ParsePrefix, "range such as 172.29.0.0/16", "cidr"); ok && cidr.Addr().Is4() {
			learn(c, &c.loadBalancers, "the range of load balancers", cidr, at)
		}
	}
	for _, entry := range o.list("spec", "serviceClusterIPs") {
		if cidr, at, ok := value(c, entry, netip.ParsePrefix, "range such as 172.28.0.0/16", "cidr"); ok && cidr.Addr().Is4() {
			learn(c, &c.services, "the range of the services", cidr, at)
		}
	}
}
