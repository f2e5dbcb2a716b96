// SPDX-License-Identifier: Apache-2.0

package change

import (
	"slices"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// clusterRules are about what there is once in a cluster.
func clusterRules(m models) []rule[plan.Plan] {
	return slices.Concat(fixed(), m.cluster(), ranges(), choices())
}

// fixed is what kubeadm init and Calico's first pool have settled.
func fixed() []rule[plan.Plan] {
	return []rule[plan.Plan]{
		{
			what: "metadata.name", severity: Impossible, get: func(p plan.Plan) any { return p.Metadata.Name },
			consequence: "a cluster keeps its name: joinsvc's store, kubeadm's documents and what is marked in the leaf side are of the old one, and joinsvc does not start with another; a new cluster wants a dataDir of its own",
		},
		{
			what: "services.subnet", severity: Impossible, get: func(p plan.Plan) any { return p.Spec.Services.Subnet },
			consequence: "kubeadm init has put it into the API server, its certificate and every service; a cluster with another range is a new cluster",
		},
		{
			what: "pods.subnet", severity: Impossible, get: func(p plan.Plan) any { return p.Spec.Pods.Subnet },
			consequence: "Calico changes no pool's range, and joinsvc leaves IPPool default-ipv4-ippool as it is, and says so: its pods are to be moved into another pool, until it is removed and joinsvc has made it anew by the plan, and then back",
		},
		{
			what: "pods.blockSize", severity: Impossible, get: func(p plan.Plan) any { return p.Spec.Pods.BlockSize },
			consequence: "Calico changes no pool's block size, and joinsvc leaves IPPool default-ipv4-ippool as it is, and says so: its pods are to be moved into another pool, until it is removed and joinsvc has made it anew by the plan, and then back",
		},
		{
			what: "kubernetes.apiEndpoint", severity: Reinstall, get: func(p plan.Plan) any { return p.Spec.Kubernetes.APIEndpoint },
			consequence: "it is in the API server's certificate and in what kubeadm wrote on every node: all nodes are to be installed anew",
		},
		{
			what: "runtime.name", severity: Reinstall, get: func(p plan.Plan) any { return p.Spec.Runtime.Name },
			consequence: "kubeadm wrote the runtime's socket into every node: hosts are to be installed anew, one after the other",
		},
	}
}

// ranges are where leases and announcements come from.
func ranges() []rule[plan.Plan] {
	return []rule[plan.Plan]{
		{
			what: "racks[].asns", severity: None, get: func(p plan.Plan) any { return rackNumbers(p.Spec) },
			consequence: leasing,
		},
		{
			what: "asn.owned", severity: None, get: func(p plan.Plan) any { return p.Spec.ASN.Owned },
			consequence: "changes what `plan check` warns of",
		},
		{
			what: "loadBalancers.subnet", severity: None, get: func(p plan.Plan) any { return p.Spec.LoadBalancers.Subnet },
			consequence: "every node withdraws the old range and announces the new: services keep an address that nobody routes until they get another",
		},
		{
			what: "loadBalancers.metallb.version", severity: None, get: func(p plan.Plan) any { return p.Spec.LoadBalancers.MetalLB.Version },
			consequence: "MetalLB's objects are rendered for it (below 0.13 a ConfigMap); who runs MetalLB upgrades it",
		},
		{
			what: "loadBalancers.metallb.speaker", severity: None, get: func(p plan.Plan) any { return p.Spec.LoadBalancers.MetalLB.Speaker },
			consequence: "says who announces the range: Calico, and never two",
		},
		{
			what: "site", severity: None, get: func(p plan.Plan) any { return p.Spec.Site },
			consequence: "changes what `plan check` compares the plan's ranges with",
		},
	}
}

func rackNumbers(s plan.Spec) []string {
	var words []string
	for _, r := range s.Racks {
		if r.ASNs.Len() > 0 {
			words = append(words, r.Name+" "+r.ASNs.String())
		}
	}
	return words
}

// choices are about software and settings of the hosts.
func choices() []rule[plan.Plan] {
	return []rule[plan.Plan]{
		{
			what: "kubernetes.version", severity: None, get: func(p plan.Plan) any { return p.Spec.Kubernetes.Version },
			consequence: "nothing by itself: hosts that are installed from now on get it, and nodes keep what they have at their next runs; they want `kubeadm upgrade`, the control plane first, one minor release at a time, and never back",
		},
		{
			what: "kubernetes.pace", severity: None, get: func(p plan.Plan) any { return p.Spec.Kubernetes.Pace },
			consequence: "kubeadm init has put it into the control plane's static pods and into what kubelets read, which stay as they are, and so do calico-node's probes until what `joinsvc render manifest` prints is applied; hosts that join from now on give kubeadm the new time, and joinsvc looks at the new pace",
		},
		{
			what: "packages.folder", severity: None, get: func(p plan.Plan) any { return p.Spec.Packages.Folder },
			consequence: "hosts look there when they install packages next",
		},
		{
			what: "calico.manifest", severity: None, get: func(p plan.Plan) any { return p.Spec.Calico.Manifest },
			consequence: "the init node applied the old one, once: apply what `joinsvc render manifest` prints of the new one to a running cluster yourself, and not the file, in which the plan's settings are not",
		},
		{
			what: "calico.api", severity: None, get: func(p plan.Plan) any { return p.Spec.Calico.API },
			consequence: "joinsvc writes all its objects of Calico into the other API group when it is started again; those in the first stay",
		},
		{
			what: "host.selinux", severity: None, get: func(p plan.Plan) any { return p.Spec.Host.SELinux },
			consequence: "set by the hosts' next `nodeprep run`",
		},
	}
}
