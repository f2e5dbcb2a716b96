// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/lab/vm"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

func TestKickstartFolders(t *testing.T) {
	dir := t.TempDir()
	manifest := dir + "/calico.in.yaml"
	if err := os.WriteFile(manifest, []byte("kind: DaemonSet\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Rack{Topology: example(t, 2), config: Config{Plan: []byte("plan"), CalicoManifest: manifest, Dir: dir, Accel: vm.KVM}}
	want := map[string][]string{
		Infra:    {"calico.yaml", "joinsvc.yaml", "leaf201.conf", "leaf202.conf", "plan.yaml", "post.sh"},
		"k8c1s1": {"post.sh"},
	}
	for name, files := range want {
		if err := r.writeKickstart(name, r.kickstartDir(name)); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(r.kickstartDir(name))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
		}
		if diff := cmp.Diff(files, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if err := r.writeKickstart("k8c1s9", dir); err == nil {
		t.Error("a machine that is not in the plan got a folder")
	}
	if err := os.Mkdir(r.enrolmentDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := r.HandOut(plan.Worker, "np1.x"); err != nil {
		t.Fatal(err)
	}
	line, err := os.ReadFile(r.enrolmentDir() + "/worker.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("joinsvc: https://10.9.0.2:8443\ntoken: np1.x\n", string(line)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
