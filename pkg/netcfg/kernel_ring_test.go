// SPDX-License-Identifier: Apache-2.0

//go:build kernel

// These tests need a kernel with bonding, 8021q and veth, and root in it. They
// run inside a virtual machine: see lab/kerneltest.

package netcfg

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// rack is a host with two legs, in the namespace of the test's thread, and the
// leaves at their other ends, in a namespace of their own.
type rack struct {
	t      *testing.T
	kernel Kernel // the host's
	leaf   Kernel // for use within at
	host   netns.NsHandle
	leaves netns.NsHandle
}

// newRack connects eno1 and eno2 to leaf1 and leaf2. The thread is never
// unlocked, so it ends with the test and takes the namespaces with it.
func newRack(t *testing.T) *rack {
	t.Helper()
	t.Parallel()
	runtime.LockOSThread()
	r := &rack{t: t, kernel: NewKernel(), leaf: NewKernel()}
	r.leaves = r.namespace()
	r.host = r.namespace()
	for i, leg := range []string{"eno1", "eno2"} {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = leg
		attrs.HardwareAddr = net.HardwareAddr{0, 0, 0x5e, 0, 0x53, byte(i + 1)}
		r.must(netlink.LinkAdd(&netlink.Veth{
			LinkAttrs: attrs, PeerName: leafEnd(leg), PeerNamespace: netlink.NsFd(r.leaves),
		}))
	}
	return r
}

func leafEnd(leg string) string { return strings.Replace(leg, "eno", "leaf", 1) }

func (r *rack) namespace() netns.NsHandle {
	r.t.Helper()
	ns, err := netns.New()
	r.must(err)
	r.t.Cleanup(func() { _ = ns.Close() })
	lo, err := netlink.LinkByName("lo")
	r.must(err)
	r.must(netlink.LinkSetUp(lo))
	return ns
}

func (r *rack) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// atLeaves runs do in the leaves' namespace.
func (r *rack) atLeaves(do func()) {
	r.t.Helper()
	r.must(netns.Set(r.leaves))
	defer func() { r.must(netns.Set(r.host)) }()
	do()
}

// oneSwitch joins both leaf ends as one LACP system, with VLAN 1500 and the
// gateway's address, with nothing but the package under test.
func (r *rack) oneSwitch() {
	r.t.Helper()
	c := quick()
	c.Bond.Name, c.Bond.Legs, c.Bond.MAC = "po1", []string{"leaf1", "leaf2"}, addressOf(0xf0)
	c.VLAN.Name, c.VLAN.Address, c.VLAN.Gateway = "po1.1500", netip.MustParsePrefix("192.168.9.206/28"), netip.Addr{}
	r.atLeaves(func() { converge(r.t, r.leaf, c) })
}

// quick is the reference plan with a link check that lets a test end soon.
func quick() Config {
	c := reference()
	c.Bond.MIIMon, c.Bond.UpDelay = 100*time.Millisecond, 250*time.Millisecond
	return c
}

func (r *rack) verify(bond Bond) (Report, error) {
	r.t.Helper()
	return Verify(r.t.Context(), r.kernel, bond, WaitFor(bond))
}

// expect verifies the bond and compares the report, up to four times: a leg that has just come back may take longer
// than Verify waits for a second one where the processor is emulated and busy.
func (r *rack) expect(bond Bond, want string) {
	r.t.Helper()
	report, err := r.verify(bond)
	for range 3 {
		if report.String() == want {
			break
		}
		report, err = r.verify(bond)
	}
	if err != nil {
		r.t.Error(err)
	}
	if diff := cmp.Diff(want, report.String()); diff != "" {
		r.t.Errorf("report (-want +got):\n%s", diff)
		r.evidence(bond.Name)
	}
}

func (r *rack) evidence(bond string) {
	r.t.Helper()
	text, err := os.ReadFile(procBonding + "/" + bond)
	r.t.Logf("%s (%v)", text, err)
}

func (r *rack) observe() State {
	r.t.Helper()
	s, err := r.kernel.Observe(r.t.Context())
	r.must(err)
	return s
}

// index is what a link keeps for as long as it lives.
func (r *rack) index(name string) int {
	r.t.Helper()
	l, err := netlink.LinkByName(name)
	r.must(err)
	return l.Attrs().Index
}

const bothUp = "bond0 is up: eno1: up, 10000 Mb/s, LACP partner 00:00:5e:00:53:f0; eno2: up, 10000 Mb/s, LACP partner 00:00:5e:00:53:f0"

// TestKernelReferencePlan takes a bare host to the reference plan, sees LACP up
// on both legs, and a full-size packet cross to the gateway.
func TestKernelReferencePlan(t *testing.T) {
	r := newRack(t)
	r.oneSwitch()
	got := converge(t, r.kernel, reference())
	want := `bond0: - -> 802.3ad miimon 1s updelay 2s downdelay 0s min_links 1 xmit_hash_policy layer2+3 lacp_rate slow mtu 9000 mac 00:00:5e:00:53:01
eno1.master: - -> bond0
eno2.master: - -> bond0
bond0: down -> up
bond0.1500: - -> vlan 1500 on bond0 mtu 9000
bond0.1500: down -> up
bond0.1500.address: - -> 192.168.9.193/28
route: - -> default via 192.168.9.206 dev bond0.1500 metric 50
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	r.expect(reference().Bond, bothUp)
	wantState := `bond0 bond 802.3ad miimon 1s updelay 2s downdelay 0s min_links 1 xmit_hash_policy layer2+3 lacp_rate slow mtu 9000 mac 00:00:5e:00:53:01 up
bond0.1500 vlan 1500 on bond0 mtu 9000 mac 00:00:5e:00:53:01 up
  192.168.9.193/28
eno1 veth master bond0 mtu 9000 mac 00:00:5e:00:53:01 up
eno2 veth master bond0 mtu 9000 mac 00:00:5e:00:53:01 up
lo mtu 65536 mac 00:00:00:00:00:00 up
  127.0.0.1/8
  ::1/128
default via 192.168.9.206 dev bond0.1500 metric 50
`
	if diff := cmp.Diff(wantState, r.observe().String()); diff != "" {
		t.Errorf("the host then (-want +got):\n%s", diff)
	}
	r.crosses(8972)
	r.evidence("bond0")
}

// crosses sends one UDP packet with size bytes behind the IP and UDP headers'
// 28 to the gateway. Fragments would not do: the packet says so.
func (r *rack) crosses(size int) {
	r.t.Helper()
	var gateway net.PacketConn
	var err error
	r.atLeaves(func() { gateway, err = net.ListenPacket("udp4", "192.168.9.206:9") })
	r.must(err)
	defer gateway.Close()
	host, err := net.Dial("udp4", "192.168.9.206:9")
	r.must(err)
	defer host.Close()
	raw, err := host.(*net.UDPConn).SyscallConn()
	r.must(err)
	r.must(raw.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, syscall.IP_PMTUDISC_DO)
	}))
	r.must(err)
	_, err = host.Write(make([]byte, size))
	r.must(err)
	r.must(gateway.SetReadDeadline(time.Now().Add(10 * time.Second)))
	n, _, err := gateway.ReadFrom(make([]byte, 10000))
	if n != size || err != nil {
		r.t.Errorf("%d of %d bytes crossed: %v", n, size, err)
	}
}

// TestKernelAdopts finds a bond that somebody else has made and that is right
// as far as it goes, and keeps it.
func TestKernelAdopts(t *testing.T) {
	r := newRack(t)
	r.oneSwitch()
	c := quick().Resolve(r.observe())
	bond := toBond("bond0", c.Bond)
	r.must(netlink.LinkAdd(bond))
	r.must(r.kernel.Apply(t.Context(), enslave{"eno1", "bond0"}))
	before := r.index("bond0")
	got := converge(t, r.kernel, c)
	if !strings.HasPrefix(got, "eno2.master: - -> bond0\nbond0: down -> up\nbond0.1500: - -> vlan 1500") {
		t.Errorf("changes:\n%s", got)
	}
	if after := r.index("bond0"); after != before {
		t.Errorf("bond0 is another link now: index %d, was %d", after, before)
	}
	r.expect(c.Bond, bothUp)
}

// TestKernelReplaces finds balance-rr, with legs and an address of its own.
func TestKernelReplaces(t *testing.T) {
	r := newRack(t)
	r.oneSwitch()
	wrong := quick()
	wrong.Bond.Mode, wrong.Bond.MTU, wrong.VLAN.MTU = balanceRR, 1500, 1500
	converge(t, r.kernel, wrong)
	before := r.index("bond0")
	r.must(r.kernel.Apply(t.Context(), addAddress{"bond0", netip.MustParsePrefix("10.1.1.1/24")}))
	got := converge(t, r.kernel, quick())
	if !strings.HasPrefix(got, "bond0: balance-rr ") || !strings.Contains(got, " legs eno1, eno2 -> 802.3ad ") {
		t.Errorf("changes:\n%s", got)
	}
	if after := r.index("bond0"); after == before {
		t.Error("bond0 is the same link as before")
	}
	r.expect(quick().Bond, bothUp)
	r.crosses(8972)
}

// TestKernelRevises changes what may change on a bond that is in use, which
// keeps its index, its address and its route meanwhile.
func TestKernelRevises(t *testing.T) {
	r := newRack(t)
	r.oneSwitch()
	old := quick()
	old.Bond.MIIMon, old.Bond.UpDelay, old.Bond.HashPolicy, old.Bond.MinLinks = 50*time.Millisecond, 0, layer34, 2
	old.Bond.MTU, old.VLAN.MTU = 4000, 1500
	converge(t, r.kernel, old)
	r.expect(old.Bond, bothUp)
	before := r.index("bond0")
	got := converge(t, r.kernel, quick())
	want := `bond0: miimon 50ms updelay 0s min_links 2 xmit_hash_policy layer3+4 -> miimon 100ms updelay 200ms min_links 1 xmit_hash_policy layer2+3
bond0.mtu: 4000 -> 9000
bond0.1500.mtu: 1500 -> 9000
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if after := r.index("bond0"); after != before {
		t.Errorf("bond0 is another link now: index %d, was %d", after, before)
	}
	r.expect(quick().Bond, bothUp)
	r.crosses(8972)
	converge(t, r.kernel, old) // and back, where the VLAN shrinks with its parent
}

// TestKernelDrift breaks a prepared host in small ways.
func TestKernelDrift(t *testing.T) {
	ours := netip.MustParsePrefix("192.168.9.193/28")
	usual := route{netip.MustParseAddr("192.168.9.206"), "bond0.1500", defaultMetric}
	foreign := netip.MustParsePrefix("192.168.9.199/28")
	for _, test := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"leg out", []step{release{"eno2", "bond0"}}, "eno2.master: - -> bond0\n"},
		{"leg's MTU", []step{setMTU{"eno1", 9000, 1500}}, "eno1.mtu: 1500 -> 9000\n"},
		{"leg's address", []step{addAddress{"eno1", foreign}}, "eno1.address: 192.168.9.199/28 -> -\n"},
		{
			"second address",
			[]step{addAddress{"bond0.1500", foreign}},
			"bond0.1500.address: 192.168.9.199/28 -> -\nbond0.1500.address: - -> 192.168.9.193/28\nroute: - -> default via 192.168.9.206 dev bond0.1500 metric 50\n",
		},
		{
			"ours is the second",
			[]step{removeAddress{"bond0.1500", ours}, addAddress{"bond0.1500", foreign}, addAddress{"bond0.1500", ours}, addRoute{usual}},
			"bond0.1500.address: 192.168.9.199/28 -> -\nbond0.1500.address: - -> 192.168.9.193/28\nroute: - -> default via 192.168.9.206 dev bond0.1500 metric 50\n",
		},
		{"route", []step{removeRoute{usual}}, "route: - -> default via 192.168.9.206 dev bond0.1500 metric 50\n"},
		{
			"gateway",
			[]step{removeRoute{usual}, addRoute{route{netip.MustParseAddr("192.168.9.205"), "bond0.1500", defaultMetric}}},
			"route: default via 192.168.9.205 dev bond0.1500 metric 50 -> -\nroute: - -> default via 192.168.9.206 dev bond0.1500 metric 50\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRack(t)
			converge(t, r.kernel, quick())
			for _, s := range test.steps {
				r.must(r.kernel.Apply(t.Context(), s))
			}
			if diff := cmp.Diff(test.want, converge(t, r.kernel, quick())); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestKernelMetric moves the default route of a prepared host.
func TestKernelMetric(t *testing.T) {
	r, c := newRack(t), quick()
	converge(t, r.kernel, c)
	c.VLAN.Metric = new(uint32(0))
	want := "route: default via 192.168.9.206 dev bond0.1500 metric 50 -> -\nroute: - -> default via 192.168.9.206 dev bond0.1500 metric 0\n"
	if diff := cmp.Diff(want, converge(t, r.kernel, c)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// TestKernelLeavesBIRDsDefault has a default route on our own link that came
// over BGP.
func TestKernelLeavesBIRDsDefault(t *testing.T) {
	r := newRack(t)
	converge(t, r.kernel, quick())
	vlan, err := netlink.LinkByName("bond0.1500")
	r.must(err)
	learned := &netlink.Route{LinkIndex: vlan.Attrs().Index, Gw: net.IPv4(192, 168, 9, 204), Protocol: unix.RTPROT_BIRD}
	r.must(netlink.RouteAdd(learned))
	if got := converge(t, r.kernel, quick()); got != "" {
		t.Errorf("changes are %s", got)
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: unix.RTPROT_BIRD}, netlink.RT_FILTER_PROTOCOL)
	r.must(err)
	if len(routes) != 1 {
		t.Errorf("BIRD's routes are %v", routes)
	}
}

// TestKernelBondDown sets the bond down, which takes the VLAN and its routes
// along.
func TestKernelBondDown(t *testing.T) {
	r := newRack(t)
	r.oneSwitch()
	converge(t, r.kernel, quick())
	for _, name := range []string{"bond0.1500", "bond0"} {
		l, err := netlink.LinkByName(name)
		r.must(err)
		r.must(netlink.LinkSetDown(l))
	}
	converge(t, r.kernel, quick())
	r.expect(quick().Bond, bothUp)
	r.crosses(8972)
}

// TestKernelDegraded pulls the cable of one leg, and plugs it in again.
func TestKernelDegraded(t *testing.T) {
	r := newRack(t)
	r.oneSwitch()
	r.leafLink("leaf2", netlink.LinkSetDown)
	converge(t, r.kernel, quick())
	r.expect(quick().Bond, "bond0 is degraded: eno1: up, 10000 Mb/s, LACP partner 00:00:5e:00:53:f0; "+
		"eno2: no carrier: its cable, its transceiver, or the switch port is off")
	r.evidence("bond0")
	r.crosses(8972)
	r.leafLink("leaf2", netlink.LinkSetUp)
	r.expect(quick().Bond, bothUp)
}

func (r *rack) leafLink(name string, do func(netlink.Link) error) {
	r.t.Helper()
	r.atLeaves(func() {
		l, err := netlink.LinkByName(name)
		r.must(err)
		r.must(do(l))
	})
}

// TestKernelDead has one leg without a cable and one at a port without LACP.
func TestKernelDead(t *testing.T) {
	r := newRack(t)
	r.leafLink("leaf2", netlink.LinkSetUp)
	converge(t, r.kernel, quick())
	_, err := Verify(t.Context(), r.kernel, quick().Bond, Wait{Limit: 15 * time.Second, Interval: 100 * time.Millisecond})
	const want = "bond0 is failed: eno1: no carrier: its cable, its transceiver, or the switch port is off; " +
		"eno2: no LACP partner: the switch port does not speak LACP (it needs 1 of 2 legs); " +
		"see: cat /proc/net/bonding/bond0, and the switch ports of its legs"
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v, want\n%s", err, want)
		r.evidence("bond0")
	}
}

// TestKernelActiveBackup has a bond without LACP.
func TestKernelActiveBackup(t *testing.T) {
	r, c := newRack(t), quick()
	r.leafLink("leaf1", netlink.LinkSetUp)
	r.leafLink("leaf2", netlink.LinkSetUp)
	c.Bond.Mode = activeBackup
	converge(t, r.kernel, c)
	r.expect(c.Bond, "bond0 is up: eno1: up, 10000 Mb/s; eno2: up, 10000 Mb/s")
	r.evidence("bond0")
}

// TestKernelTwoSwitches leads the legs to two LACP systems: a pair of leaves
// that does not act as one.
func TestKernelTwoSwitches(t *testing.T) {
	r := newRack(t)
	r.atLeaves(func() {
		for i, leg := range []string{"leaf1", "leaf2"} {
			b := quick().Bond
			b.Name, b.MAC = "po"+leg, addressOf(byte(0xf1+i))
			r.must(r.leaf.Apply(t.Context(), createBond{b}))
			r.must(r.leaf.Apply(t.Context(), enslave{leg, b.Name}))
			r.must(r.leaf.Apply(t.Context(), setUp{b.Name}))
		}
	})
	converge(t, r.kernel, quick())
	report, err := r.verify(quick().Bond)
	if err != nil || report.Status != Degraded || !strings.Contains(report.String(), " is active: its LACP partner 00:00:5e:00:53:f") {
		t.Errorf("%s, %v", report, err)
		r.evidence("bond0")
	}
}

// TestKernelRefuses asks for what the kernel will not do, and finds the host
// as it was before.
func TestKernelRefuses(t *testing.T) {
	r := newRack(t)
	converge(t, r.kernel, quick())
	r.must(netlink.LinkAdd(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "eno3", TxQLen: -1, Flags: net.FlagUp}}))
	before := r.observe().String()
	group := quick().Bond
	group.MAC = mac{0x01} // a group address, for which no interface can stand
	old, _ := r.observe().link("bond0")
	for _, step := range []step{
		replaceBond{Old: old, Legs: []string{"eno1", "eno2"}, Bond: group},
		enslave{"eno3", "lo"}, // which nobody can be a leg of
		createVLAN{quick().VLAN, "bond0"},
		createBond{quick().Resolve(r.observe()).Bond},
	} {
		err := r.kernel.Apply(t.Context(), step)
		var errno syscall.Errno
		if !errors.As(err, &errno) {
			t.Errorf("%T: error is %v, want the kernel's", step, err)
		}
		t.Logf("%T: %v", step, err)
		if diff := cmp.Diff(before, r.observe().String()); diff != "" {
			t.Errorf("after %T (-before +after):\n%s", step, diff)
		}
	}
}

// TestKernelRestores boots: the stored network comes back on bare links, also
// when one leg has died meanwhile, with the MAC it had.
func TestKernelRestores(t *testing.T) {
	for _, test := range []struct {
		name, gone string
		want       string
	}{
		{"whole", "", "up"},
		{"first leg gone", "eno1", "up"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, root := newRack(t), rooted.Root(t.TempDir())
			r.oneSwitch()
			c := quick().Resolve(r.observe())
			changes, err := PlanStore(t.Context(), root, c)
			r.must(err)
			r.must(apply(t.Context(), changes))
			if l, err := netlink.LinkByName(test.gone); err == nil {
				r.must(netlink.LinkDel(l))
			}
			for i := range 2 {
				restored, err := Restore(t.Context(), r.kernel, root, 300*time.Millisecond)
				r.must(err)
				if i == 1 && len(restored.Changes) > 0 {
					t.Errorf("the second time changed\n%s", lines(restored.Changes))
				}
				if got := strings.Join(restored.Missing, " "); got != test.gone {
					t.Errorf("missing are %q, want %q", got, test.gone)
				}
				c = restored.Config
			}
			report, err := r.verify(c.Bond)
			if err != nil || report.Status != Up {
				t.Errorf("%s, %v", report, err)
			}
			if bond, _ := r.observe().link("bond0"); bond.MAC != addressOf(1) {
				t.Errorf("MAC of bond0 is %s", bond.MAC)
			}
		})
	}
}
