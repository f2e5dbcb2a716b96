// SPDX-License-Identifier: Apache-2.0

package containerd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"github.com/nodeprep/nodeprep/pkg/host/unit"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

const pause = "registry.k8s.io/pause:3.10.1"

// service is systemd with containerd's unit.
type service struct {
	state unit.State
	log   []string
	asks  int // for the state
	deaf  int // the ask for the state that is not answered, from 1
	fails string
}

func (s *service) State(_ context.Context, name string) (unit.State, error) {
	if s.asks++; s.asks == s.deaf || name != serviceName {
		return unit.State{}, errors.New("no answer of " + name)
	}
	return s.state, nil
}

func (s *service) Enable(context.Context, string) error {
	s.log, s.state.File = append(s.log, "enable"), "enabled"
	return nil
}

func (s *service) Unmask(context.Context, string) error { return nil }

func (s *service) Start(context.Context, string) error {
	s.log, s.state.Active, s.state.Since = append(s.log, "start"), "active", time.Now()
	return nil
}

func (s *service) Restart(_ context.Context, name string) error {
	if s.fails == "restart" || name != serviceName {
		return errors.New(name + " refused")
	}
	s.log, s.state.Since = append(s.log, "restart"), time.Now()
	return nil
}

func stopped() unit.State {
	return unit.State{Load: "loaded", Active: "inactive", File: "disabled"}
}

func active(since time.Duration) unit.State {
	return unit.State{Load: "loaded", Active: "active", File: "enabled", Since: time.Now().Add(since)}
}

const adopted = `version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true
`

func TestRuntime(t *testing.T) {
	tests := []struct {
		name, have string // "" is absent
		state      unit.State
		log, keep  string // verbs; keep is what should stay in the file, "" is ours
		saved      bool
	}{
		{name: "fresh", state: stopped(), log: "enable start"},
		{name: "running without a file", state: active(-time.Hour), log: "restart"},
		{name: "right", have: ours(pause), state: active(time.Second)},
		{name: "cut off before the restart", have: ours(pause), state: active(-time.Hour), log: "restart"},
		{name: "other pause image", have: ours("registry.k8s.io/pause:3.9"), state: active(-time.Hour), log: "restart"},
		{name: "adopted", have: adopted, state: active(time.Second), keep: adopted},
		{name: "docker.com's", have: "disabled_plugins = [\"cri\"]\n", state: stopped(), log: "enable start", saved: true},
		{name: "right but disabled", have: "disabled_plugins = [\"cri\"]\n" + adopted, state: stopped(), log: "enable start", saved: true},
		{name: "disabled by its full name", have: "disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n" + adopted, state: stopped(), log: "enable start", saved: true},
		{name: "cgroupfs for runc", have: strings.ReplaceAll(adopted, "runc", "runsc"), state: stopped(), log: "enable start", saved: true},
		{name: "cgroupfs", have: "version = 3\n", state: active(-time.Hour), log: "restart", saved: true},
		{name: "no TOML", have: "version = = 3\n", state: stopped(), log: "enable start", saved: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := rooted.Root(t.TempDir())
			if tt.have != "" {
				if err := root.Write(configFile, tt.have, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			s := &service{state: tt.state}
			applyTwice(t, Runtime{Root: root, Units: s, SandboxImage: pause, Now: func() time.Time { return time.Now().Add(time.Second) }}, func() {
				wantText(t, "verbs", tt.log, strings.Join(s.log, " "))
			})
			want := tt.keep
			if want == "" {
				want = ours(pause)
			}
			wantText(t, "config", want, read(root, configFile))
			if tt.saved {
				wantText(t, "saved", tt.have, read(root, savedFile))
			} else if root.Exists(savedFile) {
				t.Error("saved a file that was not replaced")
			}
		})
	}
}

// What is planned reads as what it is about: the file with what is wrong with it,
// and a service that has read an older one. A file that stays is noted.
func TestPlansInWords(t *testing.T) {
	for have, want := range map[string]string{
		"":                               "/etc/containerd/config.toml: absent -> as planned, containerd.service: active with an older configuration -> restarted",
		"disabled_plugins = [\"cri\"]\n": "/etc/containerd/config.toml: it disables the plugin cri -> as planned, the old one in /etc/containerd/config.toml.before-nodeprep, containerd.service: active with an older configuration -> restarted",
		"version = 3\n":                  "/etc/containerd/config.toml: its runtime runc has no SystemdCgroup = true -> as planned, the old one in /etc/containerd/config.toml.before-nodeprep, containerd.service: active with an older configuration -> restarted",
		adopted:                          "note /etc/containerd/config.toml is not ours and has SystemdCgroup = true: it stays as it is",
	} {
		root := rooted.Root(t.TempDir())
		if have != "" {
			if err := root.Write(configFile, have, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r := Runtime{Root: root, Units: &service{state: active(time.Hour)}, SandboxImage: pause, Now: time.Now}
		var words []string
		runner := phase.Runner{Now: time.Now, Report: func(e phase.Event) {
			switch e.Kind {
			case phase.Planned:
				words = append(words, e.Change)
			case phase.Noted:
				words = append(words, "note "+e.Message)
			default:
			}
		}}
		if _, err := runner.DryRun(t.Context(), []phase.Phase{{Name: "runtime", Plan: r.Plan}}); err != nil {
			t.Fatal(err)
		}
		wantText(t, "plan", want, strings.Join(words, ", "))
	}
	if why := unfit("version = = 3\n"); !strings.HasPrefix(why, "it is no TOML: ") || strings.Contains(why, "\n") {
		t.Errorf("a file that is no TOML: %q", why)
	}
}

// Whatever cannot be looked at or written is told, and nothing is taken for done.
func TestWhatCannotBeDone(t *testing.T) {
	folder := func(name string) func(rooted.Root) error {
		return func(root rooted.Root) error {
			return errors.Join(root.RemoveAll(name), os.MkdirAll(root.Path(name+"/x"), 0o755))
		}
	}
	for name, tc := range map[string]struct {
		units service
		spoil func(rooted.Root) error // before it is planned
		later func(rooted.Root) error // before it is applied
		want  string
	}{
		"the file":         {spoil: folder(configFile), want: "reading " + configFile},
		"the file's place": {later: folder(configFile), want: "no regular file"},
		"the saved one":    {spoil: folder(savedFile), want: savedFile},
		"a file that went": {later: func(root rooted.Root) error { return root.Remove(configFile) }, want: "looking at " + configFile},
		"the unit":         {units: service{deaf: 1}, want: "no answer"},
		"the unit, later":  {units: service{deaf: 2}, want: "no answer"},
		"restarting":       {units: service{fails: "restart"}, want: "containerd.service refused"},
	} {
		t.Run(name, func(t *testing.T) {
			root := rooted.Root(t.TempDir())
			err := root.Write(configFile, "version = 3\n", 0o644)
			if tc.spoil != nil {
				err = errors.Join(err, tc.spoil(root))
			}
			if err != nil {
				t.Fatal(err)
			}
			tc.units.state = active(-time.Hour)
			changes, err := Runtime{Root: root, Units: &tc.units, SandboxImage: pause, Now: time.Now}.Plan(t.Context())
			if err == nil && tc.later != nil {
				if err := tc.later(root); err != nil {
					t.Fatal(err)
				}
			}
			for _, c := range changes {
				if err == nil {
					err = c.Do(t.Context())
				}
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want %q", err, tc.want)
			}
		})
	}
}

func applyTwice(t *testing.T, r Runtime, check func()) {
	t.Helper()
	for range 2 {
		runner := phase.Runner{Now: time.Now, Report: func(phase.Event) {}}
		if _, err := runner.Run(t.Context(), []phase.Phase{{Name: "runtime", Plan: r.Plan}}); err != nil {
			t.Fatal(err)
		}
		check()
	}
}

func wantText(t *testing.T, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func read(root rooted.Root, name string) string {
	data, err := os.ReadFile(root.Path(name))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// What we write passes the test that we put foreign files to.
func TestOursIsFit(t *testing.T) {
	if why := unfit(ours(pause)); why != "" {
		t.Error(why)
	}
}

func TestClockSetBackIsNoReasonToRestart(t *testing.T) {
	root := rooted.Root(t.TempDir())
	if err := root.Write(configFile, ours(pause), 0o644); err != nil {
		t.Fatal(err)
	}
	r := Runtime{Root: root, Units: &service{state: active(-2 * time.Hour)}, SandboxImage: pause, Now: func() time.Time { return time.Now().Add(-time.Hour) }}
	if changes, err := r.Plan(t.Context()); err != nil || len(changes) > 0 {
		t.Error(changes, err)
	}
}

func TestOursCollectsStatisticsAsOftenAsKubelet(t *testing.T) {
	var c struct {
		Plugins map[string]struct {
			Period string `toml:"stats_collect_period"`
		} `toml:"plugins"`
	}
	if err := toml.Unmarshal([]byte(ours("pause")), &c); err != nil {
		t.Fatal(err)
	}
	if got := c.Plugins["io.containerd.cri.v1.runtime"].Period; got != "10s" {
		t.Errorf("stats_collect_period is %q", got)
	}
}

// It may hold a registry's password.
func TestASavedConfigurationKeepsItsMode(t *testing.T) {
	root := rooted.Root(t.TempDir())
	if err := root.Write(configFile, "version = 3\n", 0o600); err != nil {
		t.Fatal(err)
	}
	applyTwice(t, Runtime{Root: root, Units: &service{state: stopped()}, SandboxImage: pause, Now: time.Now}, func() {})
	for name, want := range map[string]fs.FileMode{savedFile: 0o600, configFile: 0o644} {
		if info, err := root.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
}
