// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"fmt"
	"net/netip"
	"strings"
)

// A step is one thing that a kernel does or refuses as a whole: after
// [Kernel.Apply] returns an error, the links that the step names are as they
// were before it, or the error says what they are.
type step interface {
	// change says what changes, from what, to what. From is empty for
	// something new, To for something that goes.
	change() (what, from, to string)
}

// createBond creates a bond without legs.
type createBond struct{ Bond Bond }

// replaceBond puts a new bond in the place of one that cannot be changed into
// it. Its legs are released; the VLAN links on it go with it.
type replaceBond struct {
	Old  link
	Legs []string // of the old bond
	Bond Bond
}

// reviseBond changes settings of a bond that is in use.
type reviseBond struct {
	Bond Bond
	From attributes
}

// enslave makes a link a leg of a bond. It is set down for that and comes up
// with the bond's MTU.
type enslave struct{ Leg, Bond string }

// release takes a leg out of a bond and leaves it down.
type release struct{ Leg, Bond string }

// createVLAN creates a VLAN link on parent.
type createVLAN struct {
	VLAN   VLAN
	Parent string
}

// deleteLink removes a link that is ours.
type deleteLink struct{ Link link }

// setMTU changes a link's MTU; that of a bond changes its legs' too.
type setMTU struct {
	Link     string
	From, To int
}

// setUp sets a link up.
type setUp struct{ Link string }

// addAddress gives a link an address; having it already is no error.
type addAddress struct {
	Link    string
	Address netip.Prefix
}

// removeAddress takes an address off a link, and the routes that need it.
type removeAddress struct {
	Link    string
	Address netip.Prefix
}

// addRoute adds a default route; having it already is no error.
type addRoute struct{ Route route }

// removeRoute removes a default route.
type removeRoute struct{ Route route }

// change says that the bond appears.
func (s createBond) change() (what, from, to string) {
	return s.Bond.Name, "", s.Bond.describe()
}

// change names what the old bond was, with its legs.
func (s replaceBond) change() (what, from, to string) {
	from = fmt.Sprintf("%s mac %s legs %s", s.Old.Bond, s.Old.MAC, orNone(s.Legs))
	return s.Bond.Name, from, s.Bond.describe()
}

// change names the settings that differ, and only those.
func (s reviseBond) change() (what, from, to string) {
	from, to = s.From.differing(s.Bond.attributes())
	return s.Bond.Name, from, to
}

// change names the leg's master.
func (s enslave) change() (what, from, to string) { return s.Leg + ".master", "", s.Bond }

// change names the leg's master.
func (s release) change() (what, from, to string) { return s.Leg + ".master", s.Bond, "" }

// change says that the VLAN link appears.
func (s createVLAN) change() (what, from, to string) {
	return s.VLAN.Name, "", fmt.Sprintf("vlan %d on %s mtu %d", s.VLAN.ID, s.Parent, s.VLAN.MTU)
}

// change says what the link was.
func (s deleteLink) change() (what, from, to string) {
	return s.Link.Name, strings.TrimPrefix(s.Link.String(), s.Link.Name+" "), ""
}

// change names both sizes.
func (s setMTU) change() (what, from, to string) {
	return s.Link + ".mtu", fmt.Sprint(s.From), fmt.Sprint(s.To)
}

// change says down and up.
func (s setUp) change() (what, from, to string) { return s.Link, "down", "up" }

// change names the address.
func (s addAddress) change() (what, from, to string) {
	return s.Link + ".address", "", s.Address.String()
}

// change names the address.
func (s removeAddress) change() (what, from, to string) {
	return s.Link + ".address", s.Address.String(), ""
}

// change names the route.
func (s addRoute) change() (what, from, to string) { return "route", "", s.Route.String() }

// change names the route.
func (s removeRoute) change() (what, from, to string) { return "route", s.Route.String(), "" }

func (b Bond) describe() string {
	return fmt.Sprintf("%s mtu %d mac %s", b.attributes(), b.MTU, b.MAC)
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
