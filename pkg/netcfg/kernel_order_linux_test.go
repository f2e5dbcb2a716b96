// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// requests is a netlink that writes down what is asked of it, by the names of
// links. What a real kernel makes of it is tested in lab/kerneltest.
type requests struct {
	down      map[string]bool    // links that are not up; all others are
	fail      map[string][]error // what a request gets, the first time and the next
	links     []netlink.Link     // that there are
	addresses []netlink.Addr
	routes    []netlink.Route
	asked     []string
	added     netlink.Link
}

func (r *requests) ask(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	r.asked = append(r.asked, line)
	errs := r.fail[line]
	if len(errs) == 0 {
		return nil
	}
	r.fail[line] = errs[1:]
	return errs[0]
}

func called(l netlink.Link) string { return l.Attrs().Name }

func (r *requests) LinkByName(name string) (netlink.Link, error) {
	if err := r.fail["find "+name]; len(err) > 0 {
		return nil, err[0]
	}
	attrs := netlink.LinkAttrs{Name: name, Index: len(name), RawFlags: unix.IFF_UP}
	if r.down[name] {
		attrs.RawFlags = 0
	}
	return &netlink.Device{LinkAttrs: attrs}, nil
}

func (r *requests) LinkList() ([]netlink.Link, error) { return r.links, r.ask("links") }

func (r *requests) LinkAdd(l netlink.Link) error {
	r.added = l
	return r.ask("add %s %s", l.Type(), called(l))
}

func (r *requests) LinkModify(l netlink.Link) error {
	r.added = l
	return r.ask("modify %s", called(l))
}
func (r *requests) LinkDel(l netlink.Link) error     { return r.ask("delete %s", called(l)) }
func (r *requests) LinkSetUp(l netlink.Link) error   { return r.ask("up %s", called(l)) }
func (r *requests) LinkSetDown(l netlink.Link) error { return r.ask("down %s", called(l)) }

func (r *requests) LinkSetName(l netlink.Link, name string) error {
	return r.ask("rename %s %s", called(l), name)
}

func (r *requests) LinkSetMTU(l netlink.Link, mtu int) error {
	return r.ask("mtu %s %d", called(l), mtu)
}

func (r *requests) LinkSetMaster(l, master netlink.Link) error {
	return r.ask("master %s %s", called(l), called(master))
}

func (r *requests) LinkSetNoMaster(l netlink.Link) error { return r.ask("free %s", called(l)) }

func (r *requests) AddrList(netlink.Link, int) ([]netlink.Addr, error) {
	return r.addresses, r.ask("addresses")
}

func (r *requests) AddrReplace(l netlink.Link, a *netlink.Addr) error {
	return r.ask("address %s %s", called(l), a.IPNet)
}

func (r *requests) AddrDel(l netlink.Link, a *netlink.Addr) error {
	return r.ask("no address %s %s", called(l), a.IPNet)
}

func (r *requests) RouteListFiltered(family int, filter *netlink.Route, mask uint64) ([]netlink.Route, error) {
	return r.routes, r.ask("routes %d %v %d", family, filter.Dst, mask)
}

func (r *requests) RouteReplace(n *netlink.Route) error { return r.ask("route %s", inWords(n)) }
func (r *requests) RouteDel(n *netlink.Route) error     { return r.ask("no route %s", inWords(n)) }

func inWords(r *netlink.Route) string {
	return fmt.Sprintf("%v via %s dev %d metric %d proto %d", r.Dst, r.Gw, r.LinkIndex, r.Priority, r.Protocol)
}

var errRefused = errors.New("refused")

// What is asked of the kernel, in its order. A leg is set down before it is taken
// or let go, and a new bond stands before the old one is touched; what was begun
// and is refused is put back.
func TestRequests(t *testing.T) {
	once := []error{errRefused}
	bond := reference().Bond
	replacing := replaceBond{Bond: bond, Legs: []string{"eno1", "eno2"}}
	address := netip.MustParsePrefix("192.168.9.193/28")
	gateway := via("192.168.9.206", "bond0.1500", 50)
	const made, release1, release2 = "add bond nodeprep-new", "down eno1, free eno1", "down eno2, free eno2"
	const take1, take2 = "down eno1, master eno1 bond0", "down eno2, master eno2 bond0"
	for _, tc := range []struct {
		name string
		step step
		fail map[string][]error
		down string
		want string
		err  string // "" for none
	}{
		{"a bond", createBond{bond}, nil, "", "add bond bond0", ""},
		{"other settings", reviseBond{Bond: bond}, nil, "", "modify bond0", ""},
		{"a VLAN", createVLAN{reference().VLAN, "bond0"}, nil, "", "add vlan bond0.1500", ""},
		{"a link goes", deleteLink{link{Name: "bond0.7"}}, nil, "", "delete bond0.7", ""},
		{"an MTU", setMTU{"eno1", 1500, 9000}, nil, "", "mtu eno1 9000", ""},
		{"up", setUp{"eno1"}, nil, "", "up eno1", ""},
		{"no such link", setUp{"eno1"}, map[string][]error{"find eno1": once}, "", "", "looking up eno1: refused"},

		{"a leg", enslave{"eno1", "bond0"}, nil, "", take1, ""},
		{"a leg that stays up", enslave{"eno1", "bond0"}, map[string][]error{"down eno1": once}, "", "down eno1", "setting eno1 down: refused"},
		{"a leg that is refused", enslave{"eno1", "bond0"}, map[string][]error{"master eno1 bond0": once}, "", take1 + ", up eno1", "enslaving eno1 to bond0: refused"},
		{"a leg that was down and is refused", enslave{"eno1", "bond0"}, map[string][]error{"master eno1 bond0": once}, "eno1", take1, "enslaving eno1 to bond0: refused"},
		{"a leg that is lost", enslave{"eno1", "bond0"}, map[string][]error{"master eno1 bond0": once, "up eno1": once}, "", take1 + ", up eno1", "enslaving eno1 to bond0: refused\nleaving eno1 down: refused"},
		{"a leg goes", release{"eno1", "bond0"}, nil, "", release1, ""},
		{"a leg that goes not down", release{"eno1", "bond0"}, map[string][]error{"down eno1": once}, "", "down eno1", "setting eno1 down: refused"},
		{"a leg that is kept", release{"eno1", "bond0"}, map[string][]error{"free eno1": once}, "", release1 + ", up eno1", "releasing eno1 from bond0: refused"},

		{"another bond", replacing, nil, "", made + ", " + release1 + ", " + release2 + ", delete bond0, rename nodeprep-new bond0", ""},
		{"another bond that cannot be", replacing, map[string][]error{made: once}, "", made, "creating the successor of bond0, which is as it was: refused"},
		{
			"another bond, and a leg that is kept", replacing,
			map[string][]error{"free eno2": once},
			"",
			made + ", " + release1 + ", " + release2 + ", up eno2, " + take1 + ", delete nodeprep-new", "releasing eno2 from bond0: refused",
		},
		{
			"another bond, and an old one that stays", replacing,
			map[string][]error{"delete bond0": once},
			"",
			made + ", " + release1 + ", " + release2 + ", delete bond0, " + take1 + ", " + take2 + ", delete nodeprep-new", "deleting the old bond0: refused",
		},
		{
			"another bond, and nothing goes back", replacing,
			map[string][]error{"delete bond0": once, "master eno2 bond0": once, "delete nodeprep-new": once},
			"",
			made + ", " + release1 + ", " + release2 + ", delete bond0, " + take1 + ", " + take2 + ", up eno2, delete nodeprep-new",
			"deleting the old bond0: refused\nleaving eno2 outside of bond0: enslaving eno2 to bond0: refused\nleaving nodeprep-new: refused",
		},
		{
			"another bond that gets no name", replacing,
			map[string][]error{"rename nodeprep-new bond0": once},
			"",
			made + ", " + release1 + ", " + release2 + ", delete bond0, rename nodeprep-new bond0",
			"renaming nodeprep-new; the old bond0 is gone, its legs eno1, eno2 are free and down: refused",
		},

		{"an address", addAddress{"bond0", address}, nil, "", "address bond0 192.168.9.193/28", ""},
		{"an address goes", removeAddress{"bond0", address}, nil, "", "no address bond0 192.168.9.193/28", ""},
		{"an address that went before", removeAddress{"bond0", address}, map[string][]error{"no address bond0 192.168.9.193/28": {syscall.EADDRNOTAVAIL}}, "", "no address bond0 192.168.9.193/28", ""},
		{"an address that stays", removeAddress{"bond0", address}, map[string][]error{"no address bond0 192.168.9.193/28": {syscall.EPERM}}, "", "no address bond0 192.168.9.193/28", "operation not permitted"},
		{"a route", addRoute{gateway}, nil, "", "route <nil> via 192.168.9.206 dev 10 metric 50 proto 4", ""},
		{"a route goes", removeRoute{gateway}, nil, "", "no route <nil> via 192.168.9.206 dev 10 metric 50 proto 4", ""},
		{"a route that went before", removeRoute{gateway}, map[string][]error{"no route <nil> via 192.168.9.206 dev 10 metric 50 proto 4": {syscall.ESRCH}}, "", "no route <nil> via 192.168.9.206 dev 10 metric 50 proto 4", ""},
		{"nothing known", nil, nil, "", "", "no such step: <nil>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &requests{fail: tc.fail, down: map[string]bool{tc.down: true}}
			err := linux{r}.Apply(t.Context(), tc.step)
			if got := strings.Join(r.asked, ", "); got != tc.want {
				t.Errorf("asked: %s\nwant:  %s", got, tc.want)
			}
			if got := fmt.Sprint(err); got != tc.err && (err != nil || tc.err != "") {
				t.Errorf("error %q, want %q", got, tc.err)
			}
		})
	}
}

// What the kernel refuses is the step's error.
func TestRefusedRequests(t *testing.T) {
	gateway := via("192.168.9.206", "bond0.1500", 50)
	for _, step := range []step{
		createBond{reference().Bond},
		reviseBond{Bond: reference().Bond},
		createVLAN{reference().VLAN, "bond0"},
		deleteLink{link{Name: "bond0.7"}},
		setMTU{"eno1", 1500, 9000},
		setUp{"eno1"},
		addAddress{"bond0", netip.MustParsePrefix("192.168.9.193/28")},
		addRoute{gateway},
		removeRoute{gateway},
		enslave{"eno1", "bond0"},
		release{"eno1", "bond0"},
	} {
		taken := &requests{}
		if err := (linux{taken}).Apply(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		refused := &requests{fail: map[string][]error{taken.asked[len(taken.asked)-1]: {errRefused}}}
		if err := (linux{refused}).Apply(t.Context(), step); !errors.Is(err, errRefused) {
			t.Errorf("%T: %v", step, err)
		}
	}
}

// Each bond's legs have the ports of its own file. A bond that is gone by the time
// that its file is read has none, and one that cannot be read is no such bond.
func TestPortsOfBonds(t *testing.T) {
	s := State{Links: []link{
		{Name: "one-dead", Kind: "bond"},
		{Name: "gone", Kind: "bond"},
		{Name: "up"},
		{Name: "eno1", Master: "one-dead"},
		{Name: "eno2", Master: "one-dead"},
		{Name: "eno3", Master: "gone"},
		{Name: "eno4", Port: port{MII: "up"}},
	}}
	if err := s.addPorts(filepath.Join("testdata", "bonding")); err != nil {
		t.Fatal(err)
	}
	if s.Links[0].Aggregator != 1 || s.Links[2].Aggregator != 0 {
		t.Errorf("aggregators: %+v", s.Links)
	}
	for i, mii := range []string{"", "", "", "up", "down", "", "up"} {
		if got := s.Links[i].Port.MII; got != mii {
			t.Errorf("%s: %q, want %q", s.Links[i].Name, got, mii)
		}
	}
	s = State{Links: []link{{Name: "bonding", Kind: "bond"}}} // a folder
	if err := s.addPorts("testdata"); err == nil || !strings.HasPrefix(err.Error(), "reading the state of bonding: ") {
		t.Errorf("error is %v", err)
	}
}

// An interrupted run asks nothing more.
func TestNoRequestAfterTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &requests{}
	if err := (linux{r}).Apply(ctx, setUp{"eno1"}); !errors.Is(err, context.Canceled) || len(r.asked) > 0 {
		t.Errorf("asked %q, %v", r.asked, err)
	}
}

// A VLAN comes with all that it is: the kernel takes the MTU of the bond where
// none is said. Another setting of a bond says nothing of its mode and number.
func TestWhatIsAskedFor(t *testing.T) {
	r := &requests{}
	want := reference()
	want.VLAN.MTU = 1500
	if err := (linux{r}).Apply(t.Context(), createVLAN{want.VLAN, "bond0"}); err != nil {
		t.Fatal(err)
	}
	if v, ok := r.added.(*netlink.Vlan); !ok || v.MTU != 1500 || v.VlanId != 1500 || v.ParentIndex != len("bond0") || v.VlanProtocol != netlink.VLAN_PROTOCOL_8021Q {
		t.Errorf("the VLAN is %+v", r.added)
	}
	if err := (linux{r}).Apply(t.Context(), reviseBond{Bond: want.Bond}); err != nil {
		t.Fatal(err)
	}
	if b, ok := r.added.(*netlink.Bond); !ok || b.Mode >= 0 && b.Mode != netlink.BOND_MODE_UNKNOWN || b.Index != 0 || b.LacpRate != -1 || b.Miimon != 1000 || b.UpDelay != 2000 || b.DownDelay != 0 || b.MinLinks != 1 {
		t.Errorf("the bond is revised to %+v", r.added)
	}
}

// What is told of links, addresses and routes that a host has.
func TestObserved(t *testing.T) {
	hardware := func(last byte) net.HardwareAddr { return net.HardwareAddr{0x00, 0x00, 0x5e, 0x00, 0x53, last} }
	bond := netlink.NewLinkBond(netlink.LinkAttrs{Name: "test-bond", Index: 7, MTU: 9000, HardwareAddr: hardware(1), RawFlags: unix.IFF_UP})
	bond.Mode, bond.Miimon, bond.UpDelay, bond.DownDelay, bond.MinLinks, bond.LacpRate, bond.XmitHashPolicy = 4, 1000, 2000, 3000, 2, 1, 1
	r := &requests{
		links: []netlink.Link{
			&netlink.Vlan{LinkAttrs: netlink.LinkAttrs{Name: "test-bond.5", Index: 8, ParentIndex: 7, MTU: 1500, HardwareAddr: hardware(1), RawFlags: unix.IFF_UP | unix.IFF_LOWER_UP}, VlanId: 5},
			bond,
			&netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: "leg1", Index: 3, MasterIndex: 7, MTU: 9000, HardwareAddr: hardware(1), PermHWAddr: hardware(3)}},
			&netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: "leg2", Index: 4, MasterIndex: 7, MTU: 9000, HardwareAddr: hardware(1), Slave: &netlink.BondSlave{PermHardwareAddr: hardware(4)}}},
			&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "cali1", Index: 9, MTU: 1500, HardwareAddr: hardware(9)}},
			&netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: "ib0", Index: 10, HardwareAddr: make(net.HardwareAddr, 20)}},
		},
		routes: []netlink.Route{{LinkIndex: 8, Gw: net.IPv4(192, 168, 9, 206), Priority: 50}},
	}
	for _, a := range []struct {
		text  string
		flags int
	}{{"192.168.9.193/28", 0}, {"2001:db8::1/64", unix.IFA_F_PERMANENT}, {"2001:db8::2/64", 0}, {"fe80::1/64", unix.IFA_F_PERMANENT}} {
		r.addresses = append(r.addresses, netlink.Addr{IPNet: toIPNet(netip.MustParsePrefix(a.text)), LinkIndex: 8, Flags: a.flags})
	}
	got, err := linux{r}.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := State{
		Links: []link{
			{Name: "cali1", Kind: "veth", MAC: addressOf(9), Permanent: addressOf(9), MTU: 1500},
			{Name: "ib0"},
			{Name: "leg1", MAC: addressOf(1), Permanent: addressOf(3), MTU: 9000, Master: "test-bond"},
			{Name: "leg2", MAC: addressOf(1), Permanent: addressOf(4), MTU: 9000, Master: "test-bond"},
			{Name: "test-bond", Kind: "bond", MAC: addressOf(1), Permanent: addressOf(1), MTU: 9000, Up: true, Bond: attributes{
				Mode: lacp, MIIMon: time.Second, UpDelay: 2 * time.Second, DownDelay: 3 * time.Second, MinLinks: 2, LACPRate: "fast", HashPolicy: "layer3+4",
			}},
			{
				Name: "test-bond.5", Kind: "vlan", MAC: addressOf(1), Permanent: addressOf(1), MTU: 1500, Up: true, Carrier: true,
				Addresses: prefixes("192.168.9.193/28", "2001:db8::1/64"), VLAN: tag{"test-bond", 5},
			},
		},
		Routes: []route{via("192.168.9.206", "test-bond.5", 50)},
	}
	same := cmp.Options{cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := []string{"links", "addresses", fmt.Sprintf("routes %d <nil> %d", netlink.FAMILY_V4, netlink.RT_FILTER_DST)}; !cmp.Equal(want, r.asked) {
		t.Errorf("asked %q, want %q", r.asked, want)
	}
}

// A dump that others change in the middle is read again, five times in all; any
// other trouble is told at once, with what was read.
func TestInterruptedDumps(t *testing.T) {
	dumps := func(n int) []error {
		errs := make([]error, n)
		for i := range errs {
			errs[i] = netlink.ErrDumpInterrupted
		}
		return errs
	}
	for _, tc := range []struct {
		request string
		errs    []error
		times   int
		want    string
	}{
		{"links", dumps(4), 5, ""},
		{"links", dumps(5), 5, "listing links: "},
		{"links", []error{errRefused}, 1, "listing links: refused"},
		{"addresses", []error{errRefused}, 1, "listing addresses: refused"},
		{fmt.Sprintf("routes %d <nil> %d", netlink.FAMILY_V4, netlink.RT_FILTER_DST), []error{errRefused}, 1, "listing default routes: refused"},
	} {
		r := &requests{fail: map[string][]error{tc.request: tc.errs}}
		_, err := linux{r}.Observe(t.Context())
		times := strings.Count(strings.Join(r.asked, "\n"), "links")
		if times != tc.times || tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)) {
			t.Errorf("%s: asked %d times, want %d: %v", tc.request, times, tc.times, err)
		}
	}
}
