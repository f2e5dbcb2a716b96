// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"fmt"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// FRRConfig is the configuration of one leaf for FRR 8.4 (one file, read by
// zebra and bgpd): a router of the fabric's AS with one neighbour per node.
//
// Timers stay at FRR's traditional 60 s and 180 s: an emulated node may stand
// still for longer than a short hold time. The connect timer is short, since
// nodes appear one after another; ebgp-requires-policy (RFC 8212) is off, for
// what a leaf exports and imports is no subject of the plan yet.
func FRRConfig(t Topology, leaf plan.Leaf) string {
	var b strings.Builder
	fmt.Fprintf(&b, "frr defaults traditional\nhostname %s\n", leaf.Name)
	fmt.Fprintf(&b, "log file /var/log/frr/%s.log informational\n!\n", leaf.Name)
	fmt.Fprintf(&b, "router bgp %d\n bgp router-id %s\n", t.Plan.Spec.Fabric.ASN, leaf.Address)
	b.WriteString(" bgp log-neighbor-changes\n no bgp ebgp-requires-policy\n bgp bestpath as-path multipath-relax\n")
	for _, h := range t.Hosts {
		peer := h.Address.Addr()
		fmt.Fprintf(&b, " neighbor %s remote-as %d\n neighbor %s description %s\n neighbor %s timers connect 10\n",
			peer, h.ASN, peer, h.FQDN, peer)
	}
	b.WriteString(" !\n address-family ipv4 unicast\n  maximum-paths 64\n exit-address-family\nexit\n")
	return b.String()
}
