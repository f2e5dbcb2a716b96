// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/rooted"
)

func fixedNow() time.Time { return time.Unix(0, 0) }

// A kernel with bonding and overlay to load and 8021q built in.
func moduleMachine(t *testing.T) rooted.Root {
	return machine(t, map[string]string{
		"/proc/sys/kernel/osrelease":          "6.12.0\n",
		"/lib/modules/6.12.0/modules.dep":     "kernel/drivers/net/bonding/bonding.ko.xz: kernel/net/tls/tls.ko.xz\nkernel/fs/overlayfs/overlay.ko.zst:\nkernel/net/bridge/br_netfilter.ko:\n",
		"/lib/modules/6.12.0/modules.builtin": "kernel/net/8021q/8021q.ko\n",
	})
}

// loader stands for systemd-modules-load: it loads what modules-load.d names,
// except the modules in broken, and fails if it meets one of them.
func loader(t *testing.T, root rooted.Root, broken string) func(context.Context) error {
	return func(context.Context) error {
		if _, err := root.Read(optionsFile); err != nil {
			t.Error("loading before the options are there")
		}
		for line := range strings.Lines(content(t, root, modulesFile)) {
			name := strings.TrimSpace(line)
			if name == broken || strings.HasPrefix(name, "#") {
				continue
			}
			if err := os.MkdirAll(root.Path("/sys/module/"+strings.ReplaceAll(name, "-", "_")), 0o755); err != nil {
				return err
			}
		}
		if broken != "" {
			return errors.New(`the job ended as "failed"`)
		}
		return nil
	}
}

func TestModules(t *testing.T) {
	root := moduleMachine(t)
	m := Modules{Root: root, Load: loader(t, root, ""), Want: []Module{
		{"bonding", "max_bonds=0"}, {"8021q", ""}, {"br-netfilter", ""}, {"overlay", ""},
	}}
	wantText(t, "changes", `/etc/modprobe.d/nodeprep.conf: absent -> as planned
/etc/modules-load.d/nodeprep.conf: absent -> as planned
module bonding: absent -> loaded
module br-netfilter: absent -> loaded
module overlay: absent -> loaded
`, converge(t, m.Plan))
	wantText(t, "options", "# Written by nodeprep, see modprobe.d(5).\noptions bonding max_bonds=0\n", content(t, root, optionsFile))
	wantText(t, "modules", "# Written by nodeprep, see modules-load.d(5).\nbonding\n8021q\nbr-netfilter\noverlay\n", content(t, root, modulesFile))
}

func TestModulesThatCannotBeHad(t *testing.T) {
	root := moduleMachine(t)
	m := Modules{Root: root, Want: []Module{{"dummy", ""}, {"team", ""}, {"bonding", ""}}}
	wantError(t, m.Plan, "module dummy is not installed for kernel 6.12.0", "module team", "kernel-modules-extra-6.12.0")
	put(t, root, "/proc/sys/kernel/osrelease", "6.13.0\n")
	wantError(t, m.Plan, "/lib/modules/6.13.0 is gone", "reboot")
	if root.Exists(modulesFile) {
		t.Error("something was written")
	}
}

func TestAnotherModulesFailureIsNotOurs(t *testing.T) {
	root := moduleMachine(t)
	load := loader(t, root, "")
	m := Modules{Root: root, Want: []Module{{"overlay", ""}}, Load: func(ctx context.Context) error {
		return errors.Join(load(ctx), errors.New(`the job ended as "failed"`))
	}}
	converge(t, m.Plan)
}

func TestModuleThatDoesNotLoad(t *testing.T) {
	tests := map[string]struct{ denyList, want string }{
		"broken": {"", `the job ended as "failed"`},
		"denied": {"# blacklist x\nblacklist br-netfilter\n", "/etc/modprobe.d/deny.conf denies it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := moduleMachine(t)
			put(t, root, "/etc/modprobe.d/deny.conf", tt.denyList)
			m := Modules{Root: root, Load: loader(t, root, "br_netfilter"), Want: []Module{{"br_netfilter", ""}}}
			changes, err := m.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range changes {
				err = c.Do(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// One restart brings all of them: each takes seconds on a small machine.
func TestModulesAreLoadedByOneRestart(t *testing.T) {
	root := moduleMachine(t)
	load, restarts := loader(t, root, ""), 0
	m := Modules{Root: root, Want: []Module{{"bonding", ""}, {"overlay", ""}}, Load: func(ctx context.Context) error {
		restarts++
		return load(ctx)
	}}
	converge(t, m.Plan)
	if restarts != 1 {
		t.Errorf("%d restarts", restarts)
	}
}

// A unit that succeeds and loads nothing, and a file that says other things of
// the module than to deny it.
func TestModuleThatIsStillNotLoaded(t *testing.T) {
	root := moduleMachine(t)
	put(t, root, "/etc/modprobe.d/local.conf", "options br_netfilter\nremove br_netfilter\nblacklist other\n")
	m := Modules{Root: root, Load: func(context.Context) error { return nil }, Want: []Module{{"br_netfilter", ""}}}
	changes, err := m.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = changes[len(changes)-1].Do(t.Context())
	if err == nil || !strings.Contains(err.Error(), "it is still not loaded; see journalctl -b -u systemd-modules-load.service") {
		t.Errorf("got %v", err)
	}
}
