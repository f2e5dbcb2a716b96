// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// A node is released by its name; one that may be alive is refused with the
// reason, and one that nobody knows is named.
func TestNodesRelease(t *testing.T) {
	i := install(t, asShipped)
	url, stop := i.serve()
	defer stop()
	token := strings.TrimSpace(i.ok("token", "create", "--uses", "2", "--ttl", "1h"))
	id := joinapi.Identity{Hostname: "localhost", MACs: []joinapi.MAC{"00:00:5e:00:53:12"}}
	enrol := func() {
		key, _ := newKey(t)
		if _, err := joinapi.Enrol(t.Context(), url, token, key, id); err != nil {
			t.Fatal(err)
		}
	}
	enrol()
	i.ok("token", "create", "--ttl", "2160h") // as --help has it
	if code, _, errs := i.cli("token", "create", "--ttl", "2161h"); code != 1 || !strings.Contains(errs, "ttl: ") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if code, _, errs := i.cli("nodes", "release", "k8c1s1"); code != 1 || !strings.Contains(errs, "its host was heard of") || !strings.Contains(errs, "--force") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if code, _, errs := i.cli("nodes", "release", "nobody"); code != 1 || !strings.Contains(errs, `no node "nobody" is enrolled`) {
		t.Errorf("exit %d, %s", code, errs)
	}
	if code, _, errs := i.cli("nodes", "release"); code != 2 || !strings.Contains(errs, "joinsvc --help") {
		t.Errorf("without a name: exit %d, %s", code, errs)
	}
	out := i.ok("nodes", "release", "k8c1s1", "--force")
	for _, part := range []string{"k8c1s1.labs.haystacknetworks.com is released", "192.168.9.194", "63552", "kubectl delete node"} {
		if !strings.Contains(out, part) {
			t.Errorf("no %q in %s", part, out)
		}
	}
	enrol() // another key, without --reinstalled: the place is free
	var freed joinapi.Released
	if err := json.Unmarshal([]byte(i.ok("nodes", "release", "k8c1s1", "--force", "-o", "json")), &freed); err != nil {
		t.Fatal(err)
	}
	want := joinapi.Released{Node: "k8c1s1.labs.haystacknetworks.com", Addresses: []string{"192.168.9.194"}, ASNs: []string{"63552"}}
	if diff := cmp.Diff(want, freed); diff != "" {
		t.Errorf("freed (-want +got):\n%s", diff)
	}
}
