// SPDX-License-Identifier: Apache-2.0

package leaves

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/command"
)

// A segment is a bridge, in a network namespace of its own, that joins the
// namespaces of one rack.
type segment struct {
	prefix string // of the names of all namespaces: two runs may share a machine
	bridge namespace
}

// A namespace is a network namespace, by its name for ip-netns(8).
type namespace string

const mtu = "9000"

func newSegment(t *testing.T) *segment {
	t.Helper()
	s := &segment{prefix: fmt.Sprintf("leaves-%d-", os.Getpid())}
	s.bridge = s.namespace(t, "fabric")
	s.bridge.ip(t, "link", "add", "name", "bridge", "mtu", mtu, "type", "bridge")
	s.bridge.ip(t, "link", "set", "bridge", "up")
	return s
}

// namespace makes one that is gone after the test, with all that is in it.
func (s *segment) namespace(t *testing.T, name string) namespace {
	t.Helper()
	ns := namespace(s.prefix + name)
	run(t, "ip", "netns", "add", string(ns))
	t.Cleanup(func() {
		if _, err := command.Run(context.Background(), command.New("ip", "netns", "delete", string(ns))); err != nil {
			t.Error(err)
		}
	})
	ns.ip(t, "link", "set", "lo", "up")
	return ns
}

// join makes a namespace with the interface "fabric" on the bridge.
func (s *segment) join(t *testing.T, name string, addresses ...netip.Prefix) namespace {
	t.Helper()
	ns := s.namespace(t, name)
	ns.ip(t, "link", "add", "name", "fabric", "mtu", mtu, "type", "veth",
		"peer", "name", name, "mtu", mtu, "netns", string(s.bridge))
	s.bridge.ip(t, "link", "set", name, "master", "bridge", "up")
	for _, a := range addresses {
		ns.ip(t, "address", "add", a.String(), "dev", "fabric")
	}
	ns.ip(t, "link", "set", "fabric", "up")
	return ns
}

func (n namespace) ip(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, "ip", append([]string{"-n", string(n)}, args...)...)
}

// command is a program that is to run in the namespace.
func (n namespace) command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", string(n), name}, args...)...)
}

// A kernelRoute is what `ip -json route` prints, the next hops in order.
type kernelRoute struct {
	Protocol string // that brought it: "bird", "bgp", "static"
	Metric   uint32
	Via      []netip.Addr
}

// kernelRoutes are those of the main table to a prefix.
func (n namespace) kernelRoutes(t *testing.T, to netip.Prefix) []kernelRoute {
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
	text := run(t, "ip", "-json", "-n", string(n), "route", "show", "exact", to.String())
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
	for line := range strings.Lines(run(t, "ip", "netns", "list")) {
		name := strings.Fields(line)[0]
		var pid int
		if _, err := fmt.Sscanf(name, "leaves-%d-", &pid); err != nil || syscall.Kill(pid, 0) == nil {
			continue
		}
		for process := range strings.FieldsSeq(run(t, "ip", "netns", "pids", name)) {
			run(t, "kill", "-KILL", process)
		}
		run(t, "ip", "netns", "delete", name)
		removeFolders(t, name)
	}
}
