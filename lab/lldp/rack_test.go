// SPDX-License-Identifier: Apache-2.0

package lldp

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/lab/nettest"
	"github.com/nodeprep/nodeprep/pkg/fabric/aci"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A cable leads from a leg of a host to a port of a leaf.
type cable struct {
	node, leg string
	plan.Port
}

// planned are the cables of a plan.
func planned(p plan.Plan) []cable {
	var all []cable
	for _, n := range p.Spec.Nodes {
		for i, leg := range p.Spec.Bond.Legs {
			all = append(all, cable{n.Name, leg, n.Ports[i]})
		}
	}
	return all
}

// A rack is the leaves and hosts of a plan with cables between them, lldpd on all.
type rack struct {
	plan       plan.Plan
	cables     []cable
	namespaces map[string]nettest.Namespace // of leaves and hosts
	hosts      map[string]lldpd
}

func newRack(t *testing.T, p plan.Plan, cables []cable) *rack {
	t.Helper()
	r := &rack{plan: p, cables: cables, namespaces: map[string]nettest.Namespace{}, hosts: map[string]lldpd{}}
	for _, l := range p.Spec.Fabric.Leaves {
		r.namespaces[l.Name] = nettest.New(t, kind, l.Name)
	}
	for _, n := range p.Spec.Nodes {
		r.namespaces[n.Name] = nettest.New(t, kind, n.Name)
	}
	for _, c := range cables {
		r.plug(t, c)
	}
	for _, l := range p.Spec.Fabric.Leaves {
		startLLDPD(t, r.namespaces[l.Name], r.announcement(l))
	}
	for _, n := range p.Spec.Nodes {
		r.hosts[n.Name] = startLLDPD(t, r.namespaces[n.Name], "", "-r") // as docs/fabric.md has it
	}
	return r
}

func (r *rack) plug(t *testing.T, c cable) {
	t.Helper()
	host, leaf := r.namespaces[c.node], r.namespaces[c.Leaf]
	host.IP(t, "link", "add", "name", c.leg, "type", "veth", "peer", "name", portName(c.ID), "netns", string(leaf))
	host.IP(t, "link", "set", c.leg, "up")
	leaf.IP(t, "link", "set", portName(c.ID), "up")
}

// unplug takes the leaf's end of the cable of a leg.
func (r *rack) unplug(t *testing.T, node, leg string) {
	t.Helper()
	for i, c := range r.cables {
		if c.node == node && c.leg == leg {
			r.namespaces[c.Leaf].IP(t, "link", "set", portName(c.ID), "down")
			r.cables = append(r.cables[:i:i], r.cables[i+1:]...)
			return
		}
	}
	t.Fatalf("%s of %s has no cable", leg, node)
}

// portName is a leaf's port as Linux can name it: "eth1-3".
func portName(id string) string { return "eth" + strings.ReplaceAll(id, "/", "-") }

// announcement has lldpd say what an ACI leaf says of itself and of its ports,
// with two of Cisco's own TLVs: the node ID, and the VLAN of the infra tenant.
func (r *rack) announcement(l plan.Leaf) string {
	var b strings.Builder
	fmt.Fprintf(&b, "configure system hostname %s\n", l.Name)
	fmt.Fprintf(&b, "configure system description topology/pod-1/node-%d\n", l.Node)
	fmt.Fprintf(&b, "configure system capabilities enabled bridge,router\n")
	fmt.Fprintf(&b, "configure lldp tx-interval 1\n")
	fmt.Fprintf(&b, "configure lldp custom-tlv oui 00,01,42 subtype 203 oui-info 00,00,%02x,%02x\n", l.Node>>8, l.Node&0xff)
	fmt.Fprintf(&b, "configure lldp custom-tlv oui 00,01,42 subtype 211 oui-info 0f,a3\n")
	for _, c := range r.cables {
		if c.Leaf == l.Name {
			fmt.Fprintf(&b, "configure ports %s lldp portidsubtype local Eth%s\n", portName(c.ID), c.ID)
			fmt.Fprintf(&b, "configure ports %s lldp portdescription topology/pod-1/paths-%d/pathep-[eth%s]\n", portName(c.ID), l.Node, c.ID)
		}
	}
	return b.String()
}

// reports waits until every host has a neighbour at each of its cables, and
// writes what they print into a folder, NODE.json each.
func (r *rack) reports(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, host := range r.hosts {
		nettest.Eventually(t, "neighbours of "+name, func() error {
			text := host.report(t)
			if got, want := strings.Count(text, `"descr": "topology/pod-1/paths-`), r.cablesOf(name); got != want {
				return fmt.Errorf("are %d, want %d:\n%s", got, want, text)
			}
			return os.WriteFile(filepath.Join(folder, name+".json"), []byte(text), 0o600)
		})
	}
	return folder
}

func (r *rack) cablesOf(node string) int {
	n := 0
	for _, c := range r.cables {
		if c.node == node {
			n++
		}
	}
	return n
}

// cabling is what ReadLLDP is to make of the reports.
func (r *rack) cabling() aci.Cabling {
	nodes := map[string]uint16{}
	for _, l := range r.plan.Spec.Fabric.Leaves {
		nodes[l.Name] = l.Node
	}
	want := aci.Cabling{}
	for name := range r.hosts {
		want[name] = map[string]aci.LeafPort{}
	}
	for _, c := range r.cables {
		want[c.node][c.leg] = aci.LeafPort{Pod: 1, Node: nodes[c.Leaf], ID: c.ID}
	}
	return want
}
