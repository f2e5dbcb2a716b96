// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Neighbour is one BGP session as a leaf sees it.
type Neighbour struct {
	Leaf     string
	Address  netip.Addr
	RemoteAS uint32
	State    string        // "Established" or the state it is stuck in
	Received int           // prefixes
	Age      time.Duration // since it was established
	Routes   []Route
}

// Route is one prefix that a neighbour announces.
type Route struct {
	Prefix netip.Prefix
	Path   string // AS path as FRR prints it: "63500 63551"
}

// Neighbours asks FRR on every leaf, sorted by leaf and address.
func (o *Operator) Neighbours(ctx context.Context) ([]Neighbour, error) {
	var all []Neighbour
	for _, l := range o.Plan.Spec.Fabric.Leaves {
		summary, err := o.vtysh(ctx, l, "show bgp ipv4 unicast summary json")
		if err != nil {
			return nil, err
		}
		routes, err := o.vtysh(ctx, l, "show bgp ipv4 unicast json")
		if err != nil {
			return nil, err
		}
		ns, err := parseNeighbours(l.Name, summary, routes)
		if err != nil {
			return nil, err
		}
		all = append(all, ns...)
	}
	return all, nil
}

func (o *Operator) vtysh(ctx context.Context, l plan.Leaf, command string) ([]byte, error) {
	out, err := o.Run(ctx, rack.Infra, "vtysh", "-N", l.Name, "-c", command)
	return out.Stdout, err
}

// The parts of FRR 8.4's JSON that are read here.
type (
	bgpSummary struct {
		Peers map[netip.Addr]struct {
			RemoteAS uint32 `json:"remoteAs"`
			State    string `json:"state"`
			Received int    `json:"pfxRcd"`
			Uptime   int64  `json:"peerUptimeMsec"`
		} `json:"peers"`
	}
	bgpTable struct {
		Routes map[netip.Prefix][]struct {
			Peer string `json:"peerId"` // "(unspec)" for the leaf's own
			Path string `json:"path"`
		} `json:"routes"`
	}
)

func parseNeighbours(leaf string, summary, table []byte) ([]Neighbour, error) {
	var s bgpSummary
	if err := json.Unmarshal(summary, &s); err != nil {
		return nil, fmt.Errorf("reading %s's BGP summary: %w", leaf, err)
	}
	var t bgpTable
	if err := json.Unmarshal(table, &t); err != nil {
		return nil, fmt.Errorf("reading %s's BGP table: %w", leaf, err)
	}
	var all []Neighbour
	for addr, p := range s.Peers {
		n := Neighbour{
			Leaf: leaf, Address: addr, RemoteAS: p.RemoteAS, State: p.State, Received: p.Received,
			Age: time.Duration(p.Uptime) * time.Millisecond,
		}
		for prefix, paths := range t.Routes {
			for _, path := range paths {
				if path.Peer == addr.String() {
					n.Routes = append(n.Routes, Route{Prefix: prefix, Path: path.Path})
				}
			}
		}
		slices.SortFunc(n.Routes, func(a, b Route) int { return cmp.Compare(a.Prefix.String(), b.Prefix.String()) })
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b Neighbour) int { return a.Address.Compare(b.Address) })
	return all, nil
}

// Missing says what keeps the leaves from being right, one line per session:
// every host Established at every leaf, with its AS, announcing a block of
// the pod range that comes from that AS alone. Empty: everything is right.
func Missing(t rack.Topology, got []Neighbour) []string {
	var lines []string
	for _, l := range t.Plan.Spec.Fabric.Leaves {
		for _, h := range t.Hosts {
			at := slices.IndexFunc(got, func(n Neighbour) bool { return n.Leaf == l.Name && n.Address == h.Address.Addr() })
			if at < 0 {
				lines = append(lines, fmt.Sprintf("%s has no neighbour %s (%s)", l.Name, h.Address.Addr(), h.Name))
				continue
			}
			if why := wrong(t.Plan.Spec, h, got[at]); why != "" {
				lines = append(lines, fmt.Sprintf("%s, neighbour %s (%s): %s", l.Name, h.Address.Addr(), h.Name, why))
			}
		}
	}
	return lines
}

func wrong(s plan.Spec, h rack.Host, n Neighbour) string {
	if n.State != "Established" {
		return "the session is in state " + n.State
	}
	if n.RemoteAS != h.ASN {
		return fmt.Sprintf("its AS is %d, planned is %d", n.RemoteAS, h.ASN)
	}
	if path := pathOf(s.Fabric, h); len(blocks(s.Pods, path, n)) == 0 {
		return fmt.Sprintf("it announces no /%d of %s with the path %s", s.Pods.BlockSize, s.Pods.Subnet, path)
	}
	return ""
}

// pathOf is the AS path of a host's own routes in a leaf's table. A leaf that
// shows its nodes another number than its own (local-as) adds that one to what
// it hears.
func pathOf(f plan.Fabric, h rack.Host) string {
	if f.InternalASN == 0 || f.InternalASN == f.ASN {
		return fmt.Sprint(h.ASN)
	}
	return fmt.Sprintf("%d %d", f.ASN, h.ASN)
}

// blocks are the pod blocks that the neighbour announces with that path.
func blocks(pods plan.Pods, path string, n Neighbour) []netip.Prefix {
	var found []netip.Prefix
	for _, r := range n.Routes {
		if r.Path == path && r.Prefix.Bits() == pods.BlockSize && pods.Subnet.Contains(r.Prefix.Addr()) {
			found = append(found, r.Prefix)
		}
	}
	return found
}
