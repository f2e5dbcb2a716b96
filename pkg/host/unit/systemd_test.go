// SPDX-License-Identifier: Apache-2.0

package unit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	"github.com/google/go-cmp/cmp"
)

// wire is a bus that writes down what is asked of systemd.
type wire struct {
	asked      []string
	fail       string // what is asked so is refused
	noInstall  bool   // the unit's file has no [Install] section
	result     string // of a job; "" for one whose signal is lost
	job        int    // that is asked for
	jobs       []int  // that are in the list
	properties map[string]any
	service    *dbus.Property // the service's Result; nil: it is no service
	units      []dbus.UnitStatus
	files      []dbus.UnitFile
}

func (w *wire) ask(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	w.asked = append(w.asked, line)
	if w.fail != "" && strings.HasPrefix(line, w.fail) {
		return errors.New("refused")
	}
	return nil
}

func (w *wire) Close() { _ = w.ask("close") }

func (w *wire) GetUnitPropertiesContext(_ context.Context, name string) (map[string]any, error) {
	return w.properties, w.ask("properties %s", name)
}

func (w *wire) GetServicePropertyContext(_ context.Context, name, property string) (*dbus.Property, error) {
	if w.service == nil || property != "Result" || name != "x.service" {
		return nil, errors.New("no such property")
	}
	return w.service, nil
}

func (w *wire) ReloadContext(context.Context) error { return w.ask("reload") }

func (w *wire) EnableUnitFilesContext(_ context.Context, files []string, runtime, force bool) (bool, []dbus.EnableUnitFileChange, error) {
	return !w.noInstall, nil, w.ask("enable %v %v %v", files, runtime, force)
}

func (w *wire) DisableUnitFilesContext(_ context.Context, files []string, runtime bool) ([]dbus.DisableUnitFileChange, error) {
	return nil, w.ask("disable %v %v", files, runtime)
}

func (w *wire) MaskUnitFilesContext(_ context.Context, files []string, runtime, force bool) ([]dbus.MaskUnitFileChange, error) {
	return nil, w.ask("mask %v %v %v", files, runtime, force)
}

func (w *wire) UnmaskUnitFilesContext(_ context.Context, files []string, runtime bool) ([]dbus.UnmaskUnitFileChange, error) {
	return nil, w.ask("unmask %v %v", files, runtime)
}

func (w *wire) queue(verb, name, mode string, result chan<- string) (int, error) {
	if w.result != "" {
		result <- w.result
	}
	return w.job, w.ask("%s %s %s", verb, name, mode)
}

func (w *wire) StartUnitContext(_ context.Context, name, mode string, result chan<- string) (int, error) {
	return w.queue("start", name, mode, result)
}

func (w *wire) StopUnitContext(_ context.Context, name, mode string, result chan<- string) (int, error) {
	return w.queue("stop", name, mode, result)
}

func (w *wire) RestartUnitContext(_ context.Context, name, mode string, result chan<- string) (int, error) {
	return w.queue("restart", name, mode, result)
}

func (w *wire) ReloadUnitContext(_ context.Context, name, mode string, result chan<- string) (int, error) {
	return w.queue("reload-unit", name, mode, result)
}

func (w *wire) ListJobsContext(context.Context) ([]dbus.JobStatus, error) {
	var jobs []dbus.JobStatus
	for _, id := range w.jobs {
		jobs = append(jobs, dbus.JobStatus{Id: uint32(id)})
	}
	return jobs, nil
}

func (w *wire) ListUnitsByPatternsContext(_ context.Context, states, patterns []string) ([]dbus.UnitStatus, error) {
	return w.units, w.ask("units %v %v", states, patterns)
}

func (w *wire) ListUnitFilesByPatternsContext(_ context.Context, states, patterns []string) ([]dbus.UnitFile, error) {
	return w.files, w.ask("files %v %v", states, patterns)
}

// Files are changed for good, not until the next boot, and systemd reads them
// again; what it refuses is told, and nothing is read again.
func TestUnitFiles(t *testing.T) {
	for _, tc := range []struct {
		do   func(*Systemd, context.Context, string) error
		want string
		err  string
	}{
		{(*Systemd).Enable, "enable [x.service] false false", "enabling x.service: refused"},
		{(*Systemd).Disable, "disable [x.service] false", "disabling x.service: refused"},
		{(*Systemd).Mask, "mask [x.service] false false", "masking x.service: refused"},
		{(*Systemd).Unmask, "unmask [x.service] false", "unmasking x.service: refused"},
	} {
		w := &wire{}
		if err := tc.do(&Systemd{w}, t.Context(), "x.service"); err != nil {
			t.Errorf("%s: %v", tc.want, err)
		}
		if diff := cmp.Diff([]string{tc.want, "reload"}, w.asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		w = &wire{fail: tc.want}
		if err := tc.do(&Systemd{w}, t.Context(), "x.service"); err == nil || err.Error() != tc.err || len(w.asked) != 1 {
			t.Errorf("asked %q: %v, want %s", w.asked, err, tc.err)
		}
		w = &wire{fail: "reload"}
		if err := tc.do(&Systemd{w}, t.Context(), "x.service"); err == nil || err.Error() != "reloading systemd: refused" {
			t.Errorf("%s: %v", tc.want, err)
		}
	}
	w := &wire{noInstall: true}
	if err := (&Systemd{w}).Enable(t.Context(), "x.service"); err == nil || err.Error() != "enabling x.service: its unit file has no [Install] section" {
		t.Errorf("a unit that cannot be enabled: %v", err)
	}
	w = &wire{}
	(&Systemd{w}).Close()
	if diff := cmp.Diff([]string{"close"}, w.asked); diff != "" {
		t.Error(diff)
	}
}

// Each verb asks for its own job, and knows by the unit's state how one ended
// whose signal was lost.
func TestJobs(t *testing.T) {
	properties := func(active string) map[string]any {
		return map[string]any{"LoadState": "loaded", "ActiveState": active, "SubState": "its-sub", "ActiveEnterTimestamp": uint64(time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())}
	}
	for _, tc := range []struct {
		do               func(*Systemd, context.Context, string) error
		want, verb       string
		reached, missing string // states
	}{
		{(*Systemd).Start, "start x.service replace", "starting", "active", "failed"},
		{(*Systemd).Stop, "stop x.service replace", "stopping", "inactive", "active"},
		{(*Systemd).Restart, "restart x.service replace", "restarting", "active", "failed"},
		{(*Systemd).ReloadService, "reload-unit x.service replace", "reloading", "active", "inactive"},
	} {
		t.Run(tc.verb, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{result: "done"}
				if err := tc.do(&Systemd{w}, t.Context(), "x.service"); err != nil || !cmp.Equal([]string{tc.want}, w.asked) {
					t.Errorf("asked %q: %v", w.asked, err)
				}
				killed, well, strange := dbus.PropDescription("oom-kill"), dbus.PropDescription("success"), dbus.PropRemainAfterExit(true)
				for _, last := range []struct {
					word *dbus.Property
					says string
				}{{&killed, ", the service as oom-kill"}, {&well, ""}, {&strange, ""}, {nil, ""}} {
					w = &wire{result: "failed", service: last.word}
					want := tc.verb + ` x.service: the job ended as "failed"` + last.says + "; see journalctl -b -u x.service"
					if err := tc.do(&Systemd{w}, t.Context(), "x.service"); err == nil || err.Error() != want {
						t.Errorf("got %v, want %s", err, want)
					}
				}
				w = &wire{job: 7, jobs: []int{6, 8}, properties: properties(tc.reached)}
				start := time.Now()
				if err := tc.do(&Systemd{w}, t.Context(), "x.service"); err != nil || time.Since(start) != 2*lookEvery {
					t.Errorf("a signal that was lost: %v after %s", err, time.Since(start))
				}
				w = &wire{job: 7, properties: properties(tc.missing)}
				if err := tc.do(&Systemd{w}, t.Context(), "x.service"); err == nil || !strings.Contains(err.Error(), "lost the job 3 times, the unit is "+tc.missing+" (its-sub)") {
					t.Errorf("a job that was lost: %v", err)
				}
				w = &wire{job: 7, jobs: []int{6, 7}, fail: "properties"}
				start = time.Now()
				err := tc.do(&Systemd{w}, t.Context(), "x.service")
				if err == nil || !strings.Contains(err.Error(), ", and systemd does not say how it is: asking systemd about x.service: refused") || time.Since(start) != jobLimit {
					t.Errorf("a job that does not end: %v after %s", err, time.Since(start))
				}
			})
		})
	}
}

func TestSwaps(t *testing.T) {
	const units, files = "units [] [*.swap systemd-zram-setup@*.service zramswap.service]", "files [] [*.swap systemd-zram-setup@*.service zramswap.service]"
	newWire := func(fail string) *wire {
		return &wire{
			fail: fail, properties: map[string]any{"FragmentPath": "/etc/systemd/system/x.swap"},
			units: []dbus.UnitStatus{{Name: "z.swap", LoadState: "loaded"}, {Name: "masked.swap", LoadState: "masked"}, {Name: "b.swap", LoadState: "loaded"}},
			files: []dbus.UnitFile{
				{Path: "/etc/systemd/system/b.swap", Type: "enabled"},
				{Path: "/run/systemd/system/a.swap", Type: "enabled-runtime"},
				{Path: "/x/l.swap", Type: "linked"},
				{Path: "/usr/lib/systemd/system/d.swap", Type: "disabled"},
				{Path: "/run/systemd/generator/g.swap", Type: "generated"},
			},
		}
	}
	w := newWire("")
	got, err := (&Systemd{w}).Swaps(t.Context())
	if diff := cmp.Diff([]string{"a.swap", "b.swap", "l.swap", "z.swap"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{units, files, "properties z.swap", "properties masked.swap", "properties b.swap"}, w.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	for fail, want := range map[string]string{
		"units": "listing units: refused", "files": "listing unit files: refused", "properties masked": "asking systemd about masked.swap: refused",
	} {
		if got, err := (&Systemd{newWire(fail)}).Swaps(t.Context()); err == nil || err.Error() != want || got != nil {
			t.Errorf("%q, %v, want %s", got, err, want)
		}
	}
}
