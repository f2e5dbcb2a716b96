// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/yamldoc"
)

// label is a DNS label (RFC 1123 section 2.1), which host and object names are.
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// ifname is what the kernel takes as an interface name (IFNAMSIZ, 15 bytes)
// less the characters that no tool likes.
var ifname = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,15}$`)

var release = regexp.MustCompile(`^1\.(\d{1,2})\.\d{1,3}$`)

type checker struct {
	report Report
	places []place // of each node, in the order of Spec.Nodes
}

func (c *checker) check(p Plan) {
	c.header(p)
	c.network(p.Spec.NodeNetwork)
	c.bond(p.Spec.Bond)
	c.vlanName(p.Spec)
	c.fabric(p.Spec)
	c.asn(p.Spec)
	c.pods(p.Spec)
	c.ranges(p.Spec)
	c.kubernetes(p.Spec)
	c.nodes(p.Spec)
}

func (c *checker) errorf(path, format string, args ...any) {
	c.add(Error, path, fmt.Sprintf(format, args...))
}

func (c *checker) warnf(path, format string, args ...any) {
	c.add(Warning, path, fmt.Sprintf(format, args...))
}

func (c *checker) add(s Severity, path, message string) {
	c.report = append(c.report, Problem{s, yamldoc.Problem{Path: path, Message: message}})
}

func (c *checker) header(p Plan) {
	if p.APIVersion != APIVersion {
		c.errorf("apiVersion", "is %q, want %s", p.APIVersion, APIVersion)
	}
	if p.Kind != Kind {
		c.errorf("kind", "is %q, want %s", p.Kind, Kind)
	}
	if !label.MatchString(p.Metadata.Name) {
		c.errorf("metadata.name", "%q is no DNS label (lower-case letters, digits, dashes)", p.Metadata.Name)
	}
	for part := range strings.SplitSeq(p.Spec.Domain, ".") {
		if !label.MatchString(part) {
			c.errorf("spec.domain", "%q is no DNS domain", p.Spec.Domain)
			break
		}
	}
}

func (c *checker) network(n NodeNetwork) {
	c.prefix("spec.nodeNetwork.subnet", n.Subnet)
	if n.VLAN < 1 || n.VLAN > 4094 {
		c.errorf("spec.nodeNetwork.vlan", "%d is not in 1–4094", n.VLAN)
	}
	c.inSubnet("spec.nodeNetwork.gateway", n.Gateway, n.Subnet)
}

// prefix wants an IPv4 prefix without host bits.
func (c *checker) prefix(path string, p netip.Prefix) bool {
	switch {
	case !p.IsValid():
		c.errorf(path, "is missing; want a subnet such as 192.168.9.192/28")
	case !p.Addr().Is4():
		c.errorf(path, "%s is not IPv4", p)
	case p.Masked() != p:
		c.errorf(path, "%s has host bits set; the subnet is %s", p, p.Masked())
	default:
		return true
	}
	return false
}

// inSubnet wants an address that a machine in subnet can have.
func (c *checker) inSubnet(path string, a netip.Addr, subnet netip.Prefix) {
	switch {
	case !a.IsValid():
		c.errorf(path, "is missing; want an address in %s", subnet)
	case !subnet.IsValid():
	case !subnet.Contains(a):
		c.errorf(path, "%s is outside %s", a, subnet)
	case a == subnet.Masked().Addr():
		c.errorf(path, "%s is the network address of %s", a, subnet)
	case a == broadcast(subnet):
		c.errorf(path, "%s is the broadcast address of %s", a, subnet)
	}
}

func broadcast(p netip.Prefix) netip.Addr {
	if !p.Addr().Is4() {
		return netip.Addr{}
	}
	a := p.Masked().Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(a)
}

func (c *checker) bond(b Bond) {
	if b.Mode != "802.3ad" {
		c.errorf("spec.bond.mode", "%q: a leaf pair answers LACP only; want 802.3ad", b.Mode)
	}
	if !ifname.MatchString(b.Name) {
		c.errorf("spec.bond.name", "%q is no interface name (at most 15 letters, digits, dots, dashes)", b.Name)
	}
	c.legs(b)
	if b.MTU < 1280 || b.MTU > 9216 {
		c.errorf("spec.bond.mtu", "%d is not in 1280–9216", b.MTU)
	}
	c.delays(b)
}

// vlanName wants the bond's name to leave room for the VLAN link's, which the
// kernel would refuse only after the bond was built.
func (c *checker) vlanName(s Spec) {
	name := HostPlan{Bond: s.Bond, NodeNetwork: s.NodeNetwork}.VLANName()
	if ifname.MatchString(s.Bond.Name) && !ifname.MatchString(name) {
		c.errorf("spec.bond.name", "%q makes the VLAN link %s, longer than the 15 bytes of an interface name", s.Bond.Name, name)
	}
}

func (c *checker) legs(b Bond) {
	seen := map[string]int{}
	for i, leg := range b.Legs {
		path := fmt.Sprintf("spec.bond.legs[%d]", i)
		if !ifname.MatchString(leg) {
			c.errorf(path, "%q is no interface name", leg)
		}
		if first, twice := seen[leg]; twice {
			c.errorf(path, "%s is spec.bond.legs[%d] already", leg, first)
		}
		seen[leg] = i
	}
	if len(b.Legs) == 0 {
		c.errorf("spec.bond.legs", "is empty; want the interfaces that lead to the leaves")
		return
	}
	if b.MinLinks < 1 || b.MinLinks > len(b.Legs) {
		c.errorf("spec.bond.minLinks", "%d is not in 1–%d, the number of legs", b.MinLinks, len(b.Legs))
	}
}

func (c *checker) delays(b Bond) {
	if b.MIIMon < time.Millisecond || b.MIIMon%time.Millisecond != 0 {
		c.errorf("spec.bond.miimon", "%s is not a positive number of whole milliseconds", b.MIIMon)
		return
	}
	if b.UpDelay < 0 || b.UpDelay%time.Millisecond != 0 {
		c.errorf("spec.bond.updelay", "%s is not a number of whole milliseconds", b.UpDelay)
		return
	}
	if rest := b.UpDelay % b.MIIMon; rest != 0 {
		c.warnf("spec.bond.updelay", "%s is not a multiple of miimon %s; the kernel rounds it down to %s", b.UpDelay, b.MIIMon, b.UpDelay-rest)
	}
}

func (c *checker) fabric(s Spec) {
	if c.number("spec.fabric.asn", s.Fabric.ASN) {
		c.publicASN("spec.fabric.asn", s.Fabric.ASN, s.Fabric.ASN, s.ASN.Owned)
	}
	if len(s.Fabric.Leaves) == 0 {
		c.errorf("spec.fabric.leaves", "is empty; want at least one leaf")
	}
	names, addresses := seen{}, seen{}
	addresses.first(text(s.NodeNetwork.Gateway), "spec.nodeNetwork.gateway")
	for i, leaf := range s.Fabric.Leaves {
		path := fmt.Sprintf("spec.fabric.leaves[%d]", i)
		c.name(path+".name", leaf.Name, names)
		c.inSubnet(path+".address", leaf.Address, s.NodeNetwork.Subnet)
		c.unique(path+".address", text(leaf.Address), addresses)
	}
}

// text is "" for an address that is missing: two of those are not one twice.
func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// seen maps a value to the path where it was met first.
type seen map[string]string

func (s seen) first(value, path string) (string, bool) {
	if at, ok := s[value]; ok {
		return at, false
	}
	s[value] = path
	return path, true
}

func (c *checker) unique(path, value string, s seen) {
	if at, ok := s.first(value, path); !ok && value != "" {
		c.errorf(path, "%s is taken by %s", value, at)
	}
}

func (c *checker) name(path, name string, s seen) {
	if !label.MatchString(name) {
		c.errorf(path, "%q is no DNS label (lower-case letters, digits, dashes)", name)
		return
	}
	c.unique(path, name, s)
}

func (c *checker) pods(s Spec) {
	if !c.prefix("spec.pods.subnet", s.Pods.Subnet) {
		return
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
		c.errorf("spec.pods.blockSize", "%s holds %d blocks of /%d, too few for %d nodes", s.Pods.Subnet, blocks, b, len(s.Nodes))
	}
}

func (c *checker) ranges(s Spec) {
	c.prefix("spec.services.subnet", s.Services.Subnet)
	if s.LoadBalancers.Subnet.IsValid() {
		c.prefix("spec.loadBalancers.subnet", s.LoadBalancers.Subnet)
	}
	named := []struct {
		path   string
		prefix netip.Prefix
	}{
		{"spec.nodeNetwork.subnet", s.NodeNetwork.Subnet},
		{"spec.pods.subnet", s.Pods.Subnet},
		{"spec.services.subnet", s.Services.Subnet},
		{"spec.loadBalancers.subnet", s.LoadBalancers.Subnet},
	}
	for i, a := range named {
		for _, b := range named[:i] {
			if a.prefix.IsValid() && b.prefix.IsValid() && a.prefix.Overlaps(b.prefix) {
				c.errorf(a.path, "%s overlaps %s of %s", a.prefix, b.prefix, b.path)
			}
		}
	}
}

func (c *checker) kubernetes(s Spec) {
	minor := release.FindStringSubmatch(s.Kubernetes.Version)
	if minor == nil {
		c.errorf("spec.kubernetes.version", "%q is no release; want one such as 1.37.2", s.Kubernetes.Version)
	} else if n, _ := strconv.Atoi(minor[1]); n < 31 {
		// kubeadm.k8s.io/v1beta4 came with Kubernetes 1.31.
		c.errorf("spec.kubernetes.version", "%s is older than 1.31, the first release that reads kubeadm.k8s.io/v1beta4", s.Kubernetes.Version)
	}
	if s.Packages.Folder != "" && !filepath.IsAbs(s.Packages.Folder) {
		c.errorf("spec.packages.folder", "%q is not an absolute path", s.Packages.Folder)
	}
	c.endpoint(s)
}

func (c *checker) endpoint(s Spec) {
	const path = "spec.kubernetes.apiEndpoint"
	ep := s.Kubernetes.APIEndpoint
	if !ep.IsValid() || ep.Port() == 0 {
		c.errorf(path, "is missing; want an address and port such as 192.168.9.193:6443")
		return
	}
	for _, n := range s.Nodes {
		if n.Role == "" || !n.Address.IsValid() {
			return // reported there; whose address this is cannot be told
		}
		if n.Role == ControlPlane && n.Address.Addr() == ep.Addr() {
			return
		}
	}
	c.errorf(path, "%s is the address of no control plane", ep.Addr())
}

func (c *checker) nodes(s Spec) {
	names, addresses, macs, asns := seen{}, takenAddresses(s), seen{}, seen{}
	planes, rolesKnown := 0, true
	for i, n := range s.Nodes {
		path := fmt.Sprintf("spec.nodes[%d]", i)
		c.name(path+".name", n.Name, names)
		c.nodeAddress(path+".address", n.Address, s.NodeNetwork.Subnet, addresses)
		c.nodeASN(path+".asn", s, i, asns)
		for j, mac := range n.MACs {
			c.unique(fmt.Sprintf("%s.macs[%d]", path, j), string(mac), macs)
		}
		if n.Role == "" {
			c.errorf(path+".role", "is missing; want %s or %s", ControlPlane, Worker)
			rolesKnown = false
		}
		if n.Role == ControlPlane {
			planes++
		}
	}
	if rolesKnown && planes != 1 {
		c.errorf("spec.nodes", "%d nodes have the role %s; this version joins clusters of exactly one", planes, ControlPlane)
	}
}

func takenAddresses(s Spec) seen {
	taken := seen{}
	taken.first(text(s.NodeNetwork.Gateway), "spec.nodeNetwork.gateway")
	for i, leaf := range s.Fabric.Leaves {
		taken.first(text(leaf.Address), fmt.Sprintf("spec.fabric.leaves[%d].address", i))
	}
	return taken
}

func (c *checker) nodeAddress(path string, a netip.Prefix, subnet netip.Prefix, taken seen) {
	switch {
	case !a.IsValid():
		c.errorf(path, "is missing; want an address such as 192.168.9.193/28")
		return
	case subnet.IsValid() && !subnet.Contains(a.Addr()):
		c.errorf(path, "%s is outside %s", a, subnet)
		return
	case subnet.IsValid() && a.Bits() != subnet.Bits():
		c.errorf(path, "%s has length /%d, the subnet %s has /%d", a, a.Bits(), subnet, subnet.Bits())
	}
	c.inSubnet(path, a.Addr(), subnet)
	c.unique(path, a.Addr().String(), taken)
}
