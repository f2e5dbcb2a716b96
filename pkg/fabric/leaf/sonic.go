// SPDX-License-Identifier: Apache-2.0

package leaf

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// SONiC prints what one leaf with SONiC needs for its nodes as tables of
// config_db, for `config load`. BGP is of the FRR management framework: the
// tables of bgpcfgd, SONiC's default, know neither filters, limits, local-as
// nor as-override. A switch whose sessions are bgpcfgd's has to be moved first,
// or takes what FRR prints in SONiC's mode split-unified.
//
// Two things of the plan are not in it. SONiC's port names depend on the
// hardware, so that the members of the port channels are left to
// `config portchannel member add`. And an interface takes no second address of
// one subnet (orchagent's IntfsOrch), so that the shared gateway is missing.
//
// Written from SONiC's YANG models, Configuration.md, and the templates that make
// FRR's configuration of these tables (sonic-buildimage and sonic-swss, August
// 2026). FRR 8.4 has run what those templates make; no switch has run any of it.
func SONiC(p plan.Plan, leaf string) ([]byte, error) {
	tables, err := sonic(p, leaf)
	if err != nil {
		return nil, err
	}
	return indented(tables)
}

func indented(v any) ([]byte, error) {
	out, err := json.MarshalIndent(v, "", "    ")
	if err != nil {
		return nil, fmt.Errorf("encoding config_db: %w", err)
	}
	return append(out, '\n'), nil
}

type (
	// configDB is table, key, field; a value is a string or a list of strings.
	configDB map[string]table
	table    map[string]fields
	fields   map[string]any
)

// vrf is the only routing table that nodes are in.
const vrf = "default|"

func sonic(p plan.Plan, leaf string) (configDB, error) {
	c, err := ConfigOf(p, leaf)
	if err != nil {
		return nil, err
	}
	if err := sonicProblems(c).err(leaf); err != nil {
		return nil, err
	}
	db := configDB{}
	db.device(c)
	db.ports(c)
	db.filter(c.from(), c.FromNodes)
	db.filter(c.to(), c.ToNodes)
	db.router(c)
	db.group(c)
	db.neighbours(c)
	return db, nil
}

func sonicProblems(c Config) problems {
	var ps problems
	ps.channels(c)
	ps.within("spec.nodeNetwork.vlan", int(c.VLAN), 2, 4094, "")
	if b := c.BFD; b.Interval != 0 && (b.Interval != 300*time.Millisecond || b.Multiplier != 3) {
		ps.add("spec.fabric.bfd", "SONiC's BFD of BGP sessions is 300ms times 3; take that, or leave it out")
	}
	// The templates compare lengths as texts, so that "26" is below "8": of such
	// a filter only the upper bound would be left.
	for _, m := range c.ToNodes {
		if m.Min > m.Prefix.Bits() && m.Prefix.Bits() < 10 {
			ps.add("spec.pods.subnet, spec.loadBalancers.subnet", "SONiC filters %s wrongly; take a range of /10 or longer, or render frr for its mode split-unified", m.Prefix)
		}
	}
	return ps
}

func (db configDB) set(name, key string, f fields) {
	if db[name] == nil {
		db[name] = table{}
	}
	db[name][key] = f
}

func (db configDB) device(c Config) {
	db.set("DEVICE_METADATA", "localhost", fields{
		"hostname":                   c.Name,
		"docker_routing_config_mode": "unified",
		"frr_mgmt_framework_config":  "true",
	})
	vlan := c.sonicVLAN()
	db.set("VLAN", vlan, fields{"vlanid": number(c.VLAN), "mtu": number(c.MTU), "description": "nodes of " + c.Cluster})
	db.set("VLAN_INTERFACE", vlan, fields{})
	db.set("VLAN_INTERFACE", vlan+"|"+c.Address.String(), fields{})
}

// ports are the nodes' port channels, shared with the other leaf as interfaces
// of MCLAG domain 1; leaves of one domain keep addresses of their own.
func (db configDB) ports(c Config) {
	vlan := c.sonicVLAN()
	for _, n := range c.Nodes {
		if len(n.Ports) == 0 {
			continue
		}
		channel := "PortChannel" + number(n.Channel)
		db.set("PORTCHANNEL", channel, fields{"admin_status": "up", "mtu": number(c.MTU), "description": free(n.Host)})
		db.set("VLAN_MEMBER", vlan+"|"+channel, fields{"tagging_mode": "tagged"})
		if n.Shared {
			db.set("MCLAG_INTERFACE", "1|"+channel, fields{"if_type": "PortChannel"})
			db.set("MCLAG_UNIQUE_IP", vlan, fields{"unique_ip": "enable"})
		}
	}
}

// filter is one direction's policy; both are explicit (RFC 8212).
func (db configDB) filter(name string, matches []Match) {
	db.set("PREFIX_SET", name, fields{"mode": "IPv4"})
	for i, m := range matches {
		lengths := "exact"
		if m.Min != m.Prefix.Bits() || m.Max != m.Min {
			lengths = fmt.Sprintf("%d..%d", m.Min, m.Max)
		}
		db.set("PREFIX", fmt.Sprintf("%s|%d|%s|%s", name, 10*(i+1), m.Prefix, lengths), fields{"action": "permit"})
	}
	db.set("ROUTE_MAP_SET", name, fields{})
	db.set("ROUTE_MAP", name+"|10", fields{"route_operation": "permit", "match_prefix_set": name})
}

func (db configDB) router(c Config) {
	globals := fields{
		"local_asn":             number(c.AS()),
		"router_id":             c.RouterID.String(),
		"log_nbr_state_changes": "true",
		"load_balance_mp_relax": "true",
		"default_ipv4_unicast":  "false",
		"network_import_check":  "true", // announced while there is a route
	}
	if c.Model == plan.PerCluster {
		globals["max_dynamic_neighbors"] = number(min(c.Peers, 5000))
	}
	db.set("BGP_GLOBALS", "default", globals)
	db.set("BGP_GLOBALS_AF", vrf+"ipv4_unicast", fields{"max_ebgp_paths": number(MaxPaths)})
	for _, p := range c.Advertised {
		db.set("BGP_GLOBALS_AF_NETWORK", vrf+"ipv4_unicast|"+p.String(), fields{})
	}
}

// group is what all sessions are.
func (db configDB) group(c Config) {
	group := fields{
		"keepalive":  number(seconds(c.Timers.Keepalive)),
		"holdtime":   number(seconds(c.Timers.Hold)),
		"conn_retry": "10",
	}
	if c.Internal != 0 {
		group["local_asn"] = number(c.ASN)
	}
	if c.BFD.Interval != 0 {
		group["bfd"] = "true"
	}
	family := fields{
		"admin_status":                "up",
		"nhself":                      "true",
		"max_prefix_limit":            number(c.MaxPrefixes),
		"max_prefix_restart_interval": number(restartMinutes),
		"route_map_in":                []string{c.from()},
		"route_map_out":               []string{c.to()},
	}
	if c.DefaultRoute {
		family["send_default_route"] = "true"
	}
	if c.Model == plan.PerCluster {
		group["asn"] = number(c.NodeASN)
		group["solo_peer"] = "true"
		family["as_override"] = "true"
	}
	db.set("BGP_PEER_GROUP", vrf+c.group(), group)
	db.set("BGP_PEER_GROUP_AF", vrf+c.group()+"|ipv4_unicast", family)
}

// neighbours are the nodes and in the cluster model whoever else calls from the
// subnet; frr.neighbours says why the nodes are listed there too.
func (db configDB) neighbours(c Config) {
	if c.Model == plan.PerCluster {
		db.set("BGP_GLOBALS_LISTEN_PREFIX", vrf+c.Address.Masked().String(), fields{"peer_group": c.group()})
	}
	for _, n := range c.Nodes {
		neighbour := fields{"peer_group_name": c.group(), "name": free(n.Name)}
		if c.Model == plan.PerCluster {
			neighbour["solo_peer"] = "true"
		} else {
			neighbour["asn"] = number(n.ASN)
		}
		db.set("BGP_NEIGHBOR", vrf+n.Address.String(), neighbour)
	}
}

func (c Config) sonicVLAN() string { return "Vlan" + number(c.VLAN) }

func number[T int | uint16 | uint32](n T) string { return strconv.FormatInt(int64(n), 10) }
