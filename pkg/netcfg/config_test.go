// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestValidate goes to both sides of each limit; "" is in order.
func TestValidate(t *testing.T) {
	servers := func(n int) []netip.Addr { return make([]netip.Addr, n) }
	for _, test := range []struct {
		change func(*Config)
		want   string
	}{
		{func(*Config) {}, ""},
		{func(c *Config) { c.Bond.Name = strings.Repeat("b", 15) }, ""},
		{func(c *Config) { c.Bond.Name = strings.Repeat("b", 16) }, `bond.name: "bbbbbbbbbbbbbbbb" is not 1 to 15 bytes long`},
		{func(c *Config) { c.Bond.Name = "" }, `bond.name: "" is not 1 to 15 bytes long`},
		{func(c *Config) { c.Bond.LACPRate = "medium" }, `bond.lacpRate: "medium" is none of [slow fast]`},
		{func(c *Config) { c.Bond.HashPolicy = "layer4" }, `bond.hashPolicy: "layer4" is none of [layer2 layer3+4 layer2+3 encap2+3 encap3+4 vlan+srcmac]`},
		{func(c *Config) { c.Bond.MIIMon, c.Bond.UpDelay = 0, 0 }, "bond.miimon: 0 means that no link is ever checked"},
		{func(c *Config) { c.Bond.MIIMon = time.Second / 3 }, "bond.miimon: 333.333333ms is not a number of whole milliseconds"},
		{func(c *Config) { c.Bond.UpDelay = -time.Second }, "bond.updelay: -1s is not a number of whole milliseconds"},
		{func(c *Config) { c.Bond.DownDelay = time.Microsecond }, "bond.downdelay: 1µs is not a number of whole milliseconds"},
		{func(c *Config) { c.Bond.MTU, c.VLAN.MTU = 68, 68 }, ""},
		{func(c *Config) { c.Bond.MTU, c.VLAN.MTU = 67, 67 }, "bond.mtu: 67 is not in 68–65535\nvlan.mtu: 67 is not in 68–67, the bond's"},
		{func(c *Config) { c.Bond.MTU = 65535 }, ""},
		{func(c *Config) { c.Bond.MTU = 65536 }, "bond.mtu: 65536 is not in 68–65535"},
		{func(c *Config) { c.Bond.MinLinks = 0 }, "bond.minLinks: 0 is not in 1–2, the number of legs"},
		{func(c *Config) { c.Bond.MinLinks = 2 }, ""},
		{func(c *Config) { c.Bond.MinLinks = 3 }, "bond.minLinks: 3 is not in 1–2, the number of legs"},
		{func(c *Config) { c.Bond.Legs = []string{"eno1", "eno1"} }, "bond.legs[1]: eno1 is named twice"},
		{func(c *Config) { c.Bond.Legs = []string{"eno1", "bond0"} }, "bond.legs[1]: bond0 cannot be a leg of itself"},
		{func(c *Config) { c.Bond.Legs = []string{"eno1", "bond0.1500"} }, "bond.legs[1]: bond0.1500 cannot be a leg of itself"},
		{func(c *Config) { c.Bond.Legs = []string{"eno1", ""} }, `bond.legs[1]: "" is not 1 to 15 bytes long`},
		{func(c *Config) { c.VLAN.Name = "bond0" }, "vlan.name: bond0 is the bond's name"},
		{func(c *Config) { c.VLAN.ID = 1 }, ""},
		{func(c *Config) { c.VLAN.ID = 0 }, "vlan.id: 0 is not in 1–4094"},
		{func(c *Config) { c.VLAN.ID = 4094 }, ""},
		{func(c *Config) { c.VLAN.ID = 4095 }, "vlan.id: 4095 is not in 1–4094"},
		{func(c *Config) { c.VLAN.MTU = 9001 }, "vlan.mtu: 9001 is not in 68–9000, the bond's"},
		{func(c *Config) { c.VLAN.Address, c.VLAN.Gateway = netip.Prefix{}, netip.Addr{} }, "vlan.address: invalid Prefix is no IPv4 address with its prefix length"},
		{func(c *Config) {
			c.VLAN.Address, c.VLAN.Gateway = netip.MustParsePrefix("2001:db8::1/64"), netip.Addr{}
		}, "vlan.address: 2001:db8::1/64 is no IPv4 address with its prefix length"},
		{func(c *Config) { c.VLAN.Gateway = netip.MustParseAddr("192.168.9.191") }, "vlan.gateway: 192.168.9.191 is outside 192.168.9.192/28"},
		{func(c *Config) { c.VLAN.Gateway = c.VLAN.Address.Addr() }, "vlan.gateway: 192.168.9.193 is the node's own address"},
		{func(c *Config) { c.VLAN.Gateway = netip.Addr{} }, ""},
		{func(c *Config) { c.DNS.Servers = servers(3) }, ""},
		{func(c *Config) { c.DNS.Servers = servers(4) }, "dns.servers: 4 given, the resolver reads 3"},
	} {
		c := reference()
		c.Bond.UpDelay = 2 * time.Second
		test.change(&c)
		got := ""
		if err := c.validate(); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	}
}

// The attributes are what the kernel will report, not what the plan says.
func TestAttributes(t *testing.T) {
	b := reference().Bond
	b.DownDelay = 3700 * time.Millisecond
	want := attributes{
		Mode: lacp, MIIMon: time.Second, UpDelay: 2 * time.Second, DownDelay: 3 * time.Second, MinLinks: 1,
		LACPRate: slowRate, HashPolicy: layer23,
	}
	if diff := cmp.Diff(want, b.attributes()); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	b.LACPRate, b.HashPolicy, b.MinLinks = fastRate, encap34, 2
	if a := b.attributes(); a.LACPRate != fastRate || a.HashPolicy != encap34 || a.MinLinks != 2 {
		t.Errorf("what is given is not kept: %s", a)
	}
}

// A leg's present address may be the bond's; a pinned one stays.
func TestResolve(t *testing.T) {
	s := hardware()
	linkOf(&s, "eno1").MAC = addressOf(9)
	if got := reference().Resolve(s).Bond.MAC; got != addressOf(1) {
		t.Errorf("the bond's MAC is %s, want the first leg's permanent one", got)
	}
	c := reference()
	c.Bond.MAC = addressOf(7)
	if got := c.Resolve(s).Bond.MAC; got != addressOf(7) {
		t.Errorf("the bond's MAC is %s, want the pinned one", got)
	}
	c = reference()
	c.Bond.Legs[0] = "absent"
	if got := c.Resolve(s).Bond.MAC; !got.IsZero() {
		t.Errorf("the bond's MAC is %s though its first leg is not there", got)
	}
	c.Bond.Legs = nil
	if got := c.Resolve(s).Bond.MAC; !got.IsZero() {
		t.Errorf("the bond's MAC is %s without legs", got)
	}
}

// TestEachNote has one host a note: whichever is worth telling, and no other.
func TestEachNote(t *testing.T) {
	whole := reference()
	whole.Bond.UpDelay = 2 * time.Second
	for _, test := range []struct {
		name   string
		change func(*State, *Config)
		want   []string
	}{
		{"nothing", func(*State, *Config) {}, nil},
		{"updelay", func(_ *State, c *Config) { c.Bond.UpDelay = 2400 * time.Millisecond }, []string{"bond0: updelay 2.4s becomes 2s: the kernel rounds down to a multiple of miimon 1s"}},
		{"downdelay", func(_ *State, c *Config) { c.Bond.DownDelay = 1200 * time.Millisecond }, []string{"bond0: downdelay 1.2s becomes 1s: the kernel rounds down to a multiple of miimon 1s"}},
		{"preferred", func(s *State, _ *Config) { s.Routes = []route{via("10.9.0.1", "mgmt0", 49)} }, []string{"default via 10.9.0.1 dev mgmt0 metric 49 is preferred to ours, which has metric 50"}},
		{"not preferred", func(s *State, _ *Config) { s.Routes = []route{via("10.9.0.1", "mgmt0", 51)} }, nil},
		{"on our own link", func(s *State, _ *Config) { s.Routes = []route{via("192.168.9.206", "bond0.1500", 1)} }, nil},
		{"without a route of ours", func(s *State, c *Config) {
			s.Routes, c.VLAN.Gateway = []route{via("10.9.0.1", "mgmt0", 1)}, netip.Addr{}
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, c := hardware(), whole
			test.change(&s, &c)
			if diff := cmp.Diff(test.want, Notes(s, c)); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}
