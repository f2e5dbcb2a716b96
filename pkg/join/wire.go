// SPDX-License-Identifier: Apache-2.0

package join

import (
	"slices"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// onWire is a host's part of the plan as hosts are told it. It is the one place
// where the operator's plan meets the API: a field that is added to the plan
// reaches no host before it is added here.
func onWire(h plan.HostPlan) joinapi.HostPlan {
	return joinapi.HostPlan{
		Cluster: h.Cluster,
		Rack:    h.Rack,
		Name:    h.Name,
		Domain:  h.Domain,
		Role:    joinapi.Role(h.Role),
		Address: h.Address,
		ASN:     h.ASN,
		Network: joinapi.Network{
			Subnet:        h.NodeNetwork.Subnet,
			VLAN:          h.NodeNetwork.VLAN,
			Gateway:       h.NodeNetwork.Gateway,
			GatewayMetric: h.NodeNetwork.GatewayMetric,
			DNS:           h.NodeNetwork.DNS,
		},
		Bond: joinapi.Bond{
			Name:     h.Bond.Name,
			Legs:     h.Bond.Legs,
			Mode:     h.Bond.Mode,
			MIIMon:   h.Bond.MIIMon.Milliseconds(),
			UpDelay:  h.Bond.UpDelay.Milliseconds(),
			MinLinks: h.Bond.MinLinks,
			MTU:      h.Bond.MTU,
		},
		Leaves:        leavesOnWire(h.Fabric),
		Kubernetes:    joinapi.Kubernetes{Version: h.Kubernetes.Version, APIEndpoint: h.Kubernetes.APIEndpoint},
		PackageFolder: h.Packages.Folder,
		SELinux:       string(h.Host.SELinux),
	}
}

func leavesOnWire(f plan.Fabric) []joinapi.Leaf {
	leaves := make([]joinapi.Leaf, len(f.Leaves))
	for i, l := range f.Leaves {
		leaves[i] = joinapi.Leaf{Name: l.Name, Address: l.Address, ASN: f.ASN}
	}
	return leaves
}

// plannedMACs are a node's of the plan, in the form in which hosts report theirs.
func plannedMACs(n plan.Node) []joinapi.MAC {
	macs := make([]joinapi.MAC, len(n.MACs))
	for i, m := range n.MACs {
		macs[i] = joinapi.MAC(m)
	}
	return macs
}

// shares says whether two lists of cards have one in common.
func shares(a, b []joinapi.MAC) bool {
	return slices.ContainsFunc(a, func(m joinapi.MAC) bool { return slices.Contains(b, m) })
}
