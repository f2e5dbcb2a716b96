// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// aciName is what an APIC takes as the name of an object.
var aciName = regexp.MustCompile(`^[a-zA-Z0-9_.:-]{1,64}$`)

func (c *checker) aci(s Spec) {
	a := s.Fabric.ACI
	if a == nil {
		return
	}
	c.aciScope("spec.fabric.aci.tenant", a.Tenant, 63)
	c.aciScope("spec.fabric.aci.vrf", a.VRF, 64)
	c.aciName("spec.fabric.aci.l3out", a.L3Out)
	c.aciRacks(s)
	if a.Outside != (Outside{}) {
		c.outside(s, a.Outside)
	}
	if f := a.FloatingSVI; f.Domain != "" {
		c.aciName("spec.fabric.aci.floatingSVI.domain", f.Domain)
		if !f.Address.IsValid() {
			c.errorf("spec.fabric.aci.floatingSVI.address", "is missing; want an address of the nodes' subnet")
		}
	}
	names, addresses := seen{}, seen{}
	for i, app := range a.Applications {
		path := fmt.Sprintf("spec.fabric.aci.applications[%d]", i)
		c.unique(path+".name", app.Name, names)
		c.application(s, path, app)
		for j, address := range app.Addresses {
			c.unique(fmt.Sprintf("%s.addresses[%d]", path, j), address.String(), addresses)
		}
	}
}

func (c *checker) aciName(path, name string) {
	if !aciName.MatchString(name) {
		c.errorf(path, "%q is no name for an APIC: want 1 to 64 letters, digits and _.:-", name)
	}
}

// aciScope wants what an APIC takes as the name of a tenant or a VRF, which a
// colon parts in the VRF's name on a leaf (metadata of fv:Tenant and fv:Ctx).
func (c *checker) aciScope(path, name string, most int) {
	if !aciName.MatchString(name) || strings.Contains(name, ":") || len(name) > most {
		c.errorf(path, "%q is no name for an APIC there: want 1 to %d letters, digits and _.-", name, most)
	}
}

// aciRacks wants of each rack a pair of leaves or one, and a VLAN of its own:
// all SVIs of an L3Out with one encapsulation are one bridge domain throughout
// the fabric, whatever their leaves (APIC Layer 3 Networking Configuration
// Guide, "SVI External Encapsulation Scope").
func (c *checker) aciRacks(s Spec) {
	if n := len(s.Fabric.Leaves); len(s.Racks) == 0 && n > 2 {
		c.errorf("spec.fabric.leaves", "has %d leaves; ACI's virtual port channels have two: want two, or one", n)
	}
	first := map[uint16]string{}
	for i, r := range s.Racks {
		if n := len(r.Leaves); n > 2 {
			c.errorf(fmt.Sprintf("spec.racks[%d].leaves", i), "has %d leaves; ACI's virtual port channels have two: want two, or one", n)
		}
		if other, taken := first[r.NodeNetwork.VLAN]; taken && r.NodeNetwork.VLAN != 0 {
			c.errorf(fmt.Sprintf("spec.racks[%d].nodeNetwork.vlan", i), "%d is the VLAN of rack %s already, which ACI would join with this one in one bridge domain; want another",
				r.NodeNetwork.VLAN, other)
			continue
		}
		first[r.NodeNetwork.VLAN] = r.Name
	}
}

// floating wants the floating SVI's address in the one subnet that it serves.
func (c *checker) floating(s Spec, r Rack) {
	const path = "spec.fabric.aci.floatingSVI.address"
	if !s.Fabric.floating() {
		return
	}
	f := s.Fabric.ACI.FloatingSVI
	if len(s.Racks) > 1 {
		if r.Name == s.Racks[0].Name {
			c.errorf(path, "%s can be in one subnet only, the plan has %d racks; leave it out", f.Address, len(s.Racks))
		}
		return
	}
	c.inSubnet(path, f.Address, r.NodeNetwork.Subnet)
	c.unique(path, text(f.Address), c.addresses)
}

func (c *checker) outside(s Spec, o Outside) {
	const path = "spec.fabric.aci.outside"
	c.aciName(path+".l3out", o.L3Out)
	if o.L3Out == s.Fabric.ACI.L3Out {
		c.errorf(path+".l3out", "%s is spec.fabric.aci.l3out, which leads to the nodes; want another name", o.L3Out)
	}
	if o.Domain != "" {
		c.aciName(path+".domain", o.Domain)
	}
	known, leaves := false, 0
	for _, r := range s.AllRacks() {
		known = known || r.has(o.Leaf)
		leaves += len(r.Leaves)
	}
	if !known && leaves > 0 { // that there is none was said
		c.errorf(path+".leaf", "%q is no leaf of the plan", o.Leaf)
	}
	if !portID.MatchString(o.Port) {
		c.errorf(path+".port", "%q is no port; want one such as 1/48", o.Port)
	}
	c.vlan(path+".vlan", o.VLAN)
	if !o.Address.IsValid() || !o.Address.Addr().Is4() {
		c.errorf(path+".address", "is missing or not IPv4; want the leaf's address with its length, such as 10.108.0.1/30")
		return
	}
	c.inSubnet(path+".address", o.Address.Addr(), o.Address.Masked())
	c.overlap(span{path + ".address", o.Address.Masked()}, ownRanges(s))
}

func (c *checker) application(s Spec, path string, app Application) {
	c.aciName(path+".name", app.Name)
	if len(app.Addresses) == 0 {
		c.errorf(path+".addresses", "is empty; want addresses such as 172.29.0.6/32")
	}
	for i, a := range app.Addresses {
		c.applicationAddress(s, fmt.Sprintf("%s.addresses[%d]", path, i), a)
	}
	if len(app.Ports) == 0 {
		c.errorf(path+".ports", "is empty; want TCP ports such as 443")
	}
	ports := seen{} // each is an entry of the application's filter, and named by it
	for i, port := range app.Ports {
		at := fmt.Sprintf("%s.ports[%d]", path, i)
		if port == 0 {
			c.errorf(at, "0 is no TCP port: want 1–65535")
		}
		c.unique(at, strconv.Itoa(int(port)), ports)
	}
}

func (c *checker) applicationAddress(s Spec, path string, a netip.Prefix) {
	within := func(p netip.Prefix) bool { return p.Contains(a.Addr()) && a.Bits() >= p.Bits() }
	switch {
	case !c.prefix(path, a):
	case within(s.LoadBalancers.Subnet):
	case a == s.Pods.Subnet:
		c.errorf(path, "%s is the range of all pods, which have an EPG of their own; want an address of spec.loadBalancers", a)
	case within(s.Pods.Subnet):
		c.warnf(path, "%s is a pod's, which gets another whenever it is made anew; want an address of spec.loadBalancers", a)
	case !s.LoadBalancers.Subnet.IsValid():
		c.errorf(path, "%s is in no range that nodes announce: the plan has no spec.loadBalancers", a)
	default:
		c.errorf(path, "%s is outside spec.loadBalancers %s", a, s.LoadBalancers.Subnet)
	}
}
