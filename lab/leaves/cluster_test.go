// SPDX-License-Identifier: Apache-2.0

package leaves

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/nodeprep/nodeprep/lab/apiserver"
	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/lab/nettest"
	"github.com/nodeprep/nodeprep/lab/stack"
	"github.com/nodeprep/nodeprep/pkg/calico"
	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A cluster is a control plane that has Calico's CRDs and the objects that
// joinsvc would write for a plan.
type cluster struct {
	*apiserver.ControlPlane
	binaries stack.Binaries
	module   string // folder with Calico's sources
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	store, err := cache.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{}
	if c.binaries, err = stack.Build(t.Context(), store, nil); err != nil {
		t.Fatal(err)
	}
	if c.module, err = stack.CalicoModule(t.Context()); err != nil {
		t.Fatal(err)
	}
	versions, err := stack.ReadVersions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.ControlPlane, err = apiserver.Start(t.Context(), c.binaries, versions.Kubernetes, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	c.kubectl(t, "", "apply", "--server-side", "-f", filepath.Join(c.module, "libcalico-go/config/crd"))
	c.kubectl(t, "", "wait", "--for", "condition=Established", "--timeout", "60s", "crd", "--all")
	return c
}

// kubectl fails the test when the command does.
func (c *cluster) kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := c.Kubectl(t.Context(), stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// apply writes an object as joinsvc does, by server-side apply.
func (c *cluster) apply(t *testing.T, object any) {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	c.kubectl(t, string(text), "apply", "--server-side", "--field-manager", "joinsvc", "-f", "-")
}

// write registers every node as kubelet would and brings the plan's objects.
func (c *cluster) write(t *testing.T, p plan.Plan) {
	t.Helper()
	c.apply(t, calico.Pool(calico.CRD, p))
	c.apply(t, calico.Configuration(calico.CRD, p))
	asns := p.Spec.ASNs()
	for i, n := range p.Spec.Nodes {
		node := calico.Node{Name: p.FQDN(n), Address: n.Address, ASN: asns[i]}
		c.apply(t, map[string]any{"apiVersion": "v1", "kind": "Node", "metadata": map[string]any{"name": node.Name}})
		c.annotate(t, node)
		rack, _ := p.Spec.RackOf(n)
		for _, peer := range calico.Peers(calico.CRD, p, rack, node) {
			c.apply(t, peer)
		}
	}
}

// annotate gives a Node the address and the number that it has leased.
func (c *cluster) annotate(t *testing.T, n calico.Node) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": calico.Annotations(n)}})
	if err != nil {
		t.Fatal(err)
	}
	c.kubectl(t, "", "patch", "node", n.Name, "--subresource", "status", "--type", "merge", "-p", string(patch))
}

// block has Calico's own IPAM give a pod of the node an address, and returns
// the block that the node thereby owns.
func (c *cluster) block(t *testing.T, p plan.Plan, node string, pod nettest.Namespace) netip.Prefix {
	t.Helper()
	plugin := filepath.Join(t.TempDir(), "calico-ipam") // the program looks at its name
	if err := os.Symlink(c.binaries["calico-cni"], plugin); err != nil {
		t.Fatal(err)
	}
	out, err := command.Run(t.Context(), command.Command{
		Name: plugin,
		Env: []string{
			"CNI_COMMAND=ADD", "CNI_CONTAINERID=pod-of-" + node, "CNI_IFNAME=eth0",
			"CNI_NETNS=/run/netns/" + string(pod), "CNI_PATH=" + filepath.Dir(plugin),
		},
		Stdin: fmt.Sprintf(`{"cniVersion": "1.0.0", "name": "k8s-pod-network", "type": "calico", "ipam": {"type": "calico-ipam"},
			"datastore_type": "kubernetes", "nodename": %q, "kubernetes": {"kubeconfig": %q}}`, node, c.Path("admin.conf")),
	})
	if err != nil {
		t.Fatal(err)
	}
	var result struct {
		IPs []struct{ Address netip.Prefix }
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || len(result.IPs) != 1 {
		t.Fatalf("reading what IPAM says (%v):\n%s", err, out)
	}
	return netip.PrefixFrom(result.IPs[0].Address.Addr(), p.Spec.Pods.BlockSize).Masked()
}
