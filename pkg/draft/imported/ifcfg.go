// SPDX-License-Identifier: Apache-2.0

package imported

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// ifcfg is one interface as initscripts describe it (sysconfig.txt, and
// NetworkManager's nm-settings-ifcfg-rh(5)).
type ifcfg struct {
	file   string
	device string
	values map[string]variable
	used   bool
}

func (c *collector) readIfcfg(f File) ifcfg {
	i := ifcfg{file: f.Name, values: map[string]variable{}}
	w := words{text: string(f.Content), line: 1}
	for {
		v, ok, err := w.next()
		if !ok {
			break
		}
		if err != nil {
			c.problem(Place{f.Name, v.line}, "%v", err)
			continue
		}
		i.values[v.name] = v // as in the shell, the last one counts
	}
	i.device = cmp.Or(i.get("DEVICE"), strings.TrimPrefix(path.Base(f.Name), "ifcfg-"))
	return i
}

func (i ifcfg) get(name string) string { return i.values[name].value }

func (i ifcfg) at(name string) Place { return Place{i.file, i.values[name].line} }

// first is the first of several variables that is set: scripts number those
// that may come more than once, from nothing or from 0.
func (i ifcfg) first(names ...string) (name string, ok bool) {
	for _, name := range names {
		if i.get(name) != "" {
			return name, true
		}
	}
	return "", false
}

// A host is one folder of ifcfg files.
type host struct {
	folder  string
	address netip.Prefix
	at      Place
	macs    []plan.MAC
}

// bonding is the hosts' bond, which all of them have alike.
type bonding struct {
	name            fact[string]
	legs            fact[[]string]
	miimon, updelay fact[time.Duration]
	minLinks, mtu   fact[int]
	mode            fact[string]
}

// hosts takes the interfaces of each folder for those of one host.
func (c *collector) hosts(interfaces []ifcfg) {
	var folders []string
	byFolder := map[string][]*ifcfg{}
	for at := range interfaces {
		folder := path.Dir(interfaces[at].file)
		if byFolder[folder] == nil {
			folders = append(folders, folder)
		}
		byFolder[folder] = append(byFolder[folder], &interfaces[at])
	}
	for _, folder := range folders {
		c.host(folder, byFolder[folder])
	}
	for _, i := range interfaces {
		if !i.used {
			c.unused = append(c.unused, i.file)
		}
	}
}

// host reads the VLAN link, the bond below it, and the bond's legs.
func (c *collector) host(folder string, interfaces []*ifcfg) {
	at := slices.IndexFunc(interfaces, func(i *ifcfg) bool { return i.isVLAN() })
	if at < 0 {
		c.problem(Place{File: interfaces[0].file}, "neither this file nor one beside it is of a VLAN link such as bond0.1500, which has a node's address")
		return
	}
	vlan := interfaces[at]
	vlan.used = true
	parent := vlan.parent()
	h := host{folder: folder}
	c.vlanLink(&h, *vlan)
	var legs []string
	for _, i := range interfaces {
		switch {
		case i.device == parent:
			i.used = true
			c.bondLink(*i)
		case i.get("MASTER") == parent:
			i.used = true
			legs = append(legs, i.device)
			c.leg(&h, *i)
		}
	}
	if len(legs) > 0 {
		slices.SortFunc(legs, func(a, b string) int { // eno2 before eno10
			return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
		})
		learn(c, &c.bond.legs, "the bond's legs", legs, Place{File: folderName(folder)})
	}
	if h.address.IsValid() {
		c.addresses = append(c.addresses, h)
	}
}

func folderName(folder string) string {
	if folder == "." {
		return "the ifcfg files"
	}
	return folder
}

func (i ifcfg) isVLAN() bool {
	return strings.EqualFold(i.get("VLAN"), "yes") || strings.Contains(i.device, ".") && i.get("MASTER") == ""
}

func (i ifcfg) parent() string {
	parent, _, _ := strings.Cut(i.device, ".")
	return cmp.Or(i.get("PHYSDEV"), parent)
}

func (c *collector) vlanLink(h *host, i ifcfg) {
	learn(c, &c.bond.name, "the bond", i.parent(), i.at("DEVICE"))
	c.vlanID(i)
	c.mtu(i)
	c.hostAddress(h, i)
	if name, ok := i.first("GATEWAY", "GATEWAY0"); ok {
		if a, ok := c.addr(i, name); ok {
			learn(c, &c.gateway, "the gateway", a, i.at(name))
		}
	}
	c.resolver(i)
}

func (c *collector) vlanID(i ifcfg) {
	_, text, _ := strings.Cut(i.device, ".")
	at := i.at("DEVICE")
	if i.get("VLAN_ID") != "" {
		text, at = i.get("VLAN_ID"), i.at("VLAN_ID")
	}
	id, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		c.problem(at, "%q is no VLAN ID; want a DEVICE such as bond0.1500, or VLAN_ID", text)
		return
	}
	learn(c, &c.vlan, "the VLAN", uint16(id), at)
}

// hostAddress reads the node's address with its length.
func (c *collector) hostAddress(h *host, i ifcfg) {
	name, ok := i.first("IPADDR", "IPADDR0")
	if !ok {
		c.problem(Place{File: i.file}, "has no IPADDR (BOOTPROTO is %q); a node's address cannot come from elsewhere", i.get("BOOTPROTO"))
		return
	}
	address, ok := c.addr(i, name)
	if !ok {
		return
	}
	bits, at, err := i.length()
	if err != nil {
		c.problem(at, "%v", err)
		return
	}
	h.address, h.at = netip.PrefixFrom(address, bits), i.at(name)
	learn(c, &c.subnet, "the subnet", h.address.Masked(), at)
}

// length is PREFIX, or NETMASK, which PREFIX overrides.
func (i ifcfg) length() (bits int, at Place, err error) {
	if name, ok := i.first("PREFIX", "PREFIX0"); ok {
		bits, err := strconv.Atoi(i.get(name))
		if err != nil || bits < 0 || bits > 32 {
			return 0, i.at(name), fmt.Errorf("%s: %q is not a number from 0 to 32", name, i.get(name))
		}
		return bits, i.at(name), nil
	}
	name, ok := i.first("NETMASK", "NETMASK0")
	if !ok {
		return 0, Place{File: i.file}, errors.New("has neither PREFIX nor NETMASK, without which the subnet is unknown")
	}
	bits, size := net.IPMask(net.ParseIP(i.get(name)).To4()).Size()
	if size != 32 {
		return 0, i.at(name), fmt.Errorf("%s: %q is no netmask", name, i.get(name))
	}
	return bits, i.at(name), nil
}

func (c *collector) addr(i ifcfg, name string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(i.get(name))
	if err != nil || !a.Is4() {
		c.problem(i.at(name), "%s: %q is no IPv4 address", name, i.get(name))
		return netip.Addr{}, false
	}
	return a, true
}

// resolver reads the DNS servers and the domain, the first of those to search.
func (c *collector) resolver(i ifcfg) {
	var servers []netip.Addr
	at := Place{File: i.file}
	for n := 1; i.get(fmt.Sprint("DNS", n)) != ""; n++ {
		name := fmt.Sprint("DNS", n)
		if a, ok := c.addr(i, name); ok {
			servers = append(servers, a)
			at = i.at(name)
		}
	}
	if servers != nil {
		learn(c, &c.dns, "the list of DNS servers", servers, at)
	}
	if domains := strings.Fields(i.get("DOMAIN")); len(domains) > 0 {
		learn(c, &c.domain, "the domain", domains[0], i.at("DOMAIN"))
	}
}

func (c *collector) mtu(i ifcfg) {
	text := i.get("MTU")
	if text == "" {
		return
	}
	mtu, err := strconv.Atoi(text)
	if err != nil {
		c.problem(i.at("MTU"), "MTU: %q is no number of bytes", text)
		return
	}
	learn(c, &c.bond.mtu, "the MTU", mtu, i.at("MTU"))
}

func (c *collector) leg(h *host, i ifcfg) {
	c.mtu(i)
	text := i.get("HWADDR")
	if text == "" {
		return
	}
	var mac plan.MAC
	if err := mac.UnmarshalText([]byte(text)); err != nil {
		c.problem(i.at("HWADDR"), "HWADDR: %q: %v", text, err)
		return
	}
	h.macs = append(h.macs, mac)
}

func (c *collector) bondLink(i ifcfg) {
	c.mtu(i)
	for _, option := range strings.Fields(i.get("BONDING_OPTS")) {
		name, value, _ := strings.Cut(option, "=")
		c.bondOption(name, value, i.at("BONDING_OPTS"))
	}
}

// bondOption reads one option of the bonding module
// (Documentation/networking/bonding.rst).
func (c *collector) bondOption(name, value string, at Place) {
	switch name {
	case "mode":
		if value != "4" && value != "802.3ad" {
			c.problem(at, "mode=%s: a leaf pair answers LACP only, so the plan has 802.3ad", value)
		}
		learn(c, &c.bond.mode, "the bond's mode", "802.3ad", at)
		return
	case "miimon", "updelay", "min_links":
	default:
		c.problem(at, "%s=%s: a plan has no such option", name, value)
		return
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		c.problem(at, "%s: %q is no number", name, value)
		return
	}
	switch name {
	case "miimon":
		learn(c, &c.bond.miimon, "miimon", time.Duration(n)*time.Millisecond, at)
	case "updelay":
		learn(c, &c.bond.updelay, "updelay", time.Duration(n)*time.Millisecond, at)
	case "min_links":
		learn(c, &c.bond.minLinks, "min_links", n, at)
	}
}
