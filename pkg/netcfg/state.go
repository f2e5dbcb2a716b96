// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// State is a host's network as its kernel reports it.
type State struct {
	Links  []link
	Routes []route // IPv4 default routes of the main table
}

// link is one interface.
type link struct {
	Name string
	Kind string // the kernel's word: "bond", "vlan", "veth"; "" for hardware
	MAC  mac
	// Permanent is the address that the hardware came with. A leg's MAC is the
	// bond's while it is enslaved.
	Permanent mac
	MTU       int    // bytes
	Up        bool   // set up by an administrator
	Carrier   bool   // the other side is there; always false while not Up
	Master    string // the bond or bridge that it is enslaved to
	Addresses []netip.Prefix

	Bond attributes // of a bond
	VLAN tag        // of a VLAN
	Port port       // of a leg of a bond
	// Aggregator is the number of the 802.3ad bond's active aggregator.
	Aggregator uint16
}

// tag is what makes a link a VLAN: where it is on, and its number there.
type tag struct {
	Parent string
	ID     uint16
}

// attributes are the settings of a bond, delays already rounded.
type attributes struct {
	Mode                       Mode
	MIIMon, UpDelay, DownDelay time.Duration
	MinLinks                   int
	LACPRate                   lacpRate
	HashPolicy                 hashPolicy
}

// port is how the bonding driver sees one of its legs.
type port struct {
	MII        string // "up", "going down", "down", "going back"
	Aggregator uint16
	// Actor and Partner are the LACP port states of our side and of the
	// switch's, see [portState].
	Actor, Partner portState
	PartnerMAC     mac    // the switch's system id, zero if it was never heard
	Speed          int    // Mb/s, 0 if the driver does not say
	Duplex         string // "full", "half", "unknown"
}

// route is a default route.
type route struct {
	Gateway netip.Addr
	Link    string // "" for a route over several links
	Metric  int
}

// link returns the link called name.
func (s State) link(name string) (link, bool) {
	for _, l := range s.Links {
		if l.Name == name {
			return l, true
		}
	}
	return link{}, false
}

// legs returns the links that are enslaved to master, by name.
func (s State) legs(master string) []link {
	var legs []link
	for _, l := range s.Links {
		if l.Master == master {
			legs = append(legs, l)
		}
	}
	return legs
}

// vlans returns the VLAN links on parent, by name.
func (s State) vlans(parent string) []link {
	var vlans []link
	for _, l := range s.Links {
		if l.Kind == "vlan" && l.VLAN.Parent == parent {
			vlans = append(vlans, l)
		}
	}
	return vlans
}

func (s State) clone() State {
	s.Links = slices.Clone(s.Links)
	for i := range s.Links {
		s.Links[i].Addresses = slices.Clone(s.Links[i].Addresses)
	}
	s.Routes = slices.Clone(s.Routes)
	return s
}

// String shows the state as text, one line for each link, address and route:
// what tests compare, and what an error report carries.
func (s State) String() string {
	var b strings.Builder
	for _, l := range s.Links {
		fmt.Fprintln(&b, l)
		for _, a := range l.Addresses {
			fmt.Fprintf(&b, "  %s\n", a)
		}
	}
	for _, r := range s.Routes {
		fmt.Fprintf(&b, "%s\n", r)
	}
	return b.String()
}

func (l link) String() string {
	words := []string{l.Name}
	switch l.Kind {
	case "bond":
		words = append(words, "bond", l.Bond.String())
	case "vlan":
		words = append(words, fmt.Sprintf("vlan %d on %s", l.VLAN.ID, l.VLAN.Parent))
	case "":
	default:
		words = append(words, l.Kind)
	}
	if l.Master != "" {
		words = append(words, "master "+l.Master)
	}
	words = append(words, fmt.Sprintf("mtu %d mac %s", l.MTU, l.MAC))
	switch {
	case !l.Up:
		words = append(words, "down")
	case !l.Carrier:
		words = append(words, "up, no carrier")
	default:
		words = append(words, "up")
	}
	return strings.Join(words, " ")
}

func (r route) String() string {
	return fmt.Sprintf("default via %s dev %s metric %d", r.Gateway, r.Link, r.Metric)
}

func (a attributes) String() string {
	words := make([]string, 0, len(a.fields()))
	for _, f := range a.fields() {
		words = append(words, f.String())
	}
	return strings.Join(words, " ")
}

type field struct{ name, value string }

func (f field) String() string { return strings.TrimPrefix(f.name+" "+f.value, "mode ") }

// fields are the attributes that mean something in a's mode, named as sysfs does.
func (a attributes) fields() []field {
	fields := []field{
		{"mode", string(a.Mode)},
		{"miimon", a.MIIMon.String()},
		{"updelay", a.UpDelay.String()},
		{"downdelay", a.DownDelay.String()},
		{"min_links", fmt.Sprint(a.MinLinks)},
		{"xmit_hash_policy", string(a.HashPolicy)},
	}
	if a.Mode == lacp {
		fields = append(fields, field{"lacp_rate", string(a.LACPRate)})
	}
	return fields
}

// differing returns the fields of a and of b that are not the same.
func (a attributes) differing(b attributes) (from, to string) {
	var ours, theirs []string
	other := map[string]field{}
	for _, f := range b.fields() {
		other[f.name] = f
	}
	for _, f := range a.fields() {
		if g, ok := other[f.name]; ok && f != g {
			ours, theirs = append(ours, f.String()), append(theirs, g.String())
		}
	}
	return strings.Join(ours, " "), strings.Join(theirs, " ")
}
