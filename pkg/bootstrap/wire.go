// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Fetch asks joinsvc for this host's part of the plan, and gives it to take. It
// is a phase so that people see what is waited for: at a boot joinsvc may come
// later than its hosts.
func Fetch(c Coordinator, take func(plan.HostPlan)) phase.Phase {
	return phase.Phase{
		Name: "plan",
		Doc:  "ask joinsvc for this host's part of the plan",
		Plan: func(ctx context.Context) ([]phase.Change, error) {
			view, err := persist(ctx, c.Node)
			if err != nil {
				return nil, fmt.Errorf("asking joinsvc for this host's plan: %w", err)
			}
			h, err := HostPlan(view.Plan)
			if err == nil {
				take(h)
			}
			return nil, err
		},
	}
}

// HostPlan is what joinsvc said of this host as the phases take it, the same
// as from a plan on the host's own disk. joinsvc may be the newer: a role or a
// mode that this nodeprep does not know is an error, never a guess.
func HostPlan(w joinapi.HostPlan) (plan.HostPlan, error) {
	h := plan.HostPlan{
		Cluster: w.Cluster,
		Rack:    w.Rack,
		Name:    w.Name,
		Domain:  w.Domain,
		Address: w.Address,
		ASN:     w.ASN,
		NodeNetwork: plan.NodeNetwork{
			Subnet:        w.Network.Subnet,
			VLAN:          w.Network.VLAN,
			Gateway:       w.Network.Gateway,
			GatewayMetric: w.Network.GatewayMetric,
			DNS:           w.Network.DNS,
		},
		Bond: plan.Bond{
			Name:     w.Bond.Name,
			Legs:     w.Bond.Legs,
			Mode:     w.Bond.Mode,
			MIIMon:   time.Duration(w.Bond.MIIMon) * time.Millisecond,
			UpDelay:  time.Duration(w.Bond.UpDelay) * time.Millisecond,
			MinLinks: w.Bond.MinLinks,
			MTU:      w.Bond.MTU,
		},
		Fabric:     fabric(w.Leaves),
		Kubernetes: plan.Kubernetes{Version: w.Kubernetes.Version, APIEndpoint: w.Kubernetes.APIEndpoint},
		Packages:   plan.Packages{Folder: w.PackageFolder},
	}
	return h, errors.Join(
		known("role", w.Role, h.Role.UnmarshalText),
		known("selinux", w.SELinux, h.Host.SELinux.UnmarshalText),
	)
}

func fabric(leaves []joinapi.Leaf) plan.Fabric {
	var f plan.Fabric
	for _, l := range leaves {
		f.ASN = l.ASN
		f.Leaves = append(f.Leaves, plan.Leaf{Name: l.Name, Address: l.Address})
	}
	return f
}

func known[T ~string](field string, value T, read func([]byte) error) error {
	if err := read([]byte(value)); err != nil {
		return fmt.Errorf("joinsvc asks for %s %q, which this nodeprep does not know (%w); update nodeprep", field, value, err)
	}
	return nil
}
