// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodeprep/nodeprep/pkg/netcfg"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// fields lists the leaves of a value that are not zero, as "Bond.UpDelay=…".
func fields(path string, v reflect.Value) []string {
	if v.IsZero() {
		return nil
	}
	if v.Kind() == reflect.Struct && v.Type().PkgPath() != "net/netip" {
		var out []string
		for i := range v.NumField() {
			out = append(out, fields(path+"."+v.Type().Field(i).Name, v.Field(i))...)
		}
		return out
	}
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return []string{fmt.Sprintf("%s=%v", path, v)}
}

// Every field of the plan that a host's network has arrives, each by its value.
func TestNetworkConfig(t *testing.T) {
	metric := uint32(77)
	h, err := plantest.Load(t, "../../docs/examples/k8c1.yaml").HostPlan("k8c1s1")
	if err != nil {
		t.Fatal(err)
	}
	h.Bond.MIIMon, h.Bond.UpDelay, h.Bond.MinLinks, h.Bond.MTU = 123*time.Millisecond, 456*time.Millisecond, 2, 8123
	h.NodeNetwork.GatewayMetric = &metric
	got := fields("", reflect.ValueOf(NetworkConfig(h)))
	want := []string{
		".Bond.Name=bond0", ".Bond.Legs=[eno1 eno2]", ".Bond.Mode=802.3ad", ".Bond.MIIMon=123ms", ".Bond.UpDelay=456ms", ".Bond.MinLinks=2", ".Bond.MTU=8123",
		".VLAN.Name=bond0.1500", ".VLAN.ID=1500", ".VLAN.MTU=8123", ".VLAN.Address=192.168.9.194/28", ".VLAN.Gateway=192.168.9.206", ".VLAN.Metric=77",
		".DNS.Servers=" + fmt.Sprint(h.NodeNetwork.DNS), ".DNS.Search=[" + h.Domain + "]",
	}
	if !slices.Equal(want, got) {
		t.Errorf("the network of the plan is\n%q, want\n%q", got, want)
	}
}

// late is a host whose leaves speak LACP from some time on.
type late struct {
	netcfg.Kernel
	before netcfg.Kernel
	from   time.Time
}

func (l late) Observe(ctx context.Context) (netcfg.State, error) {
	if time.Now().Before(l.from) {
		return l.before.Observe(ctx)
	}
	return l.Kernel.Observe(ctx)
}

// bonded is a host whose bond is built, and whose leaves say nothing or answer.
func bonded(t *testing.T, c netcfg.Config, silent bool) netcfg.Kernel {
	t.Helper()
	k := netcfg.NewModel(c.Bond.Legs...)
	k.Silent = silent
	changes, err := netcfg.Plan(t.Context(), k, c.Resolve(k.State))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		if err := change.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// A switch that is not up yet, or a cable that is yet to be plugged, is waited for
// within the phase, and said; not for ever.
func TestLeavesThatComeLate(t *testing.T) {
	h, err := plantest.Load(t, "../../docs/examples/k8c1.yaml").HostPlan("k8c1s1")
	if err != nil {
		t.Fatal(err)
	}
	for away, bundles := range map[time.Duration]bool{4 * time.Minute: true, time.Hour: false} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			c := NetworkConfig(h)
			alone := network{config: c, kernel: late{bonded(t, c, false), bonded(t, c, true), start.Add(away)}}.lacp()
			alone.Needs = nil
			var waits []string
			r := phase.Runner{Now: time.Now, Report: func(e phase.Event) {
				if e.Waits() {
					waits = append(waits, e.Message)
				}
			}}
			_, err := r.Run(t.Context(), []phase.Phase{alone})
			took := time.Since(start)
			if (err == nil) != bundles || took < min(away, leavesTimeout-time.Minute) || took > leavesTimeout+time.Minute {
				t.Errorf("away for %s, it ended after %s: %v", away, took, err)
			}
			if len(waits) < 2 || !strings.Contains(waits[0], "no LACP partner") {
				t.Errorf("it said %q", waits)
			}
		})
	}
}

// A new field of either side has to be thought of: it is translated, or it is
// named here with the reason why not.
func TestNetworkConfigForgetsNoField(t *testing.T) {
	names := func(v any) (all []string) {
		typ := reflect.TypeOf(v)
		for i := range typ.NumField() {
			all = append(all, typ.Field(i).Name)
		}
		return all
	}
	for _, tc := range []struct {
		of         any
		translated []string
		left       map[string]string // why
	}{
		{of: plan.Bond{}, translated: []string{"Name", "Legs", "Mode", "MIIMon", "UpDelay", "MinLinks", "MTU"}},
		{of: plan.NodeNetwork{}, translated: []string{"VLAN", "Gateway", "GatewayMetric", "DNS"}, left: map[string]string{
			"Subnet": "the length is the address's own",
		}},
		{of: netcfg.Bond{}, translated: []string{"Name", "Legs", "Mode", "MIIMon", "UpDelay", "MinLinks", "MTU"}, left: map[string]string{
			"DownDelay": "the plan has none: a leg that is down is not used", "LACPRate": "the leaves'", "HashPolicy": "netcfg's choice", "MAC": "the first leg's",
		}},
		{of: netcfg.VLAN{}, translated: []string{"Name", "ID", "MTU", "Address", "Gateway", "Metric"}},
		{of: netcfg.DNS{}, translated: []string{"Servers", "Search"}},
	} {
		for _, name := range names(tc.of) {
			if _, left := tc.left[name]; !left && !slices.Contains(tc.translated, name) {
				t.Errorf("%T.%s: NetworkConfig does not know it", tc.of, name)
			}
		}
	}
}
