// SPDX-License-Identifier: Apache-2.0

package join

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// admit says which planned node a host is: by a hardware address of the plan;
// else, among nodes planned without any, by the token that is bound to one, or
// by the host's name. bound is fully qualified, or empty.
func (v *inventory) admit(nodes []plan.Node, id joinapi.Identity, bound string) (plan.HostPlan, error) {
	matches := v.byMAC(id.MACs)
	if len(matches) > 1 {
		return plan.HostPlan{}, refuse(joinapi.CodeForbidden, "two nodes at once",
			"this host reported %s, which the plan gives to %s and %s; correct spec.nodes[].macs", reported(id), nodes[matches[0]].Name, nodes[matches[1]].Name)
	}
	if len(matches) == 0 {
		matches = v.byName(nodes, id.Hostname, bound)
	}
	if len(matches) == 0 {
		return plan.HostPlan{}, refuse(joinapi.CodeForbidden, "in no inventory",
			"the plan has no node for this host, which reported %s%s; add one of the MACs to spec.nodes[].macs", reported(id), only(bound))
	}
	h := v.hosts[matches[0]]
	if bound != "" && h.Name != bound {
		return plan.HostPlan{}, refuse(joinapi.CodeForbidden, "token of another node",
			"this enrolment token is for %s, but by the plan this host is %s: it reported %s", bound, h.Name, reported(id))
	}
	return h, nil
}

// byMAC returns the places of all nodes that have one of the addresses, in the
// plan's order.
func (v *inventory) byMAC(macs []joinapi.MAC) []int {
	var matches []int
	for _, m := range macs {
		if i, ok := v.macs[m]; ok && !slices.Contains(matches, i) {
			matches = append(matches, i)
		}
	}
	slices.Sort(matches)
	return matches
}

func (v *inventory) byName(nodes []plan.Node, hostname, bound string) []int {
	name := bound
	if bound == "" {
		name = hostname
	}
	if i, ok := v.names[name]; ok && len(nodes[i].MACs) == 0 {
		return []int{i}
	}
	return nil
}

func reported(id joinapi.Identity) string {
	return fmt.Sprintf("MACs %s, hostname %q, serial %q", enumerate(id.MACs), id.Hostname, id.Serial)
}

func enumerate(macs []joinapi.MAC) string {
	if len(macs) == 0 {
		return "none"
	}
	words := make([]string, len(macs))
	for i, m := range macs {
		words[i] = string(m)
	}
	return strings.Join(words, ", ")
}

func only(bound string) string {
	if bound == "" {
		return ""
	}
	return fmt.Sprintf(", with a token for %s", bound)
}
