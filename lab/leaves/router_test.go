// SPDX-License-Identifier: Apache-2.0

package leaves

import (
	"cmp"
	"net/netip"
	"slices"
	"testing"
)

// A router is what a BGP daemon says of itself.
type router interface {
	// sessions are those with planned neighbours, by the neighbour's address.
	sessions(t *testing.T) map[netip.Addr]session
	// routes are all that neighbours have announced and an import filter let pass.
	routes(t *testing.T) []route
}

// A leafDaemon is a router that runs what the product has rendered.
type leafDaemon interface {
	router
	// dropOverride has the leaf leave the nodes' AS numbers in what it announces.
	dropOverride(t *testing.T)
}

// A session is one side's view of it.
type session struct {
	State string // "Established", or the state (RFC 4271 section 8.2.2) that it is stuck in
	Error string // why it last ended, in the daemon's words
}

// A route is one neighbour's way to a prefix.
type route struct {
	Prefix netip.Prefix
	Peer   netip.Addr // that announced it
	Path   string     // AS path, "63500 63551"
}

// sorted puts them in an order by which two tables can be compared.
func sorted(routes []route) []route {
	slices.SortFunc(routes, func(a, b route) int {
		return cmp.Or(cmp.Compare(a.Prefix.String(), b.Prefix.String()), a.Peer.Compare(b.Peer))
	})
	return routes
}
