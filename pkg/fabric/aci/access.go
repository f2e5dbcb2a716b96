// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// vlans are the VLAN IDs that the cluster's ports carry, each once.
func (l layout) vlans() []uint16 {
	var ids []uint16
	for _, r := range l.racks {
		ids = append(ids, r.NodeNetwork.VLAN)
	}
	if l.ownsOutsidePort() {
		ids = append(ids, l.aci.Outside.VLAN)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (l layout) vlanPoolDN() string { return "uni/infra/vlanns-[" + l.named("VLP") + "]-static" }

// physicalDomain is that of the ports which a floating SVI may move to.
func (l layout) physicalDomain() string {
	if l.aci.FloatingSVI.Domain != "" {
		return l.aci.FloatingSVI.Domain
	}
	return l.named("PHD")
}

// outsideDomain is the layer 3 domain of the way out of the fabric.
func (l layout) outsideDomain() string {
	if l.ownsOutsidePort() {
		return l.named("L3D")
	}
	return l.aci.Outside.Domain
}

// domains are what ties the VLANs to the L3Out, and with a floating SVI to the
// ports as well.
func (l layout) domains() []*Object {
	pool := func() *Object { return mo("infraRsVlanNs", "rsvlanNs", attributes{"tDn": l.vlanPoolDN()}) }
	name := l.named("L3D")
	domains := []*Object{mo("l3extDomP", "l3dom-"+name, attributes{"name": name}, pool())}
	if l.floating() {
		name := l.physicalDomain()
		domains = append(domains, mo("physDomP", "phys-"+name, attributes{"name": name}, pool()))
	}
	return domains
}

// accessPolicies make the hosts' ports what the hosts expect of them.
func (l layout) accessPolicies() *Object {
	return mo("infraInfra", "infra", attributes{}, slices.Concat(
		[]*Object{l.vlanPool(), l.accessEntity()},
		l.portPolicies(),
		[]*Object{mo("infraFuncP", "funcprof", attributes{}, l.policyGroups()...)},
		l.interfaceProfiles(),
		l.switchProfiles(),
	)...)
}

func (l layout) vlanPool() *Object {
	pool := mo("fvnsVlanInstP", strings.TrimPrefix(l.vlanPoolDN(), "uni/infra/"),
		attributes{"name": l.named("VLP"), "allocMode": "static"})
	for _, id := range l.vlans() {
		vlan := encap(id)
		pool.Children = append(pool.Children, mo("fvnsEncapBlk", fmt.Sprintf("from-[%s]-to-[%s]", vlan, vlan),
			attributes{"from": vlan, "to": vlan, "allocMode": "static"}))
	}
	return pool
}

func encap(vlan uint16) string { return fmt.Sprintf("vlan-%d", vlan) }

// accessEntity is the attachable access entity profile: which domains' VLANs
// the ports may carry.
func (l layout) accessEntity() *Object {
	name := l.named("AEP")
	domains := []string{"uni/l3dom-" + l.named("L3D")}
	if l.floating() {
		domains = append(domains, "uni/phys-"+l.physicalDomain())
	}
	entity := mo("infraAttEntityP", "attentp-"+name, attributes{"name": name})
	for _, dn := range domains {
		entity.Children = append(entity.Children, mo("infraRsDomP", "rsdomP-["+dn+"]", attributes{"tDn": dn}))
	}
	return entity
}

// portPolicies: LACP as the bond speaks it; VLAN IDs of local meaning, so that
// another tenant's port may carry the same ID; and LLDP, by which hosts tell
// their cabling.
func (l layout) portPolicies() []*Object {
	lacp, l2, lldp := l.named("LACP"), l.named("L2"), l.named("LLDP")
	return []*Object{
		mo("lacpLagPol", "lacplagp-"+lacp, attributes{"name": lacp, "mode": "active"}),
		mo("l2IfPol", "l2IfP-"+l2, attributes{"name": l2, "vlanScope": "portlocal"}),
		mo("lldpIfPol", "lldpIfP-"+lldp, attributes{"name": lldp, "adminRxSt": "enabled", "adminTxSt": "enabled"}),
	}
}

// policyGroups are a port channel for each host, over both leaves where there
// are two.
func (l layout) policyGroups() []*Object {
	var groups []*Object
	for _, r := range l.racks {
		lag := "link"
		if r.paired() {
			lag = "node"
		}
		for _, h := range r.hosts {
			name := l.portChannel(r, h)
			groups = append(groups, mo("infraAccBndlGrp", "accbundle-"+name, attributes{"name": name, "lagT": lag},
				append(l.portRelations(), mo("infraRsLacpPol", "rslacpPol", attributes{"tnLacpLagPolName": l.named("LACP")}))...))
		}
	}
	if l.ownsOutsidePort() {
		name := l.outsidePolicyGroup()
		groups = append(groups, mo("infraAccPortGrp", "accportgrp-"+name, attributes{"name": name}, l.portRelations()...))
	}
	return groups
}

func (l layout) portRelations() []*Object {
	return []*Object{
		mo("infraRsAttEntP", "rsattEntP", attributes{"tDn": "uni/infra/attentp-" + l.named("AEP")}),
		mo("infraRsL2IfPol", "rsl2IfPol", attributes{"tnL2IfPolName": l.named("L2")}),
		mo("infraRsLldpIfPol", "rslldpIfPol", attributes{"tnLldpIfPolName": l.named("LLDP")}),
	}
}

// paired says whether the rack's port channels are virtual ones of two leaves.
func (r rack) paired() bool { return len(r.Leaves) == 2 }

// portChannel is the interface policy group of a host, which its path is named
// by as well.
func (l layout) portChannel(r rack, h host) string {
	if r.paired() {
		return l.named("VPC", h.Name)
	}
	return l.named("PC", h.Name)
}

func (l layout) outsidePolicyGroup() string { return l.named("APG", "OUTSIDE") }

// interfaceProfiles say which ports of each leaf lead to which host.
func (l layout) interfaceProfiles() []*Object {
	var profiles []*Object
	for _, r := range l.racks {
		for _, leaf := range r.Leaves {
			name := l.named("LIP", leaf.Name)
			profiles = append(profiles, mo("infraAccPortP", "accportprof-"+name, attributes{"name": name}, l.selectors(r, leaf)...))
		}
	}
	return profiles
}

func (l layout) selectors(r rack, leaf plan.Leaf) []*Object {
	var selectors []*Object
	for _, h := range r.hosts {
		var ids []string
		for _, port := range h.ports {
			if port.Leaf == leaf.Name {
				ids = append(ids, port.ID)
			}
		}
		selectors = append(selectors, selector(strings.ToUpper(h.Name), "accbundle-"+l.portChannel(r, h), ids...))
	}
	if l.ownsOutsidePort() && leaf.Name == l.aci.Outside.Leaf {
		// No host is called so: a DNS label has no underscore.
		selectors = append(selectors, selector("L3OUT_OUTSIDE", "accportgrp-"+l.outsidePolicyGroup(), l.aci.Outside.Port))
	}
	return selectors
}

// selector gives ports of a leaf a policy group.
func selector(name, group string, ids ...string) *Object {
	s := mo("infraHPortS", "hports-"+name+"-typ-range", attributes{"name": name, "type": "range"},
		mo("infraRsAccBaseGrp", "rsaccBaseGrp", attributes{"tDn": "uni/infra/funcprof/" + group}))
	for _, id := range ids {
		module, port, _ := strings.Cut(id, "/")
		block := "PORT_" + module + "_" + port
		s.Children = append(s.Children, mo("infraPortBlk", "portblk-"+block,
			attributes{"name": block, "fromCard": module, "toCard": module, "fromPort": port, "toPort": port}))
	}
	return s
}

// switchProfiles give each leaf its interface profile.
func (l layout) switchProfiles() []*Object {
	var profiles []*Object
	for _, r := range l.racks {
		for _, leaf := range r.Leaves {
			name, label := l.named("LSP", leaf.Name), strings.ToUpper(leaf.Name)
			id := fmt.Sprint(leaf.Node)
			ports := "uni/infra/accportprof-" + l.named("LIP", leaf.Name)
			profiles = append(profiles, mo("infraNodeP", "nprof-"+name, attributes{"name": name},
				mo("infraLeafS", "leaves-"+label+"-typ-range", attributes{"name": label, "type": "range"},
					mo("infraNodeBlk", "nodeblk-"+label, attributes{"name": label, "from_": id, "to_": id})),
				mo("infraRsAccPortP", "rsaccPortP-["+ports+"]", attributes{"tDn": ports})))
		}
	}
	return profiles
}
