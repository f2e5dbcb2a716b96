// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"errors"
	"slices"
	"strings"
)

// refusals returns why the plan cannot be had on this host: everything that
// would need a link that does not exist, or one that is not ours, to change.
func (d *differ) refusals() error {
	var p problems
	d.legsRefused(&p)
	d.bondRefused(&p)
	d.vlanRefused(&p)
	ours := d.want.VLAN.route()
	for _, r := range d.now.Routes {
		// The kernel replaces a route of equal metric, whichever link it is on.
		p.check(r.Metric != ours.Metric || r.Link == ours.Link,
			"another default route has the metric of ours: %s; see: ip route show default", r)
	}
	return errors.Join(p...)
}

func (d *differ) legsRefused(p *problems) {
	bond := d.want.Bond.Name
	for _, name := range d.want.Bond.Legs {
		leg, ok := d.now.link(name)
		p.check(ok, "leg %s of %s does not exist; this host has %s",
			name, bond, orNone(d.candidates()))
		p.check(leg.Master == "" || leg.Master == bond,
			"leg %s of %s is enslaved to %s, which is not in the plan; see: ip -d link show %s",
			name, bond, leg.Master, name)
	}
}

// candidates are the links that might have been meant as a leg: not the
// loopback, nothing that stands on another link, nothing of a pod's.
func (d *differ) candidates() []string {
	return names(slices.DeleteFunc(slices.Clone(d.now.Links), func(l link) bool {
		return l.Name == "lo" || l.Kind != "" && l.Kind != "veth" || strings.HasPrefix(l.Name, "cali")
	}))
}

func (d *differ) bondRefused(p *problems) {
	want := d.want.Bond
	have, ok := d.now.link(want.Name)
	if !ok {
		return
	}
	if have.Kind != "bond" {
		p.check(false, "%s exists and is no bond: %s; see: ip -d link show %s", want.Name, have, want.Name)
		return
	}
	p.check(have.Master == "", "%s is enslaved to %s, which is not in the plan; see: ip -d link show %s",
		want.Name, have.Master, want.Name)
	if !mustReplace(have, want) {
		return
	}
	for _, v := range d.now.vlans(want.Name) {
		p.check(v.Name == d.want.VLAN.Name,
			"%s has to be replaced (it is %s mac %s), but carries %s, which is not in the plan; if nobody needs that: ip link delete %s",
			want.Name, have.Bond, have.MAC, v.Name, v.Name)
	}
}

func (d *differ) vlanRefused(p *problems) {
	want := d.want.VLAN
	if have, ok := d.now.link(want.Name); ok && have.Kind != "vlan" {
		p.check(false, "%s exists and is no VLAN: %s; see: ip -d link show %s", want.Name, have, want.Name)
	}
	for _, v := range d.now.vlans(d.want.Bond.Name) {
		// One number can be used once on a link: the kernel would say EEXIST.
		p.check(v.VLAN.ID != want.ID || v.Name == want.Name,
			"VLAN %d on %s exists as %s, which is not in the plan; if nobody needs it: ip link delete %s",
			want.ID, d.want.Bond.Name, v.Name, v.Name)
	}
}
