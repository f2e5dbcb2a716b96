// SPDX-License-Identifier: Apache-2.0

package join

import (
	"slices"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// The bounds of an Identity; a machine has fewer of everything.
const (
	maxMACs = 64
	maxName = 253 // RFC 1123 section 2.1
)

// identityProblems are all that is wrong with an identity, which the request has
// at path.
func identityProblems(path string, id joinapi.Identity) (problems []joinapi.FieldProblem) {
	if n := len(id.MACs); n > maxMACs {
		problems = append(problems, wrong(path+".macs", "%d addresses are more than %d", n, maxMACs))
	}
	for _, name := range []struct{ field, value string }{{"hostname", id.Hostname}, {"machineID", id.MachineID}, {"serial", id.Serial}} {
		if n := len(name.value); n > maxName {
			problems = append(problems, wrong(path+"."+name.field, "%d bytes are more than %d", n, maxName))
		}
	}
	return problems
}

// sameHardware refuses a host that shows a node's certificate and has none of
// that node's cards: it was made from a copy of the node's disk, and would take
// its address. One card in common is enough, whether the node enrolled with it
// or the plan names it by now. Serial numbers say nothing here: boards ship
// with the same "Not Specified".
func (c *Coordinator) sameHardware(n Node, id joinapi.Identity) error {
	known := c.cards(n)
	if shares(id.MACs, known) {
		return nil
	}
	return refuse(joinapi.CodeForbidden, "other hardware",
		"this host shows the certificate of %s, which has MACs %s, but reported %s; if its disk is a copy of that node's, remove nodeprep's state (/var/lib/nodeprep) here and enrol it by itself; if that node has got new cards, put them into its spec.nodes[].macs and restart joinsvc",
		n.Name, enumerate(known), reported(id))
}

// cards are the addresses that the node enrolled with, and those that the plan
// gives it.
func (c *Coordinator) cards(n Node) []joinapi.MAC {
	known := slices.Clone(n.Identity.MACs)
	if planned, ok := c.planned(n.Name); ok {
		known = append(known, plannedMACs(planned)...)
	}
	slices.Sort(known)
	return slices.Compact(known)
}
