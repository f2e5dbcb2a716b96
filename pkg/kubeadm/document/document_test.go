// SPDX-License-Identifier: Apache-2.0

package document

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	kubeletv1beta1 "k8s.io/kubelet/config/v1beta1"

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
	got, err := Patches(reference(t))
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

// slow is the reference plan for hosts that need time.
func slow(t *testing.T) plan.Plan {
	t.Helper()
	p := reference(t)
	p.Spec.Kubernetes.Pace = plan.Slow
	return p
}

func TestInitSlow(t *testing.T) {
	p := slow(t)
	got, err := Init(p, hostPlan(t, p, "k8c1m0"))
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", "slow-init.yaml"), got)
}

func TestPatchesSlow(t *testing.T) {
	got, err := Patches(slow(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, patch := range got {
		golden.Check(t, filepath.Join("testdata", "slow-patches-"+name), patch)
	}
	if len(got) != 5 {
		t.Errorf("%d patches, want those of the four static pods and CoreDNS", len(got))
	}
}

// A probe that a release's kubeadm does not write would be one without a handler.
func TestPatchesOfASchedulerThatIsNeverReady(t *testing.T) {
	for version, want := range map[string]bool{"1.31.14": false, "1.32.0": true, "1.37.2": true} {
		p := slow(t)
		p.Spec.Kubernetes.Version = version
		got, err := Patches(p)
		if err != nil {
			t.Fatal(err)
		}
		if patched := strings.Contains(got["kube-scheduler.yaml"], "readinessProbe"); patched != want {
			t.Errorf("%s: %v", version, patched)
		}
	}
}

// A worker's kubeadm has to be as patient as the control plane that it joins.
func TestJoinSlow(t *testing.T) {
	p := slow(t)
	got, err := Join(p, hostPlan(t, p, "k8c1s1"), Discovery{
		Token:      "abcdef.0123456789abcdef",
		CACertHash: "sha256:" + strings.Repeat("ab", 32),
	})
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", "slow-join.yaml"), got)
}

// What waits for another has to wait longer than that one takes: each pair was
// a rule in its program's documentation or code.
func TestSlowIsConsistent(t *testing.T) {
	var k kubeletv1beta1.KubeletConfiguration
	relax(&k)
	lease := time.Duration(k.NodeLeaseDurationSeconds) * time.Second
	if nodeGrace <= 2*lease {
		t.Errorf("nodes are lost after %v, a lease lives %v", nodeGrace, lease)
	}
	if got := 4 * k.NodeStatusUpdateFrequency.Duration; nodeGrace <= got {
		t.Errorf("nodes are lost after %v, four updates take %v", nodeGrace, got)
	}
	if k.NodeStatusReportFrequency.Duration < 5*time.Minute {
		t.Errorf("a slow kubelet reports every %v, a normal one every five minutes", k.NodeStatusReportFrequency)
	}
	if got := timeouts(plan.Slow).ControlPlaneComponentHealthCheck.Duration; got < 3*5*time.Minute || got >= 30*time.Minute {
		t.Errorf("kubeadm waits %v; want three lives of an API server that ends itself, and less than a bootstrap token's half hour", got)
	}
	ms := map[string]int{}
	for _, a := range etcd(plan.Kubernetes{Pace: plan.Slow}).Local.ExtraArgs {
		if n, err := strconv.Atoi(a.Value); err == nil {
			ms[a.Name] = n
		}
	}
	if beat, elect := ms["heartbeat-interval"], ms["election-timeout"]; elect < 5*beat || elect > 50000 {
		t.Errorf("etcd refuses a beat of %d ms and an election after %d ms", beat, elect)
	}
}

// etcd 3.5, which kubeadm has until 1.33, ends over the flag's later name, and
// kubeadm adds its own value under the name that it knows.
func TestProgressFlagIsTheReleases(t *testing.T) {
	for version, want := range map[string]string{
		"1.31.0": "experimental-watch-progress-notify-interval", "1.33.9": "experimental-watch-progress-notify-interval",
		"1.34.0": "watch-progress-notify-interval", "1.37.2": "watch-progress-notify-interval",
	} {
		args := etcd(plan.Kubernetes{Version: version, Pace: plan.Slow}).Local.ExtraArgs
		if got := args[len(args)-1]; got.Name != want || got.Value != "1m0s" {
			t.Errorf("%s: %v, want %s", version, got, want)
		}
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

func TestLeaderIsPatient(t *testing.T) {
	one := []plan.Node{{Role: plan.ControlPlane}, {Role: plan.Worker}}
	two := append(one[:2:2], plan.Node{Role: plan.ControlPlane})
	for _, c := range []struct {
		pace  plan.Pace
		nodes []plan.Node
		lease string // "": kube-controller-manager's default
	}{
		{plan.Normal, one, "2m0s"},
		{plan.Normal, two, ""}, // would fail over late
		{plan.Slow, one, "4m0s"},
		{plan.Slow, two, "2m0s"},
	} {
		var p plan.Plan
		p.Spec.Nodes, p.Spec.Kubernetes.Pace = c.nodes, c.pace
		got := ""
		for _, a := range patientLeader(p) {
			if a.Name == "leader-elect-lease-duration" {
				got = a.Value
			}
		}
		if got != c.lease {
			t.Errorf("%s with %d nodes: lease %q, want %q", c.pace, len(c.nodes), got, c.lease)
		}
	}
}
