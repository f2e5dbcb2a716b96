// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"fmt"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Cabling is what hosts saw by LLDP: for a node's name, short or fully
// qualified, the leaf port at the other end of each interface.
type Cabling map[string]map[string]LeafPort

// A LeafPort is a port as an ACI leaf announces it.
type LeafPort struct {
	Pod  uint8
	Node uint16 // 101 to 4000
	ID   string // module and port: "1/3"
}

// String is the port as the APIC names it: "topology/pod-1/paths-101/pathep-[eth1/3]".
func (p LeafPort) String() string {
	return fmt.Sprintf("topology/pod-%d/paths-%d/pathep-[eth%s]", p.Pod, p.Node, p.ID)
}

// of are the interfaces of a node.
func (c Cabling) of(p plan.Plan, n plan.Node) map[string]LeafPort {
	if seen, ok := c[n.Name]; ok {
		return seen
	}
	return c[p.FQDN(n)]
}
