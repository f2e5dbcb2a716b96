// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/lab/tempo"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Printed by FRR 8.4.4 with the product's configuration of leaf201, one real
// neighbour and no route to what the plan advertises, shortened to the fields
// that are read and a few more.
const (
	frrSummary = `{"routerId":"2.0.0.1","as":65000,"peers":{
"192.168.9.194":{"remoteAs":63552,"localAs":63500,"pfxRcd":0,"state":"Connect","peerState":"OK"},
"192.168.9.193":{"remoteAs":63551,"localAs":63500,"peerUptimeMsec":61000,"pfxRcd":1,"state":"Established","peerState":"OK"}},
"failedPeers":1,"totalPeers":2}`
	frrTable = `{"vrfId": 0, "vrfName": "default", "routerId": "2.0.0.1", "localAS": 65000,
"routes": { "10.243.176.0/24": [{"pathFrom":"external","network":"10.243.176.0/24","weight":32768,"peerId":"(unspec)","path":"","origin":"IGP"}]
,"172.27.1.0/26": [{"valid":true,"bestpath":true,"pathFrom":"external","prefix":"172.27.1.0","prefixLen":26,"network":"172.27.1.0/26","peerId":"192.168.9.193","path":"63500 63551","origin":"IGP","nexthops":[{"ip":"192.168.9.193","afi":"ipv4","used":true}]}]
 }  }`
)

func TestParseNeighbours(t *testing.T) {
	got, err := parseNeighbours("leaf201", []byte(frrSummary), []byte(frrTable))
	if err != nil {
		t.Fatal(err)
	}
	want := []Neighbour{
		{
			Leaf: "leaf201", Address: netip.MustParseAddr("192.168.9.193"), RemoteAS: 63551, State: "Established", Received: 1, Age: 61 * time.Second,
			Routes: []Route{{Prefix: netip.MustParsePrefix("172.27.1.0/26"), Path: "63500 63551"}},
		},
		{Leaf: "leaf201", Address: netip.MustParseAddr("192.168.9.194"), RemoteAS: 63552, State: "Connect"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, broken := range [][2]string{{"", frrTable}, {frrSummary, "{"}} {
		if _, err := parseNeighbours("leaf201", []byte(broken[0]), []byte(broken[1])); err == nil {
			t.Errorf("read %q", broken)
		}
	}
}

// example is the shipped plan's rack, cut to n hosts.
func example(t *testing.T, n int) rack.Topology {
	t.Helper()
	doc, err := os.ReadFile("../../docs/examples/k8c1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err = rack.Cut(doc, n)
	if err != nil {
		t.Fatal(err)
	}
	p, report := plan.Parse(doc)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	topology, err := rack.NewTopology(p)
	if err != nil {
		t.Fatal(err)
	}
	return topology
}

// routed is what the leaves of top show when everything is right.
func routed(top rack.Topology) []Neighbour {
	var all []Neighbour
	for _, l := range top.Plan.Spec.Fabric.Leaves {
		for i, h := range top.Hosts {
			block := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 27, byte(i), 0}), 26)
			path := map[uint32]string{63551: "63500 63551", 63552: "63500 63552"}[h.ASN]
			all = append(all, Neighbour{
				Leaf: l.Name, Address: h.Address.Addr(), RemoteAS: h.ASN, State: "Established",
				Received: 1, Routes: []Route{{Prefix: block, Path: path}},
			})
		}
	}
	return all
}

func TestMissing(t *testing.T) {
	top := example(t, 2)
	if got := Missing(top, routed(top)); len(got) != 0 {
		t.Fatalf("a routed rack lacks %q", got)
	}
	cases := map[string]struct {
		harm func([]Neighbour) []Neighbour
		want string
	}{
		"session down": {func(n []Neighbour) []Neighbour { n[3].State = "Active"; return n }, "leaf202, neighbour 192.168.9.194 (k8c1s1): the session is in state Active"},
		"another AS":   {func(n []Neighbour) []Neighbour { n[0].RemoteAS = 64999; return n }, "leaf201, neighbour 192.168.9.193 (k8c1m0): its AS is 64999, planned is 63551"},
		"no neighbour": {func(n []Neighbour) []Neighbour { return n[1:] }, "leaf201 has no neighbour 192.168.9.193 (k8c1m0)"},
		"no prefix":    {func(n []Neighbour) []Neighbour { n[1].Routes = nil; return n }, "leaf201, neighbour 192.168.9.194 (k8c1s1): it announces no /26 of 172.27.0.0/16 with the path 63500 63552"},
		"another length": {func(n []Neighbour) []Neighbour {
			n[1].Routes[0].Prefix = netip.MustParsePrefix("172.27.0.0/24")
			return n
		}, "leaf201, neighbour 192.168.9.194 (k8c1s1): it announces no /26 of 172.27.0.0/16 with the path 63500 63552"},
		"another range": {func(n []Neighbour) []Neighbour {
			n[1].Routes[0].Prefix = netip.MustParsePrefix("10.0.0.0/26")
			return n
		}, "leaf201, neighbour 192.168.9.194 (k8c1s1): it announces no /26 of 172.27.0.0/16 with the path 63500 63552"},
		"another path": {func(n []Neighbour) []Neighbour { n[1].Routes[0].Path = "63500 63551"; return n }, "leaf201, neighbour 192.168.9.194 (k8c1s1): it announces no /26 of 172.27.0.0/16 with the path 63500 63552"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := Missing(top, c.harm(routed(top)))
			if diff := cmp.Diff([]string{c.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestMissingWithoutLocalAS: leaves whose only number is the nodes' add none.
func TestMissingWithoutLocalAS(t *testing.T) {
	top := example(t, 1)
	top.Plan.Spec.Fabric.InternalASN = 0
	got := routed(top)
	if len(Missing(top, got)) != len(got) {
		t.Error("a path of two numbers is taken for the host's own")
	}
	for i := range got {
		got[i].Routes[0].Path = "63551"
	}
	if lines := Missing(top, got); len(lines) != 0 {
		t.Errorf("a routed rack lacks %q", lines)
	}
}

const bgpPeers = `{"items":[
{"metadata":{"name":"leaf202-k8c1m0"},"spec":{"asNumber":63500,"node":"k8c1m0.labs.haystacknetworks.com","peerIP":"192.168.9.205"}},
{"metadata":{"name":"leaf201-k8c1m0"},"spec":{"asNumber":63500,"node":"k8c1m0.labs.haystacknetworks.com","peerIP":"192.168.9.204"}}]}`

func TestPeers(t *testing.T) {
	top := example(t, 1)
	peers, err := parsePeers([]byte(bgpPeers))
	if err != nil {
		t.Fatal(err)
	}
	if got := missingPeers(top, peers); len(got) != 0 {
		t.Errorf("all peers are there, yet %q", got)
	}
	if got := missingPeers(top, peers[:1]); len(got) != 1 || !strings.Contains(got[0], "leaf202") {
		t.Errorf("one peer is missing, got %q", got)
	}
	if got := missingPeers(top, append(peers, Peer{Name: "stray"})); len(got) != 1 {
		t.Errorf("one peer is too many, got %q", got)
	}
}

func TestPrint(t *testing.T) {
	top := example(t, 1)
	peers, err := parsePeers([]byte(bgpPeers))
	if err != nil {
		t.Fatal(err)
	}
	h := top.Hosts[0]
	res := Result{
		Nodes: []joinapi.NodeStatus{{Name: h.FQDN, Role: joinapi.Role(h.Role), Address: h.Address.String(), ASN: h.ASN, Phase: joinapi.PhaseRouted}},
		Peers: peers, Neighbours: routed(top),
		Stages: []tempo.Stage{
			{What: "started", At: time.Second},
			{Machine: "k8c1m0", What: "enrolled", At: 40 * time.Second},
			{Machine: "svc", What: "serves", At: 41 * time.Second},
			{Machine: "k8c1m0", What: "routed", At: 300 * time.Second},
		},
	}
	var b strings.Builder
	if err := res.Print(&b); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", "result.txt"), b.String())
}

func TestResultErr(t *testing.T) {
	if err := (Result{}).Err(); err != nil {
		t.Error(err)
	}
	err := Result{Missing: []string{"one", "two"}}.Err()
	if !errors.Is(err, ErrNotRouted) || !strings.Contains(err.Error(), "\n  one\n  two") {
		t.Errorf("got %v", err)
	}
}

// An API server that does not answer once, and a session that came and went, are
// waited for; what stays wrong is the result.
func TestResultIsReadAgain(t *testing.T) {
	silent, lacking := errors.New("TLS handshake timeout"), []string{"leaf201 has no session with 192.168.9.193"}
	for name, tc := range map[string]struct {
		looks   []look // the last one stays
		missing []string
		err     error
	}{
		"answers at once":     {looks: []look{{}}},
		"answers later":       {looks: []look{{err: silent}, {err: silent}, {missing: lacking}, {}}},
		"never answers":       {looks: []look{{err: silent}}, err: ErrStalled},
		"is not as planned":   {looks: []look{{missing: lacking}}, missing: lacking},
		"answers, then never": {looks: []look{{missing: lacking}, {err: silent}}, err: ErrStalled},
	} {
		o := attended(t, 1)
		asked := 0
		res, err := o.settled(t.Context(), func(context.Context) (Result, error) {
			o.tick()
			l := tc.looks[min(asked, len(tc.looks)-1)]
			asked++
			return Result{Missing: l.missing}, l.err
		})
		if !errors.Is(err, tc.err) || !slices.Equal(res.Missing, tc.missing) || errors.Is(res.Err(), ErrNotRouted) != (tc.missing != nil) {
			t.Errorf("%s: missing %v, %v", name, res.Missing, err)
		}
		if asked < len(tc.looks) {
			t.Errorf("%s: asked %d times", name, asked)
		}
	}
}

// look is what one reading finds.
type look struct {
	missing []string
	err     error
}
