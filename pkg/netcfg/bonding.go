// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"bufio"
	"strconv"
	"strings"
)

// parseBonding reads what the bonding driver writes to /proc/net/bonding/NAME
// (bond_procfs.c, Linux 3.10 to 6.18): the active aggregator, and each leg's
// port. The details of LACP are there for readers with CAP_NET_ADMIN only.
// Netlink has the port states too, but neither speed nor partner.
func parseBonding(text string) (active uint16, ports map[string]port) {
	r := bondingReader{ports: map[string]port{}}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		key, value, _ := strings.Cut(strings.TrimSpace(lines.Text()), ": ")
		r.line(strings.TrimSuffix(key, ":"), strings.TrimSpace(value))
	}
	return r.active, r.ports
}

type bondingReader struct {
	active  uint16
	leg     string // the section that the line is in; "" before the first leg
	partner bool   // in the details of the partner
	ports   map[string]port
}

func (r *bondingReader) line(key, value string) {
	switch {
	case key == "Slave Interface":
		r.leg, r.partner = value, false
		r.ports[r.leg] = port{}
	case key == "details actor lacp pdu":
		r.partner = false
	case key == "details partner lacp pdu":
		r.partner = true
	case r.leg != "":
		p := r.ports[r.leg]
		p.set(key, value, r.partner)
		r.ports[r.leg] = p
	case key == "Aggregator ID":
		r.active = uint16(number(value))
	}
}

func (p *port) set(key, value string, partner bool) {
	switch key {
	case "MII Status":
		p.MII = value
	case "Speed": // "10000 Mbps", or "Unknown"
		p.Speed = number(strings.TrimSuffix(value, " Mbps"))
	case "Duplex":
		p.Duplex = strings.ToLower(value)
	case "Aggregator ID":
		p.Aggregator = uint16(number(value))
	case "system mac address":
		if partner {
			p.PartnerMAC, _ = parseMAC(value) // what is no MAC was never heard
		}
	case "port state":
		if partner {
			p.Partner = portState(number(value))
		} else {
			p.Actor = portState(number(value))
		}
	}
}

// number reads a decimal number; anything else, "N/A" for one, is 0.
func number(s string) int {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}
