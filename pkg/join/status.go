// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// Status returns every planned node, in the plan's order, with what is leased
// and known of it.
func (c *Coordinator) Status(ctx context.Context) (joinapi.Status, error) {
	k, err := c.known(ctx)
	if err != nil {
		return joinapi.Status{}, err
	}
	status := joinapi.Status{Cluster: c.Plan.Metadata.Name, Access: k.access && c.connected() != nil}
	if c.Remarks != nil {
		status.Remarks = c.Remarks()
	}
	asns := c.Plan.Spec.ASNs()
	for i, planned := range c.Plan.Spec.Nodes {
		s := joinapi.NodeStatus{
			Name: c.Plan.FQDN(planned), Role: joinapi.Role(planned.Role), Address: planned.Address.String(), ASN: asns[i],
		}
		if n, ok := k.nodes[s.Name]; ok {
			rec := k.sessions[s.Name]
			s.Phase, s.Reason = c.phase(n, rec)
			s.Sessions, _ = c.sessionsOf(s.Name, rec)
			s.Address, s.ASN, s.Reports = n.Address.String(), c.asn(n), k.reports[s.Name]
		}
		status.Nodes = append(status.Nodes, s)
	}
	return status, nil
}

// known is all that is on record of the nodes, of one moment.
type known struct {
	nodes    map[string]Node
	reports  map[string][]joinapi.Report
	sessions map[string]sessionRecord
	access   bool
}

func (c *Coordinator) known(ctx context.Context) (k known, err error) {
	err = c.Store.Update(ctx, func(tx Tx) error {
		if k.nodes, err = list[Node](tx, nodePrefix); err != nil {
			return err
		}
		if k.sessions, err = list[sessionRecord](tx, sessionPrefix); err != nil {
			return err
		}
		if k.reports, err = reportsByNode(tx); err != nil {
			return err
		}
		_, k.access, err = get[joinapi.ClusterAccess](tx, accessKey)
		return err
	})
	return k, err
}
