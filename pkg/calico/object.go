// SPDX-License-Identifier: Apache-2.0

// Package calico brings a plan's BGP side into a cluster that runs Calico with
// the Kubernetes datastore: what a plan and a node mean as Calico's objects
// (pure), the operator's manifest set to agree with them, a reconciler that
// keeps them so, and the state of every planned session.
//
// It speaks to the API server alone, by server-side apply of plain maps.
// Calico's own client would delete other people's annotations of a Node, and
// the marshalled types leave out a natOutgoing of false, which then stays true
// on the pool that calico-node makes.
package calico

import (
	"net/netip"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Node is a node with what it has leased.
type Node struct {
	Name    string       // in Kubernetes: fully qualified
	Address netip.Prefix // 192.168.9.193/28
	ASN     uint32
	Key     string // that it is enrolled with: a new one is a new installation
}

// API is where an installation of Calico keeps its objects.
type API string

// The two kinds of installation. With CRD the objects are CRDs of Calico's
// backend, as they have been since v3; Native came with v3.32.
const (
	CRD    API = "crd.projectcalico.org/v1"
	Native API = "projectcalico.org/v3"
)

func (a API) resource(plural string) schema.GroupVersionResource {
	group, version, _ := strings.Cut(string(a), "/")
	return schema.GroupVersionResource{Group: group, Version: version, Resource: plural}
}

// The resources that joinsvc works with, by their plural names.
const (
	bgpPeers           = "bgppeers"
	bgpConfigurations  = "bgpconfigurations"
	ipPools            = "ippools"
	nodeStatuses       = "caliconodestatuses"
	clusterInformation = "clusterinformations"
	blockAffinities    = "blockaffinities"
	bgpFilters         = "bgpfilters"

	felixConfigurations = "felixconfigurations"
)

const (
	// fieldManager owns, in managedFields, what joinsvc applies.
	fieldManager = "joinsvc"
	// managedBy is the label by which people find it
	// (kubernetes.io, "Recommended Labels").
	managedBy = "app.kubernetes.io/managed-by"
	// statusPrefix begins the names of joinsvc's requests for a node's status.
	statusPrefix = "joinsvc-"
)

// poolName is the name under which calico-node makes the first pool, so that
// the two of us make the same object in whichever order.
const poolName = "default-ipv4-ippool"

// The annotations that stand for a Calico Node resource's spec.bgp
// (libcalico-go/lib/backend/k8s/resources/node.go).
const (
	addressAnnotation = "projectcalico.org/IPv4Address"
	asnAnnotation     = "projectcalico.org/ASNumber"
)

// Annotations are what a Node carries, exactly these two.
func Annotations(n Node) map[string]string {
	return map[string]string{
		addressAnnotation: n.Address.String(),
		asnAnnotation:     strconv.FormatUint(uint64(n.ASN), 10),
	}
}

func (a API) object(kind, name string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": string(a),
		"kind":       kind,
		"metadata":   map[string]any{"name": name},
		"spec":       spec,
	}}
}

// Pool is the plan's pod range: routed as it is, without tunnel and NAT.
func Pool(a API, p plan.Plan) *unstructured.Unstructured {
	return a.object("IPPool", poolName, map[string]any{
		"cidr":         p.Spec.Pods.Subnet.String(),
		"blockSize":    int64(p.Spec.Pods.BlockSize),
		"ipipMode":     "Never",
		"vxlanMode":    "Never",
		"natOutgoing":  false, // said aloud: calico-node's own pool has true
		"nodeSelector": "all()",
	})
}

// Configuration turns the mesh of the nodes off, because the leaves are every
// node's only neighbours, and has each node announce the load balancers' range.
func Configuration(a API, p plan.Plan) *unstructured.Unstructured {
	spec := map[string]any{
		"logSeverityScreen":     "Info",
		"nodeToNodeMeshEnabled": false,
	}
	if subnet := p.Spec.LoadBalancers.Subnet; subnet.IsValid() {
		spec["serviceLoadBalancerIPs"] = []any{map[string]any{"cidr": subnet.String()}}
	}
	return a.object("BGPConfiguration", "default", spec)
}

// Peers is one object per leaf of the node's rack, "leaf201-k8c1m0" for k8c1m0.
//
// They are the same in both models of AS numbers. Where all nodes share one, a
// node would refuse what the others announce, because its own number is in the
// path, unless numAllowedLocalASNumbers let it; but the leaves put theirs in its
// place (as-override), so that there is nothing to let through.
func Peers(a API, p plan.Plan, rack plan.Rack, n Node) []*unstructured.Unstructured {
	short := strings.TrimSuffix(n.Name, "."+p.Spec.Domain)
	peers := make([]*unstructured.Unstructured, 0, len(rack.Leaves))
	for _, leaf := range rack.Leaves {
		peers = append(peers, a.object("BGPPeer", plan.PeerName(leaf.Name, short), map[string]any{
			"node":     n.Name,
			"peerIP":   leaf.Address.String(),
			"asNumber": int64(rack.LeafASN),
		}))
	}
	return peers
}

// explicit is what else of such an object decides over routes, at Calico's own
// defaults, so that a hand that turned export off is undone and not overlooked.
// A release that does not know one of these fields does nothing by it.
func explicit(kind string) map[string]any {
	switch kind {
	case "IPPool":
		return map[string]any{
			"disabled":         false,
			"disableBGPExport": false,
			"allowedUses":      []any{"Workload", "Tunnel"},
			"assignmentMode":   "Automatic",
			// An empty one is all namespaces: with another, pods elsewhere get no address.
			"namespaceSelector": "",
		}
	case "BGPConfiguration":
		return map[string]any{"serviceLoadBalancerAggregation": "Enabled"}
	case "BGPPeer":
		return map[string]any{"filters": []any{}, "keepOriginalNextHop": false, "nextHopMode": "Auto", "sourceAddress": "UseNodeIP"}
	}
	return nil
}

// settled is an object with all that joinsvc owns of it: what the plan says,
// what is explicit less the fields that this release does not know, and the mark
// by which people find what joinsvc made.
func settled(o *unstructured.Unstructured, unknown map[string]bool) *unstructured.Unstructured {
	o = o.DeepCopy()
	spec, _, _ := unstructured.NestedMap(o.Object, "spec") // made here, so it is one
	for field, value := range explicit(o.GetKind()) {
		if !unknown[o.GetKind()+"."+field] {
			spec[field] = value
		}
	}
	o.Object["spec"] = spec
	o.SetLabels(map[string]string{managedBy: fieldManager})
	return o
}

// statusRequest asks calico-node on a node to report at once, and again
// whenever it sees something new, at the most every ten seconds
// (node/pkg/status/reporter.go). Routes are not asked for: they change with
// every pod's block anywhere, and each change is a write.
//
// Each question differs from the one before: calico-node, or Typha for it, can
// learn of a removal and a new object of that name as of one change, and does
// nothing for one whose spec is what it knows (node/pkg/status/nodestatus.go,
// processPendingUpdates, v3.28): it goes on writing to the object that is
// gone, in vain.
func statusRequest(a API, node string, question int) *unstructured.Unstructured {
	o := a.object("CalicoNodeStatus", statusName(node), map[string]any{
		"node":                node,
		"classes":             []any{"Agent", "BGP"},
		"updatePeriodSeconds": int64(10 + question%10),
	})
	o.SetLabels(map[string]string{managedBy: fieldManager})
	return o
}

func statusName(node string) string { return statusPrefix + node }

// planned is every session of a node in that rack, with no state yet.
func planned(rack plan.Rack) []joinapi.Session {
	sessions := make([]joinapi.Session, 0, len(rack.Leaves))
	for _, leaf := range rack.Leaves {
		sessions = append(sessions, joinapi.Session{
			Leaf:    leaf.Name,
			PeerIP:  leaf.Address.String(),
			PeerASN: rack.LeafASN,
		})
	}
	return sessions
}
