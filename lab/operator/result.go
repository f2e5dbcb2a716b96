// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/lab/tempo"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// ErrNotRouted is a result in which a planned session is missing or wrong.
var ErrNotRouted = errors.New("the fabric is not as planned")

// Result is what a finished run shows, each part read where it is true: the
// nodes from joinsvc, the peers from the cluster, the neighbours from the leaves.
type Result struct {
	Nodes      []joinapi.NodeStatus
	Peers      []Peer
	Neighbours []Neighbour
	Stages     []tempo.Stage
	Missing    []string // what is not as planned; empty: all is
}

// Peer is one BGPPeer object.
type Peer struct {
	Name, PeerIP, Node string
	ASN                uint32
}

// Result reads the state of the rack, and again while something in it does not
// answer, or a session that came and went is not as planned. When it stays so,
// it is what Err tells of.
func (o *Operator) Result(ctx context.Context) (Result, error) { return o.settled(ctx, o.read) }

func (o *Operator) settled(ctx context.Context, read func(context.Context) (Result, error)) (Result, error) {
	var res Result
	err := o.Await(ctx, "the result is read", func(ctx context.Context) (string, error) {
		var err error
		if res, err = read(ctx); err != nil {
			return err.Error(), nil // beside other programs an API server may need minutes
		}
		return strings.Join(res.Missing, "; "), nil
	})
	if errors.Is(err, ErrStalled) && len(res.Missing) > 0 {
		return res, nil
	}
	return res, err
}

// read asks joinsvc, the cluster and the leaves once.
func (o *Operator) read(ctx context.Context) (Result, error) {
	var res Result
	status, err := o.Status(ctx)
	if err != nil {
		return res, err
	}
	res.Nodes = status.Nodes
	raw, err := o.kubeJSON(ctx, "bgppeers.crd.projectcalico.org")
	if err != nil {
		return res, err
	}
	if res.Peers, err = parsePeers(raw); err != nil {
		return res, err
	}
	if res.Neighbours, err = o.Neighbours(ctx); err != nil {
		return res, err
	}
	res.Stages = o.clock.Stages()
	res.Missing = append(Missing(o.Topology, res.Neighbours), missingPeers(o.Topology, res.Peers)...)
	return res, nil
}

// Err names everything that is not as planned.
func (res Result) Err() error {
	if len(res.Missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w:\n  %s", ErrNotRouted, strings.Join(res.Missing, "\n  "))
}

func parsePeers(raw []byte) ([]Peer, error) {
	var list struct {
		Items []struct {
			Metadata struct {
				Name string `json:"name"`
			} `json:"metadata"`
			Spec struct {
				PeerIP   string `json:"peerIP"`
				Node     string `json:"node"`
				ASNumber uint32 `json:"asNumber"`
			} `json:"spec"`
		} `json:"items"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("reading the BGP peers: %w", err)
	}
	peers := make([]Peer, 0, len(list.Items))
	for _, i := range list.Items {
		peers = append(peers, Peer{Name: i.Metadata.Name, PeerIP: i.Spec.PeerIP, Node: i.Spec.Node, ASN: i.Spec.ASNumber})
	}
	slices.SortFunc(peers, func(a, b Peer) int { return cmp.Compare(a.Name, b.Name) })
	return peers, nil
}

// missingPeers compares the objects with the plan: one per node and leaf.
func missingPeers(t rack.Topology, peers []Peer) []string {
	var lines []string
	for _, h := range t.Hosts {
		for _, l := range t.Plan.Spec.Fabric.Leaves {
			found := slices.ContainsFunc(peers, func(p Peer) bool {
				return p.Node == h.FQDN && p.PeerIP == l.Address.String() && p.ASN == t.Plan.Spec.Fabric.ASN
			})
			if !found {
				lines = append(lines, fmt.Sprintf("no BGPPeer of %s with %s (%s)", h.FQDN, l.Address, l.Name))
			}
		}
	}
	if extra := len(peers) - len(t.Hosts)*len(t.Plan.Spec.Fabric.Leaves); extra > 0 && len(lines) == 0 {
		lines = append(lines, fmt.Sprintf("%d BGPPeer(s) that the plan does not know", extra))
	}
	return lines
}

// Print writes the four tables.
func (res Result) Print(w io.Writer) error {
	var err error
	table := func(title string, rows func(line func(cells ...any))) {
		t := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
		_, e := fmt.Fprintf(w, "\n%s\n", title)
		err = errors.Join(err, e)
		rows(func(cells ...any) {
			_, e := fmt.Fprintln(t, join(cells))
			err = errors.Join(err, e)
		})
		err = errors.Join(err, t.Flush())
	}
	table("Nodes", res.nodeRows)
	table("BGP peers", res.peerRows)
	table("The leaves' neighbours", res.neighbourRows)
	table("Stages", res.stageRows)
	return err
}

func join(cells []any) string {
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = fmt.Sprint(c)
	}
	return strings.Join(texts, "\t")
}

func (res Result) nodeRows(line func(...any)) {
	line("NAME", "ROLE", "ADDRESS", "ASN", "PHASE")
	for _, n := range res.Nodes {
		line(n.Name, n.Role, n.Address, n.ASN, phaseName(n.Phase))
	}
}

func (res Result) peerRows(line func(...any)) {
	line("NAME", "PEERIP", "NODE", "ASN")
	for _, p := range res.Peers {
		line(p.Name, p.PeerIP, p.Node, p.ASN)
	}
}

func (res Result) neighbourRows(line func(...any)) {
	line("LEAF", "NEIGHBOUR", "REMOTE AS", "STATE", "RECEIVED", "PREFIXES")
	for _, n := range res.Neighbours {
		prefixes := make([]string, len(n.Routes))
		for i, r := range n.Routes {
			prefixes[i] = r.Prefix.String()
		}
		line(n.Leaf, n.Address, n.RemoteAS, n.State, n.Received, strings.Join(prefixes, " "))
	}
}

// stageRows tells for each stage when it was reached, and how long after the
// one before it on the same machine.
func (res Result) stageRows(line func(...any)) {
	line("MACHINE", "STAGE", "AT", "TOOK")
	for i, s := range res.Stages {
		took := s.At
		for _, before := range res.Stages[:i] {
			if before.Machine == s.Machine {
				took = s.At - before.At
			}
		}
		line(cmp.Or(s.Machine, "rack"), s.What, fmt.Sprintf("%.0fs", s.At.Seconds()), fmt.Sprintf("%.0fs", took.Seconds()))
	}
}
