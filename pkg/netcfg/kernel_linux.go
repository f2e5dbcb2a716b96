// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// procBonding is where the bonding driver tells what netlink does not: a leg's
// speed and its LACP partner. thread-self, because a network namespace belongs
// to a thread.
const procBonding = "/proc/thread-self/net/bonding"

// NewKernel returns the kernel's network stack in the namespace of the calling
// thread. It opens a socket for each request, so that nothing has to be closed.
func NewKernel() Kernel {
	extendedErrors()
	return linux{&netlink.Handle{}}
}

// extendedErrors makes the library pass on the kernel's own words ("Device
// type not supported") behind the errno.
//
//nolint:gochecknoglobals // the switch is a variable of the library, and kernels are made side by side
var extendedErrors = sync.OnceFunc(func() { nl.EnableErrorMessageReporting = true })

type linux struct{ handle }

// handle is what is asked of [netlink.Handle].
type handle interface {
	LinkList() ([]netlink.Link, error)
	LinkByName(name string) (netlink.Link, error)
	LinkAdd(link netlink.Link) error
	LinkModify(link netlink.Link) error
	LinkDel(link netlink.Link) error
	LinkSetName(link netlink.Link, name string) error
	LinkSetMTU(link netlink.Link, mtu int) error
	LinkSetUp(link netlink.Link) error
	LinkSetDown(link netlink.Link) error
	LinkSetMaster(link, master netlink.Link) error
	LinkSetNoMaster(link netlink.Link) error
	AddrList(link netlink.Link, family int) ([]netlink.Addr, error)
	AddrReplace(link netlink.Link, addr *netlink.Addr) error
	AddrDel(link netlink.Link, addr *netlink.Addr) error
	RouteListFiltered(family int, filter *netlink.Route, mask uint64) ([]netlink.Route, error)
	RouteReplace(route *netlink.Route) error
	RouteDel(route *netlink.Route) error
}

// Observe reads links, addresses and default routes. A dump that others
// changed in the middle is read again, a few times.
func (k linux) Observe(ctx context.Context) (State, error) {
	var s State
	var err error
	for range 5 {
		s, err = k.observe()
		if !errors.Is(err, netlink.ErrDumpInterrupted) || ctx.Err() != nil {
			break
		}
	}
	return s, err
}

func (k linux) observe() (State, error) {
	list, err := k.LinkList()
	if err != nil {
		return State{}, fmt.Errorf("listing links: %w", err)
	}
	names := map[int]string{}
	for _, l := range list {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	addresses, err := k.addresses()
	if err != nil {
		return State{}, fmt.Errorf("listing addresses: %w", err)
	}
	var s State
	for _, l := range list {
		link := fromNetlink(l, names)
		link.Addresses = addresses[l.Attrs().Index]
		s.Links = append(s.Links, link)
	}
	slices.SortFunc(s.Links, func(a, b link) int { return strings.Compare(a.Name, b.Name) })
	if s.Routes, err = k.routes(names); err != nil {
		return State{}, fmt.Errorf("listing default routes: %w", err)
	}
	return s, s.addPorts(procBonding)
}

// addPorts adds the bonding driver's view of every bond and its legs, from its folder.
func (s *State) addPorts(folder string) error {
	for i, bond := range s.Links {
		if bond.Kind != "bond" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, bond.Name))
		if errors.Is(err, os.ErrNotExist) {
			continue // it went between the two reads
		}
		if err != nil {
			return fmt.Errorf("reading the state of %s: %w", bond.Name, err)
		}
		aggregator, ports := parseBonding(string(text))
		s.Links[i].Aggregator = aggregator
		for j, leg := range s.Links {
			if leg.Master == bond.Name {
				s.Links[j].Port = ports[leg.Name]
			}
		}
	}
	return nil
}

func fromNetlink(l netlink.Link, names map[int]string) link {
	a := l.Attrs()
	link := link{
		Name:      a.Name,
		Kind:      l.Type(),
		MAC:       toMAC(a.HardwareAddr),
		Permanent: permanent(a),
		MTU:       a.MTU,
		Up:        a.RawFlags&unix.IFF_UP != 0,
		Carrier:   a.RawFlags&unix.IFF_LOWER_UP != 0,
		Master:    names[a.MasterIndex],
	}
	switch l := l.(type) {
	case *netlink.Device:
		link.Kind = ""
	case *netlink.Bond:
		link.Bond = fromBond(l)
	case *netlink.Vlan:
		link.VLAN = tag{Parent: names[a.ParentIndex], ID: uint16(l.VlanId)}
	}
	return link
}

// permanent returns the address that a link has when nobody has changed it.
// Software links report none (Linux ≥ 5.6 has IFLA_PERM_ADDRESS for hardware);
// the bonding driver remembers what its legs came with.
func permanent(a *netlink.LinkAttrs) mac {
	if m := toMAC(a.PermHWAddr); !m.IsZero() {
		return m
	}
	if leg, ok := a.Slave.(*netlink.BondSlave); ok {
		return toMAC(leg.PermHardwareAddr)
	}
	return toMAC(a.HardwareAddr)
}

func toMAC(a net.HardwareAddr) mac {
	if len(a) != len(mac{}) {
		return mac{}
	}
	return mac(a)
}

func fromBond(b *netlink.Bond) attributes {
	return attributes{
		Mode:       word(modes(), int(b.Mode)),
		MIIMon:     time.Duration(b.Miimon) * time.Millisecond,
		UpDelay:    time.Duration(b.UpDelay) * time.Millisecond,
		DownDelay:  time.Duration(b.DownDelay) * time.Millisecond,
		MinLinks:   b.MinLinks,
		LACPRate:   word(lacpRates(), int(b.LacpRate)),
		HashPolicy: word(hashPolicies(), int(b.XmitHashPolicy)),
	}
}

// word turns the kernel's number into its word, or into the digits of one that
// is newer than this program.
func word[T ~string](words []T, number int) T {
	if number >= 0 && number < len(words) {
		return words[number]
	}
	return T(fmt.Sprint(number))
}

// toBond returns b for one RTM_NEWLINK with all its attributes: a bond made
// first and set up afterwards is balance-rr in between. NewLinkBond sets every
// attribute to -1, "leave it"; the zero value of netlink.Bond would ask for
// balance-rr and no link check.
func toBond(name string, b Bond) *netlink.Bond {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	attrs.MTU = b.MTU
	attrs.HardwareAddr = net.HardwareAddr(b.MAC[:])
	a := b.attributes()
	bond := netlink.NewLinkBond(attrs)
	bond.Mode = netlink.BondMode(slices.Index(modes(), a.Mode))
	setRevisable(bond, a)
	if a.Mode == lacp { // the others refuse it with EACCES
		bond.LacpRate = netlink.BondLacpRate(slices.Index(lacpRates(), a.LACPRate))
	}
	return bond
}

// setRevisable sets what the driver lets change while a bond is in use. Miimon
// is among them even if only a delay differs: the kernel keeps delays as
// multiples of it, and reads it first.
func setRevisable(bond *netlink.Bond, a attributes) {
	bond.Miimon = int(a.MIIMon.Milliseconds())
	bond.UpDelay = int(a.UpDelay.Milliseconds())
	bond.DownDelay = int(a.DownDelay.Milliseconds())
	bond.MinLinks = a.MinLinks
	bond.XmitHashPolicy = netlink.BondXmitHashPolicy(slices.Index(hashPolicies(), a.HashPolicy))
}

// addresses returns the addresses that somebody has given, by link: all of
// IPv4, and of IPv6 those that neither the kernel nor a router made.
func (k linux) addresses() (map[int][]netip.Prefix, error) {
	list, err := k.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, err
	}
	addresses := map[int][]netip.Prefix{}
	for _, a := range list {
		p, ok := toPrefix(a.IPNet)
		if !ok || p.Addr().Is6() && (p.Addr().IsLinkLocalUnicast() || a.Flags&unix.IFA_F_PERMANENT == 0) {
			continue
		}
		addresses[a.LinkIndex] = append(addresses[a.LinkIndex], p)
	}
	return addresses, nil
}

func toPrefix(n *net.IPNet) (netip.Prefix, bool) {
	addr, ok := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(addr.Unmap(), bits), ok
}

func toIPNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// routes returns the default routes but those of BIRD: what the leaves announce
// comes and goes with a session, and on our own link would pass for one that
// somebody has left there.
func (k linux) routes(names map[int]string) ([]route, error) {
	list, err := k.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{}, netlink.RT_FILTER_DST)
	if err != nil {
		return nil, err
	}
	return withoutBIRDs(list, names), nil
}

func withoutBIRDs(list []netlink.Route, names map[int]string) []route {
	routes := make([]route, 0, len(list))
	for _, r := range list {
		if r.Protocol == unix.RTPROT_BIRD {
			continue
		}
		gateway, _ := netip.AddrFromSlice(r.Gw)
		routes = append(routes, route{gateway.Unmap(), names[r.LinkIndex], r.Priority})
	}
	return routes
}

// Apply makes one step.
func (k linux) Apply(ctx context.Context, step step) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch s := step.(type) {
	case createBond:
		return k.LinkAdd(toBond(s.Bond.Name, s.Bond))
	case replaceBond:
		return k.replace(s)
	case reviseBond:
		return k.revise(s.Bond)
	case enslave:
		return k.enslave(s.Leg, s.Bond)
	case release:
		return k.release(s.Leg, s.Bond)
	case createVLAN:
		return k.createVLAN(s)
	case deleteLink:
		return k.on(s.Link.Name, k.LinkDel)
	case setMTU:
		return k.on(s.Link, func(l netlink.Link) error { return k.LinkSetMTU(l, s.To) })
	case setUp:
		return k.on(s.Link, k.LinkSetUp)
	default:
		return k.applyAddressing(step)
	}
}

func (k linux) applyAddressing(step step) error {
	switch s := step.(type) {
	case addAddress:
		return k.on(s.Link, func(l netlink.Link) error {
			return k.AddrReplace(l, &netlink.Addr{IPNet: toIPNet(s.Address)})
		})
	case removeAddress:
		return k.on(s.Link, func(l netlink.Link) error {
			err := k.AddrDel(l, &netlink.Addr{IPNet: toIPNet(s.Address)})
			return ignore(err, syscall.EADDRNOTAVAIL) // it went with the one before
		})
	case addRoute:
		return k.withRoute(s.Route, k.RouteReplace)
	case removeRoute:
		return k.withRoute(s.Route, func(r *netlink.Route) error {
			return ignore(k.RouteDel(r), syscall.ESRCH) // it went with its address
		})
	default:
		return fmt.Errorf("no such step: %T", step)
	}
}

func ignore(err error, errno syscall.Errno) error {
	if errors.Is(err, errno) {
		return nil
	}
	return err
}

// on calls do with the link called name. Links are looked up for every step:
// an index from the observation may be another link by now.
func (k linux) on(name string, do func(netlink.Link) error) error {
	link, err := k.LinkByName(name)
	if err != nil {
		return fmt.Errorf("looking up %s: %w", name, err)
	}
	return do(link)
}

func (k linux) withRoute(r route, do func(*netlink.Route) error) error {
	return k.on(r.Link, func(l netlink.Link) error {
		return do(&netlink.Route{
			LinkIndex: l.Attrs().Index,
			Gw:        r.Gateway.AsSlice(),
			Priority:  r.Metric,
			Protocol:  unix.RTPROT_STATIC,
		})
	})
}

func (k linux) createVLAN(s createVLAN) error {
	return k.on(s.Parent, func(parent netlink.Link) error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = s.VLAN.Name
		attrs.MTU = s.VLAN.MTU
		attrs.ParentIndex = parent.Attrs().Index
		return k.LinkAdd(&netlink.Vlan{
			LinkAttrs:    attrs,
			VlanId:       int(s.VLAN.ID),
			VlanProtocol: netlink.VLAN_PROTOCOL_8021Q,
		})
	})
}

// revise sends the revisable attributes in one request. The mode is left out:
// the driver refuses to set it on a bond with legs, even to what it is. So is
// the index: together with a name it is a request to rename, which Linux 6.1
// refuses while the link is up, even to the name that it has.
func (k linux) revise(b Bond) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = b.Name
	bond := netlink.NewLinkBond(attrs)
	setRevisable(bond, b.attributes())
	return k.LinkModify(bond)
}

// enslave sets the leg down first: before Linux 6.x the driver refuses one
// that is up. It comes up with the bond's MTU, which bond_enslave gives it.
func (k linux) enslave(leg, bond string) error {
	return k.on(leg, func(l netlink.Link) error {
		if err := k.LinkSetDown(l); err != nil {
			return fmt.Errorf("setting %s down: %w", leg, err)
		}
		err := k.on(bond, func(b netlink.Link) error { return k.LinkSetMaster(l, b) })
		if err == nil {
			return nil
		}
		err = fmt.Errorf("enslaving %s to %s: %w", leg, bond, err)
		if l.Attrs().RawFlags&unix.IFF_UP == 0 {
			return err
		}
		return errors.Join(err, about("leaving "+leg+" down", k.LinkSetUp(l)))
	})
}

// release sets the leg down before it takes it out. A leg that is up would
// tell the switch goodbye with an LACPDU that has the aggregation bit clear,
// and a Cisco port then stays suspended (machine-config-operator#5229).
func (k linux) release(leg, bond string) error {
	return k.on(leg, func(l netlink.Link) error {
		if err := k.LinkSetDown(l); err != nil {
			return fmt.Errorf("setting %s down: %w", leg, err)
		}
		err := k.LinkSetNoMaster(l)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("releasing %s from %s: %w", leg, bond, err)
		return errors.Join(err, about("leaving "+leg+" down", k.LinkSetUp(l)))
	})
}

func about(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// replace makes the successor under a spare name first. What the kernel will
// not create, it says before the old bond is touched.
func (k linux) replace(s replaceBond) error {
	if err := k.LinkAdd(toBond(spare, s.Bond)); err != nil {
		return fmt.Errorf("creating the successor of %s, which is as it was: %w", s.Bond.Name, err)
	}
	if err := k.dismantle(s); err != nil {
		return errors.Join(err, about("leaving "+spare, k.on(spare, k.LinkDel)))
	}
	err := k.on(spare, func(l netlink.Link) error { return k.LinkSetName(l, s.Bond.Name) })
	if err != nil {
		return fmt.Errorf("renaming %s; the old %s is gone, its legs %s are free and down: %w",
			spare, s.Bond.Name, orNone(s.Legs), err)
	}
	return nil
}

// dismantle removes the old bond, or puts its legs back.
func (k linux) dismantle(s replaceBond) error {
	name := s.Bond.Name
	for i, leg := range s.Legs {
		if err := k.release(leg, name); err != nil {
			return errors.Join(err, k.putBack(s.Legs[:i], name))
		}
	}
	if err := k.on(name, k.LinkDel); err != nil {
		err = fmt.Errorf("deleting the old %s: %w", name, err)
		return errors.Join(err, k.putBack(s.Legs, name))
	}
	return nil
}

func (k linux) putBack(legs []string, bond string) error {
	var errs []error
	for _, leg := range legs {
		errs = append(errs, about("leaving "+leg+" outside of "+bond, k.enslave(leg, bond)))
	}
	return errors.Join(errs...)
}
