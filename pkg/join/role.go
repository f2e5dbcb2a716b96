// SPDX-License-Identifier: Apache-2.0

package join

import (
	"cmp"
	"fmt"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// admits is whom a token that is asked for lets in: the one node that it names,
// or all of a role, which is the workers' when nothing is said. problem is what
// is wrong with the request.
func (c *Coordinator) admits(r joinapi.TokenRequest) (node string, role plan.Role, problem joinapi.FieldProblem) {
	wanted := plan.Role(r.Role)
	switch wanted {
	case "", plan.ControlPlane, plan.Worker:
	default:
		return "", "", wrong("role", "%q is not %s or %s", r.Role, plan.ControlPlane, plan.Worker)
	}
	if r.Node == "" {
		return "", cmp.Or(wanted, plan.Worker), problem
	}
	h, ok := c.inventory().host(r.Node)
	switch {
	case !ok:
		return "", "", wrong("node", "%v", c.Plan.NoNode(r.Node))
	case wanted != "" && wanted != h.Role:
		return "", "", wrong("role", "the plan has %s as %s, not as %s; leave the role out, the node says it", h.Name, h.Role, r.Role)
	}
	return h.Name, "", problem
}

func wrong(path, format string, args ...any) joinapi.FieldProblem {
	return joinapi.FieldProblem{Path: path, Detail: fmt.Sprintf(format, args...)}
}

// mayBecome refuses a host that shows a token of another role than the plan's
// node has. Hardware addresses are a host's own words: without this, whoever
// holds any token of the rack becomes its control plane.
func (t token) mayBecome(n plan.Node, fqdn string) error {
	role := cmp.Or(t.Role, plan.Worker) // a token of before there were roles
	if t.Node != "" || n.Role == role {
		return nil
	}
	return refuse(joinapi.CodeForbidden, "token of another role",
		"by the plan this host is %s, a %s, and this enrolment token admits a %s only; make it one with `joinsvc token create --role %s` or `--node %s`",
		fqdn, n.Role, role, n.Role, n.Name)
}
