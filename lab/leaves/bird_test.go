// SPDX-License-Identifier: Apache-2.0

package leaves

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nodeprep/nodeprep/lab/nettest"
)

// A bird is a running BIRD 1.6.
type bird struct{ socket, config string }

// startBIRD runs BIRD in a namespace; its control socket is bird.ctl in folder.
func startBIRD(t *testing.T, ns nettest.Namespace, folder, config string, flags ...string) bird {
	t.Helper()
	b := bird{filepath.Join(folder, "bird.ctl"), config}
	flags = append(flags, "-d", "-s", b.socket, "-P", filepath.Join(folder, "bird.pid"), "-c", config)
	d := nettest.Start(t, "bird", folder, ns.Command("bird", flags...))
	nettest.AwaitAnswer(t, d, func() error {
		_, err := b.ask(t, "show", "status")
		return err
	})
	return b
}

// ask is one command of BIRD's own language.
func (b bird) ask(t *testing.T, words ...string) (string, error) {
	return nettest.Try(t, "birdc", append([]string{"-s", b.socket}, words...)...)
}

func (b bird) show(t *testing.T, words ...string) string {
	t.Helper()
	out, err := b.ask(t, append([]string{"show"}, words...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (b bird) sessions(t *testing.T) map[netip.Addr]session {
	t.Helper()
	all := map[netip.Addr]session{}
	for peer, p := range protocols(b.show(t, "protocols", "all")) {
		all[peer] = p.session
	}
	return all
}

func (b bird) routes(t *testing.T) []route {
	t.Helper()
	peers := map[string]netip.Addr{}
	for peer, p := range protocols(b.show(t, "protocols", "all")) {
		peers[p.name] = peer
	}
	return birdRoutes(b.show(t, "route", "all"), peers)
}

func (b bird) dropOverride(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(b.config)
	if err != nil {
		t.Fatal(err)
	}
	config := regexp.MustCompile(`bgp_path\.delete\(\d+\);`).ReplaceAllLiteralString(string(text), "")
	write(t, b.config, config)
	if _, err := b.ask(t, "configure"); err != nil {
		t.Fatal(err)
	}
}

// A protocol is BIRD's word for a session and its configuration.
type protocol struct {
	session
	name string
}

// protocols reads `show protocols all`: a line per protocol, those that belong
// to it indented, and BGP's with the neighbour's address.
func protocols(text string) map[netip.Addr]protocol {
	all := map[netip.Addr]protocol{}
	for block := range strings.SplitSeq(text, "\n\n") {
		fields := map[string]string{}
		for line := range strings.SplitSeq(block, "\n") {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				fields[key] = strings.TrimSpace(value)
			}
		}
		name, _, _ := strings.Cut(strings.TrimLeft(block, "\n"), " ")
		if peer, err := netip.ParseAddr(fields["Neighbor address"]); err == nil {
			all[peer] = protocol{session{fields["BGP state"], fields["Last error"]}, name}
		}
	}
	return all
}

var birdRoute = regexp.MustCompile(`^(\S*)\s+.*\[(\S+) `)

// birdRoutes reads `show route all`: a line per way, of which only the first
// names the prefix, and attributes behind a tab.
func birdRoutes(text string, peers map[string]netip.Addr) []route {
	var all []route
	var prefix netip.Prefix
	var peer netip.Addr
	for line := range strings.SplitSeq(text, "\n") {
		if path, ok := strings.CutPrefix(line, "\tBGP.as_path:"); ok && peer.IsValid() {
			all = append(all, route{prefix, peer, strings.TrimSpace(path)})
		}
		m := birdRoute.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(line, "\t") {
			continue
		}
		if p, err := netip.ParsePrefix(m[1]); err == nil {
			prefix = p
		}
		peer = peers[m[2]]
	}
	return all
}

func TestReadingBIRD(t *testing.T) {
	leaf := netip.MustParseAddr("192.168.9.204")
	got := protocols(birdProtocols)
	want := map[netip.Addr]protocol{leaf: {session{"Idle", "Received: Bad peer AS"}, "Node_192_168_9_204"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(protocol{}), byValue()); diff != "" {
		t.Errorf("protocols (-want +got):\n%s", diff)
	}
	routes := birdRoutes(birdTable, map[string]netip.Addr{"Node_192_168_9_204": leaf})
	if diff := cmp.Diff([]route{{netip.MustParsePrefix("0.0.0.0/0"), leaf, "63500 65000"}}, routes, byValue()); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

func byValue() cmp.Option { return cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}) }

const birdProtocols = `BIRD 1.6.8 ready.
name     proto    table    state  since       info
kernel1  Kernel   master   up     03:11:19    
  Preference:     10

Node_192_168_9_204 BGP      master   start  03:11:20    Idle          Received: Bad peer AS
  Description:    Connection to BGP peer
  BGP state:          Idle
    Neighbor address: 192.168.9.204
    Neighbor AS:      63500
    Error wait:       3/5
    Last error:       Received: Bad peer AS

`

const birdTable = `BIRD 1.6.8 ready.
0.0.0.0/0          via 192.168.9.206 on fabric [kernel1 03:21:40] * (10)
	Type: inherit unicast univ
                   via 192.168.9.204 on fabric [Node_192_168_9_204 03:21:45] (100/0) [AS65000i]
	Type: BGP unicast univ
	BGP.origin: IGP
	BGP.as_path: 63500 65000
	BGP.next_hop: 192.168.9.204
172.29.0.0/16      blackhole [static1 03:21:41] * (200)
	Type: static unicast univ
`
