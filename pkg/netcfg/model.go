// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// A Model is a network stack in memory, for tests of what stands on this
// package. It behaves as far as a plan relies on a kernel: it hands a bond's MTU
// down, shrinks VLANs, drops VLANs with their parent and routes with their
// address, and refuses what a kernel refuses. Its State prints itself, which is
// what tests compare.
type Model struct {
	State
	Refuse string // the What of a change that fails with EBUSY
	Silent bool   // the leaves do not speak LACP
}

// NewModel returns a host as it comes from its installation: these Ethernet
// links, up, with addresses of RFC 7042's documentation range, and the loopback.
func NewModel(ethernet ...string) *Model {
	m := &Model{State: State{Links: []link{{Name: "lo", MTU: 65536, Up: true, Carrier: true}}}}
	for i, name := range ethernet {
		address := mac{0x00, 0x00, 0x5e, 0x00, 0x53, byte(i + 1)}
		m.Links = append(m.Links, link{Name: name, MAC: address, Permanent: address, MTU: 1500, Up: true, Carrier: true})
	}
	m.sort()
	return m
}

// Observe returns a copy of the state.
func (k *Model) Observe(context.Context) (State, error) { return k.clone(), nil }

// Apply makes one step.
func (k *Model) Apply(_ context.Context, step step) error {
	if what, _, _ := step.change(); k.Refuse != "" && what == k.Refuse {
		return syscall.EBUSY
	}
	err := k.apply(step)
	k.sort()
	return err
}

func (k *Model) sort() {
	slices.SortFunc(k.Links, func(a, b link) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(k.Routes, func(a, b route) int { return a.Metric - b.Metric })
}

func (k *Model) apply(step step) error {
	switch s := step.(type) {
	case createBond:
		return k.create(modelBond(s.Bond))
	case replaceBond:
		k.delete(s.Bond.Name)
		return k.create(modelBond(s.Bond))
	case reviseBond:
		return k.edit(s.Bond.Name, func(l *link) { l.Bond = modelBond(s.Bond).Bond })
	case enslave:
		return k.enslave(s)
	case release:
		return k.edit(s.Leg, func(l *link) { l.Master, l.Up, l.Carrier, l.MAC, l.Port = "", false, false, l.Permanent, port{} })
	case createVLAN:
		return k.createVLAN(s)
	case deleteLink:
		k.delete(s.Link.Name)
		return nil
	case setMTU:
		return k.setMTU(s)
	case setUp:
		return k.edit(s.Link, func(l *link) { l.Up, l.Carrier = true, true })
	default:
		return k.applyAddressing(step)
	}
}

func (k *Model) applyAddressing(step step) error {
	switch s := step.(type) {
	case addAddress:
		return k.edit(s.Link, func(l *link) {
			if !slices.Contains(l.Addresses, s.Address) {
				l.Addresses = append(l.Addresses, s.Address)
			}
		})
	case removeAddress:
		return k.removeAddress(s)
	case addRoute:
		link, ok := k.link(s.Route.Link)
		if !ok || !link.Up || !reaches(link, s.Route.Gateway) {
			return syscall.ENETUNREACH
		}
		k.Routes = append(slices.DeleteFunc(k.Routes, func(r route) bool { return r == s.Route }), s.Route)
		return nil
	case removeRoute:
		k.Routes = slices.DeleteFunc(k.Routes, func(r route) bool { return r == s.Route })
		return nil
	default:
		return fmt.Errorf("no such step: %T", step)
	}
}

func reaches(l link, gateway netip.Addr) bool {
	return slices.ContainsFunc(l.Addresses, func(p netip.Prefix) bool { return p.Contains(gateway) })
}

func (k *Model) create(l link) error {
	if _, ok := k.link(l.Name); ok {
		return syscall.EEXIST
	}
	k.Links = append(k.Links, l)
	return nil
}

func (k *Model) edit(name string, do func(*link)) error {
	i := slices.IndexFunc(k.Links, func(l link) bool { return l.Name == name })
	if i < 0 {
		return syscall.ENODEV
	}
	do(&k.Links[i])
	return nil
}

func (k *Model) delete(name string) {
	for _, v := range k.vlans(name) {
		k.delete(v.Name)
	}
	for _, leg := range k.legs(name) {
		_ = k.apply(release{leg.Name, name})
	}
	k.Links = slices.DeleteFunc(k.Links, func(l link) bool { return l.Name == name })
	k.dropRoutes(name)
}

func (k *Model) dropRoutes(link string) {
	k.Routes = slices.DeleteFunc(k.Routes, func(r route) bool { return r.Link == link })
}

func modelBond(b Bond) link {
	a := b.attributes()
	a.UpDelay = b.UpDelay / b.MIIMon * b.MIIMon // drivers/net/bonding counts checks
	a.DownDelay = b.DownDelay / b.MIIMon * b.MIIMon
	return link{Name: b.Name, Kind: "bond", MAC: b.MAC, Permanent: b.MAC, MTU: b.MTU, Bond: a}
}

func (k *Model) enslave(s enslave) error {
	bond, ok := k.link(s.Bond)
	leg, _ := k.link(s.Leg)
	if !ok || leg.Master != "" {
		return syscall.EBUSY
	}
	return k.edit(s.Leg, func(l *link) {
		l.Master, l.MTU, l.MAC, l.Up, l.Carrier = s.Bond, bond.MTU, bond.MAC, true, true
		l.Port = k.port(bond.Aggregator)
	})
}

// port is how the bonding driver sees a leg once its leaf has answered.
func (k *Model) port(aggregator uint16) port {
	p := port{MII: "up", Aggregator: aggregator, Speed: 10000, Duplex: "full", Actor: carrying | activity}
	if k.Silent {
		p.Actor |= defaulted
		return p
	}
	p.Partner, p.PartnerMAC = carrying|activity, mac{0x00, 0x00, 0x5e, 0x00, 0x53, 0xff}
	return p
}

func (k *Model) createVLAN(s createVLAN) error {
	parent, ok := k.link(s.Parent)
	if !ok {
		return syscall.ENODEV
	}
	for _, v := range k.vlans(s.Parent) {
		if v.VLAN.ID == s.VLAN.ID {
			return syscall.EEXIST
		}
	}
	if s.VLAN.MTU > parent.MTU {
		return syscall.ERANGE
	}
	tag := tag{s.Parent, s.VLAN.ID}
	return k.create(link{Name: s.VLAN.Name, Kind: "vlan", MAC: parent.MAC, Permanent: parent.MAC, MTU: s.VLAN.MTU, VLAN: tag})
}

func (k *Model) setMTU(s setMTU) error {
	if l, _ := k.link(s.Link); l.Kind == "vlan" {
		if parent, _ := k.link(l.VLAN.Parent); s.To > parent.MTU {
			return syscall.ERANGE
		}
	}
	for i := range k.Links {
		switch l := &k.Links[i]; {
		case l.Name == s.Link || l.Master == s.Link:
			l.MTU = s.To
		case l.VLAN.Parent == s.Link:
			l.MTU = min(l.MTU, s.To)
		}
	}
	return nil
}

// removeAddress takes secondaries of the same subnet along, as a kernel does
// without promote_secondaries, and all routes with the last address.
func (k *Model) removeAddress(s removeAddress) error {
	return k.edit(s.Link, func(l *link) {
		at := slices.Index(l.Addresses, s.Address)
		if at < 0 {
			return
		}
		primary := !slices.ContainsFunc(l.Addresses[:at], func(p netip.Prefix) bool { return secondary(p, s.Address) })
		l.Addresses = slices.DeleteFunc(l.Addresses, func(p netip.Prefix) bool {
			return p == s.Address || primary && secondary(p, s.Address)
		})
		if len(l.Addresses) == 0 {
			k.dropRoutes(l.Name)
		}
	})
}
