// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"math/bits"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
)

func (c *checker) pods(s Spec) {
	c.noPathOutside(s)
	if !c.prefix("spec.pods.subnet", s.Pods.Subnet) {
		return
	}
	c.documentation("spec.pods.subnet", s.Pods.Subnet)
	// kubeadm holds the range against the parts that the controller manager
	// would cut it into for the nodes: /24, of which there are 16 bits at most.
	if length := s.Pods.Subnet.Bits(); length < 8 || length > 24 {
		c.errorf("spec.pods.subnet", "%s is not between a /8 and a /24, the ranges that kubeadm init takes", s.Pods.Subnet)
	}
	// Calico takes blocks of /20 to /32 (libcalico-go clientv3/ippool.go).
	b := s.Pods.BlockSize
	if b < 20 || b > 32 {
		c.errorf("spec.pods.blockSize", "%d is not in 20–32", b)
		return
	}
	if b < s.Pods.Subnet.Bits() {
		c.errorf("spec.pods.blockSize", "/%d is larger than the range %s", b, s.Pods.Subnet)
		return
	}
	if blocks := 1 << (b - s.Pods.Subnet.Bits()); blocks < len(s.Nodes) {
		needed := bits.Len(uint(len(s.Nodes) - 1))
		c.errorf("spec.pods.blockSize", "%s holds %d blocks of /%d, too few for %d nodes; want a range of /%d, or smaller blocks", s.Pods.Subnet, blocks, b, len(s.Nodes), b-needed)
	}
}

// noPathOutside warns of pods that keep their addresses and may not leave:
// CoreDNS, a pod, asks the nodes' own name servers for names outside.
func (c *checker) noPathOutside(s Spec) {
	if s.Pods.Outside {
		return
	}
	for _, r := range s.AllRacks() {
		for _, dns := range r.NodeNetwork.DNS {
			if !s.nodesReach(dns) && !s.Pods.Subnet.Contains(dns) && !s.Services.Subnet.Contains(dns) {
				c.warnf("spec.pods.outside", "is not set: pods keep their addresses, which nothing translates, and have no path beyond the fabric, so that CoreDNS does not reach %s; set it to true and route spec.pods.subnet back to the fabric", dns)
				return
			}
		}
	}
}

// nodesReach says whether an address is in a subnet of nodes.
func (s Spec) nodesReach(a netip.Addr) bool {
	return slices.ContainsFunc(s.AllRacks(), func(r Rack) bool { return r.NodeNetwork.Subnet.Contains(a) })
}

// metalLB is a release of MetalLB.
var metalLB = regexp.MustCompile(`^0\.(\d{1,2})\.\d{1,3}$`)

// services wants a range that the API server stores the use of: one bit for
// each address, in one value of etcd.
func (c *checker) services(s Spec) {
	const path = "spec.services.subnet"
	subnet := s.Services.Subnet
	if !c.prefix(path, subnet) {
		return
	}
	c.documentation(path, subnet)
	if length := subnet.Bits(); length < 12 || length > 28 {
		c.errorf(path, "%s is not between a /12 and a /28, the ranges that kubeadm init takes", subnet)
	}
}

func (c *checker) loadBalancers(s Spec) {
	lb := s.LoadBalancers
	if lb.Subnet.IsValid() {
		if c.prefix("spec.loadBalancers.subnet", lb.Subnet) {
			c.documentation("spec.loadBalancers.subnet", lb.Subnet)
		}
	} else if lb != (LoadBalancers{}) {
		c.errorf("spec.loadBalancers.subnet", "is missing; want a subnet such as 192.168.9.192/28")
	}
	if lb.MetalLB.Speaker {
		c.errorf("spec.loadBalancers.metallb.speaker", "makes MetalLB and Calico announce %s, both to the same leaves; want false: Calico announces", lb.Subnet)
	}
	if lb.MetalLB != (MetalLB{}) {
		c.metalLB(lb.MetalLB.Version)
	}
}

func (c *checker) metalLB(version string) {
	const path = "spec.loadBalancers.metallb.version"
	m := metalLB.FindStringSubmatch(version)
	if m == nil {
		c.errorf(path, "%q is no release; want one such as 0.16.1", version)
		return
	}
	switch minor, _ := strconv.Atoi(m[1]); {
	case minor < 9:
		c.errorf(path, "%s is older than 0.9, the first whose addresses Calico can announce for it", version)
	case minor < 13:
		c.warnf(path, "%s comes with PodSecurityPolicies, which Kubernetes 1.25 and later do not know: leave those objects out, or take 0.13 or later", version)
	}
}

// A span is a range of the plan and where it is said.
type span struct {
	path   string
	prefix netip.Prefix
}

// overlaps refuses two meanings of one address. What the leaves announce and
// what is in use at the site may be the same: those are only held against the
// plan's own.
func (c *checker) overlaps(s Spec) {
	own := ownRanges(s)
	for i, a := range own {
		c.overlap(a, own[:i])
	}
	for i, p := range s.Fabric.Advertised {
		if p.Bits() == 0 {
			continue // the default route, which is over everything
		}
		c.overlap(span{fmt.Sprintf("spec.fabric.advertised[%d]", i), p}, own)
	}
	for i, p := range s.Site {
		path := fmt.Sprintf("spec.site[%d]", i)
		c.prefix(path, p)
		c.overlap(span{path, p}, own)
	}
}

// maxOverlaps is of how many ranges it is said that they overlap one: all, of
// those that are no racks'.
const maxOverlaps = 5

func (c *checker) overlap(a span, others []span) {
	said := 0
	for _, b := range others {
		if !a.prefix.Overlaps(b.prefix) { // nor does one that is missing
			continue
		}
		if said++; said > maxOverlaps {
			return
		}
		c.errorf(a.path, "%s overlaps %s of %s", a.prefix, b.prefix, b.path)
	}
}

func ownRanges(s Spec) []span {
	var own []span
	if len(s.Racks) == 0 {
		own = append(own, span{"spec.nodeNetwork.subnet", s.NodeNetwork.Subnet})
	}
	for i, r := range s.Racks {
		own = append(own, span{fmt.Sprintf("spec.racks[%d].nodeNetwork.subnet", i), r.NodeNetwork.Subnet})
	}
	return append(
		own,
		span{"spec.pods.subnet", s.Pods.Subnet},
		span{"spec.services.subnet", s.Services.Subnet},
		span{"spec.loadBalancers.subnet", s.LoadBalancers.Subnet},
	)
}

// documentation warns of addresses that no router on the Internet carries and
// that examples are full of.
func (c *checker) documentation(path string, p netip.Prefix) {
	for _, doc := range [][4]byte{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}} {
		if p.Bits() >= 24 && netip.PrefixFrom(netip.AddrFrom4(doc), 24).Contains(p.Addr()) {
			c.warnf(path, "%s is for documentation only (RFC 5737)", p)
		}
	}
}
