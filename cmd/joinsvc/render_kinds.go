// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"github.com/nodeprep/nodeprep/pkg/calico"
	"github.com/nodeprep/nodeprep/pkg/fabric/aci"
	"github.com/nodeprep/nodeprep/pkg/fabric/leaf"
	"github.com/nodeprep/nodeprep/pkg/kickstart"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/document"
	"github.com/nodeprep/nodeprep/pkg/metallb"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// The flags of render, of which a kind takes one at the most.
const (
	flagLeaf = "leaf"
	flagNode = "node"
	flagLLDP = "lldp"
)

// part is what those flags say.
type part struct{ leaf, node, lldp string }

// A renderKind is one of the things that a plan means.
type renderKind struct {
	name   string
	doc    string // a line for --help
	flag   string // that it takes, if any
	render func(plan.Plan, part) ([]byte, error)
	nodes  bool   // it names nodes by what they hold
	note   string // what its reader has to know and the result cannot say
}

// sonicLacks is what a leaf with SONiC still needs: JSON has no comments.
const sonicLacks = "config_db has no place for the leaves' shared gateway nor for the ports' channels: see docs/fabric-platforms.md"

func renderKinds() []renderKind {
	return []renderKind{
		{"apic", "Cisco ACI: a tree to POST to /api/mo/uni.json of the APIC", flagLLDP, ofACI(aci.JSON), true, ""},
		{"terraform", "Cisco ACI: the same tree for Terraform, provider CiscoDevNet/aci", flagLLDP, ofACI(aci.Terraform), true, ""},
		{"frr", "leaves with FRR: frr.conf", flagLeaf, ofLeaf(leaf.FRR, each(leaf.FRR, "!")), true, ""},
		{"bird", "leaves with BIRD 1.6: bird.conf", flagLeaf, ofLeaf(leaf.BIRD, each(leaf.BIRD, "#")), true, ""},
		{"nxos", "leaves with Cisco NX-OS: configuration commands", flagLeaf, ofLeaf(leaf.NXOS, each(leaf.NXOS, "!")), true, ""},
		{"eos", "leaves with Arista EOS: configuration commands", flagLeaf, ofLeaf(leaf.EOS, each(leaf.EOS, "!")), true, ""},
		{"sonic", "leaves with SONiC: tables of config_db", flagLeaf, ofLeaf(leaf.SONiC, leaf.AllSONiC), true, sonicLacks},
		{"calico", "pool, BGP configuration, AS numbers and peers, for calicoctl apply -f -", "", whole(calico.Render), true, ""},
		{"manifest", "Calico's own manifest with the plan's settings, as the init node applies it", "", whole(setManifest), false, ""},
		{"metallb", "the pool of load balancers' addresses, for kubectl apply -f -", "", whole(metallb.Render), false, ""},
		{"kubeadm", "nodes' documents, for reading: tokens are minted at joining time", flagNode, ofNode(document.Render), true, ""},
		{"kickstart", "the sections that install nodeprep and enrol a host", flagNode, ofNode(kickstart.Render), true, ""},
	}
}

// whole prints what has no parts.
func whole(render func(plan.Plan) ([]byte, error)) func(plan.Plan, part) ([]byte, error) {
	return func(p plan.Plan, _ part) ([]byte, error) { return render(p) }
}

// setManifest is the file that the plan names as the init node applies it: a
// running cluster keeps what it got, whatever the plan or the file is since.
func setManifest(p plan.Plan) ([]byte, error) {
	text, err := readManifest(p)
	return []byte(text), err
}

// ofNode prints one node if one is named, else all.
func ofNode(render func(plan.Plan, string) ([]byte, error)) func(plan.Plan, part) ([]byte, error) {
	return func(p plan.Plan, of part) ([]byte, error) { return render(p, of.node) }
}

// ofLeaf prints one leaf if one is named, else all.
func ofLeaf(one func(plan.Plan, string) ([]byte, error), all func(plan.Plan) ([]byte, error)) func(plan.Plan, part) ([]byte, error) {
	return func(p plan.Plan, of part) ([]byte, error) {
		if of.leaf == "" {
			return all(p)
		}
		return one(p, of.leaf)
	}
}

// each prints every leaf under a comment that names it.
func each(one func(plan.Plan, string) ([]byte, error), comment string) func(plan.Plan) ([]byte, error) {
	return func(p plan.Plan) ([]byte, error) { return leaf.All(p, one, comment) }
}

// ofACI prints the tree with the cabling that the hosts report, if they do.
func ofACI(emit func(*aci.Object) ([]byte, error)) func(plan.Plan, part) ([]byte, error) {
	return func(p plan.Plan, of part) ([]byte, error) {
		cabling, err := readCabling(of.lldp)
		if err != nil {
			return nil, err
		}
		tree, err := aci.Tree(p, cabling)
		if err != nil {
			return nil, err
		}
		return emit(tree)
	}
}

// readCabling reads the reports in a folder; none is named, none are read.
func readCabling(folder string) (aci.Cabling, error) {
	if folder == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of --%s: %w", flagLLDP, err)
	}
	defer root.Close()
	cabling, err := aci.ReadLLDP(root.FS())
	if err == nil && len(cabling) == 0 {
		err = fmt.Errorf("--%s: %s holds no report; want the output of lldpctl -f json of each host as NODE.json", flagLLDP, folder)
	}
	return cabling, err
}
