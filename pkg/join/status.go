// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// Status returns every planned node, in the plan's order, with what is leased
// and known of it.
func (c *Coordinator) Status(ctx context.Context) (joinapi.Status, error) {
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return joinapi.Status{}, err
	}
	_, access, err := c.access(ctx)
	if err != nil {
		return joinapi.Status{}, err
	}
	status := joinapi.Status{Cluster: c.Plan.Metadata.Name, Access: access && c.connected() != nil}
	if c.Remarks != nil {
		status.Remarks = c.Remarks()
	}
	asns := c.Plan.Spec.ASNs()
	for i, planned := range c.Plan.Spec.Nodes {
		s := joinapi.NodeStatus{
			Name: c.Plan.FQDN(planned), Role: planned.Role, Address: planned.Address.String(), ASN: asns[i],
		}
		if n, ok := nodes[s.Name]; ok {
			s.Phase, s.Reason = n.Phase()
			s.Address, s.ASN, s.Reports, s.Sessions = n.Address.String(), n.ASN, n.Reports, n.Sessions
		}
		status.Nodes = append(status.Nodes, s)
	}
	return status, nil
}
