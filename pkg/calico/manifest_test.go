// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

func reference(t *testing.T) plan.Plan {
	t.Helper()
	return plantest.Load(t, "../../docs/examples/k8c1.yaml")
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestManifest(t *testing.T) {
	p := reference(t)
	got, err := Manifest([]byte(testdata(t, "calico.yaml")), p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(testdata(t, "calico-k8c1.yaml"), got); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	again, err := Manifest([]byte(got), p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("a second time changes it (-first +second):\n%s", diff)
	}
}

func TestManifestOfRacks(t *testing.T) {
	p := racked(t)
	p.Spec.Racks = append(p.Spec.Racks, p.Spec.Racks[0]) // behind other leaves, in the same subnet
	got, err := Manifest([]byte(testdata(t, "calico.yaml")), p)
	if err != nil {
		t.Fatal(err)
	}
	if want := `value: "cidr=192.168.9.192/28,192.168.10.192/28"`; !strings.Contains(got, want) {
		t.Errorf("no %s in\n%s", want, got)
	}
}

func TestManifestProblems(t *testing.T) {
	stock := testdata(t, "calico.yaml")
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"no calico in it": {"kind: Pod\n", []string{
			"DaemonSet kube-system/calico-node: is there 0 times, want once",
		}},
		"vxlan": {strings.Replace(stock, `"bird"`, `"vxlan"`, 1), []string{
			`ConfigMap kube-system/calico-config: data.calico_backend: is "vxlan", want bird; only BIRD speaks BGP to the leaves`,
		}},
		"several": {strings.Replace(stock, `            - name: DATASTORE_TYPE
              value: "kubernetes"
`, `            - name: AS
              value: "64512"
            - name: NO_DEFAULT_POOLS
              value: "true"
`, 1), []string{
			"DaemonSet kube-system/calico-node: env DATASTORE_TYPE: is missing, want kubernetes; joinsvc reaches Calico through the Kubernetes API",
			"DaemonSet kube-system/calico-node: env AS: is \"64512\", remove it; it gives every node the same number and overwrites the leased one",
			"DaemonSet kube-system/calico-node: env NO_DEFAULT_POOLS: is \"true\", remove it; calico-node does not start with it beside CALICO_IPV4POOL_CIDR",
		}},
		"nothing but comments": {"---\n# one\n---\n# two\n", []string{
			"DaemonSet kube-system/calico-node: is there 0 times, want once",
		}},
		"no YAML": {"a: [", []string{"document 1: yaml: line 1: did not find expected node content"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Manifest([]byte(tc.text), reference(t))
			var wrong *ManifestError
			if !errors.As(err, &wrong) {
				t.Fatalf("got %v, want a *ManifestError", err)
			}
			if diff := cmp.Diff(tc.want, wrong.Problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
