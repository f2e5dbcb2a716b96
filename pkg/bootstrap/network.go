// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"fmt"
	"slices"

	"github.com/nodeprep/nodeprep/pkg/netcfg"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/retry"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// NetworkConfig is the network that the plan wants of this host.
func NetworkConfig(h plan.HostPlan) netcfg.Config {
	return netcfg.Config{
		Bond: netcfg.Bond{
			Name:     h.Bond.Name,
			Legs:     h.Bond.Legs,
			Mode:     netcfg.Mode(h.Bond.Mode),
			MIIMon:   h.Bond.MIIMon,
			UpDelay:  h.Bond.UpDelay,
			MinLinks: h.Bond.MinLinks,
			MTU:      h.Bond.MTU,
		},
		VLAN: netcfg.VLAN{
			Name:    h.VLANName(),
			ID:      h.NodeNetwork.VLAN,
			MTU:     h.Bond.MTU,
			Address: h.Address,
			Gateway: h.NodeNetwork.Gateway,
			Metric:  h.NodeNetwork.GatewayMetric,
		},
		DNS: netcfg.DNS{Servers: h.NodeNetwork.DNS, Search: []string{h.Domain}},
	}
}

// network is one phase, because its steps depend on one another: there is no
// VLAN to plan before there is a bond.
type network struct {
	config netcfg.Config
	kernel netcfg.Kernel
	root   rooted.Root
	// reload makes NetworkManager read its configuration; nothing to do where
	// it does not run.
	reload func(context.Context) error
}

func (n network) phase() phase.Phase {
	return phase.Phase{
		Name:  "network",
		Doc:   fmt.Sprintf("%s over %v, %s with %s", n.config.Bond.Name, n.config.Bond.Legs, n.config.VLAN.Name, n.config.VLAN.Address),
		Plan:  n.plan,
		Needs: []string{"modules"},
	}
}

func (n network) plan(ctx context.Context) ([]phase.Change, error) {
	state, err := n.kernel.Observe(ctx)
	if err != nil {
		return nil, err
	}
	config := n.config.Resolve(state)
	for _, note := range netcfg.Notes(state, config) {
		phase.Notef(ctx, "%s", note)
	}
	changes, err := netcfg.PlanFiles(ctx, n.root, config)
	if err != nil {
		return nil, err
	}
	if len(changes) > 0 {
		changes = append(changes, phase.Change{What: "NetworkManager", To: "configuration read again", Do: n.reload})
	}
	links, err := netcfg.Plan(ctx, n.kernel, config)
	if err != nil {
		return nil, err
	}
	dns, err := netcfg.PlanDNS(ctx, n.root, config.DNS)
	if err != nil {
		return nil, err
	}
	store, err := netcfg.PlanStore(ctx, n.root, config)
	if err != nil {
		return nil, err
	}
	return slices.Concat(changes, links, dns, store), nil
}

// lacp proves that the legs carry traffic: a bond that exists may still have no
// partner, and everything after this phase needs the leaves.
func (n network) lacp() phase.Phase {
	return phase.Phase{
		Name: "lacp",
		// It only reads and waits, for minutes where a leaf is slow.
		Beside: true,
		Doc:    fmt.Sprintf("the leaves bundle the legs of %s", n.config.Bond.Name),
		Needs:  []string{"network"},
		Plan:   n.planLACP,
	}
}

func (n network) planLACP(ctx context.Context) ([]phase.Change, error) {
	state, err := n.kernel.Observe(ctx)
	if err != nil {
		return nil, err
	}
	found := netcfg.Inspect(state, n.config.Bond)
	if found.Status != netcfg.Failed {
		phase.Notef(ctx, "%s", found)
		return nil, nil
	}
	return []phase.Change{{
		What: n.config.Bond.Name,
		From: found.String(),
		To:   fmt.Sprintf("%d of %d legs bundled", n.config.Bond.MinLinks, len(n.config.Bond.Legs)),
		Do:   n.awaitLACP,
	}}, nil
}

// awaitLACP looks for as long as it takes to bring up a switch, or to plug a cable
// that somebody was told of.
func (n network) awaitLACP(ctx context.Context) error {
	var found netcfg.Report
	judge := func(error) retry.Verdict { return retry.Verdict{Again: found.Status == netcfg.Failed} }
	policy := retry.Policy{Limit: leavesTimeout, Whole: true, Judge: judge, Waiting: phase.Waiting(ctx)}
	_, err := retry.Do(ctx, policy, func(ctx context.Context) (_ struct{}, err error) {
		found, err = netcfg.Verify(ctx, n.kernel, n.config.Bond, netcfg.WaitFor(n.config.Bond))
		return struct{}{}, err
	})
	if err == nil {
		phase.Notef(ctx, "%s", found)
	}
	return err
}
