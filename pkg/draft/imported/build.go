// SPDX-License-Identifier: Apache-2.0

package imported

import (
	"fmt"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/draft"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// builder puts what was collected into a plan.
type builder struct {
	*collector
	hints Hints
	draft draft.Draft
	spec  *plan.Spec
	gaps  []Gap
}

func (b *builder) build() {
	members := b.members()
	b.network()
	b.bonding()
	b.fabric()
	b.ranges()
	b.nodes(members)
	b.kubernetes()
	b.header(members)
	b.draft.Plan.Spec = *b.spec
}

// gap marks a field that nothing tells.
func (b *builder) gap(path, want string) {
	b.draft.Todo(path, want)
	b.gaps = append(b.gaps, Gap{path, want})
}

// put gives a field what is known of it, with its place, or marks the gap. No
// wanted text says that the field has a default.
func put[T any](b *builder, field *T, path string, f fact[T], want string) {
	switch {
	case f.known:
		*field = f.value
		b.draft.Beside(path, f.at.String())
	case want != "":
		b.gap(path, want)
	}
}

func (b *builder) network() {
	n := &b.spec.NodeNetwork
	put(b, &n.Subnet, "spec.nodeNetwork.subnet", b.subnet, "the subnet that nodes and leaves share: give the ifcfg file of a VLAN link")
	put(b, &n.VLAN, "spec.nodeNetwork.vlan", b.vlan, "its VLAN: give the ifcfg file of a VLAN link")
	put(b, &n.Gateway, "spec.nodeNetwork.gateway", b.gateway, "the leaves' shared address")
	put(b, &n.DNS, "spec.nodeNetwork.dns", b.dns, "")
	put(b, &b.spec.Domain, "spec.domain", b.domain, "the DNS domain of the nodes")
	b.draft.Above("spec.nodeNetwork", "", "The subnet that nodes and leaves share; the gateway is the leaves' shared address.")
}

func (b *builder) bonding() {
	to := &b.spec.Bond
	put(b, &to.Name, "spec.bond.name", b.bond.name, "")
	put(b, &to.Legs, "spec.bond.legs", b.bond.legs, "the interfaces that lead to the leaves: give their ifcfg files")
	put(b, &to.Mode, "spec.bond.mode", b.bond.mode, "")
	put(b, &to.MIIMon, "spec.bond.miimon", b.bond.miimon, "")
	put(b, &to.UpDelay, "spec.bond.updelay", b.bond.updelay, "")
	put(b, &to.MinLinks, "spec.bond.minLinks", b.bond.minLinks, "")
	put(b, &to.MTU, "spec.bond.mtu", b.bond.mtu, "")
	b.draft.Above("spec.bond", "", "The hosts' bond, and its legs in the order of the leaves.")
}

func (b *builder) fabric() {
	leaves := b.leaves()
	b.checkPeers(leaves)
	put(b, &b.spec.Fabric.ASN, "spec.fabric.asn", b.fabricASN, "the leaves' AS number, as the nodes see it: give the BGPPeers")
	for i, l := range leaves {
		if b.subnet.known && !b.subnet.value.Contains(l.address) {
			b.problem(l.at, "%s has %s, which is outside of %s (%s)", l.name, l.address, b.subnet.value, b.subnet.at)
		}
		b.spec.Fabric.Leaves = append(b.spec.Fabric.Leaves, plan.Leaf{Name: l.name, Address: l.address})
		b.draft.Above(fmt.Sprintf("spec.fabric.leaves[%d]", i), l.at.String())
	}
	if len(leaves) == 0 {
		b.gap("spec.fabric.leaves", "the leaves with their addresses: give the BGPPeers")
	}
	b.draft.Above("spec.fabric", "", "The leaves as the nodes see them. What they are to the fabric (internalASN, routerID, aci) no host knows.")
}

func (b *builder) ranges() {
	if !b.services.known && b.hints.Services.IsValid() {
		b.services = fact[prefix]{b.hints.Services, Place{File: "--services"}, true}
	}
	put(b, &b.spec.Pods.Subnet, "spec.pods.subnet", b.pods, "the range of the pods: give Calico's IPPool")
	put(b, &b.spec.Pods.BlockSize, "spec.pods.blockSize", b.blockSize, "")
	put(b, &b.spec.Services.Subnet, "spec.services.subnet", b.services, "the range of the services, which kubeadm init was told: --services")
	put(b, &b.spec.LoadBalancers.Subnet, "spec.loadBalancers.subnet", b.loadBalancers, "")
	b.draft.Above("spec.pods", "", "Ranges that exist in this cluster alone.")
}

func (b *builder) kubernetes() {
	k := &b.spec.Kubernetes
	k.Version, k.APIEndpoint = strings.TrimPrefix(b.hints.Release, "v"), b.hints.APIEndpoint
	if k.Version == "" {
		b.gap("spec.kubernetes.version", "the release: --kubernetes-version")
	}
	if !k.APIEndpoint.IsValid() {
		b.gap("spec.kubernetes.apiEndpoint", "address and port that the control plane's API server answers at: --api-endpoint")
	}
	b.spec.Calico.Manifest = "/etc/joinsvc/calico.yaml"
	b.draft.Above("spec.kubernetes", "", "The release, and where the control plane answers. No such file says either.")
	b.draft.Above("spec.calico", "", "Calico's own manifest, on the machine of joinsvc.")
}

// header names the cluster, by what all of its nodes' names begin with if
// nobody says it.
func (b *builder) header(members []member) {
	p := &b.draft.Plan
	p.APIVersion, p.Kind, p.Metadata.Name = plan.APIVersion, plan.Kind, b.hints.Cluster
	if p.Metadata.Name == "" {
		p.Metadata.Name = sharedBeginning(members)
		b.draft.Beside("metadata.name", "guessed: what all nodes' names begin with; --cluster")
	}
	if p.Metadata.Name == "" {
		b.gap("metadata.name", "the cluster's name: --cluster")
	}
	b.draft.Title = []string{"Imported from the files named beside the values."}
	if len(b.unused) > 0 {
		b.draft.Title = append(b.draft.Title, "Nothing was taken from "+strings.Join(b.unused, ", ")+".")
	}
}

// sharedBeginning is "k8c1" for k8c1m0 and k8c1s1, and empty for one node.
func sharedBeginning(members []member) string {
	if len(members) < 2 {
		return ""
	}
	shared := members[0].name
	for _, m := range members[1:] {
		for !strings.HasPrefix(m.name, shared) {
			shared = shared[:len(shared)-1]
		}
	}
	return strings.TrimRight(shared, "-")
}
