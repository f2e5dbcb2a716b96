// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/phase"
)

// addressOf is an address of RFC 7042's documentation range.
func addressOf(last byte) mac { return mac{0x00, 0x00, 0x5e, 0x00, 0x53, last} }

func prefixes(texts ...string) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, t := range texts {
		prefixes = append(prefixes, netip.MustParsePrefix(t))
	}
	return prefixes
}

func via(gateway, link string, metric int) route {
	return route{netip.MustParseAddr(gateway), link, metric}
}

func reference() Config {
	return Config{
		Bond: Bond{
			Name: "bond0", Legs: []string{"eno1", "eno2"}, Mode: lacp,
			MIIMon: time.Second, UpDelay: 2400 * time.Millisecond, MinLinks: 1, MTU: 9000,
		},
		VLAN: VLAN{
			Name: "bond0.1500", ID: 1500, MTU: 9000,
			Address: netip.MustParsePrefix("192.168.9.193/28"), Gateway: netip.MustParseAddr("192.168.9.206"),
		},
	}
}

// hardware is a host as it comes from its installation.
func hardware() State {
	return State{
		Links: []link{
			{Name: "eno1", MAC: addressOf(1), Permanent: addressOf(1), MTU: 1500, Up: true, Carrier: true},
			{Name: "eno2", MAC: addressOf(2), Permanent: addressOf(2), MTU: 1500},
			{Name: "lo", MTU: 65536, Up: true, Carrier: true, Addresses: prefixes("127.0.0.1/8")},
			{Name: "mgmt0", MTU: 1500, Up: true, Carrier: true, Addresses: prefixes("10.9.0.11/24")},
		},
		Routes: []route{via("10.9.0.1", "mgmt0", 100)},
	}
}

// prepared is a host that is as the reference plan wants it.
func prepared(t *testing.T) State {
	t.Helper()
	k := &Model{State: hardware()}
	converge(t, k, reference())
	return k.State
}

// converge applies c, and fails unless nothing is left to do then. It returns
// the changes as text.
func converge(t *testing.T, k Kernel, c Config) string {
	t.Helper()
	changes, err := Plan(t.Context(), k, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := apply(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
	left, err := Plan(t.Context(), k, c)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("after applying, this is left:\n%s", lines(left))
	}
	return lines(changes)
}

func lines(changes []phase.Change) string {
	var b strings.Builder
	for _, c := range changes {
		b.WriteString(c.What + ": " + or(c.From, "-") + " -> " + or(c.To, "-") + "\n")
	}
	return b.String()
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

const preparedText = `
bond0 bond 802.3ad miimon 1s updelay 2s downdelay 0s min_links 1 xmit_hash_policy layer2+3 lacp_rate slow mtu 9000 mac 00:00:5e:00:53:01 up
bond0.1500 vlan 1500 on bond0 mtu 9000 mac 00:00:5e:00:53:01 up
  192.168.9.193/28
eno1 master bond0 mtu 9000 mac 00:00:5e:00:53:01 up
eno2 master bond0 mtu 9000 mac 00:00:5e:00:53:01 up
lo mtu 65536 mac 00:00:00:00:00:00 up
  127.0.0.1/8
mgmt0 mtu 1500 mac 00:00:00:00:00:00 up
  10.9.0.11/24
default via 192.168.9.206 dev bond0.1500 metric 50
default via 10.9.0.1 dev mgmt0 metric 100
`

// TestConverge starts from many hosts and ends at one: the same text, and no
// difference left.
func TestConverge(t *testing.T) {
	for _, test := range []struct {
		name  string
		start func(*State)
		want  string // changes
	}{
		{"already right", func(*State) {}, ``},
		{"fresh", func(s *State) { *s = hardware() }, `
bond0: - -> 802.3ad miimon 1s updelay 2s downdelay 0s min_links 1 xmit_hash_policy layer2+3 lacp_rate slow mtu 9000 mac 00:00:5e:00:53:01
eno1.master: - -> bond0
eno2.master: - -> bond0
bond0: down -> up
bond0.1500: - -> vlan 1500 on bond0 mtu 9000
bond0.1500: down -> up
bond0.1500.address: - -> 192.168.9.193/28
route: - -> default via 192.168.9.206 dev bond0.1500 metric 50
`},
		{"installed through a leg", func(s *State) {
			*s = hardware()
			linkOf(s, "eno1").Addresses = prefixes("192.168.9.200/28")
			s.Routes = append(s.Routes, via("192.168.9.206", "eno1", 101))
		}, `
bond0: - -> 802.3ad miimon 1s updelay 2s downdelay 0s min_links 1 xmit_hash_policy layer2+3 lacp_rate slow mtu 9000 mac 00:00:5e:00:53:01
eno1.address: 192.168.9.200/28 -> -
eno1.master: - -> bond0
eno2.master: - -> bond0
bond0: down -> up
bond0.1500: - -> vlan 1500 on bond0 mtu 9000
bond0.1500: down -> up
bond0.1500.address: - -> 192.168.9.193/28
route: - -> default via 192.168.9.206 dev bond0.1500 metric 50
`},
		{"balance-rr, as modprobe bonding without max_bonds=0 makes it", func(s *State) {
			*s = hardware()
			s.Links = append(s.Links, link{Name: "bond0", Kind: "bond", MTU: 1500, MAC: mac{2}, Bond: attributes{Mode: balanceRR, HashPolicy: layer2, LACPRate: slowRate}})
		}, `
bond0: balance-rr miimon 0s updelay 0s downdelay 0s min_links 0 xmit_hash_policy layer2 mac 02:00:00:00:00:00 legs none -> 802.3ad miimon 1s updelay 2s downdelay 0s min_links 1 xmit_hash_policy layer2+3 lacp_rate slow mtu 9000 mac 00:00:5e:00:53:01
eno1.master: - -> bond0
eno2.master: - -> bond0
bond0: down -> up
bond0.1500: - -> vlan 1500 on bond0 mtu 9000
bond0.1500: down -> up
bond0.1500.address: - -> 192.168.9.193/28
route: - -> default via 192.168.9.206 dev bond0.1500 metric 50
`},
		{"a MAC of udev's making", func(s *State) { linkOf(s, "bond0").MAC = mac{2} }, `
bond0: 802.3ad miimon 1s updelay 2s downdelay 0s min_links 1 xmit_hash_policy layer2+3 lacp_rate slow mac 02:00:00:00:00:00 legs eno1, eno2 -> 802.3ad miimon 1s updelay 2s downdelay 0s min_links 1 xmit_hash_policy layer2+3 lacp_rate slow mtu 9000 mac 00:00:5e:00:53:01
eno1.master: - -> bond0
eno2.master: - -> bond0
bond0: down -> up
bond0.1500: - -> vlan 1500 on bond0 mtu 9000
bond0.1500: down -> up
bond0.1500.address: - -> 192.168.9.193/28
route: - -> default via 192.168.9.206 dev bond0.1500 metric 50
`},
		{"other link check", func(s *State) { linkOf(s, "bond0").Bond.MIIMon = 100 * time.Millisecond }, `
bond0: miimon 100ms -> miimon 1s
`},
		{"one leg out", func(s *State) { l := linkOf(s, "eno2"); l.Master, l.MAC, l.MTU = "", addressOf(2), 1500 }, `
eno2.master: - -> bond0
`},
		{"one leg down", func(s *State) { linkOf(s, "eno2").Up = false }, `
eno2: down -> up
`},
		{"one leg too many", func(s *State) {
			s.Links = append(s.Links, link{Name: "eno3", Master: "bond0", MAC: addressOf(1), Permanent: mac{2}, MTU: 9000, Up: true})
		}, `
eno3.master: bond0 -> -
`},
		{"small MTU", func(s *State) {
			for _, name := range []string{"bond0", "bond0.1500", "eno1", "eno2"} {
				linkOf(s, name).MTU = 1500
			}
		}, `
bond0.mtu: 1500 -> 9000
bond0.1500.mtu: 1500 -> 9000
`},
		{"large MTU", func(s *State) {
			for _, name := range []string{"bond0", "bond0.1500", "eno1", "eno2"} {
				linkOf(s, name).MTU = 9216
			}
		}, `
bond0.mtu: 9216 -> 9000
`},
		{"another leg", func(s *State) {
			l := linkOf(s, "eno2")
			l.Master, l.MAC, l.MTU = "", addressOf(2), 1500
			s.Links = append(s.Links, link{Name: "eno3", Master: "bond0", MAC: addressOf(1), Permanent: mac{2}, MTU: 9000, Up: true})
		}, `
eno3.master: bond0 -> -
eno2.master: - -> bond0
`},
		{"LACP rate of another plan", func(s *State) { linkOf(s, "bond0").Bond.LACPRate = fastRate }, `
bond0: 802.3ad miimon 1s updelay 2s downdelay 0s min_links 1 xmit_hash_policy layer2+3 lacp_rate fast mac 00:00:5e:00:53:01 legs eno1, eno2 -> 802.3ad miimon 1s updelay 2s downdelay 0s min_links 1 xmit_hash_policy layer2+3 lacp_rate slow mtu 9000 mac 00:00:5e:00:53:01
eno1.master: - -> bond0
eno2.master: - -> bond0
bond0: down -> up
bond0.1500: - -> vlan 1500 on bond0 mtu 9000
bond0.1500: down -> up
bond0.1500.address: - -> 192.168.9.193/28
route: - -> default via 192.168.9.206 dev bond0.1500 metric 50
`},
		{"VLAN of the number on a leg", func(s *State) { linkOf(s, "bond0.1500").VLAN.Parent = "eno1" }, `
bond0.1500: vlan 1500 on eno1 mtu 9000 mac 00:00:5e:00:53:01 up -> -
bond0.1500: - -> vlan 1500 on bond0 mtu 9000
bond0.1500: down -> up
bond0.1500.address: - -> 192.168.9.193/28
route: - -> default via 192.168.9.206 dev bond0.1500 metric 50
`},
		{"small MTU on a leg", func(s *State) { linkOf(s, "eno2").MTU = 1500 }, `
eno2.mtu: 1500 -> 9000
`},
		{"foreign address", func(s *State) {
			linkOf(s, "bond0.1500").Addresses = prefixes("192.168.9.193/28", "10.1.1.1/24")
		}, `
bond0.1500.address: 10.1.1.1/24 -> -
`},
		{"another node's address before ours", func(s *State) {
			linkOf(s, "bond0.1500").Addresses = prefixes("192.168.9.199/28", "192.168.9.193/28")
		}, `
bond0.1500.address: 192.168.9.199/28 -> -
bond0.1500.address: - -> 192.168.9.193/28
route: - -> default via 192.168.9.206 dev bond0.1500 metric 50
`},
		{"address on the bond itself", func(s *State) { linkOf(s, "bond0").Addresses = prefixes("192.168.9.193/28") }, `
bond0.address: 192.168.9.193/28 -> -
`},
		{"wrong gateway", func(s *State) {
			s.Routes[0] = via("192.168.9.205", "bond0.1500", defaultMetric)
		}, `
route: default via 192.168.9.205 dev bond0.1500 metric 50 -> -
route: - -> default via 192.168.9.206 dev bond0.1500 metric 50
`},
		{"VLAN of another number", func(s *State) { linkOf(s, "bond0.1500").VLAN.ID = 1501 }, `
bond0.1500: vlan 1501 on bond0 mtu 9000 mac 00:00:5e:00:53:01 up -> -
bond0.1500: - -> vlan 1500 on bond0 mtu 9000
bond0.1500: down -> up
bond0.1500.address: - -> 192.168.9.193/28
route: - -> default via 192.168.9.206 dev bond0.1500 metric 50
`},
		{"what a crash has left beside a wrong gateway", func(s *State) {
			s.Links = append(s.Links, link{Name: "nodeprep-new", Kind: "bond", MTU: 9000, MAC: addressOf(1)})
			s.Routes[0] = via("192.168.9.205", "bond0.1500", defaultMetric)
		}, `
nodeprep-new: bond  miimon 0s updelay 0s downdelay 0s min_links 0 xmit_hash_policy  mtu 9000 mac 00:00:5e:00:53:01 down -> -
route: default via 192.168.9.205 dev bond0.1500 metric 50 -> -
route: - -> default via 192.168.9.206 dev bond0.1500 metric 50
`},
		{"crashed while replacing the bond", func(s *State) {
			*s = hardware()
			s.Links = append(s.Links, link{Name: "nodeprep-new", Kind: "bond", MTU: 9000, MAC: addressOf(1)})
		}, `
nodeprep-new: bond  miimon 0s updelay 0s downdelay 0s min_links 0 xmit_hash_policy  mtu 9000 mac 00:00:5e:00:53:01 down -> -
bond0: - -> 802.3ad miimon 1s updelay 2s downdelay 0s min_links 1 xmit_hash_policy layer2+3 lacp_rate slow mtu 9000 mac 00:00:5e:00:53:01
eno1.master: - -> bond0
eno2.master: - -> bond0
bond0: down -> up
bond0.1500: - -> vlan 1500 on bond0 mtu 9000
bond0.1500: down -> up
bond0.1500.address: - -> 192.168.9.193/28
route: - -> default via 192.168.9.206 dev bond0.1500 metric 50
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := &Model{State: prepared(t)}
			test.start(&k.State)
			got := converge(t, k, reference())
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			k.delete("eno3") // free now, and not ours to judge
			if diff := cmp.Diff(strings.TrimPrefix(preparedText, "\n"), k.String()); diff != "" {
				t.Errorf("the host then (-want +got):\n%s", diff)
			}
		})
	}
}

func linkOf(s *State, name string) *link {
	for i := range s.Links {
		if s.Links[i].Name == name {
			return &s.Links[i]
		}
	}
	panic("no link " + name)
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name   string
		start  func(*State)
		change func(*Config)
		want   string
	}{
		{
			name:   "a leg that is not there",
			change: func(c *Config) { c.Bond.Legs = []string{"eno1", "eno9"} },
			want:   "leg eno9 of bond0 does not exist; this host has eno1, eno2, mgmt0",
		}, {
			name:  "a leg of somebody else",
			start: func(s *State) { linkOf(s, "eno2").Master = "team0" },
			want:  "leg eno2 of bond0 is enslaved to team0, which is not in the plan; see: ip -d link show eno2",
		}, {
			name:  "the bond's name is taken",
			start: func(s *State) { l := linkOf(s, "bond0"); l.Kind, l.Bond = "dummy", attributes{} },
			want:  "bond0 exists and is no bond: bond0 dummy mtu 9000 mac 00:00:5e:00:53:01 up; see: ip -d link show bond0",
		}, {
			name:  "the bond is in a bridge",
			start: func(s *State) { linkOf(s, "bond0").Master = "br0" },
			want:  "bond0 is enslaved to br0, which is not in the plan; see: ip -d link show bond0",
		}, {
			name: "replacing would take a VLAN of others along",
			start: func(s *State) {
				linkOf(s, "bond0").Bond.Mode = activeBackup
				s.Links = append(s.Links, link{Name: "storage", Kind: "vlan", VLAN: tag{"bond0", 7}})
			},
			want: "bond0 has to be replaced (it is active-backup miimon 1s updelay 2s downdelay 0s min_links 1 xmit_hash_policy layer2+3 mac 00:00:5e:00:53:01), but carries storage, which is not in the plan; if nobody needs that: ip link delete storage",
		}, {
			name: "the VLAN has another name",
			start: func(s *State) {
				linkOf(s, "bond0.1500").Name = "vlan1500"
			},
			want: "VLAN 1500 on bond0 exists as vlan1500, which is not in the plan; if nobody needs it: ip link delete vlan1500",
		}, {
			name:  "the VLAN's name is taken",
			start: func(s *State) { l := linkOf(s, "bond0.1500"); l.Kind, l.VLAN = "macvlan", tag{} },
			want:  "bond0.1500 exists and is no VLAN: bond0.1500 macvlan mtu 9000 mac 00:00:5e:00:53:01 up; see: ip -d link show bond0.1500",
		}, {
			name:  "the metric is taken",
			start: func(s *State) { s.Routes[1].Metric = defaultMetric },
			want:  "another default route has the metric of ours: default via 10.9.0.1 dev mgmt0 metric 50; see: ip route show default",
		}, {
			name: "everything at once",
			change: func(c *Config) {
				c.Bond.UpDelay, c.Bond.MinLinks, c.Bond.Mode = 1500*time.Microsecond, 3, ""
				c.VLAN.ID, c.VLAN.MTU, c.VLAN.Gateway = 4095, 9001, netip.MustParseAddr("192.168.9.222")
				c.VLAN.Name = "far-too-long-a-name"
			},
			want: `bond.mode: "" is none of [balance-rr active-backup balance-xor broadcast 802.3ad balance-tlb balance-alb]
bond.updelay: 1.5ms is not a number of whole milliseconds
bond.minLinks: 3 is not in 1–2, the number of legs
vlan.name: "far-too-long-a-name" is not 1 to 15 bytes long
vlan.id: 4095 is not in 1–4094
vlan.mtu: 9001 is not in 68–9000, the bond's
vlan.gateway: 192.168.9.222 is outside 192.168.9.192/28`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, c := prepared(t), reference()
			if test.start != nil {
				test.start(&s)
			}
			if test.change != nil {
				test.change(&c)
			}
			steps, err := diff(s, c)
			if err == nil {
				t.Fatalf("no error, but steps %v", steps)
			}
			if diff := cmp.Diff(strings.TrimSpace(test.want), err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDiffIsPure compares the observation before and after.
func TestDiffIsPure(t *testing.T) {
	s := prepared(t)
	linkOf(&s, "bond0").Bond.Mode = balanceRR
	before := s.clone()
	if _, err := diff(s, reference()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.String(), s.String()); diff != "" {
		t.Error(diff)
	}
}

// TestMetric moves the default route to another metric and back, which a
// config without one means.
func TestMetric(t *testing.T) {
	k, c := &Model{State: prepared(t)}, reference()
	for _, test := range []struct {
		metric *uint32
		want   string
	}{
		{new(uint32(0)), "50 -> 0"},
		{new(uint32(4294967295)), "0 -> 4294967295"},
		{nil, "4294967295 -> 50"},
		{new(uint32(50)), ""},
	} {
		c.VLAN.Metric = test.metric
		want := ""
		if from, to, changes := strings.Cut(test.want, " -> "); changes {
			const route = "default via 192.168.9.206 dev bond0.1500 metric "
			want = "route: " + route + from + " -> -\nroute: - -> " + route + to + "\n"
		}
		if diff := cmp.Diff(want, converge(t, k, c)); diff != "" {
			t.Errorf("metric %s (-want +got):\n%s", test.want, diff)
		}
	}
	c.VLAN.Metric = new(uint32(100)) // the provisioning interface's
	if _, err := diff(k.State, c); err == nil || !strings.Contains(err.Error(), "another default route has the metric of ours: default via 10.9.0.1") {
		t.Errorf("error is %v", err)
	}
	c.VLAN.Metric = new(uint32(200))
	if notes := Notes(k.State, c); len(notes) != 2 || !strings.HasSuffix(notes[1], "is preferred to ours, which has metric 200") {
		t.Errorf("notes are %q", notes)
	}
}

// A plan without a gateway has no default route, and leaves none on the link.
func TestNoGateway(t *testing.T) {
	k, c := &Model{State: prepared(t)}, reference()
	c.VLAN.Gateway = netip.Addr{}
	if diff := cmp.Diff("route: default via 192.168.9.206 dev bond0.1500 metric 50 -> -\n", converge(t, k, c)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestEffectiveDelay(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct{ delay, miimon, want time.Duration }{
		{2400 * ms, 1000 * ms, 2000 * ms},
		{2000 * ms, 1000 * ms, 2000 * ms},
		{999 * ms, 1000 * ms, 0},
		{0, 100 * ms, 0},
		{200 * ms, 0, 0},
	} {
		if got := effectiveDelay(test.delay, test.miimon); got != test.want {
			t.Errorf("EffectiveDelay(%s, %s) = %s, want %s", test.delay, test.miimon, got, test.want)
		}
	}
}

func TestNotes(t *testing.T) {
	s := hardware()
	s.Routes[0].Metric = 0
	want := []string{
		"bond0: updelay 2.4s becomes 2s: the kernel rounds down to a multiple of miimon 1s",
		"default via 10.9.0.1 dev mgmt0 metric 0 is preferred to ours, which has metric 50",
	}
	if diff := cmp.Diff(want, Notes(s, reference())); diff != "" {
		t.Error(diff)
	}
}

// TestApplyStops checks that a step that fails is named, and is the last.
func TestApplyStops(t *testing.T) {
	k := &Model{State: hardware(), Refuse: "eno2.master"}
	changes, err := Plan(t.Context(), k, reference())
	if err != nil {
		t.Fatal(err)
	}
	err = apply(t.Context(), changes)
	if err == nil || err.Error() != "changing eno2.master: device or resource busy" {
		t.Errorf("error is %v", err)
	}
	if _, ok := k.link("bond0.1500"); ok {
		t.Error("a step after the one that failed was made")
	}
	k.Refuse = ""
	converge(t, k, reference()) // and the next run goes on from there
}
