// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// others' objects, by kind.
type foreignObjects struct {
	peers, pools, configurations, filters []*unstructured.Unstructured
}

// foreign names what others have put in the way of a plan's sessions and routes,
// by a key of each.
func foreign(p plan.Plan, f foreignObjects) map[string]string {
	found := map[string]string{}
	for _, peer := range f.peers {
		if text := foreignPeer(p, peer); text != "" {
			found["foreign BGPPeer "+peer.GetName()] = text
		}
	}
	for _, pool := range f.pools {
		if text := foreignPool(p, pool); text != "" {
			found["foreign IPPool "+pool.GetName()] = text
		}
	}
	for _, c := range f.configurations {
		if text := foreignConfiguration(p, c); text != "" {
			found["foreign BGPConfiguration "+c.GetName()] = text
		}
	}
	for _, filter := range f.filters {
		found["foreign BGPFilter "+filter.GetName()] = fmt.Sprintf("BGPFilter %s is not joinsvc's; %s", filter.GetName(), users(filter.GetName(), f.peers))
	}
	return found
}

func users(filter string, peers []*unstructured.Unstructured) string {
	var names []string
	for _, peer := range peers {
		if filters, _, _ := unstructured.NestedStringSlice(peer.Object, "spec", "filters"); slices.Contains(filters, filter) {
			names = append(names, peer.GetName())
		}
	}
	if len(names) == 0 {
		return "no BGPPeer uses it, so it refuses nothing"
	}
	slices.Sort(names)
	return "it may refuse what BGPPeer " + strings.Join(names, ", ") + " should announce"
}

func field(o *unstructured.Unstructured, name string) string {
	text, _, _ := unstructured.NestedString(o.Object, "spec", name)
	return text
}

// peerAddress is a peer's address without its port ("192.0.2.1:1790").
func peerAddress(peer *unstructured.Unstructured) netip.Addr {
	text := field(peer, "peerIP")
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr()
	}
	address, _ := netip.ParseAddr(text)
	return address
}

// mine says whether joinsvc has a part in an object.
func mine(o *unstructured.Unstructured) bool { return len(managers(o)[fieldManager]) > 0 }

// rival says whether a peer of somebody else stands for the same session of a
// node: a global one suppresses the node's (confd's updatePeersV1), and two for
// one address make one protocol of BIRD.
func rival(peer *unstructured.Unstructured, node, address string) bool {
	if mine(peer) || peerAddress(peer).String() != address {
		return false
	}
	return field(peer, "node") == node || field(peer, "node") == ""
}

func foreignPeer(p plan.Plan, peer *unstructured.Unstructured) string {
	leaf := leafOf(p, peerAddress(peer))
	if leaf == "" || mine(peer) {
		return ""
	}
	name, node, selector := peer.GetName(), field(peer, "node"), field(peer, "nodeSelector")
	switch {
	case node != "":
		return fmt.Sprintf("BGPPeer %s is not joinsvc's and gives node %s a session to %s (%s), which joinsvc's peer is for: remove it, %s", name, node, leaf, peerAddress(peer), removal(peer))
	case forAll(peer):
		return fmt.Sprintf("BGPPeer %s is not joinsvc's and is for all nodes: Calico drops every node's own peer to %s (%s) for it, in silence; remove it, %s", name, leaf, peerAddress(peer), removal(peer))
	}
	return fmt.Sprintf("BGPPeer %s is not joinsvc's and peers nodes of %q with %s (%s) a second time; remove it, %s", name, selector, leaf, peerAddress(peer), removal(peer))
}

// forAll says whether a peer that names no node is for every one.
func forAll(peer *unstructured.Unstructured) bool {
	selector := field(peer, "nodeSelector")
	return selector == "" || selector == "all()"
}

// removal is the command that removes a BGPPeer where it is: with both of Calico's
// groups served, kubectl would choose one of them.
func removal(peer *unstructured.Unstructured) string {
	return fmt.Sprintf("kubectl delete %s.%s %s", bgpPeers, peer.GroupVersionKind().Group, peer.GetName())
}

func leafOf(p plan.Plan, address netip.Addr) string {
	for _, rack := range p.Spec.AllRacks() {
		for _, leaf := range rack.Leaves {
			if leaf.Address == address {
				return leaf.Name
			}
		}
	}
	return ""
}

func foreignPool(p plan.Plan, pool *unstructured.Unstructured) string {
	name := pool.GetName()
	cidr, err := netip.ParsePrefix(field(pool, "cidr"))
	uses, _, _ := unstructured.NestedStringSlice(pool.Object, "spec", "allowedUses")
	off, _, _ := unstructured.NestedBool(pool.Object, "spec", "disabled")
	switch {
	case name == poolName || err != nil || !cidr.Addr().Is4():
		return ""
	case cidr.Overlaps(p.Spec.Pods.Subnet):
		return fmt.Sprintf("IPPool %s (%s) is not joinsvc's and overlaps the plan's pods, %s: addresses are given twice; remove it", name, cidr, p.Spec.Pods.Subnet)
	case off:
		return "" // nobody gets an address of it
	case slices.Contains(uses, "LoadBalancer"):
		return foreignServices(p.Spec.LoadBalancers, name, cidr)
	case len(uses) > 0 && !slices.Contains(uses, "Workload"):
		return "" // no pod does
	}
	return fmt.Sprintf("IPPool %s (%s) is not joinsvc's: pods may get addresses of it, which the plan's leaves do not expect; disable or remove it", name, cidr)
}

// foreignServices is about a pool that Calico's own controller gives services
// their addresses of (since v3.30): beside MetalLB it is a second one for one
// range, and what is outside of the range no node announces.
func foreignServices(lb plan.LoadBalancers, name string, cidr netip.Prefix) string {
	switch {
	case !lb.Subnet.IsValid() || !lb.Subnet.Contains(cidr.Addr()) || cidr.Bits() < lb.Subnet.Bits():
		return fmt.Sprintf("IPPool %s (%s) is not joinsvc's: services may get addresses of it, which no node announces, for they are not in the plan's loadBalancers; make it a part of that range, or remove it", name, cidr)
	case lb.MetalLB.Version != "":
		return fmt.Sprintf("IPPool %s (%s) is not joinsvc's: Calico gives services addresses of it, and MetalLB does of the same range, %s; keep one of the two", name, cidr, lb.Subnet)
	}
	return ""
}

// beside names what others have put into a peer of joinsvc's: its other fields
// decide over the session too, such as password, ttlSecurity and localASNumber.
func beside(peer *unstructured.Unstructured) string {
	fields := map[string]bool{}
	for _, names := range managers(peer) {
		for _, name := range names {
			fields[name] = true
		}
	}
	for _, name := range managers(peer)[fieldManager] {
		delete(fields, name)
	}
	if len(fields) == 0 || !mine(peer) {
		return ""
	}
	return fmt.Sprintf("BGPPeer %s has %s of %s, of which the plan knows nothing; see that the leaf agrees",
		peer.GetName(), strings.Join(slices.Sorted(maps.Keys(fields)), ", "), strings.Join(shared(peer), ", "))
}

// foreignConfiguration is about another's BGPConfiguration, or what others have
// put into ours. A range of load balancers is theirs where the plan has none.
func foreignConfiguration(p plan.Plan, c *unstructured.Unstructured) string {
	if c.GetName() != "default" {
		return fmt.Sprintf("BGPConfiguration %s is not joinsvc's; what it says of single nodes goes before the plan", c.GetName())
	}
	decisive := []string{"bindMode", "ignoredInterfaces", "listenPort", "prefixAdvertisements", "programClusterRoutes", "serviceClusterIPs", "serviceExternalIPs"}
	const balancers = "serviceLoadBalancerIPs"
	if !p.Spec.LoadBalancers.Subnet.IsValid() && !slices.Contains(managers(c)[fieldManager], balancers) {
		decisive = append(decisive, balancers)
	}
	var set []string
	for _, name := range decisive {
		if _, there, _ := unstructured.NestedFieldNoCopy(c.Object, "spec", name); there {
			set = append(set, name)
		}
	}
	if len(set) == 0 {
		return ""
	}
	return fmt.Sprintf("BGPConfiguration default has %s, of which the plan knows nothing; see that the leaves' sessions and routes bear it", strings.Join(set, ", "))
}
