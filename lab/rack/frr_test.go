// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

var update = flag.Bool("update", false, "write testdata/ from what the code says now")

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

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestFRRConfig(t *testing.T) {
	top := example(t, 3)
	for _, leaf := range top.Plan.Spec.Fabric.Leaves {
		golden(t, leaf.Name+".conf", FRRConfig(top, leaf))
	}
}

// FRR's own parser is asked: `bgpd -C` accepts lines that it then ignores,
// `vtysh -C` does not.
func TestFRRAcceptsItsConfig(t *testing.T) {
	top := example(t, 2)
	path := filepath.Join(t.TempDir(), "frr.conf")
	check := func(text string) error {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("vtysh", "-C", "-f", path).CombinedOutput()
		t.Logf("vtysh: %s", out)
		return err
	}
	config := FRRConfig(top, top.Plan.Spec.Fabric.Leaves[0])
	if err := check(config); err != nil {
		t.Error(err)
	}
	if check(config+" maximum-pathz 3\n") == nil {
		t.Error("the check accepts a wrong line, so it proves nothing")
	}
}

func TestScripts(t *testing.T) {
	top := example(t, 2)
	golden(t, "infra.sh", infraScript(top))
	golden(t, "k8c1s1.sh", hostScript(top.Hosts[1]))
	for _, name := range []string{"infra.sh", "k8c1s1.sh"} {
		if out, err := exec.Command("sh", "-n", filepath.Join("testdata", name)).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}
