// SPDX-License-Identifier: Apache-2.0

package leaf

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// What becomes a word of a configuration. Parse has checked all of it; a plan
// that did not come from there must not write lines of its own either.
var (
	label  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	portID = regexp.MustCompile(`^([1-9]\d{0,2}/){1,2}[1-9]\d{0,2}$`)
)

// problems are what keeps a leaf from being configured, a line each.
type problems []string

func (ps *problems) add(path, format string, args ...any) {
	*ps = append(*ps, path+": "+fmt.Sprintf(format, args...))
}

// err is nil without problems.
func (ps problems) err(leaf string) error {
	if len(ps) == 0 {
		return nil
	}
	return fmt.Errorf("configuring leaf %q: %w", leaf, errors.New(strings.Join(ps, "\n  ")))
}

// channels wants port channels that every platform has a number for.
func (ps *problems) channels(c Config) {
	for _, n := range c.Nodes {
		if len(n.Ports) > 0 && (n.Channel < 1001 || n.Channel > 1999) {
			ps.add(nodePath(n.Host)+".address", "%s is host %d of its subnet, and port channels are numbered 1001 to 1999 by it; use a subnet of at most /22 or leave the node's ports out",
				n.Address, n.Channel-1000)
		}
	}
}

// name wants the cluster's name short enough for what is called after it.
func (ps *problems) name(c Config, limit int) {
	if longest := c.from(); len(longest) > limit {
		ps.add("metadata.name", "makes the route map %s, longer than the %d characters that the platform takes", longest, limit)
	}
}

// within wants a number that the platform takes.
func (ps *problems) within(path string, n, low, high int, unit string) {
	if n < low || n > high {
		ps.add(path, "%d%s is not in %d–%d, which is what the platform takes", n, unit, low, high)
	}
}

// check wants the values that every platform prints.
func (ps *problems) check(p plan.Plan, rack plan.Rack, leaf plan.Leaf) {
	ps.label("metadata.name", p.Metadata.Name)
	ps.label("spec.fabric.leaves", leaf.Name)
	ps.address(leaf.Name+".address", leaf.Address)
	if leaf.RouterID.IsValid() {
		ps.address(leaf.Name+".routerID", leaf.RouterID)
	}
	if v := rack.NodeNetwork.VLAN; v < 1 || v > 4094 {
		ps.add("spec.nodeNetwork.vlan", "%d is not in 1–4094", v)
	}
	ps.prefix("spec.nodeNetwork.subnet", rack.NodeNetwork.Subnet)
	ps.address("spec.nodeNetwork.gateway", rack.NodeNetwork.Gateway)
	ps.prefix("spec.pods.subnet", p.Spec.Pods.Subnet)
	if p.Spec.LoadBalancers.Subnet != (netip.Prefix{}) {
		ps.prefix("spec.loadBalancers.subnet", p.Spec.LoadBalancers.Subnet)
	}
	for i, a := range p.Spec.Fabric.Advertised {
		ps.prefix(fmt.Sprintf("spec.fabric.advertised[%d]", i), a)
	}
	for _, i := range p.Spec.NodesOf(rack.Name) {
		ps.node(p.Spec.Nodes[i], leaf.Name)
	}
}

// nodePath is a node's place in the plan. It goes by name, for a node of a pool
// is no item of the list that the operator wrote.
func nodePath(name string) string { return fmt.Sprintf("spec.nodes[%q]", name) }

func (ps *problems) node(n plan.Node, leaf string) {
	path := nodePath(n.Name)
	ps.label(path+".name", n.Name)
	ps.address(path+".address", n.Address.Addr())
	for j, port := range n.Ports {
		if port.Leaf == leaf && !portID.MatchString(port.ID) {
			ps.add(fmt.Sprintf("%s.ports[%d]", path, j), "%q is no port; want one such as 1/3", port.ID)
		}
	}
}

func (ps *problems) label(path, name string) {
	if !label.MatchString(name) {
		ps.add(path, "%q is no DNS label (lower-case letters, digits, dashes)", name)
	}
}

func (ps *problems) address(path string, a netip.Addr) {
	if !a.Is4() {
		ps.add(path, "%q is no IPv4 address", a)
	}
}

func (ps *problems) prefix(path string, p netip.Prefix) {
	if !p.IsValid() || !p.Addr().Is4() {
		ps.add(path, "%q is no IPv4 subnet", p)
	}
}
