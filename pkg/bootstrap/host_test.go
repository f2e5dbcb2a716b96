// SPDX-License-Identifier: Apache-2.0

package bootstrap_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/bootstrap"
	"github.com/nodeprep/nodeprep/pkg/bootstrap/machinetest"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// A boot is a host, its joinsvc, and what was told of the last run.
type boot struct {
	host    *machinetest.Host
	joinsvc *machinetest.Joinsvc
	plan    plan.HostPlan
	events  []phase.Event
}

func newBoot(t *testing.T, node string) *boot {
	t.Helper()
	h, err := plantest.Load(t, "../../docs/examples/k8c1.yaml").HostPlan(node)
	if err != nil {
		t.Fatal(err)
	}
	h.Packages.Folder = "/srv/nodeprep/packages"
	host := machinetest.New(t)
	return &boot{host: host, plan: h, joinsvc: machinetest.NewJoinsvc(t, h, host.API.CA())}
}

func (b *boot) phases(t *testing.T) []phase.Phase {
	t.Helper()
	m, err := b.host.Machine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return append(bootstrap.Host(b.plan, m), bootstrap.Join(b.plan, b.joinsvc, m)...)
}

func (b *boot) runner() phase.Runner {
	b.events = nil
	return phase.Runner{Now: time.Now, Report: func(e phase.Event) { b.events = append(b.events, e) }}
}

func (b *boot) run(t *testing.T) (phase.Result, error) {
	t.Helper()
	phases := b.phases(t)
	return b.runner().Run(t.Context(), phases)
}

// ended is how each phase ended, "network done".
func (b *boot) ended() (all []string) {
	for _, e := range b.events {
		switch e.Kind {
		case phase.Done, phase.Failed, phase.Skipped, phase.Unknown:
			all = append(all, e.Phase+" "+string(e.Kind))
		default:
		}
	}
	slices.Sort(all)
	return all
}

// docs/hosts.md has a line for every phase, in the order in which they run.
func TestPageOfHostsHasEveryPhase(t *testing.T) {
	page, err := os.ReadFile("../../docs/hosts.md")
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	_, table, _ := strings.Cut(string(page), "| phase | what it sees to |")
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|").FindAllStringSubmatch(table, -1) {
		have = append(have, m[1])
	}
	want := []string{(bootstrap.Enrolment{}).Phase().Name, bootstrap.Fetch(nil, nil).Name}
	for _, p := range newBoot(t, "k8c1s1").phases(t) {
		want = append(want, p.Name)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("docs/hosts.md (-want +got):\n%s", diff)
	}
}

func everyPhase(how string) []string {
	var all []string
	for _, name := range []string{
		"firewall", "kubeadm", "kubelet", "lacp", "modules", "name", "network", "packages", "routed", "runtime", "selinux", "swap", "sysctl",
	} {
		all = append(all, name+" "+how)
	}
	return all
}

// The way of a fresh host, and a second run, which finds nothing to do.
func TestFromFirstBootToRouted(t *testing.T) {
	for node, want := range map[string][]string{
		"k8c1m0": {"kubeadm init --skip-token-print --config", "/apis/rbac.authorization.k8s.io/v1/clusterroles/joinsvc", "/api/v1/namespaces/kube-system/configmaps/calico"},
		"k8c1s1": {"kubeadm join --config"},
	} {
		t.Run(node, func(t *testing.T) {
			b := newBoot(t, node)
			first, err := b.run(t)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(everyPhase("done"), b.ended()); diff != "" {
				t.Errorf("phases (-want +got):\n%s", diff)
			}
			did := strings.Join(append(b.host.Did(), b.host.API.Writes()...), "\n")
			for _, step := range append(want,
				"restart systemd-modules-load.service", "reload NetworkManager.service", "mask firewalld.service", "delete table firewalld", "swapoff /dev/sda3",
				"dnf -y --setopt=disable_excludes=nodeprep install kubelet-", "start containerd.service", "enable kubelet.service",
			) {
				if !strings.Contains(did, step) {
					t.Errorf("%q is not among what was done:\n%s", step, did)
				}
			}
			if first.Changes < 25 || b.joinsvc.Phase() != joinapi.PhaseRouted {
				t.Errorf("%d changes, the node is %s", first.Changes, b.joinsvc.Phase())
			}
			b.wantNoChange(t)
		})
	}
}

func (b *boot) wantNoChange(t *testing.T) {
	t.Helper()
	before, did, told := b.host.Snapshot(t), len(b.host.Did()), len(b.joinsvc.Reports())
	second, err := b.run(t)
	if err != nil || second.Changes != 0 {
		t.Errorf("the second run makes %d changes: %v", second.Changes, err)
	}
	if diff := cmp.Diff(before, b.host.Snapshot(t)); diff != "" {
		t.Errorf("the second run changes the host (-before +after):\n%s", diff)
	}
	if now := b.host.Did()[did:]; !slices.Equal(now, []string{"connect"}) || len(b.joinsvc.Reports()) != told {
		t.Errorf("the second run does %q and tells %q", now, b.joinsvc.Reports()[told:])
	}
}

// NetworkManager is told to leave the links alone before they are made, or it takes
// them for its own while they are built.
func TestNetworkManagerIsToldFirst(t *testing.T) {
	b := newBoot(t, "k8c1s1")
	if _, err := b.run(t); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, e := range b.events {
		if e.Kind == phase.Applied && e.Phase == "network" {
			order = append(order, e.Change)
		}
	}
	at := func(what string) int {
		return slices.IndexFunc(order, func(c string) bool { return strings.HasPrefix(c, what) })
	}
	if told, made := at("NetworkManager: "), at("bond0: "); told < 0 || made < told {
		t.Errorf("the network's changes are in the order %q", order)
	}
}

func TestDryRunTouchesNothing(t *testing.T) {
	b := newBoot(t, "k8c1m0")
	before := b.host.Snapshot(t)
	phases := b.phases(t)
	result, err := b.runner().DryRun(t.Context(), phases)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, b.host.Snapshot(t)); diff != "" {
		t.Errorf("a dry run changes the host (-before +after):\n%s", diff)
	}
	if did := b.host.Did(); !slices.Equal(did, []string{"connect"}) || len(b.joinsvc.Reports()) != 0 {
		t.Errorf("a dry run does %q and tells %q", did, b.joinsvc.Reports())
	}
	want := []string{"network", "lacp", "sysctl", "runtime", "kubelet", "kubeadm", "routed"}
	if result.Changes == 0 || !slices.Equal(result.Unknown, want) {
		t.Errorf("unknown are %q, want %q", result.Unknown, want)
	}
}

// Whatever fails is told with its phase, stops what needs it, and is taken up
// by the next run.
func TestEachPhasesFailure(t *testing.T) {
	for _, tc := range []struct{ phase, step string }{
		{"modules", "restart systemd-modules-load"},
		{"network", "reload NetworkManager"},
		{"network", "bond0"},
		{"firewall", "stop firewalld"},
		{"firewall", "delete table"},
		{"swap", "swapoff"},
		{"swap", "daemon-reload"},
		{"packages", "rpm"},
		{"packages", "dnf"},
		{"runtime", "kubeadm config"},
		{"runtime", "start containerd"},
		{"kubelet", "enable kubelet"},
		{"kubeadm", "kubeadm init"},
	} {
		t.Run(tc.phase+" "+tc.step, func(t *testing.T) {
			b := newBoot(t, "k8c1m0")
			b.host.Refuse(tc.step)
			_, err := b.run(t)
			if err == nil || !strings.Contains(err.Error(), tc.phase+": ") {
				t.Fatalf("got %v", err)
			}
			ended := b.ended()
			if !slices.Contains(ended, tc.phase+" failed") || !slices.Contains(ended, "routed skipped") {
				t.Errorf("phases: %q", ended)
			}
			if tc.phase != "kubeadm" && !slices.Contains(ended, "kubeadm skipped") {
				t.Errorf("kubeadm ran on a host that is not ready: %q", ended)
			}
			b.host.Refuse("")
			if _, err := b.run(t); err != nil {
				t.Fatalf("the run after: %v", err)
			}
			b.wantNoChange(t)
		})
	}
}

// An init that failed is reset, with the runtime's socket, and made anew.
func TestInitIsMadeAnewAfterAFailure(t *testing.T) {
	b := newBoot(t, "k8c1m0")
	b.host.Refuse("kubeadm init")
	if _, err := b.run(t); err == nil {
		t.Fatal("the failure was not told")
	}
	if err := b.host.Root.Write("/etc/kubernetes/pki/ca.key", "made before the failure", 0o600); err != nil {
		t.Fatal(err)
	}
	b.host.Refuse("")
	before := len(b.host.Did())
	if _, err := b.run(t); err != nil {
		t.Fatal(err)
	}
	var ran []string
	for _, step := range b.host.Did()[before:] {
		if name, _, ok := strings.Cut(step, " --config"); strings.HasPrefix(step, "kubeadm") {
			_ = ok
			ran = append(ran, name)
		}
	}
	want := []string{"kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock", "kubeadm init --skip-token-print"}
	if diff := cmp.Diff(want, ran); diff != "" {
		t.Errorf("kubeadm (-want +got):\n%s", diff)
	}
}

// A control plane that serves is a node already, though its init has to go on: it
// is not reset, keeps its release, and its kubelet runs.
func TestInitThatServesGoesOn(t *testing.T) {
	b := newBoot(t, "k8c1m0")
	b.host.Refuse("kubeadm init")
	if _, err := b.run(t); err == nil {
		t.Fatal("the failure was not told")
	}
	b.host.Refuse("")
	for file, text := range map[string]string{"/etc/kubernetes/pki/ca.key": "made before the failure", "/var/lib/nodeprep/kubeadm.step": "serving"} {
		if err := b.host.Root.Write(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.plan.Kubernetes.Version = "1.38.0"
	before := len(b.host.Did())
	if _, err := b.run(t); err != nil {
		t.Fatal(err)
	}
	did := strings.Join(b.host.Did()[before:], "\n")
	for _, want := range []string{"start kubelet.service", "kubeadm init --skip-token-print --skip-phases="} {
		if !strings.Contains(did, want) {
			t.Errorf("no %q among\n%s", want, did)
		}
	}
	for _, wrong := range []string{"kubeadm reset", "1.38.0"} {
		if strings.Contains(did, wrong) {
			t.Errorf("%q is among\n%s", wrong, did)
		}
	}
}

// A node whose kubelet was stopped, or masked, is no node: the run starts it, and
// leaves it alone on a host that is none yet.
func TestKubeletOfANodeRuns(t *testing.T) {
	for name, stop := range map[string]func(h *machinetest.Host) error{
		"stopped": func(h *machinetest.Host) error { return h.Stop(t.Context(), "kubelet.service") },
		"masked": func(h *machinetest.Host) error {
			return errors.Join(h.Stop(t.Context(), "kubelet.service"), h.Mask(t.Context(), "kubelet.service"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBoot(t, "k8c1s1")
			if _, err := b.run(t); err != nil {
				t.Fatal(err)
			}
			if did := b.host.Did(); slices.Contains(did, "start kubelet.service") {
				t.Errorf("kubelet was started beside kubeadm: %q", did)
			}
			if err := stop(b.host); err != nil {
				t.Fatal(err)
			}
			if _, err := b.run(t); err != nil {
				t.Fatal(err)
			}
			st, err := b.host.State(t.Context(), "kubelet.service")
			if err != nil || !st.Running() || st.File != "enabled" {
				t.Errorf("kubelet is %v, %v", st, err)
			}
			b.wantNoChange(t)
		})
	}
}

// A plan with another release changes nothing on a node, whose boots run all
// phases; `plan diff` says so. A host that is none yet gets it.
func TestNodeKeepsItsRelease(t *testing.T) {
	for name, node := range map[string]bool{"a node": true, "none yet": false} {
		t.Run(name, func(t *testing.T) {
			b := newBoot(t, "k8c1s1")
			if !node {
				b.host.Refuse("kubeadm join")
			}
			if _, err := b.run(t); node != (err == nil) {
				t.Fatal(err)
			}
			b.host.Refuse("")
			was := b.plan.Kubernetes.Version
			b.plan.Kubernetes.Version = "1.38.0"
			if node {
				b.wantNoChange(t)
			} else if _, err := b.run(t); err != nil {
				t.Fatal(err)
			}
			upgraded := strings.Contains(strings.Join(b.host.Did(), "\n"), "kubelet-1.38.0")
			told := slices.ContainsFunc(b.events, func(e phase.Event) bool {
				return e.Kind == phase.Noted && strings.HasPrefix(e.Message, "kubelet is "+was+" here and 1.38.0 in the plan")
			})
			if upgraded == node || told != node {
				t.Errorf("upgraded %v, told %v", upgraded, told)
			}
		})
	}
}

// What joinsvc refuses for good ends the run and is told.
func TestJoinsvcRefuses(t *testing.T) {
	for _, call := range []string{"node", "report", "kubeadm", "access"} {
		t.Run(call, func(t *testing.T) {
			b := newBoot(t, "k8c1m0")
			b.joinsvc.Refuse(call, joinapi.Errorf(joinapi.CodeForbidden, "your hardware is another"))
			_, err := b.run(t)
			if err == nil || joinapi.CodeOf(err) != joinapi.CodeForbidden || !strings.HasPrefix(err.Error(), "kubeadm: ") {
				t.Errorf("got %v", err)
			}
			b.joinsvc.Refuse(call, nil)
			if _, err := b.run(t); err != nil {
				t.Errorf("the run after: %v", err)
			}
		})
	}
}

// The packages come from the plan's folder or from the host's repositories.
func TestPackagesWithoutAFolder(t *testing.T) {
	b := newBoot(t, "k8c1s1")
	b.plan.Packages.Folder = ""
	if _, err := b.run(t); err != nil {
		t.Fatal(err)
	}
	if did := strings.Join(b.host.Did(), "\n"); !strings.Contains(did, "dnf -y --setopt=disable_excludes=kubernetes install") {
		t.Errorf("did:\n%s", did)
	}
	if b.host.Root.Exists("/etc/yum.repos.d/nodeprep.repo") {
		t.Error("a repository was written")
	}
}

// A NetworkManager that does not run reads its file when it starts.
func TestNetworkManagerThatDoesNotRun(t *testing.T) {
	b := newBoot(t, "k8c1s1")
	if err := b.host.Stop(t.Context(), "NetworkManager.service"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.run(t); err != nil {
		t.Fatal(err)
	}
	if did := strings.Join(b.host.Did(), "\n"); strings.Contains(did, "reload NetworkManager") {
		t.Errorf("did:\n%s", did)
	}
}

// Bonds that the leaves do not bundle fail the lacp phase, and what needs the
// leaves waits for the next run.
func TestLeavesThatDoNotBundle(t *testing.T) {
	b := newBoot(t, "k8c1s1")
	b.host.Kernel.Silent = true
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := b.runner()
	r.Report = func(e phase.Event) {
		if e.Phase == "lacp" && e.Kind == phase.Planned {
			time.AfterFunc(time.Second, cancel) // it waits for longer than a test does
		}
	}
	_, err := r.Run(ctx, b.phases(t))
	if err == nil || !strings.Contains(err.Error(), "lacp: ") {
		t.Errorf("got %v", err)
	}
	for _, step := range b.host.Did() {
		if strings.HasPrefix(step, "dnf") {
			t.Errorf("did %q", step)
		}
	}
}

// Whatever prepares the host comes before kubeadm and stops it when it fails, a
// phase that somebody adds too; nothing but a wait runs beside others.
func TestKubeadmNeedsTheWholeHost(t *testing.T) {
	b := newBoot(t, "k8c1m0")
	needs := map[string][]string{}
	for _, p := range b.phases(t) {
		needs[p.Name] = p.Needs
		if p.Beside && p.Name != "lacp" {
			t.Errorf("%s runs beside others: does it touch nothing that they do?", p.Name)
		}
	}
	for name := range needs {
		if name != "kubeadm" && name != "routed" && !slices.Contains(needs["kubeadm"], name) {
			t.Errorf("kubeadm does not need %s", name)
		}
	}
}

func TestPhasesAreInOrder(t *testing.T) {
	b := newBoot(t, "k8c1m0")
	var names []string
	for _, p := range b.phases(t) {
		names = append(names, p.Name)
		if p.Doc == "" {
			t.Errorf("%s says nothing of itself", p.Name)
		}
	}
	want := "[name modules network lacp firewall sysctl selinux swap packages runtime kubelet kubeadm routed]"
	if got := fmt.Sprint(names); got != want {
		t.Errorf("phases are %s, want %s", got, want)
	}
}
