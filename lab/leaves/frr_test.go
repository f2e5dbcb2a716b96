// SPDX-License-Identifier: Apache-2.0

package leaves

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/nodeprep/nodeprep/lab/nettest"
)

// An frr is a running FRR, by the name that its folders and sockets have (-N).
type frr struct{ name string }

// startFRR runs zebra and bgpd in a namespace and has vtysh give both the
// configuration, which is how FRR itself starts with an integrated one.
func startFRR(t *testing.T, ns nettest.Namespace, config string) frr {
	t.Helper()
	f := frr{string(ns)}
	for _, folder := range frrFolders(f.name) {
		nettest.Run(t, "install", "-d", "-o", "frr", "-g", "frr", folder)
	}
	t.Cleanup(func() { removeFolders(t, f.name) })
	etc := frrFolders(f.name)[0]
	write(t, filepath.Join(etc, "vtysh.conf"), "")
	write(t, filepath.Join(etc, "frr.conf"), config)
	logs := t.TempDir()
	for _, name := range []string{"zebra", "bgpd"} {
		d := nettest.Start(t, name, logs, ns.Command("/usr/lib/frr/"+name, "-N", f.name, "-f", "/dev/null", "--log", "stdout"))
		nettest.AwaitAnswer(t, d, func() error {
			_, err := f.vtysh(t, "-d", name, "-c", "show version")
			return err
		})
	}
	if out, err := f.vtysh(t, "-b"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return f
}

// frrFolders are those of the configuration and of the sockets.
func frrFolders(name string) []string {
	return []string{filepath.Join("/etc/frr", name), filepath.Join("/var/run/frr", name)}
}

func removeFolders(t *testing.T, name string) {
	t.Helper()
	for _, folder := range frrFolders(name) {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	}
}

func (f frr) vtysh(t *testing.T, args ...string) (string, error) {
	return nettest.Try(t, "vtysh", append([]string{"-N", f.name}, args...)...)
}

// show reads one of FRR's JSON outputs.
func (f frr) show(t *testing.T, what string, into any) {
	t.Helper()
	out, err := f.vtysh(t, "-c", "show "+what+" json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("reading %s: %v\n%s", what, err, out)
	}
}

func (f frr) sessions(t *testing.T) map[netip.Addr]session {
	t.Helper()
	var all map[netip.Addr]struct {
		State string `json:"bgpState"`
	}
	f.show(t, "bgp neighbors", &all)
	found := map[netip.Addr]session{}
	for peer, s := range all {
		found[peer] = session{State: s.State}
	}
	return found
}

func (f frr) routes(t *testing.T) []route {
	t.Helper()
	var table struct {
		Routes map[netip.Prefix][]struct {
			Peer string `json:"peerId"` // "(unspec)" for what the leaf itself originates
			Path string `json:"path"`
		} `json:"routes"`
	}
	f.show(t, "bgp ipv4 unicast", &table)
	var all []route
	for prefix, ways := range table.Routes {
		for _, way := range ways {
			if peer, err := netip.ParseAddr(way.Peer); err == nil {
				all = append(all, route{prefix, peer, way.Path})
			}
		}
	}
	return all
}

var override = regexp.MustCompile(`neighbor \S+ as-override`)

func (f frr) dropOverride(t *testing.T) {
	t.Helper()
	config, err := f.vtysh(t, "-c", "show running-config")
	if err != nil {
		t.Fatal(err)
	}
	line := override.FindString(config)
	if _, err := f.vtysh(t, "-c", "configure terminal", "-c", "router bgp", "-c", "address-family ipv4 unicast", "-c", "no "+line); err != nil {
		t.Fatal(err)
	}
}
