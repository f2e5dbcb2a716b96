// SPDX-License-Identifier: Apache-2.0

package leaves

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"

	"github.com/nodeprep/nodeprep/lab/nettest"
)

// A segment is a bridge, in a network namespace of its own, that joins the
// namespaces of one rack.
type segment struct{ bridge nettest.Namespace }

const mtu = "9000"

func newSegment(t *testing.T) *segment {
	t.Helper()
	s := &segment{namespace(t, "fabric")}
	s.bridge.IP(t, "link", "add", "name", "bridge", "mtu", mtu, "type", "bridge")
	s.bridge.IP(t, "link", "set", "bridge", "up")
	return s
}

// kind is of the namespaces of this package.
const kind = "leaves"

func namespace(t *testing.T, name string) nettest.Namespace {
	t.Helper()
	return nettest.New(t, kind, name)
}

// join makes a namespace with the interface "fabric" on the bridge.
func (s *segment) join(t *testing.T, name string, addresses ...netip.Prefix) nettest.Namespace {
	t.Helper()
	ns := namespace(t, name)
	ns.IP(t, "link", "add", "name", "fabric", "mtu", mtu, "type", "veth",
		"peer", "name", name, "mtu", mtu, "netns", string(s.bridge))
	s.bridge.IP(t, "link", "set", name, "master", "bridge", "up")
	for _, a := range addresses {
		ns.IP(t, "address", "add", a.String(), "dev", "fabric")
	}
	ns.IP(t, "link", "set", "fabric", "up")
	return ns
}

// A kernelRoute is what `ip -json route` prints, the next hops in order.
type kernelRoute struct {
	Protocol string // that brought it: "bird", "bgp", "static"
	Metric   uint32
	Via      []netip.Addr
}

// kernelRoutes are those of the main table to a prefix.
func kernelRoutes(t *testing.T, n nettest.Namespace, to netip.Prefix) []kernelRoute {
	t.Helper()
	type hop struct {
		Gateway netip.Addr `json:"gateway"`
	}
	var printed []struct {
		hop
		Protocol string `json:"protocol"`
		Metric   uint32 `json:"metric"`
		Hops     []hop  `json:"nexthops"`
	}
	text := n.IP(t, "-json", "route", "show", "exact", to.String())
	if err := json.Unmarshal([]byte(text), &printed); err != nil {
		t.Fatalf("reading the routes of %s: %v", n, err)
	}
	var all []kernelRoute
	for _, r := range printed {
		route := kernelRoute{Protocol: r.Protocol, Metric: r.Metric}
		for _, h := range append(r.Hops, r.hop) {
			if h.Gateway.IsValid() {
				route.Via = append(route.Via, h.Gateway)
			}
		}
		slices.SortFunc(route.Via, netip.Addr.Compare)
		all = append(all, route)
	}
	return all
}

// sweep removes what runs have left that were killed before they could.
func sweep(t *testing.T) {
	t.Helper()
	for _, ns := range nettest.Sweep(t, kind) {
		removeFolders(t, string(ns))
	}
}
