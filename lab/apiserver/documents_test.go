// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/lab/stack"
	"github.com/nodeprep/nodeprep/pkg/calico"
	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/document"
)

// kubeadm of the release that is installed judges what is handed to it.
func (f *fixture) testDocuments(t *testing.T) {
	host, err := f.plan.HostPlan("k8c1m0")
	if err != nil {
		t.Fatal(err)
	}
	initial, err := document.Init(f.plan, host)
	if err != nil {
		t.Fatal(err)
	}
	join, err := document.Join(f.plan, host, document.Discovery{
		Token:      "abcdef.0123456789abcdef",
		CACertHash: "sha256:" + strings.Repeat("ab", 32),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"init": initial, "join": join} {
		if out, err := f.validate(t, text); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	wrong := strings.Replace(initial, "clusterName:", "clusterNam:", 1)
	if out, err := f.validate(t, wrong); err == nil {
		t.Errorf("a misspelt field passes: %s", out)
	}
}

func (f *fixture) validate(t *testing.T, text string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeadm.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return command.Run(t.Context(), command.New(f.binaries["kubeadm"], "config", "validate", "--config", file))
}

// The stock manifest of the Calico that is installed, as it is handed to the
// init node and applied there. It brings the CRDs for the tests that follow.
func (f *fixture) testManifest(t *testing.T) {
	path, err := stack.CalicoManifest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stock, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := calico.Manifest(stock, f.plan)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.host().Apply(t.Context(), manifest); err != nil {
		t.Fatal(err)
	}
	got := f.kubectl(t, "", "-n", "kube-system", "get", "daemonset", "calico-node", "-o",
		`jsonpath={range .spec.template.spec.containers[0].env[*]}{.name}={.value}{"\n"}{end}`)
	for _, want := range []string{
		"IP=autodetect", "IP_AUTODETECTION_METHOD=cidr=192.168.9.192/28",
		"CALICO_IPV4POOL_CIDR=172.27.0.0/16", "CALICO_IPV4POOL_BLOCK_SIZE=26",
		"CALICO_IPV4POOL_IPIP=Never", "CALICO_IPV4POOL_VXLAN=Never", "CALICO_IPV4POOL_NAT_OUTGOING=false",
		"FELIX_IPV6SUPPORT=false", "CLUSTER_TYPE=k8s,bgp", "DATASTORE_TYPE=kubernetes",
	} {
		if !strings.Contains("\n"+got, "\n"+want+"\n") {
			t.Errorf("%s is not among:\n%s", want, got)
		}
	}
	definitions := f.kubectl(t, "", "get", "crd", "-o",
		`jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Established")].status}{"\n"}{end}`)
	for line := range strings.Lines(definitions) {
		if !strings.HasSuffix(line, "=True\n") {
			t.Errorf("a definition was not waited for: %s", line)
		}
	}
}
