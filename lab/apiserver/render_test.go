// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/nodeprep/nodeprep/pkg/calico"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/document"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// testRendered has calicoctl take every document of `joinsvc render calico`, as
// an operator would, in a cluster that has its Nodes and none of the objects.
func (f *fixture) testRendered(t *testing.T) {
	cluster := f.plan
	cluster.Spec.ASN = plan.ASN{Model: plan.PerCluster, First: 64512, Last: 64512}
	for name, p := range map[string]plan.Plan{"a number for each": f.plan, "one number for all": cluster, "racks": racked(f.plan)} {
		t.Run(name, func(t *testing.T) {
			f.forgetCalico(t)
			text, err := calico.Render(p)
			if err != nil {
				t.Fatal(err)
			}
			f.wantApplied(t, string(text))
		})
	}
	text, err := calico.Render(f.plan)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(text), "peerIP: 192.168.9.205", "peerIP: 192.168.9.444", 1)
	if out, err := f.applyCalico(t, wrong); err == nil {
		t.Errorf("calicoctl takes anything: %s", out)
	}
}

// racked is a plan with its last node behind leaves of its own.
func racked(p plan.Plan) plan.Plan {
	first := p.Spec.AllRacks()[0]
	first.Name = "a"
	p.Spec.Racks = []plan.Rack{first, {
		Name: "b", LeafASN: 63501, ASNs: plan.ASNRange{First: 63560, Last: 63562},
		Leaves: []plan.Leaf{
			{Name: "leaf301", Address: netip.MustParseAddr("192.168.10.204")},
			{Name: "leaf302", Address: netip.MustParseAddr("192.168.10.205")},
		},
	}}
	nodes := []plan.Node{}
	for i, n := range p.Spec.Nodes {
		n.Rack = "a"
		if i == len(p.Spec.Nodes)-1 {
			n.Rack, n.Address = "b", netip.MustParsePrefix("192.168.10.195/28")
		}
		nodes = append(nodes, n)
	}
	p.Spec.Nodes = nodes
	return p
}

// testRacks has joinsvc itself do what was rendered for racks.
func (f *fixture) testRacks(t *testing.T) {
	f.forgetCalico(t)
	f.reconcile(t, racked(f.plan))
	want := peersOf("k8c1m0", "k8c1s1")
	for leaf, address := range map[string]string{"leaf301": "192.168.10.204", "leaf302": "192.168.10.205"} {
		want["BGPPeer/"+leaf+"-k8c1s2"] = map[string]any{
			"asNumber": 63501.0, "node": "k8c1s2" + domain, "peerIP": address, "sourceAddress": "UseNodeIP",
		}
	}
	f.wantCalico(t, "bgpPeer", want)
}

func (f *fixture) forgetCalico(t *testing.T) {
	t.Helper()
	for _, resource := range []string{"bgppeers", "bgpconfigurations", "ippools"} {
		f.kubectl(t, "", "delete", resource+".crd.projectcalico.org", "--all")
	}
	f.kubectl(t, "", "annotate", "nodes", "--all", "projectcalico.org/IPv4Address-", "projectcalico.org/ASNumber-")
}

func (f *fixture) applyCalico(t *testing.T, text string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "calico.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return f.Calicoctl(t.Context(), "apply", "-f", file)
}

// wantApplied applies twice, and compares what calicoctl then shows with what
// the documents say.
func (f *fixture) wantApplied(t *testing.T, text string) {
	t.Helper()
	want, got := map[string]any{}, map[string]any{}
	for doc := range strings.SplitSeq(text, "---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatal(err)
		}
		want[o.Kind+"/"+o.Metadata.Name] = shown(o.Kind, o.Spec)
	}
	for range 2 {
		out, err := f.applyCalico(t, text)
		if err != nil || !strings.Contains(out, fmt.Sprintf("Successfully applied %d resource(s)", len(want))) {
			t.Fatalf("calicoctl says %q, %v, of %d documents", out, err, len(want))
		}
	}
	for _, kind := range []string{"ipPool", "bgpConfiguration", "node", "bgpPeer"} {
		for name, spec := range f.calicoctl(t, kind) {
			kind, _, _ := strings.Cut(name, "/")
			got[name] = shown(kind, spec)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what calicoctl shows (-rendered +shown):\n%s", diff)
	}
}

// shown is a spec less what calicoctl leaves out (a natOutgoing of false) or
// fills in.
func shown(kind string, spec map[string]any) any {
	switch kind {
	case "Node":
		return spec["bgp"]
	case "IPPool":
		if spec["natOutgoing"] == false {
			delete(spec, "natOutgoing")
		}
		delete(spec, "allowedUses")
	}
	return spec
}

// testRenderedDocuments: what is rendered for a control plane is what kubeadm
// takes, and for a worker it is not, for its token.
func (f *fixture) testRenderedDocuments(t *testing.T) {
	rendered := func(node string) string {
		text, err := document.Render(f.plan, node)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if out, err := f.validate(t, rendered("k8c1m0")); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	worker := rendered("k8c1s1")
	if out, err := f.validate(t, worker); err == nil || !strings.Contains(err.Error(), "the bootstrap token is invalid") {
		t.Errorf("the placeholder passes: %v\n%s", err, out)
	}
	mended := strings.ReplaceAll(worker, document.Placeholders().Token, "abcdef.0123456789abcdef")
	mended = strings.ReplaceAll(mended, document.Placeholders().CACertHash, "sha256:"+strings.Repeat("ab", 32))
	if out, err := f.validate(t, mended); err != nil {
		t.Errorf("with a token in its place: %v\n%s", err, out)
	}
}
