// SPDX-License-Identifier: Apache-2.0

package document

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

var update = flag.Bool("update", false, "write testdata/ from what the code says now")

func reference(t *testing.T) plan.Plan {
	t.Helper()
	p, report, err := plan.Load("../../../docs/examples/k8c1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

func hostPlan(t *testing.T, p plan.Plan, name string) plan.HostPlan {
	t.Helper()
	h, err := p.HostPlan(name)
	if err != nil {
		t.Fatal(err)
	}
	return h
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
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestInit(t *testing.T) {
	p := reference(t)
	got, err := Init(p, hostPlan(t, p, "k8c1m0"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "init.yaml", got)
}

func TestPatches(t *testing.T) {
	got, err := Patches()
	if err != nil {
		t.Fatal(err)
	}
	for name, patch := range got {
		golden(t, "patches-"+name, patch)
	}
	if len(got) != 1 {
		t.Errorf("%d patches, want etcd's", len(got))
	}
}

func TestJoin(t *testing.T) {
	p := reference(t)
	got, err := Join(p, hostPlan(t, p, "k8c1s1"), Discovery{
		Token:      "abcdef.0123456789abcdef",
		CACertHash: "sha256:" + strings.Repeat("ab", 32),
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "join.yaml", got)
}

func TestJoinRefusesToTrustAnybody(t *testing.T) {
	p := reference(t)
	h := hostPlan(t, p, "k8c1s1")
	for _, d := range []Discovery{{}, {Token: "abcdef.0123456789abcdef"}, {CACertHash: "sha256:00"}} {
		if text, err := Join(p, h, d); err == nil {
			t.Errorf("Join with %+v = %q, want an error", d, text)
		}
	}
}

func TestLeaderIsPatientOnlyAlone(t *testing.T) {
	var p plan.Plan
	p.Spec.Nodes = []plan.Node{{Role: plan.ControlPlane}, {Role: plan.Worker}}
	if len(patientLeader(p)) == 0 {
		t.Error("one control plane has the defaults")
	}
	p.Spec.Nodes = append(p.Spec.Nodes, plan.Node{Role: plan.ControlPlane})
	if got := patientLeader(p); len(got) != 0 {
		t.Errorf("two control planes would fail over late: %v", got)
	}
}
