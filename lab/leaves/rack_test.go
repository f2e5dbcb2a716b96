// SPDX-License-Identifier: Apache-2.0

package leaves

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/nodeprep/nodeprep/lab/nettest"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A rack is the routers of one plan, all running.
type rack struct {
	plan    plan.Plan
	cluster *cluster
	leaves  []leafRouter // in the plan's order, as the nodes
	nodes   []node
}

// A leafRouter is a leaf as it runs.
type leafRouter struct {
	plan.Leaf
	leafDaemon
	nettest.Namespace
}

func newRack(t *testing.T, c *cluster, p plan.Plan, runs platform) *rack {
	t.Helper()
	r := &rack{plan: p, cluster: c}
	c.write(t, p)
	s := newSegment(t)
	outside := namespace(t, "outside")
	for i, l := range p.Spec.Fabric.Leaves {
		ns := s.leaf(t, p, l)
		connect(t, ns, outside, p, i)
		r.leaves = append(r.leaves, leafRouter{l, runs.start(t, p, l.Name, ns), ns})
	}
	for i, n := range p.Spec.Nodes {
		r.nodes = append(r.nodes, s.node(t, c, p, i, n))
	}
	return r
}

// leaf has the addresses of a leaf's interface in the nodes' subnet.
func (s *segment) leaf(t *testing.T, p plan.Plan, l plan.Leaf) nettest.Namespace {
	t.Helper()
	bits := p.Spec.NodeNetwork.Subnet.Bits()
	ns := s.join(t, l.Name, netip.PrefixFrom(l.Address, bits), netip.PrefixFrom(p.Spec.NodeNetwork.Gateway, bits))
	nettest.Run(t, "ip", "netns", "exec", string(ns), "sysctl", "-qw", "net.ipv4.ip_forward=1",
		"net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.fabric.send_redirects=0")
	return ns
}

// connect gives the i-th leaf routes to what is outside of the fabric: it
// announces what it can reach.
func connect(t *testing.T, leaf, outside nettest.Namespace, p plan.Plan, i int) {
	t.Helper()
	leaf.IP(t, "link", "add", "name", "outside", "type", "veth", "peer", "name", fmt.Sprintf("leaf%d", i), "netns", string(outside))
	leaf.IP(t, "address", "add", fmt.Sprintf("10.108.%d.1/30", i), "dev", "outside")
	leaf.IP(t, "link", "set", "outside", "up")
	outside.IP(t, "link", "set", fmt.Sprintf("leaf%d", i), "up")
	for _, prefix := range append(p.Spec.Fabric.Advertised, netip.PrefixFrom(netip.IPv4Unspecified(), 0)) {
		leaf.IP(t, "route", "add", prefix.String(), "via", fmt.Sprintf("10.108.%d.2", i))
	}
}

// node starts the i-th node, with the default route that nodeprep gives it; the
// last node's has no metric, which is what the plan's check warns of.
func (s *segment) node(t *testing.T, c *cluster, p plan.Plan, i int, planned plan.Node) node {
	t.Helper()
	n := node{Namespace: s.join(t, planned.Name, planned.Address)}
	n.Name, n.Address, n.ASN = p.FQDN(planned), planned.Address, p.Spec.ASNs()[i]
	n.block = c.block(t, p, n.Name, n.Namespace)
	metric := *p.Spec.NodeNetwork.GatewayMetric
	if i == len(p.Spec.Nodes)-1 {
		metric = 0
	}
	n.IP(t, "route", "add", "default", "via", p.Spec.NodeNetwork.Gateway.String(), "metric", fmt.Sprint(metric), "proto", "static")
	return startNode(t, c, n)
}
