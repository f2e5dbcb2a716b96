// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"fmt"
	"net/netip"
	"strings"
)

// A Step is one thing that a kernel does or refuses as a whole: after
// [Kernel.Apply] returns an error, the links that the step names are as they
// were before it, or the error says what they are.
type Step interface {
	// Change says what changes, from what, to what. From is empty for
	// something new, To for something that goes.
	Change() (what, from, to string)
}

// CreateBond creates a bond without legs.
type CreateBond struct{ Bond Bond }

// ReplaceBond puts a new bond in the place of one that cannot be changed into
// it. Its legs are released; the VLAN links on it go with it.
type ReplaceBond struct {
	Old  Link
	Legs []string // of the old bond
	Bond Bond
}

// ReviseBond changes settings of a bond that is in use.
type ReviseBond struct {
	Bond Bond
	From Attributes
}

// Enslave makes a link a leg of a bond. It is set down for that and comes up
// with the bond's MTU.
type Enslave struct{ Leg, Bond string }

// Release takes a leg out of a bond and leaves it down.
type Release struct{ Leg, Bond string }

// CreateVLAN creates a VLAN link on parent.
type CreateVLAN struct {
	VLAN   VLAN
	Parent string
}

// DeleteLink removes a link that is ours.
type DeleteLink struct{ Link Link }

// SetMTU changes a link's MTU; that of a bond changes its legs' too.
type SetMTU struct {
	Link     string
	From, To int
}

// SetUp sets a link up.
type SetUp struct{ Link string }

// AddAddress gives a link an address; having it already is no error.
type AddAddress struct {
	Link    string
	Address netip.Prefix
}

// RemoveAddress takes an address off a link, and the routes that need it.
type RemoveAddress struct {
	Link    string
	Address netip.Prefix
}

// AddRoute adds a default route; having it already is no error.
type AddRoute struct{ Route Route }

// RemoveRoute removes a default route.
type RemoveRoute struct{ Route Route }

// Change says that the bond appears.
func (s CreateBond) Change() (what, from, to string) {
	return s.Bond.Name, "", s.Bond.describe()
}

// Change names what the old bond was, with its legs.
func (s ReplaceBond) Change() (what, from, to string) {
	from = fmt.Sprintf("%s mac %s legs %s", s.Old.Bond, s.Old.MAC, orNone(s.Legs))
	return s.Bond.Name, from, s.Bond.describe()
}

// Change names the settings that differ, and only those.
func (s ReviseBond) Change() (what, from, to string) {
	from, to = s.From.differing(s.Bond.Attributes())
	return s.Bond.Name, from, to
}

// Change names the leg's master.
func (s Enslave) Change() (what, from, to string) { return s.Leg + ".master", "", s.Bond }

// Change names the leg's master.
func (s Release) Change() (what, from, to string) { return s.Leg + ".master", s.Bond, "" }

// Change says that the VLAN link appears.
func (s CreateVLAN) Change() (what, from, to string) {
	return s.VLAN.Name, "", fmt.Sprintf("vlan %d on %s mtu %d", s.VLAN.ID, s.Parent, s.VLAN.MTU)
}

// Change says what the link was.
func (s DeleteLink) Change() (what, from, to string) {
	return s.Link.Name, strings.TrimPrefix(s.Link.String(), s.Link.Name+" "), ""
}

// Change names both sizes.
func (s SetMTU) Change() (what, from, to string) {
	return s.Link + ".mtu", fmt.Sprint(s.From), fmt.Sprint(s.To)
}

// Change says down and up.
func (s SetUp) Change() (what, from, to string) { return s.Link, "down", "up" }

// Change names the address.
func (s AddAddress) Change() (what, from, to string) {
	return s.Link + ".address", "", s.Address.String()
}

// Change names the address.
func (s RemoveAddress) Change() (what, from, to string) {
	return s.Link + ".address", s.Address.String(), ""
}

// Change names the route.
func (s AddRoute) Change() (what, from, to string) { return "route", "", s.Route.String() }

// Change names the route.
func (s RemoveRoute) Change() (what, from, to string) { return "route", s.Route.String(), "" }

func (b Bond) describe() string {
	return fmt.Sprintf("%s mtu %d mac %s", b.Attributes(), b.MTU, b.MAC)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
