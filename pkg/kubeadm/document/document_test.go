// SPDX-License-Identifier: Apache-2.0

package document

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

func reference(t *testing.T) plan.Plan {
	t.Helper()
	return plantest.Load(t, "../../../docs/examples/k8c1.yaml")
}

func hostPlan(t *testing.T, p plan.Plan, name string) plan.HostPlan {
	t.Helper()
	h, err := p.HostPlan(name)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestInit(t *testing.T) {
	p := reference(t)
	got, err := Init(p, hostPlan(t, p, "k8c1m0"))
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", "init.yaml"), got)
}

func TestPatches(t *testing.T) {
	got, err := Patches()
	if err != nil {
		t.Fatal(err)
	}
	for name, patch := range got {
		golden.Check(t, filepath.Join("testdata", "patches-"+name), patch)
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
	golden.Check(t, filepath.Join("testdata", "join.yaml"), got)
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
