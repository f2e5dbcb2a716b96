// SPDX-License-Identifier: Apache-2.0

package join

import (
	"fmt"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// admit says which planned node a host is: by a hardware address of the plan;
// else, among nodes planned without any, by the token that is bound to one, or
// by the host's name. bound is fully qualified, or empty.
func admit(p plan.Plan, id joinapi.Identity, bound string) (plan.Node, error) {
	matches := byMAC(p, id.MACs)
	if len(matches) > 1 {
		return plan.Node{}, refuse(joinapi.CodeForbidden, "two nodes at once",
			"this host reported %s, which the plan gives to %s and %s; correct spec.nodes[].macs", reported(id), matches[0].Name, matches[1].Name)
	}
	if len(matches) == 0 {
		matches = byName(p, id.Hostname, bound)
	}
	if len(matches) == 0 {
		return plan.Node{}, refuse(joinapi.CodeForbidden, "in no inventory",
			"the plan has no node for this host, which reported %s%s; add one of the MACs to spec.nodes[].macs", reported(id), only(bound))
	}
	if n := matches[0]; bound != "" && p.FQDN(n) != bound {
		return plan.Node{}, refuse(joinapi.CodeForbidden, "token of another node",
			"this enrolment token is for %s, but by the plan this host is %s: it reported %s", bound, p.FQDN(n), reported(id))
	}
	return matches[0], nil
}

func byMAC(p plan.Plan, macs []joinapi.MAC) []plan.Node {
	var matches []plan.Node
	for _, n := range p.Spec.Nodes {
		if shares(plannedMACs(n), macs) {
			matches = append(matches, n)
		}
	}
	return matches
}

func byName(p plan.Plan, hostname, bound string) []plan.Node {
	for _, n := range p.Spec.Nodes {
		fqdn := p.FQDN(n)
		named := hostname == n.Name || hostname == fqdn
		if len(n.MACs) == 0 && (fqdn == bound || bound == "" && named) {
			return []plan.Node{n}
		}
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
