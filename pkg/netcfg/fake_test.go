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

// fakeKernel behaves as far as Diff relies on a kernel: it hands a bond's MTU
// down, shrinks VLANs, drops VLANs with their parent and routes with their
// address, and refuses what a kernel refuses. Its State prints itself, which is
// what the tests compare.
type fakeKernel struct {
	State
	refuse string // the What of a step that fails
}

func (k *fakeKernel) Observe(context.Context) (State, error) { return k.clone(), nil }

func (k *fakeKernel) Apply(_ context.Context, step Step) error {
	if what, _, _ := step.Change(); k.refuse != "" && what == k.refuse {
		return syscall.EBUSY
	}
	err := k.apply(step)
	slices.SortFunc(k.Links, func(a, b Link) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(k.Routes, func(a, b Route) int { return a.Metric - b.Metric })
	return err
}

func (k *fakeKernel) apply(step Step) error {
	switch s := step.(type) {
	case CreateBond:
		return k.create(fakeBond(s.Bond))
	case ReplaceBond:
		k.delete(s.Bond.Name)
		return k.create(fakeBond(s.Bond))
	case ReviseBond:
		return k.edit(s.Bond.Name, func(l *Link) { l.Bond = fakeBond(s.Bond).Bond })
	case Enslave:
		return k.enslave(s)
	case Release:
		return k.edit(s.Leg, func(l *Link) { l.Master, l.Up, l.Carrier, l.MAC = "", false, false, l.Permanent })
	case CreateVLAN:
		return k.createVLAN(s)
	case DeleteLink:
		k.delete(s.Link.Name)
		return nil
	case SetMTU:
		return k.setMTU(s)
	case SetUp:
		return k.edit(s.Link, func(l *Link) { l.Up, l.Carrier = true, true })
	default:
		return k.applyAddressing(step)
	}
}

func (k *fakeKernel) applyAddressing(step Step) error {
	switch s := step.(type) {
	case AddAddress:
		return k.edit(s.Link, func(l *Link) {
			if !slices.Contains(l.Addresses, s.Address) {
				l.Addresses = append(l.Addresses, s.Address)
			}
		})
	case RemoveAddress:
		return k.removeAddress(s)
	case AddRoute:
		link, ok := k.Link(s.Route.Link)
		if !ok || !link.Up || !reaches(link, s.Route.Gateway) {
			return syscall.ENETUNREACH
		}
		k.Routes = append(slices.DeleteFunc(k.Routes, func(r Route) bool { return r == s.Route }), s.Route)
		return nil
	case RemoveRoute:
		k.Routes = slices.DeleteFunc(k.Routes, func(r Route) bool { return r == s.Route })
		return nil
	default:
		return fmt.Errorf("no such step: %T", step)
	}
}

func reaches(l Link, gateway netip.Addr) bool {
	return slices.ContainsFunc(l.Addresses, func(p netip.Prefix) bool { return p.Contains(gateway) })
}

func (k *fakeKernel) create(l Link) error {
	if _, ok := k.Link(l.Name); ok {
		return syscall.EEXIST
	}
	k.Links = append(k.Links, l)
	return nil
}

func (k *fakeKernel) edit(name string, do func(*Link)) error {
	i := slices.IndexFunc(k.Links, func(l Link) bool { return l.Name == name })
	if i < 0 {
		return syscall.ENODEV
	}
	do(&k.Links[i])
	return nil
}

func (k *fakeKernel) delete(name string) {
	for _, v := range k.VLANs(name) {
		k.delete(v.Name)
	}
	for _, leg := range k.Legs(name) {
		_ = k.apply(Release{leg.Name, name})
	}
	k.Links = slices.DeleteFunc(k.Links, func(l Link) bool { return l.Name == name })
	k.dropRoutes(name)
}

func (k *fakeKernel) dropRoutes(link string) {
	k.Routes = slices.DeleteFunc(k.Routes, func(r Route) bool { return r.Link == link })
}

func fakeBond(b Bond) Link {
	a := b.Attributes()
	a.UpDelay = b.UpDelay / b.MIIMon * b.MIIMon // drivers/net/bonding counts checks
	a.DownDelay = b.DownDelay / b.MIIMon * b.MIIMon
	return Link{Name: b.Name, Kind: "bond", MAC: b.MAC, Permanent: b.MAC, MTU: b.MTU, Bond: a}
}

func (k *fakeKernel) enslave(s Enslave) error {
	bond, ok := k.Link(s.Bond)
	leg, _ := k.Link(s.Leg)
	if !ok || leg.Master != "" {
		return syscall.EBUSY
	}
	return k.edit(s.Leg, func(l *Link) {
		l.Master, l.MTU, l.MAC, l.Up, l.Carrier = s.Bond, bond.MTU, bond.MAC, true, true
	})
}

func (k *fakeKernel) createVLAN(s CreateVLAN) error {
	parent, ok := k.Link(s.Parent)
	if !ok {
		return syscall.ENODEV
	}
	for _, v := range k.VLANs(s.Parent) {
		if v.VLAN.ID == s.VLAN.ID {
			return syscall.EEXIST
		}
	}
	if s.VLAN.MTU > parent.MTU {
		return syscall.ERANGE
	}
	tag := Tag{s.Parent, s.VLAN.ID}
	return k.create(Link{Name: s.VLAN.Name, Kind: "vlan", MAC: parent.MAC, Permanent: parent.MAC, MTU: s.VLAN.MTU, VLAN: tag})
}

func (k *fakeKernel) setMTU(s SetMTU) error {
	if l, _ := k.Link(s.Link); l.Kind == "vlan" {
		if parent, _ := k.Link(l.VLAN.Parent); s.To > parent.MTU {
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
func (k *fakeKernel) removeAddress(s RemoveAddress) error {
	return k.edit(s.Link, func(l *Link) {
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
