// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Config is what a host's network should be: one bond, one VLAN on it that
// carries the node's address, and the resolver's file.
type Config struct {
	Bond Bond `json:"bond"`
	VLAN VLAN `json:"vlan"`
	DNS  DNS  `json:"dns"`
}

// Bond describes the link that joins the legs.
type Bond struct {
	Name string   `json:"name"`
	Legs []string `json:"legs"` // interface names; the first one lends its MAC
	Mode Mode     `json:"mode"`
	// MIIMon is the interval of the kernel's link check, in whole milliseconds.
	MIIMon time.Duration `json:"miimonNs"`
	// UpDelay and DownDelay are how long a leg has to be up or down before the
	// bond acts on it. The kernel rounds both down, see [effectiveDelay].
	UpDelay   time.Duration `json:"updelayNs"`
	DownDelay time.Duration `json:"downdelayNs"`
	// MinLinks is the number of legs below which the bond has no carrier.
	MinLinks int `json:"minLinks"`
	// lacpRate is how often the partner is asked to send; "" means slow.
	LACPRate lacpRate `json:"lacpRate,omitempty"`
	// hashPolicy spreads frames over the legs; "" means layer2+3. The kernel's
	// own default, layer2, would send everything that is routed through one
	// gateway over a single leg.
	HashPolicy hashPolicy `json:"hashPolicy,omitempty"`
	MTU        int        `json:"mtu"` // bytes; the legs get it too
	// MAC is the bond's address. Zero means the first leg's permanent one; it
	// is pinned either way, because a bond that is created without an address
	// gets one from udev (systemd ≥ 242, systemd#15208), and LACP then runs
	// under a system id that belongs to no port.
	MAC mac `json:"mac,omitzero"`
}

// VLAN describes the link that carries the node's address.
type VLAN struct {
	Name    string       `json:"name"` // "bond0.1500"
	ID      uint16       `json:"id"`   // 1–4094
	MTU     int          `json:"mtu"`  // bytes, at most the bond's
	Address netip.Prefix `json:"address"`
	// Gateway is the next hop of the default route; the zero value means none.
	Gateway netip.Addr `json:"gateway,omitzero"`
	// Metric is that of the default route; nil means [defaultMetric], as does a
	// network that was stored before there was a choice.
	Metric *uint32 `json:"metric,omitempty"`
}

// defaultMetric is below NetworkManager's 100 for Ethernet, so that a
// provisioning interface with a DHCP lease does not keep the node's traffic,
// and above the 0 of what BIRD installs, so that a default route which the
// leaves announce is preferred.
const defaultMetric = 50

// route is the default route that v wants.
func (v VLAN) route() route {
	metric := defaultMetric
	if v.Metric != nil {
		metric = int(*v.Metric)
	}
	return route{v.Gateway, v.Name, metric}
}

// DNS is what /etc/resolv.conf should say. Without servers the file is left
// alone.
type DNS struct {
	Servers []netip.Addr `json:"servers,omitempty"` // at most 3, glibc's MAXNS
	Search  []string     `json:"search,omitempty"`
}

// Mode is a bonding mode, in the kernel's words.
type Mode string

// The bonding modes (Documentation/networking/bonding.rst).
const (
	balanceRR    Mode = "balance-rr"
	activeBackup Mode = "active-backup"
	balanceXOR   Mode = "balance-xor"
	broadcast    Mode = "broadcast"
	lacp         Mode = "802.3ad"
	balanceTLB   Mode = "balance-tlb"
	balanceALB   Mode = "balance-alb"
)

// modes holds every Mode at the place of the kernel's number for it.
func modes() []Mode {
	return []Mode{balanceRR, activeBackup, balanceXOR, broadcast, lacp, balanceTLB, balanceALB}
}

// lacpRate is how often a partner sends LACPDUs.
type lacpRate string

// The LACP rates: every 30 seconds, every second.
const (
	slowRate lacpRate = "slow"
	fastRate lacpRate = "fast"
)

func lacpRates() []lacpRate { return []lacpRate{slowRate, fastRate} }

// hashPolicy is a bond's transmit hash policy, in the kernel's words.
type hashPolicy string

// The transmit hash policies (Documentation/networking/bonding.rst).
const (
	layer2     hashPolicy = "layer2"
	layer34    hashPolicy = "layer3+4"
	layer23    hashPolicy = "layer2+3"
	encap23    hashPolicy = "encap2+3"
	encap34    hashPolicy = "encap3+4"
	vlanSrcMAC hashPolicy = "vlan+srcmac" // Linux 5.12
)

func hashPolicies() []hashPolicy {
	return []hashPolicy{layer2, layer34, layer23, encap23, encap34, vlanSrcMAC}
}

// effectiveDelay is what the kernel makes of an updelay or downdelay: the
// largest multiple of miimon that is not above it, because it counts link
// checks and not time (bond_option_updelay_set in drivers/net/bonding, all
// versions). With an interval of 1 s, 2.4 s become 2 s.
func effectiveDelay(delay, miimon time.Duration) time.Duration {
	if miimon <= 0 {
		return 0
	}
	return delay - delay%miimon
}

// attributes are the bond's settings as the kernel will report them: defaults
// filled in, delays rounded. Comparing anything else with the kernel would show
// a difference for ever.
func (b Bond) attributes() attributes {
	a := attributes{
		Mode:       b.Mode,
		MIIMon:     b.MIIMon,
		UpDelay:    effectiveDelay(b.UpDelay, b.MIIMon),
		DownDelay:  effectiveDelay(b.DownDelay, b.MIIMon),
		MinLinks:   b.MinLinks,
		LACPRate:   b.LACPRate,
		HashPolicy: b.HashPolicy,
	}
	if a.LACPRate == "" {
		a.LACPRate = slowRate
	}
	if a.HashPolicy == "" {
		a.HashPolicy = layer23
	}
	return a
}

// Resolve returns c with everything pinned that depends on the host: today the
// bond's MAC. A Config that is stored must be resolved, so that a first leg
// that is missing after a reboot does not change the address of the bond.
func (c Config) Resolve(s State) Config {
	if !c.Bond.MAC.IsZero() || len(c.Bond.Legs) == 0 {
		return c
	}
	if leg, ok := s.link(c.Bond.Legs[0]); ok {
		c.Bond.MAC = leg.Permanent
	}
	return c
}

// validate returns every problem of c at once, each with its path.
func (c Config) validate() error {
	var problems problems
	problems.bond(c.Bond)
	problems.legs(c.Bond, c.VLAN.Name)
	problems.vlan(c.VLAN, c.Bond)
	problems.check(len(c.DNS.Servers) <= 3, "dns.servers: %d given, the resolver reads 3", len(c.DNS.Servers))
	return errors.Join(problems...)
}

type problems []error

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

func (p *problems) name(path, name string) {
	// IFNAMSIZ is 16 with its terminating zero byte.
	p.check(name != "" && len(name) <= 15, "%s: %q is not 1 to 15 bytes long", path, name)
}

func (p *problems) bond(b Bond) {
	a := b.attributes()
	p.name("bond.name", b.Name)
	p.check(slices.Contains(modes(), b.Mode), "bond.mode: %q is none of %v", b.Mode, modes())
	p.check(slices.Contains(lacpRates(), a.LACPRate), "bond.lacpRate: %q is none of %v", b.LACPRate, lacpRates())
	p.check(slices.Contains(hashPolicies(), a.HashPolicy), "bond.hashPolicy: %q is none of %v", b.HashPolicy, hashPolicies())
	for _, d := range []struct {
		path string
		time.Duration
	}{{"miimon", b.MIIMon}, {"updelay", b.UpDelay}, {"downdelay", b.DownDelay}} {
		p.check(d.Duration >= 0 && d.Duration%time.Millisecond == 0,
			"bond.%s: %s is not a number of whole milliseconds", d.path, d.Duration)
	}
	// Without a link check a leg that has gone down is used for ever, and one
	// that was down when it was enslaved never comes into use (talos#10752).
	p.check(b.MIIMon > 0, "bond.miimon: 0 means that no link is ever checked")
	p.check(validMTU(b.MTU), "bond.mtu: %d is not in 68–65535", b.MTU)
}

func (p *problems) legs(b Bond, vlan string) {
	seen := map[string]bool{}
	for i, leg := range b.Legs {
		path := fmt.Sprintf("bond.legs[%d]", i)
		p.name(path, leg)
		p.check(!seen[leg], "%s: %s is named twice", path, leg)
		p.check(leg != b.Name && leg != vlan, "%s: %s cannot be a leg of itself", path, leg)
		seen[leg] = true
	}
	p.check(b.MinLinks >= 1 && b.MinLinks <= len(b.Legs),
		"bond.minLinks: %d is not in 1–%d, the number of legs", b.MinLinks, len(b.Legs))
}

func (p *problems) vlan(v VLAN, b Bond) {
	p.name("vlan.name", v.Name)
	p.check(v.Name != b.Name, "vlan.name: %s is the bond's name", v.Name)
	p.check(v.ID >= 1 && v.ID <= 4094, "vlan.id: %d is not in 1–4094", v.ID)
	p.check(validMTU(v.MTU) && v.MTU <= b.MTU, "vlan.mtu: %d is not in 68–%d, the bond's", v.MTU, b.MTU)
	p.check(v.Address.IsValid() && v.Address.Addr().Is4(), "vlan.address: %s is no IPv4 address with its prefix length", v.Address)
	if v.Gateway.IsValid() {
		p.check(v.Address.Contains(v.Gateway), "vlan.gateway: %s is outside %s", v.Gateway, v.Address.Masked())
		p.check(v.Gateway != v.Address.Addr(), "vlan.gateway: %s is the node's own address", v.Gateway)
	}
}

func validMTU(mtu int) bool { return mtu >= 68 && mtu <= 65535 }
