// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// telling is the socket of a joinsvc that says that.
func telling(t *testing.T, s joinapi.Status) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s) // what is lost of it fails the test
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return socket
}

// What the nodes of another cluster hold says nothing of this plan's, though they
// be called the same.
func TestTheJoinsvcOfAnotherClusterIsNotBelieved(t *testing.T) {
	p, report, err := plan.Load("../../docs/examples/k8c1.yaml")
	if err != nil || report.Err() != nil {
		t.Fatal(err, report)
	}
	status := joinapi.Status{Nodes: []joinapi.NodeStatus{
		{Name: "k8c1s1.labs.haystacknetworks.com", Phase: joinapi.PhaseRouted, Address: "192.168.9.199/28", ASN: 63559},
	}}
	for cluster, believed := range map[string]bool{"k8c1": true, "k8c2": false} {
		status.Cluster = cluster
		socket := telling(t, status)
		h := holders{load: func() (config, error) { return config{AdminSocket: socket}, nil }}
		as, _, unknown, err := h.put(t.Context(), p)
		if err != nil || (unknown == nil) != believed || (as.Spec.Nodes[1].ASN == 63559) != believed {
			t.Errorf("of cluster %s: AS %d, not known for %v, %v", cluster, as.Spec.Nodes[1].ASN, unknown, err)
		}
		if !believed && !strings.Contains(unknown.Error(), "of cluster k8c2") {
			t.Errorf("it says %v", unknown)
		}
	}
}

// Who listens on all addresses is called by each of them, and by nothing that
// nobody can call.
func TestNamesOfAServer(t *testing.T) {
	for _, listen := range []string{":8443", "0.0.0.0:8443", "[::]:8443"} {
		names, err := config{Listen: listen, Names: []string{"joinsvc.example.net"}}.serverNames()
		if err != nil || names[0] != "joinsvc.example.net" || !slices.Contains(names, "127.0.0.1") || slices.Contains(names, "0.0.0.0") || slices.Contains(names, "::") {
			t.Errorf("%s: %q, %v", listen, names, err)
		}
	}
	if names, err := (config{Listen: "192.0.2.1:8443"}).serverNames(); err != nil || !slices.Equal(names, []string{"192.0.2.1"}) {
		t.Errorf("of one address: %q, %v", names, err)
	}
}
