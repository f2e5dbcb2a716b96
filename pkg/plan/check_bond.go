// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

// ifname is what the kernel takes as an interface name (IFNAMSIZ, 15 bytes)
// less the characters that no tool likes.
var ifname = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,15}$`)

func (c *checker) bond(s Spec) {
	b := s.Bond
	if b.Mode != "802.3ad" {
		c.errorf("spec.bond.mode", "%q: a leaf pair answers LACP only; want 802.3ad", b.Mode)
	}
	if !ifname.MatchString(b.Name) {
		c.errorf("spec.bond.name", "%q is no interface name (at most 15 letters, digits, dots, dashes)", b.Name)
	}
	c.notTaken("spec.bond.name", b.Name)
	c.legs(b)
	c.mtu("spec.bond.mtu", b.MTU)
	c.delays(b)
	c.vlanNames(s)
}

// notTaken refuses what matches ifname and is no interface of a plan's: the
// kernel refuses all, default (sysctl_dev_name_is_allowed), . and ..
// (dev_valid_name), has lo itself, and a file in the place of bonding_masters.
func (c *checker) notTaken(path, name string) {
	if slices.Contains([]string{".", "..", "all", "default", "lo", "bonding_masters"}, name) {
		c.errorf(path, "%q is a name that the kernel keeps for itself; want another", name)
	}
}

// mtu wants what both IPv6 (RFC 8200 section 5: 1280) and the leaves (9216) take.
func (c *checker) mtu(path string, mtu int) bool {
	ok := mtu >= 1280 && mtu <= 9216
	if !ok {
		c.errorf(path, "%d is not in 1280–9216", mtu)
	}
	return ok
}

// vlanNames wants the bond's name to leave room for the VLAN link's, which the
// kernel would refuse only after the bond was built, and no leg under that name.
func (c *checker) vlanNames(s Spec) {
	if !ifname.MatchString(s.Bond.Name) {
		return
	}
	for _, r := range s.AllRacks() {
		name := HostPlan{Bond: s.Bond, NodeNetwork: r.NodeNetwork}.VLANName()
		if leg := slices.Index(s.Bond.Legs, name); leg >= 0 {
			c.errorf(fmt.Sprintf("spec.bond.legs[%d]", leg), "%s is the VLAN link on the bond; want an interface that is part of the bond", name)
			return
		}
		if !ifname.MatchString(name) {
			c.errorf("spec.bond.name", "%q makes the VLAN link %s, longer than the 15 bytes of an interface name", s.Bond.Name, name)
			return
		}
	}
}

func (c *checker) legs(b Bond) {
	seen := map[string]int{}
	for i, leg := range b.Legs {
		path := fmt.Sprintf("spec.bond.legs[%d]", i)
		if !ifname.MatchString(leg) {
			c.errorf(path, "%q is no interface name", leg)
		}
		c.notTaken(path, leg)
		if leg == b.Name {
			c.errorf(path, "%s is the bond itself; want an interface that is part of it", leg)
		}
		if first, twice := seen[leg]; twice {
			c.errorf(path, "%s is spec.bond.legs[%d] already", leg, first)
		}
		seen[leg] = i
	}
	if len(b.Legs) == 0 {
		c.errorf("spec.bond.legs", "is empty; want the interfaces that lead to the leaves")
		return
	}
	if b.MinLinks < 1 || b.MinLinks > len(b.Legs) {
		c.errorf("spec.bond.minLinks", "%d is not in 1–%d, the number of legs", b.MinLinks, len(b.Legs))
	}
}

func (c *checker) delays(b Bond) {
	if b.MIIMon < time.Millisecond || b.MIIMon%time.Millisecond != 0 {
		c.errorf("spec.bond.miimon", "%s is not a positive number of whole milliseconds", b.MIIMon)
		return
	}
	if b.UpDelay < 0 || b.UpDelay%time.Millisecond != 0 {
		c.errorf("spec.bond.updelay", "%s is not a number of whole milliseconds", b.UpDelay)
		return
	}
	if rest := b.UpDelay % b.MIIMon; rest != 0 {
		c.warnf("spec.bond.updelay", "%s is not a multiple of miimon %s; the kernel rounds it down to %s", b.UpDelay, b.MIIMon, b.UpDelay-rest)
	}
}
