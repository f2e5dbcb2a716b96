// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/lab/stack"
	"github.com/nodeprep/nodeprep/pkg/calico"
)

const crd = ".crd.projectcalico.org"

// block is what the first pod on a node brings (libcalico-go, AutoAssign).
func (f *fixture) block(t *testing.T, node, cidr string) {
	t.Helper()
	name := strings.NewReplacer(".", "-", "/", "-").Replace(node + "-" + cidr)
	f.kubectl(t, fmt.Sprintf("apiVersion: crd.projectcalico.org/v1\nkind: BlockAffinity\nmetadata: {name: %s}\nspec: {cidr: %s, node: %s, state: confirmed, deleted: \"false\"}\n", name, cidr, node+domain),
		"apply", "--server-side", "-f", "-")
}

// testBlock: a node whose sessions are up and that has no block announces
// nothing.
func (f *fixture) testBlock(t *testing.T) {
	f.forgetCalico(t)
	c := f.reconcile(t, f.plan)
	name := "k8c1m0" + domain
	f.untilTold(t, c, name, "Established", "Established")
	says(t, "the block is missed", "no block of 172.27.0.0/16", func() string { return c.reason(name) })
	f.block(t, "k8c1m0", "172.27.64.0/26")
	eventually(t, "the block is seen", func() error { return want("", c.reason(name)) })
}

// testSetBack: export that somebody turns off is turned on again, in the real
// API server's own account of who owns what.
func (f *fixture) testSetBack(t *testing.T) {
	f.reconcile(t, f.plan)
	f.wantCalico(t, "bgpPeer", peersOf("k8c1m0", "k8c1s1", "k8c1s2"))
	for _, tc := range []struct{ resource, name, patch, path, want string }{
		{"ippools", "default-ipv4-ippool", `{"spec":{"disableBGPExport":true}}`, "{.spec.disableBGPExport}", "false"},
		{"ippools", "default-ipv4-ippool", `{"spec":{"disabled":true}}`, "{.spec.disabled}", "false"},
		{"ippools", "default-ipv4-ippool", `{"spec":{"natOutgoing":true,"ipipMode":"Always"}}`, "{.spec.natOutgoing} {.spec.ipipMode}", "false Never"},
		{"bgpconfigurations", "default", `{"spec":{"nodeToNodeMeshEnabled":true}}`, "{.spec.nodeToNodeMeshEnabled}", "false"},
		{"bgppeers", "leaf201-k8c1m0", `{"spec":{"filters":["theirs"]}}`, "{.spec.filters}", "[]"},
		{"bgppeers", "leaf201-k8c1m0", `{"spec":{"asNumber":64999}}`, "{.spec.asNumber}", "63500"},
	} {
		get := func() string {
			return f.kubectl(t, "", "get", tc.resource+crd, tc.name, "-o", "jsonpath="+tc.path)
		}
		eventually(t, tc.resource+" is as it should be", func() error { return want(tc.want, get()) })
		f.kubectl(t, "", "patch", tc.resource+crd, tc.name, "--type", "merge", "-p", tc.patch)
		eventually(t, tc.patch+" is set back", func() error { return want(tc.want, get()) })
	}
}

// testLeftovers: what joinsvc made for a leaf or a node that is gone goes, and
// what others made stays.
func (f *fixture) testLeftovers(t *testing.T) {
	old := f.plan
	old.Spec.Fabric.Leaves = append(old.Spec.Fabric.Leaves[:1:1], old.Spec.Fabric.Leaves[1])
	old.Spec.Fabric.Leaves[0].Name = "leaf209"
	before := f.reconcile(t, old)
	eventually(t, "the old leaf's peers are there", func() error {
		_, err := f.Kubectl(t.Context(), "", "get", "bgppeers"+crd, "leaf209-k8c1m0", "leaf209-k8c1s2")
		return err
	})
	before.end(t)
	theirs := fmt.Sprintf("apiVersion: crd.projectcalico.org/v1\nkind: BGPPeer\nmetadata: {name: theirs, labels: {app.kubernetes.io/managed-by: joinsvc}}\nspec: {node: k8c1m0%s, peerIP: 192.0.2.1, asNumber: 64512}\n", domain)
	f.kubectl(t, theirs, "create", "-f", "-")
	c := f.reconcile(t, f.plan)
	gone := func(names ...string) error {
		for _, name := range names {
			if got := f.kubectl(t, "", "get", "bgppeers"+crd, name, "--ignore-not-found", "-o", "name"); got != "" {
				return errors.New(name + " is still there")
			}
		}
		return nil
	}
	eventually(t, "the old leaf's peers go", func() error { return gone("leaf209-k8c1m0", "leaf209-k8c1s1", "leaf209-k8c1s2") })
	f.kubectl(t, "", "get", "bgppeers"+crd, "leaf201-k8c1s2", "leaf202-k8c1s2", "theirs")
	c.release(1)
	eventually(t, "a released node's peers go", func() error { return gone("leaf201-k8c1s2", "leaf202-k8c1s2") })
	f.kubectl(t, "", "get", "bgppeers"+crd, "leaf201-k8c1m0", "leaf202-k8c1s1", "theirs")
	f.kubectl(t, "", "delete", "bgppeers"+crd, "theirs")
}

func (f *fixture) testOthers(t *testing.T) {
	c := f.reconcile(t, f.plan)
	for _, o := range []string{
		"kind: BGPPeer\nmetadata: {name: everywhere}\nspec: {peerIP: 192.168.9.204, asNumber: 63500}\n",
		"kind: IPPool\nmetadata: {name: within}\nspec: {cidr: 172.27.128.0/17}\n",
		"kind: BGPFilter\nmetadata: {name: nothing-out}\nspec: {exportV4: [{action: Reject, matchOperator: In, cidr: 172.27.0.0/16}]}\n",
		"kind: BGPConfiguration\nmetadata: {name: node.k8c1m0}\nspec: {logSeverityScreen: Debug}\n",
	} {
		f.kubectl(t, "apiVersion: crd.projectcalico.org/v1\n"+o, "create", "-f", "-")
	}
	for _, part := range []string{"BGPPeer everywhere is not joinsvc's and is for all nodes", "IPPool within (172.27.128.0/17) is not joinsvc's and overlaps", "BGPFilter nothing-out is not joinsvc's", "BGPConfiguration node.k8c1m0 is not joinsvc's"} {
		says(t, "it is named in the status", part, c.remarked)
		if !strings.Contains(c.text(), part) {
			t.Errorf("%q is not in the log", part)
		}
	}
	for resource, name := range map[string]string{"bgppeers": "everywhere", "ippools": "within", "bgpfilters": "nothing-out", "bgpconfigurations": "node.k8c1m0"} {
		f.kubectl(t, "", "delete", resource+crd, name)
	}
	eventually(t, "nothing is in the way any more", func() error { return want("", c.remarked()) })
}

// testNoNodeStatus is Calico 3.18 to 3.20, as far as its kinds go.
func (f *fixture) testNoNodeStatus(t *testing.T) {
	f.forgetCalico(t)
	f.kubectl(t, "", "delete", "crd", "caliconodestatuses"+crd)
	c := f.reconcile(t, f.plan)
	f.wantCalico(t, "bgpPeer", peersOf("k8c1m0", "k8c1s1", "k8c1s2"))
	f.wantNodes(t)
	says(t, "it is told of the node", "no kind CalicoNodeStatus", func() string { return c.reason("k8c1m0" + domain) })
	says(t, "it is in the status", "no kind CalicoNodeStatus", c.remarked)
	says(t, "it is in the log", "no kind CalicoNodeStatus", c.text)
}

// testNative: Calico goes over from crd.projectcalico.org/v1 to
// projectcalico.org/v3 while joinsvc is at work.
func (f *fixture) testNative(t *testing.T) {
	c := f.reconcile(t, f.plan)
	f.wantCalico(t, "bgpPeer", peersOf("k8c1m0", "k8c1s1", "k8c1s2"))
	f.kubectl(t, "", "delete", "node", "k8c1s2"+domain)
	f.nativeKinds(t)
	f.kubectl(t, "", append([]string{"delete", "crd"}, named(crd)...)...)
	f.register(t, "k8c1s2"+domain)
	eventually(t, "the new node has its peers in v3", func() error {
		_, err := f.Kubectl(t.Context(), "", "get", "bgppeers.projectcalico.org", "leaf201-k8c1s2", "leaf202-k8c1m0")
		return err
	})
	if got := f.kubectl(t, "", "get", "ippools.projectcalico.org", "default-ipv4-ippool", "-o", "jsonpath={.spec.natOutgoing} {.spec.disableBGPExport}"); got != "false false" {
		t.Errorf("the pool in v3: %q", got)
	}
	says(t, "it is said", string(calico.Native), c.text)
}

func named(suffix string) []string {
	var names []string
	for _, plural := range []string{"bgppeers", "bgpconfigurations", "ippools", "clusterinformations", "blockaffinities", "bgpfilters"} {
		names = append(names, plural+suffix)
	}
	return names
}

// nativeKinds are the kinds of v1 under the name and version of v3, which is what
// sets them apart for joinsvc. The module of Calico's sources has no v3 of theirs.
func (f *fixture) nativeKinds(t *testing.T) {
	t.Helper()
	dir, err := stack.CalicoModule(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, plural := range append(named(""), "caliconodestatuses") {
		text, err := os.ReadFile(filepath.Join(dir, "libcalico-go/config/crd", "crd.projectcalico.org_"+plural+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		native := strings.NewReplacer("crd.projectcalico.org", "projectcalico.org", "- name: v1\n", "- name: v3\n").Replace(string(text))
		f.kubectl(t, native, "apply", "--server-side", "-f", "-")
	}
	f.kubectl(t, "", "wait", "--for", "condition=Established", "--timeout", "60s", "crd", "--all")
}

// testCutOff: with the API server down, what was seen becomes unknown.
func (f *fixture) testCutOff(t *testing.T) {
	f.kubectl(t, "", "delete", "bgppeers.projectcalico.org", "--all")
	c := f.reconcile(t, f.plan)
	name := "k8c1m0" + domain
	eventually(t, "it is asked for, and told", func() error {
		// A question that was left of a test before is answered by this as well, and
		// means nothing: then the next one is to be.
		if err := f.reportTo(t, "caliconodestatuses.projectcalico.org", name, "Established", "Established"); err != nil {
			return err
		}
		return want("leaf201=Established leaf202=Established", c.states(name))
	})
	if err := f.Stop(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(calico.Normal().Unknown + time.Minute)
	for c.states(name) != "leaf201=unknown leaf202=unknown" {
		if time.Now().After(deadline) {
			t.Fatalf("told %q", c.states(name))
		}
		time.Sleep(200 * time.Millisecond)
	}
	if got := c.reason(name); !strings.Contains(got, "refused") && !strings.Contains(got, "EOF") {
		t.Errorf("the reason is %q", got)
	}
}
