// SPDX-License-Identifier: Apache-2.0

package leaf

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// BIRD prints bird.conf of one leaf for BIRD 1.6.8. It has the routing; links,
// addresses and VLANs are the operating system's and named in comments.
//
// BIRD takes no neighbours that it does not know by address, so that the nodes
// are listed in the cluster model too. It has neither local-as nor as-override:
// a session has an AS of its own anyway, and filters do the rest to the path.
//
// Source: bird.network.cz/doc/bird.html of release 1.6.8, chapters 3, 5 and 6.
func BIRD(p plan.Plan, leaf string) ([]byte, error) {
	c, err := ConfigOf(p, leaf)
	if err != nil {
		return nil, err
	}
	b := bird{Config: c}
	b.head()
	b.filters()
	b.system()
	b.template()
	b.neighbours()
	return b.Bytes(), nil
}

type bird struct {
	script
	Config
}

func (b *bird) head() {
	b.line("# The operating system has the interface of VLAN %d: %s, MTU %d,", b.VLAN, b.Address, b.MTU)
	b.line("# and with it %s, the gateway that the leaves share. It forwards IPv4 and", b.Gateway)
	b.line("# sends no redirects there (net.ipv4.conf.*.send_redirects=0).")
	b.line("log syslog all;")
	b.line("router id %s;", b.RouterID)
	b.line("")
}

func (b *bird) filters() {
	b.line("filter from_nodes")
	b.line("{")
	b.line("  if ! (net ~ %s) then reject;", birdSet(b.FromNodes))
	if b.Internal != 0 {
		b.line("  bgp_path.prepend(%d);", b.ASN)
	}
	b.line("  accept;")
	b.line("}")
	b.line("")
	b.line("filter to_nodes")
	b.line("{")
	b.line("  if ! (net ~ %s) then reject;", birdSet(b.ToNodes))
	b.exportedPath()
	b.line("  accept;")
	b.line("}")
	b.line("")
}

// exportedPath makes "63500 65000" and, of a node's route, "63500 65000 63500
// 63552". BIRD has put the session's number in front before it asks the filter,
// and a path operation works at the front or on all of one number: so that
// number goes, and what belongs in front comes back in order.
func (b *bird) exportedPath() {
	if b.Internal != 0 {
		b.line("  bgp_path.delete(%d);", b.ASN)
	}
	if b.Model == plan.PerCluster {
		b.override()
	}
	if b.Internal != 0 {
		b.line("  if source = RTS_BGP then bgp_path.prepend(%d);", b.ASN)
		b.line("  bgp_path.prepend(%d);", b.Internal)
		b.line("  bgp_path.prepend(%d);", b.ASN)
	}
}

// override puts the leaf's number in place of the nodes'. The path stays as
// long as it was, which is what routes are compared by.
func (b *bird) override() {
	b.line("  if bgp_path ~ [= * %d * =] then {", b.NodeASN)
	b.line("    bgp_path.delete(%d);", b.NodeASN)
	b.line("    bgp_path.prepend(%d);", b.AS())
	b.line("  }")
}

// system connects BIRD with the kernel's routes. What the plan advertises has
// to be there, learned or connected; the default is announced in any case and
// stays out of the kernel.
func (b *bird) system() {
	b.line("protocol device { }")
	b.line("")
	b.line("protocol kernel {")
	b.line("  merge paths yes limit %d;", MaxPaths)
	if len(b.Advertised) > 0 {
		b.line("  learn;")
		b.line("  import where net ~ %s;", birdSet(exact(b.Advertised)))
	} else {
		b.line("  import none;")
	}
	b.line("  export where source = RTS_BGP;")
	b.line("}")
	b.line("")
	if len(b.Advertised) > 0 {
		b.line("protocol direct {")
		b.line("  import where net ~ %s;", birdSet(exact(b.Advertised)))
		b.line("}")
		b.line("")
	}
	if b.DefaultRoute {
		b.line("protocol static {")
		b.line("  route 0.0.0.0/0 unreachable;")
		b.line("}")
		b.line("")
	}
	if b.BFD.Interval != 0 {
		b.line("protocol bfd {")
		b.line("  interface \"*\" { interval %d ms; multiplier %d; };", milliseconds(b.BFD.Interval), b.BFD.Multiplier)
		b.line("}")
		b.line("")
	}
}

// template is what all sessions have in common. The retry timers are short,
// since nodes appear one after another and after every restart.
func (b *bird) template() {
	b.line("template bgp nodes {")
	b.line("  local %s as %d;", b.Address.Addr(), b.ASN)
	b.line("  next hop self;")
	b.line("  keepalive time %d;", seconds(b.Timers.Keepalive))
	b.line("  hold time %d;", seconds(b.Timers.Hold))
	b.line("  connect retry time 10;")
	if b.BFD.Interval != 0 {
		b.line("  bfd yes;")
	}
	b.line("  import limit %d action restart;", b.MaxPrefixes)
	b.line("  import filter from_nodes;")
	b.line("  export filter to_nodes;")
	b.line("}")
}

func (b *bird) neighbours() {
	for _, n := range b.Nodes {
		b.line("")
		// Symbols are letters, digits and underscores, at most 64 of them.
		b.line("protocol bgp node_%s from nodes {", strings.ReplaceAll(n.Address.String(), ".", "_"))
		b.line("  description \"%s\";", free(n.Name))
		b.line("  neighbor %s as %d;", n.Address, n.ASN)
		b.line("}")
	}
}

func exact(prefixes []netip.Prefix) []Match {
	matches := make([]Match, len(prefixes))
	for i, p := range prefixes {
		matches[i] = exactly(p)
	}
	return matches
}

// birdSet is a set of prefixes (BIRD 1.6 documentation section 5.2).
func birdSet(matches []Match) string {
	parts := make([]string, len(matches))
	for i, m := range matches {
		parts[i] = m.Prefix.String()
		if m.Min != m.Prefix.Bits() || m.Max != m.Min {
			parts[i] += fmt.Sprintf("{%d,%d}", m.Min, m.Max)
		}
	}
	return "[ " + strings.Join(parts, ", ") + " ]"
}
