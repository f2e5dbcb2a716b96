// SPDX-License-Identifier: Apache-2.0

package firewall

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/nodeprep/nodeprep/pkg/host/unit"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// machine runs firewalld, or not. When it is stopped, its tables go unless it
// is sloppy.
type machine struct {
	state    unit.State
	families []string
	sloppy   bool
	log      []string
}

func (m *machine) State(context.Context, string) (unit.State, error) { return m.state, nil }

func (m *machine) Stop(_ context.Context, name string) error {
	m.log = append(m.log, "stop "+name)
	m.state.Active = "inactive"
	if !m.sloppy {
		m.families = nil
	}
	return nil
}

func (m *machine) Disable(context.Context, string) error {
	m.log = append(m.log, "disable")
	m.state.File = "disabled"
	return nil
}

func (m *machine) Mask(context.Context, string) error {
	m.log = append(m.log, "mask")
	m.state.Load, m.state.File = "masked", "masked"
	return nil
}

func (m *machine) Families(name string) ([]string, error) {
	if name != "firewalld" {
		return nil, nil
	}
	return m.families, nil
}

func (m *machine) Delete(name string) error {
	m.log = append(m.log, "delete "+name)
	m.families = nil
	return nil
}

func TestNoFirewalld(t *testing.T) {
	running := unit.State{Load: "loaded", Active: "active", File: "enabled"}
	tests := []struct {
		name string
		m    machine
		want string
	}{
		{"running", machine{state: running, families: []string{"inet"}}, "stop firewalld.service, disable, mask, delete firewalld"},
		{"leaves its table", machine{state: running, families: []string{"inet"}, sloppy: true}, "stop firewalld.service, disable, mask, delete firewalld"},
		{"only the table", machine{state: unit.State{Load: "not-found"}, families: []string{"ip", "ip6"}}, "delete firewalld, delete firewalld"},
		{"absent", machine{state: unit.State{Load: "not-found"}}, ""},
		{"gone", machine{state: unit.State{Load: "masked", Active: "inactive", File: "masked"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &tt.m
			plan := phase.Phase{Name: "firewall", Plan: NoFirewalld{m, m}.Plan}
			for range 2 { // the second run has nothing left to do
				if _, err := (phase.Runner{Now: time.Now, Report: func(phase.Event) {}}).Run(t.Context(), []phase.Phase{plan}); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, strings.Join(m.log, ", ")); diff != "" {
					t.Errorf("verbs (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// broken is a machine that does not say which tables there are.
type broken struct{ *machine }

func (broken) Families(string) ([]string, error) { return nil, unix.EPERM }

func TestTablesThatCannotBeListed(t *testing.T) {
	m := &machine{state: unit.State{Load: "not-found"}}
	if changes, err := (NoFirewalld{m, broken{m}}).Plan(t.Context()); !errors.Is(err, unix.EPERM) || changes != nil {
		t.Errorf("%v, %v", changes, err)
	}
}

// What is planned reads as what there is, and a table that stays is told.
func TestTablesInWords(t *testing.T) {
	m := &machine{state: unit.State{Load: "not-found"}, families: []string{"ip", "inet"}}
	changes, err := NoFirewalld{m, stubborn{m}}.Plan(t.Context())
	if err != nil || len(changes) != 2 || changes[0].String() != "nftables table ip firewalld: present -> gone" || changes[1].String() != "nftables table inet firewalld: present -> gone" {
		t.Fatal(changes, err)
	}
	if err := changes[0].Do(t.Context()); !errors.Is(err, unix.EPERM) {
		t.Errorf("error is %v, want EPERM", err)
	}
	if _, err := (NoFirewalld{deaf{m}, m}).Plan(t.Context()); err == nil || err.Error() != "no answer" {
		t.Errorf("a systemd that does not answer: %v", err)
	}
}

// stubborn is a machine that keeps its tables, deaf one that says nothing of units.
type (
	stubborn struct{ *machine }
	deaf     struct{ *machine }
)

func (stubborn) Delete(string) error { return unix.EPERM }

func (deaf) State(context.Context, string) (unit.State, error) {
	return unit.State{}, errors.New("no answer")
}

// ruleset is a kernel's tables, and what is asked of it.
type ruleset struct {
	tables        []*nftables.Table
	listing, ends error
	asked         []string
}

func (r *ruleset) ListTables() ([]*nftables.Table, error) {
	if r.listing != nil {
		return nil, r.listing
	}
	return r.tables, nil
}

func (r *ruleset) DelTable(t *nftables.Table) {
	r.asked = append(r.asked, "delete "+familyName(t.Family)+" "+t.Name)
}

func (r *ruleset) Flush() error {
	r.asked = append(r.asked, "flush")
	return r.ends
}

// The tables of one name go together, and no other does. A table that went
// meanwhile, and a kernel without tables, is no trouble; anything else is.
func TestRuleset(t *testing.T) {
	tables := []*nftables.Table{
		{Name: "firewalld", Family: nftables.TableFamilyINet},
		{Name: "firewalld2", Family: nftables.TableFamilyINet},
		{Name: "filter", Family: nftables.TableFamilyIPv4},
		{Name: "firewalld", Family: nftables.TableFamilyIPv4},
	}
	const both = "delete inet firewalld, delete ip firewalld, flush"
	for name, tc := range map[string]struct {
		r        ruleset
		families string
		asked    string
		listing  error
		ends     string
	}{
		"two":             {r: ruleset{tables: tables}, families: "inet ip", asked: both},
		"gone meanwhile":  {r: ruleset{tables: tables, ends: unix.ENOENT}, families: "inet ip", asked: both},
		"refused":         {r: ruleset{tables: tables, ends: unix.EPERM}, families: "inet ip", asked: both, ends: "deleting nftables table firewalld: operation not permitted"},
		"none":            {r: ruleset{tables: tables[1:3]}},
		"no nf_tables":    {r: ruleset{listing: unix.EPROTONOSUPPORT}},
		"no netlink":      {r: ruleset{listing: unix.EOPNOTSUPP}},
		"not to be asked": {r: ruleset{listing: unix.EPERM}, listing: unix.EPERM, ends: "operation not permitted"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := families(&tc.r, "firewalld")
			if strings.Join(got, " ") != tc.families || !errors.Is(err, tc.listing) {
				t.Errorf("families %q, %v", got, err)
			}
			err = remove(&tc.r, "firewalld")
			if asked := strings.Join(tc.r.asked, ", "); asked != tc.asked {
				t.Errorf("asked %q, want %q", asked, tc.asked)
			}
			if (err != nil || tc.ends != "") && (err == nil || err.Error() != tc.ends) {
				t.Errorf("error is %v, want %q", err, tc.ends)
			}
		})
	}
}

// Each family has its own name in nft(8): what is shown can be looked up there.
func TestFamilyName(t *testing.T) {
	for family, want := range map[nftables.TableFamily]string{
		nftables.TableFamilyINet: "inet", nftables.TableFamilyIPv4: "ip", nftables.TableFamilyIPv6: "ip6",
		nftables.TableFamilyBridge: "bridge", nftables.TableFamilyARP: "arp", nftables.TableFamilyNetdev: "netdev",
		77: "family 77",
	} {
		if got := familyName(family); got != want {
			t.Errorf("family %d is %q, want %q", family, got, want)
		}
	}
}
