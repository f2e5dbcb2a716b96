// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/document"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// kubeadm of the release writes the static pods of a slow plan with what the
// plan asks for: its own probes, patched, and the arguments.
func (f *fixture) testPace(t *testing.T) {
	p := f.plan
	p.Spec.Kubernetes.Pace = plan.Slow
	pods := f.staticPods(t, p)
	for name, arguments := range map[string][]string{
		"etcd":                    {"--heartbeat-interval=1000", "--election-timeout=10000", "--watch-progress-notify-interval=1m0s"},
		"kube-apiserver":          {"--etcd-healthcheck-timeout=30s", "--etcd-readycheck-timeout=30s"},
		"kube-controller-manager": {"--node-monitor-grace-period=6m0s", "--leader-elect-lease-duration=1m20s"},
		"kube-scheduler":          {"--leader-elect-renew-deadline=3m0s"},
	} {
		c := pods[name].Spec.Containers[0]
		for _, want := range arguments {
			if !strings.Contains(strings.Join(c.Command, "\n")+"\n", want+"\n") {
				t.Errorf("%s has no %s among %q", name, want, c.Command)
			}
		}
		if twice := repeated(c.Command); len(twice) > 0 {
			t.Errorf("%s has %q more than once", name, twice)
		}
		// One without a path is what kubelet refuses.
		if ready := c.ReadinessProbe; ready != nil && (ready.HTTPGet.Path == "" || ready.PeriodSeconds != 15) {
			t.Errorf("%s: readiness is %+v", name, ready)
		}
		if live := c.LivenessProbe; live.TimeoutSeconds != 60 || live.FailureThreshold != 20 || live.HTTPGet.Path == "" {
			t.Errorf("%s: liveness is %+v", name, live)
		}
		// Ten seconds each: kubeadm counts them from the documents' time-out.
		if start := c.StartupProbe; start.TimeoutSeconds != 60 || start.FailureThreshold != 150 || start.HTTPGet.Path == "" {
			t.Errorf("%s: the start-up probe is %+v", name, start)
		}
	}
}

type probe struct {
	HTTPGet                                         struct{ Path string }
	TimeoutSeconds, PeriodSeconds, FailureThreshold int
}

// staticPod is what is read of one.
type staticPod struct {
	Spec struct {
		Containers []struct {
			Command                     []string
			LivenessProbe, StartupProbe probe
			ReadinessProbe              *probe // some have none
		}
	}
}

// staticPods are those that `kubeadm init` would write.
func (f *fixture) staticPods(t *testing.T, p plan.Plan) map[string]staticPod {
	t.Helper()
	host, err := p.HostPlan("k8c1m0")
	if err != nil {
		t.Fatal(err)
	}
	config, err := document.Init(p, host)
	if err != nil {
		t.Fatal(err)
	}
	patches, err := document.Patches(p)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if out, err := f.validate(t, config); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, text := range patches {
		write(name, text)
	}
	file := write("kubeadm.conf", strings.Replace(config, joinapi.PatchesDir, dir, 1))
	return f.dryRun(t, file)
}

func (f *fixture) dryRun(t *testing.T, config string) map[string]staticPod {
	t.Helper()
	dir := t.TempDir()
	for _, phase := range [][]string{{"control-plane", "all"}, {"etcd", "local"}} {
		args := append([]string{"KUBEADM_INIT_DRYRUN_DIR=" + dir, f.binaries["kubeadm"], "init", "phase"}, phase...)
		args = append(args, "--dry-run", "--config", config)
		if out, err := command.Run(t.Context(), command.New("env", args...)); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	pods := map[string]staticPod{}
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		text, err := os.ReadFile(filepath.Join(dir, name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var pod staticPod
		if err := yaml.Unmarshal(text, &pod); err != nil {
			t.Fatal(err)
		}
		pods[name] = pod
	}
	return pods
}

// repeated are the flags that a command has twice, as one that kubeadm knows by
// another name would be.
func repeated(command []string) []string {
	seen := map[string]int{}
	for _, argument := range command {
		flag, _, _ := strings.Cut(strings.Replace(argument, "--experimental-", "--", 1), "=")
		seen[flag]++
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(seen)), func(flag string) bool { return seen[flag] < 2 })
}
