// SPDX-License-Identifier: Apache-2.0

package netcfg

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestParseBonding reads files of Debian's Linux 6.1.
func TestParseBonding(t *testing.T) {
	partner := mac{0x00, 0x00, 0x5e, 0x00, 0x53, 0xf0}
	for _, test := range []struct {
		file   string
		active uint16
		ports  map[string]port
	}{
		{"up", 1, map[string]port{
			"eno1": {MII: "up", Aggregator: 1, Actor: 61, Partner: 61, PartnerMAC: partner, Speed: 10000, Duplex: "full"},
			"eno2": {MII: "up", Aggregator: 1, Actor: 61, Partner: 61, PartnerMAC: partner, Speed: 10000, Duplex: "full"},
		}},
		{"one-dead", 1, map[string]port{
			"eno1": {MII: "up", Aggregator: 1, Actor: 61, Partner: 61, PartnerMAC: partner, Speed: 10000, Duplex: "full"},
			"eno2": {MII: "down", Aggregator: 2, Actor: 69, Speed: 10000, Duplex: "full"},
		}},
		{"active-backup", 0, map[string]port{
			"eno1": {MII: "up", Speed: 10000, Duplex: "full"},
			"eno2": {MII: "up", Speed: 10000, Duplex: "full"},
		}},
	} {
		t.Run(test.file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", "bonding", test.file))
			if err != nil {
				t.Fatal(err)
			}
			active, ports := parseBonding(string(text))
			if active != test.active {
				t.Errorf("active aggregator is %d, want %d", active, test.active)
			}
			if diff := cmp.Diff(test.ports, ports); diff != "" {
				t.Errorf("ports (-want +got):\n%s", diff)
			}
		})
	}
}

// TestParseBondingUnknownSpeed has a driver that tells neither speed nor
// duplex, as virtio_net does on its own.
func TestParseBondingUnknownSpeed(t *testing.T) {
	_, ports := parseBonding("Slave Interface: eno1\nMII Status: up\nSpeed: Unknown\nDuplex: Unknown\nAggregator ID: N/A\n")
	if diff := cmp.Diff(map[string]port{"eno1": {MII: "up", Duplex: "unknown"}}, ports); diff != "" {
		t.Error(diff)
	}
}

func TestPortState(t *testing.T) {
	for _, test := range []struct {
		state portState
		up    bool
		text  string
	}{
		{63, true, "63"},
		{61, true, "61"}, // LACP rate slow
		{60, true, "60"}, // a passive partner
		{7, false, "7 (no synchronization, no collecting, no distributing)"},
		{71, false, "71 (no synchronization, no collecting, no distributing, defaulted)"},
		{143, false, "143 (no collecting, no distributing, expired)"},
		{125, false, "125 (defaulted)"}, // a driver that has not noticed yet
		{189, false, "189 (expired)"},
		{0, false, "0 (no aggregation, no synchronization, no collecting, no distributing)"},
	} {
		if got := test.state.up(); got != test.up {
			t.Errorf("%d up: %t", uint8(test.state), got)
		}
		if got := test.state.String(); got != test.text {
			t.Errorf("%d is %q, want %q", uint8(test.state), got, test.text)
		}
	}
}

// bonded is the prepared host with LACP up on both legs.
func bonded(t *testing.T) State {
	t.Helper()
	s := prepared(t)
	linkOf(&s, "bond0").Aggregator = 1
	for _, name := range []string{"eno1", "eno2"} {
		linkOf(&s, name).Port = port{
			MII: "up", Aggregator: 1, Actor: 61, Partner: 61, PartnerMAC: addressOf(0xf0), Speed: 10000, Duplex: "full",
		}
	}
	return s
}

func TestInspect(t *testing.T) {
	const first = "eno1: up, 10000 Mb/s, LACP partner 00:00:5e:00:53:f0; eno2: "
	for _, test := range []struct {
		name string
		harm func(eno2 *link)
		want string
	}{
		{"whole", func(*link) {}, "bond0 is up: " + first + "up, 10000 Mb/s, LACP partner 00:00:5e:00:53:f0"},
		{"not there", func(l *link) { l.Name = "eth7" }, "bond0 is degraded: " + first + "does not exist"},
		{"free", func(l *link) { l.Master = "" }, "bond0 is degraded: " + first + "is no leg of bond0"},
		{"set down", func(l *link) { l.Up = false }, "bond0 is degraded: " + first + "is set down; try: ip link set eno2 up"},
		{"no cable", func(l *link) { l.Carrier = false }, "bond0 is degraded: " + first + "no carrier: its cable, its transceiver, or the switch port is off"},
		{"in its updelay", func(l *link) { l.Port.MII = "going back" }, "bond0 is degraded: " + first + `link check says "going back"; updelay is 2s`},
		{
			"no speed", func(l *link) { l.Port = port{MII: "up", Aggregator: 2, Actor: 5, Duplex: "unknown"} },
			"bond0 is degraded: " + first + "speed unknown: its driver reports no speed, and LACP bundles only ports of equal speed",
		},
		{"half duplex", func(l *link) { l.Port.Duplex, l.Port.Actor = "half", 5 }, "bond0 is degraded: " + first + "half duplex: LACP needs full duplex"},
		{"no partner", func(l *link) { l.Port.PartnerMAC, l.Port.Partner = mac{}, 1 }, "bond0 is degraded: " + first + "no LACP partner: the switch port does not speak LACP"},
		{
			"another switch", func(l *link) { l.Port.PartnerMAC, l.Port.Aggregator = addressOf(0xf1), 2 },
			"bond0 is degraded: " + first + "in aggregator 2 while 1 is active: its LACP partner 00:00:5e:00:53:f1 is not that of the other legs, or has another key there",
		},
		{
			"partner not ready", func(l *link) { l.Port.Partner = 7 },
			"bond0 is degraded: " + first + "LACP with 00:00:5e:00:53:f0 is not up: our port state is 61, the partner's 7 (no synchronization, no collecting, no distributing)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := bonded(t)
			test.harm(linkOf(&s, "eno2"))
			r := Inspect(s, reference().Bond)
			if diff := cmp.Diff(test.want, r.String()); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
			if r.err() != nil {
				t.Errorf("one leg is enough, but: %v", r.err())
			}
		})
	}
}

func TestInspectFailed(t *testing.T) {
	s := bonded(t)
	linkOf(&s, "eno1").Carrier = false
	linkOf(&s, "eno2").Port.PartnerMAC, linkOf(&s, "eno2").Port.Partner = mac{}, 1
	err := Inspect(s, reference().Bond).err()
	const want = "bond0 is failed: eno1: no carrier: its cable, its transceiver, or the switch port is off; " +
		"eno2: no LACP partner: the switch port does not speak LACP (it needs 1 of 2 legs); " +
		"see: cat /proc/net/bonding/bond0, and the switch ports of its legs"
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v, want\n%s", err, want)
	}
}

// TestInspectActiveBackup needs no LACP for a leg to be up.
func TestInspectActiveBackup(t *testing.T) {
	s, bond := bonded(t), reference().Bond
	bond.Mode = activeBackup
	linkOf(&s, "eno1").Port, linkOf(&s, "eno2").Port = port{MII: "up"}, port{MII: "up"}
	r := Inspect(s, bond)
	if want := "bond0 is up: eno1: up; eno2: up"; r.Status != Up || r.String() != want { // what a driver does not say is not told
		t.Errorf("got %q, want %q", r, want)
	}
}

// negotiating is a kernel whose legs come up some time after the test began.
type negotiating struct {
	start     time.Time
	whole     State
	legs      map[string]time.Duration // a leg that is not in it never comes up
	fakeError error
}

func (n negotiating) Observe(context.Context) (State, error) {
	s := n.whole.clone()
	for _, name := range []string{"eno1", "eno2"} {
		if after, ok := n.legs[name]; !ok || time.Since(n.start) < after {
			linkOf(&s, name).Carrier = false
		}
	}
	return s, n.fakeError
}

func (negotiating) Apply(context.Context, step) error { return errors.New("only to be observed") }

// TestVerify runs on synctest's clock.
func TestVerify(t *testing.T) {
	const s = time.Second
	for _, test := range []struct {
		name  string
		legs  map[string]time.Duration
		want  Status
		after time.Duration
		err   string
	}{
		{"at once", map[string]time.Duration{"eno1": 0, "eno2": 0}, Up, 0, ""},
		{"one after the other", map[string]time.Duration{"eno1": 2 * s, "eno2": 6 * s}, Up, 6 * s, ""},
		{"one is dead", map[string]time.Duration{"eno1": 2 * s}, Degraded, 10 * s, ""}, // 2 s, then to settle 5 + 1 + 2
		{"both are dead", nil, Failed, 33 * s, "bond0 is failed: eno1: no carrier"},
	} {
		t.Run(test.name, func(t *testing.T) {
			whole := bonded(t)
			synctest.Test(t, func(t *testing.T) {
				bond := reference().Bond
				k := negotiating{start: time.Now(), whole: whole, legs: test.legs}
				r, err := Verify(t.Context(), k, bond, WaitFor(bond))
				if r.Status != test.want {
					t.Errorf("%s, want %s", r, test.want)
				}
				if took := time.Since(k.start); took != test.after {
					t.Errorf("took %s, want %s", took, test.after)
				}
				if err == nil && test.err != "" || err != nil && (test.err == "" || !strings.HasPrefix(err.Error(), test.err)) {
					t.Errorf("error is %v, want %q", err, test.err)
				}
			})
		})
	}
}

// flapping is a kernel on which a leg comes up, goes down, and comes up again.
type flapping struct {
	negotiating
	up, down, again time.Duration
}

func (f flapping) Observe(ctx context.Context) (State, error) {
	s, err := f.negotiating.Observe(ctx)
	at := time.Since(f.start)
	linkOf(&s, "eno1").Carrier = at >= f.up && at < f.down || at >= f.again
	return s, err
}

// The time to settle begins again with every leg that comes up after none was.
func TestVerifyOfALegThatFlaps(t *testing.T) {
	whole := bonded(t)
	synctest.Test(t, func(t *testing.T) {
		k := flapping{negotiating{start: time.Now(), whole: whole}, 2 * time.Second, 5 * time.Second, 9 * time.Second}
		r, err := Verify(t.Context(), k, reference().Bond, WaitFor(reference().Bond))
		if took := time.Since(k.start); err != nil || r.Status != Degraded || took != 17*time.Second {
			t.Errorf("%s, %v after %s; want degraded after 17s", r, err, took)
		}
	})
}

// A port that is up on both sides in an aggregator of its own carries nothing.
func TestInspectAnotherAggregator(t *testing.T) {
	s := bonded(t)
	linkOf(&s, "eno2").Port.Aggregator = 2
	if r := Inspect(s, reference().Bond); r.Status != Degraded || !strings.Contains(r.String(), "in aggregator 2 while 1 is active") {
		t.Error(r)
	}
}

func TestVerifyOfAKernelThatDoesNotAnswer(t *testing.T) {
	refused := errors.New("refused")
	_, err := Verify(t.Context(), negotiating{whole: bonded(t), fakeError: refused}, reference().Bond, WaitFor(reference().Bond))
	if !errors.Is(err, refused) {
		t.Errorf("error is %v", err)
	}
}

func TestVerifyIsCancelled(t *testing.T) {
	whole := bonded(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := Verify(ctx, negotiating{start: time.Now(), whole: whole}, reference().Bond, WaitFor(reference().Bond))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "eno2: no carrier") {
			t.Errorf("error is %v", err)
		}
	})
}
