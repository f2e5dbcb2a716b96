// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"maps"
	"slices"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// Status returns every planned node, in the plan's order, with what is leased
// and known of it; then those on record that the plan has no more.
func (c *Coordinator) Status(ctx context.Context) (joinapi.Status, error) {
	k, err := c.known(ctx)
	if err != nil {
		return joinapi.Status{}, err
	}
	status := joinapi.Status{Cluster: c.Plan.Metadata.Name, Access: c.accessState(k.access, k.granted)}
	if status.Queue, err = c.queueStatus(ctx); err != nil {
		return joinapi.Status{}, err
	}
	if c.Remarks != nil {
		status.Remarks = c.Remarks()
	}
	asns := c.Plan.Spec.ASNs()
	for i, planned := range c.Plan.Spec.Nodes {
		s := joinapi.NodeStatus{
			Name: c.Plan.FQDN(planned), Role: joinapi.Role(planned.Role), Address: planned.Address.String(), ASN: asns[i],
		}
		if n, ok := k.nodes[s.Name]; ok {
			s = c.enrolled(n, k)
			delete(k.nodes, s.Name)
		}
		status.Nodes = append(status.Nodes, s)
	}
	// What is left the plan has no more, and it holds what it was given.
	for _, name := range slices.Sorted(maps.Keys(k.nodes)) {
		s := c.enrolled(k.nodes[name], k)
		s.Unplanned = true
		status.Nodes = append(status.Nodes, s)
	}
	return status, nil
}

// enrolled is what an operator sees of a node that is on record.
func (c *Coordinator) enrolled(n Node, k known) joinapi.NodeStatus {
	rec := k.sessions[n.Name]
	s := joinapi.NodeStatus{
		Name: n.Name, Role: joinapi.Role(n.Role), Address: n.Address.String(), ASN: c.asn(n), Reports: k.reports[n.Name],
	}
	s.Phase, s.Reason = c.phase(n, rec)
	s.Sessions, _ = c.sessionsOf(n.Name, rec)
	return s
}

// known is all that is on record of the nodes, of one moment.
type known struct {
	nodes    map[string]Node
	reports  map[string][]joinapi.Report
	sessions map[string]sessionRecord
	access   joinapi.ClusterAccess
	granted  bool // there is an access on record
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
		k.access, k.granted, err = get[joinapi.ClusterAccess](tx, accessKey)
		return err
	})
	return k, err
}
