// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/lab/vm"
	"github.com/nodeprep/nodeprep/pkg/fabric/leaf"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// example is the shipped plan's rack, cut to n hosts.
func example(t *testing.T, n int) Topology {
	t.Helper()
	doc, err := os.ReadFile("../../docs/examples/k8c1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err = Cut(doc, n)
	if err != nil {
		t.Fatal(err)
	}
	p, report := plan.Parse(doc)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	topology, err := NewTopology(p)
	if err != nil {
		t.Fatal(err)
	}
	return topology
}

func TestScripts(t *testing.T) {
	top := example(t, 2)
	golden.Check(t, filepath.Join("testdata", "infra.sh"), infraScript(top))
	golden.Check(t, filepath.Join("testdata", "k8c1s1.sh"), hostScript(top.Hosts[1]))
	for _, name := range []string{"infra.sh", "k8c1s1.sh"} {
		if out, err := exec.Command("sh", "-n", filepath.Join("testdata", name)).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// TestLeavesAreConfiguredByTheProduct and by nothing else.
func TestLeavesAreConfiguredByTheProduct(t *testing.T) {
	r := Rack{Topology: example(t, 2), config: Config{CalicoManifest: os.DevNull, Accel: vm.KVM}}
	files, err := r.infraFiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range r.Plan.Spec.Fabric.Leaves {
		want, err := leaf.FRR(r.Plan, l.Name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), files[l.Name+".conf"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", l.Name, diff)
		}
	}
}
