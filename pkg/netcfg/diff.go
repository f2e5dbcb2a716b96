// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"net/netip"
	"slices"
	"strings"
)

// spare is the name under which the successor of a bond is made. A link of this
// name outside of [replaceBond] is what a crash has left.
const spare = "nodeprep-new"

// diff returns the steps that lead from observed to desired, in the order in
// which they have to be made; none means that nothing is left to do. It reads
// nothing but its arguments.
//
// An error means that desired is impossible here, and names every reason: a leg
// that does not exist or belongs to somebody else, a name that is taken, a link
// that would have to go but is not ours.
func diff(observed State, desired Config) ([]step, error) {
	if err := desired.validate(); err != nil {
		return nil, err
	}
	d := differ{now: observed.clone(), want: desired.Resolve(observed)}
	if err := d.refusals(); err != nil {
		return nil, err
	}
	d.leftover()
	d.bond()
	d.release()
	d.legs()
	d.up(d.want.Bond.Name)
	d.vlan()
	d.up(d.want.VLAN.Name)
	d.address()
	d.routes()
	return d.steps, nil
}

// differ collects steps, and keeps now at what they will have made of the
// host. Where the kernel may or may not drop something along with a step, now
// forgets it: adding what is there already is no error.
type differ struct {
	now   State
	want  Config
	steps []step
}

func (d *differ) add(s step) { d.steps = append(d.steps, s) }

// edit returns the link to change in now; it has to exist.
func (d *differ) edit(name string) *link {
	i := slices.IndexFunc(d.now.Links, func(l link) bool { return l.Name == name })
	return &d.now.Links[i]
}

// forget takes a link out of now, with what the kernel removes along with it.
func (d *differ) forget(name string) {
	for _, v := range d.now.vlans(name) {
		d.forget(v.Name)
	}
	d.now.Links = slices.DeleteFunc(d.now.Links, func(l link) bool { return l.Name == name })
	d.forgetRoutes(name)
	for i := range d.now.Links {
		if d.now.Links[i].Master == name {
			d.now.Links[i].Master = ""
		}
	}
}

func (d *differ) forgetRoutes(link string) {
	d.now.Routes = slices.DeleteFunc(d.now.Routes, func(r route) bool { return r.Link == link })
}

func (d *differ) leftover() {
	if l, ok := d.now.link(spare); ok {
		d.add(deleteLink{l})
		d.forget(spare)
	}
}

func (d *differ) bond() {
	want := d.want.Bond
	have, ok := d.now.link(want.Name)
	switch {
	case !ok:
		d.add(createBond{want})
		d.newBond()
	case mustReplace(have, want):
		d.add(replaceBond{Old: have, Legs: names(d.now.legs(want.Name)), Bond: want})
		d.forget(want.Name)
		d.newBond()
	default:
		d.revise(have)
	}
}

// mustReplace reports whether have differs from want in what the bonding driver
// fixes while a bond has legs or is up: the mode (BOND_OPTFLAG_NOSLAVES and
// IFDOWN), the LACP rate (IFDOWN; bond_options.c, Linux 3.14 to 6.18), and the
// address, from which the LACP system id was taken when the first leg came.
func mustReplace(have link, want Bond) bool {
	a := want.attributes()
	return have.Bond.Mode != a.Mode ||
		a.Mode == lacp && have.Bond.LACPRate != a.LACPRate ||
		have.MAC != want.MAC
}

func (d *differ) newBond() {
	want := d.want.Bond
	d.now.Links = append(d.now.Links, link{Name: want.Name, Kind: "bond", MTU: want.MTU, MAC: want.MAC})
}

func (d *differ) revise(have link) {
	want := d.want.Bond
	if from, _ := have.Bond.differing(want.attributes()); from != "" {
		d.add(reviseBond{want, have.Bond})
	}
	for _, a := range have.Addresses {
		// The node's address is the VLAN's; one on the bond itself would answer
		// ARP in the leaf's native VLAN.
		d.add(removeAddress{want.Name, a})
	}
	if have.MTU != want.MTU {
		d.add(setMTU{want.Name, have.MTU, want.MTU})
		d.bondMTU()
	}
}

// bondMTU notes that a bond hands its MTU down to its legs
// (bond_change_mtu), and that a VLAN is shrunk to what its parent has
// (vlan_device_event, NETDEV_CHANGEMTU).
func (d *differ) bondMTU() {
	for i := range d.now.Links {
		switch l := &d.now.Links[i]; {
		case l.Master == d.want.Bond.Name:
			l.MTU = d.want.Bond.MTU
		case l.VLAN.Parent == d.want.Bond.Name:
			l.MTU = min(l.MTU, d.want.Bond.MTU)
		}
	}
}

// release frees the legs that the plan does not name. This comes before new
// legs are taken, so that the bond is never larger than its plan.
func (d *differ) release() {
	for _, leg := range d.now.legs(d.want.Bond.Name) {
		if !slices.Contains(d.want.Bond.Legs, leg.Name) {
			d.add(release{leg.Name, leg.Master})
		}
	}
}

func (d *differ) legs() {
	bond := d.want.Bond
	for _, name := range bond.Legs {
		leg, _ := d.now.link(name)
		for _, a := range leg.Addresses {
			// The kernel leaves addresses on a leg, and its routes would then
			// send past the bond. Every host that was installed through one
			// of its legs has such an address.
			d.add(removeAddress{name, a})
		}
		switch {
		case leg.Master != bond.Name:
			d.add(enslave{name, bond.Name})
			continue
		case leg.MTU != bond.MTU:
			d.add(setMTU{name, leg.MTU, bond.MTU})
		}
		d.up(name)
	}
}

func (d *differ) up(name string) {
	if l := d.edit(name); !l.Up {
		d.add(setUp{name})
		l.Up = true
	}
}

func (d *differ) vlan() {
	want := d.want.VLAN
	tag := tag{Parent: d.want.Bond.Name, ID: want.ID}
	have, ok := d.now.link(want.Name)
	if ok && have.VLAN != tag {
		d.add(deleteLink{have})
		d.forget(want.Name)
		ok = false
	}
	switch {
	case !ok:
		d.add(createVLAN{want, tag.Parent})
		d.now.Links = append(d.now.Links, link{Name: want.Name, Kind: "vlan", MTU: want.MTU, VLAN: tag})
	case have.MTU != want.MTU:
		d.add(setMTU{want.Name, have.MTU, want.MTU})
	}
}

func (d *differ) address() {
	vlan := d.edit(d.want.VLAN.Name)
	ours := d.want.VLAN.Address
	kept := slices.Contains(vlan.Addresses, ours)
	for _, a := range vlan.Addresses {
		if a == ours {
			continue
		}
		d.add(removeAddress{vlan.Name, a})
		if secondary(a, ours) {
			kept = false
		}
	}
	if !kept {
		d.add(addAddress{vlan.Name, ours})
		d.forgetRoutes(vlan.Name)
	}
}

// secondary reports whether removing a may take b along: of two addresses in
// one subnet the later one is the secondary, and goes with the first unless
// net.ipv4.conf.*.promote_secondaries is set (inet_del_ifa).
func secondary(a, b netip.Prefix) bool { return a.Masked() == b.Masked() }

func (d *differ) routes() {
	vlan := d.want.VLAN
	ours := vlan.route()
	for _, r := range d.now.Routes {
		if r.Link == vlan.Name && r != ours {
			d.add(removeRoute{r})
		}
	}
	if vlan.Gateway.IsValid() && !slices.Contains(d.now.Routes, ours) {
		d.add(addRoute{ours})
	}
}

func names(links []link) []string {
	var names []string
	for _, l := range links {
		names = append(names, l.Name)
	}
	slices.SortFunc(names, strings.Compare)
	return names
}
