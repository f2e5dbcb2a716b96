// SPDX-License-Identifier: Apache-2.0

// Package plantest writes plans of any size for tests and benchmarks.
package plantest

import (
	"fmt"
	"math/bits"
	"net/netip"
	"strings"
)

// The addresses in a rack's subnet that are no node's: two leaves, the gateway,
// the network and the broadcast address.
const notNodes = 5

// firstASN begins a range that IANA has given to nobody: the private one of
// 16 bits holds 1,023 numbers, that of 32 bits lies above what Calico stores.
const firstASN = 1_000_000

// Large is the YAML text of a plan with that many hosts, spread evenly over
// racks, every host listed with its cards and ports. One of them is the control
// plane. A rack has one to 999 hosts, each at the port of its number.
func Large(hosts, racks int) []byte {
	return build(hosts, racks, layout.nodes)
}

// Pooled is Large with the workers of each rack as one pool, and no cards.
func Pooled(hosts, racks int) []byte {
	return build(hosts, racks, layout.pools)
}

func build(hosts, racks int, workers func(layout, *strings.Builder)) []byte {
	l := layout{hosts: hosts, racks: racks}
	var b strings.Builder
	fmt.Fprintf(&b, head, l.host(0, 0).address, firstASN, firstASN+hosts-1)
	b.WriteString("  racks:\n")
	for r := range racks {
		l.rack(&b, r)
	}
	workers(l, &b)
	return []byte(b.String())
}

const head = `apiVersion: nodeprep.dev/v1alpha1
kind: ClusterPlan
metadata:
  name: large
spec:
  domain: large.example.net
  nodeNetwork:
    dns: [192.0.2.53]
  bond:
    legs: [eno1, eno2]
  kubernetes:
    version: 1.37.2
    apiEndpoint: %s:6443
  fabric:
    asn: 65001
    internalASN: 65000
    aci:
      tenant: TEN_LARGE
      vrf: VRF_LARGE
      l3out: L3O_LARGE
  asn:
    first: %d
    last: %d
    owned: true
  pods:
    subnet: 172.16.0.0/12
  services:
    subnet: 192.168.0.0/17
  loadBalancers:
    subnet: 192.168.128.0/17
    metallb: {version: 0.16.1}
`

// A layout spreads hosts over racks; rack and host count from 0.
type layout struct{ hosts, racks int }

// A host is what a list item and a pool say of it alike.
type host struct {
	name    string
	role    string
	address netip.Addr
	ports   [2]string
}

// size is the number of hosts in a rack; the first racks take what is left over.
func (l layout) size(rack int) int {
	n := l.hosts / l.racks
	if rack < l.hosts%l.racks {
		n++
	}
	return n
}

// before is the number of hosts in the racks before this one.
func (l layout) before(rack int) int {
	return l.hosts/l.racks*rack + min(rack, l.hosts%l.racks)
}

// subnet is the rack's part of 10.0.0.0/8, as small as holds the largest rack.
func (l layout) subnet(rack int) netip.Prefix {
	size := bits.Len(uint(l.size(0) + notNodes - 1))
	n := uint32(10)<<24 + uint32(rack)<<size
	return netip.PrefixFrom(address(n), 32-size)
}

// leaf is the rack's first or second leaf, and its node ID on ACI.
func (l layout) leaf(rack, side int) (name string, node int) {
	node = 101 + 2*rack + side
	return fmt.Sprintf("leaf%d", node), node
}

func (l layout) host(rack, i int) host {
	h := host{
		name:    fmt.Sprintf("r%03dn%04d", rack+1, i+1),
		role:    "worker",
		address: offset(l.subnet(rack), i+1),
	}
	if rack == 0 && i == 0 {
		h.role = "control-plane"
	}
	for side := range h.ports {
		name, _ := l.leaf(rack, side)
		h.ports[side] = fmt.Sprintf("%s:1/%d", name, i+1)
	}
	return h
}

func (l layout) rack(b *strings.Builder, r int) {
	subnet := l.subnet(r)
	last := 1<<(32-subnet.Bits()) - 1 // the broadcast address
	fmt.Fprintf(b, "    - name: r%03d\n", r+1)
	fmt.Fprintf(b, "      nodeNetwork:\n        subnet: %s\n        vlan: %d\n        gateway: %s\n", subnet, 1000+r, offset(subnet, last-1))
	fmt.Fprintf(b, "      asns: %d-%d\n", firstASN+l.before(r), firstASN+l.before(r+1)-1)
	b.WriteString("      leaves:\n")
	for side := range 2 {
		name, node := l.leaf(r, side)
		fmt.Fprintf(b, "        - name: %s\n          address: %s\n          node: %d\n", name, offset(subnet, last-3+side), node)
	}
}

func (l layout) nodes(b *strings.Builder) {
	b.WriteString("  nodes:\n")
	for r := range l.racks {
		for i := range l.size(r) {
			l.node(b, r, i)
			n := l.before(r) + i
			fmt.Fprintf(b, "      macs: [\"02:00:00:%02x:%02x:00\", \"02:00:00:%02x:%02x:01\"]\n", n>>8, n&255, n>>8, n&255)
		}
	}
}

func (l layout) node(b *strings.Builder, rack, i int) {
	h := l.host(rack, i)
	fmt.Fprintf(b, "    - name: %s\n      role: %s\n      rack: r%03d\n", h.name, h.role, rack+1)
	fmt.Fprintf(b, "      address: %s/%d\n      ports: [%q, %q]\n", h.address, l.subnet(rack).Bits(), h.ports[0], h.ports[1])
}

// pools lists the control plane by itself: a pool has one role.
func (l layout) pools(b *strings.Builder) {
	b.WriteString("  nodes:\n")
	l.node(b, 0, 0)
	b.WriteString("  pools:\n")
	for r := range l.racks {
		first := 0
		if r == 0 {
			first = 1
		}
		if l.size(r) > first {
			l.pool(b, r, first)
		}
	}
}

func (l layout) pool(b *strings.Builder, rack, first int) {
	from, to := l.host(rack, first), l.host(rack, l.size(rack)-1)
	fmt.Fprintf(b, "    - names: r%03dn{%04d..%04d}\n", rack+1, first+1, l.size(rack))
	fmt.Fprintf(b, "      role: worker\n      rack: r%03d\n      addresses: %s-%s\n      ports:\n", rack+1, from.address, to.address)
	for side := range from.ports {
		name, _ := l.leaf(rack, side)
		fmt.Fprintf(b, "        - %s:1/{%d..%d}\n", name, first+1, l.size(rack))
	}
}

func offset(subnet netip.Prefix, n int) netip.Addr {
	a := subnet.Addr().As4()
	return address(uint32(a[0])<<24 + uint32(a[1])<<16 + uint32(a[2])<<8 + uint32(a[3]) + uint32(n))
}

func address(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}
