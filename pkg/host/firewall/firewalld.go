// SPDX-License-Identifier: Apache-2.0

// Package firewall takes firewalld off a host: the service, and the nftables
// tables that it may leave behind. Tables of other names are nobody's business
// here; Calico and kube-proxy keep theirs.
package firewall

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/nodeprep/nodeprep/pkg/host/unit"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

const (
	serviceName = "firewalld.service"
	tableName   = "firewalld"
)

// NoFirewalld is a host without firewalld: stopped, disabled, masked, and its
// rules gone from the kernel.
type NoFirewalld struct {
	Units unit.Stopper
	// Tables is the kernel's list of nftables tables; see Kernel.
	Tables Tables
}

// Tables lists and deletes nftables tables of one name.
type Tables interface {
	// Families are those in which there is a table called name.
	Families(name string) ([]string, error)
	// Delete removes the table in all of them; none is no error.
	Delete(name string) error
}

// Plan stops the service before it looks at the tables: firewalld removes them
// itself as it ends, unless it was killed or CleanupOnExit=no.
func (f NoFirewalld) Plan(ctx context.Context) ([]phase.Change, error) {
	changes, err := unit.Masked{Units: f.Units, Name: serviceName}.Plan(ctx)
	if err != nil {
		return nil, err
	}
	families, err := f.Tables.Families(tableName)
	if err != nil {
		return nil, fmt.Errorf("listing nftables tables: %w", err)
	}
	for _, family := range families {
		changes = append(changes, phase.Change{
			What: fmt.Sprintf("nftables table %s %s", family, tableName), From: "present", To: "gone",
			Do: func(context.Context) error { return f.Tables.Delete(tableName) },
		})
	}
	return changes, nil
}

// Kernel is nftables in the network namespace of the process.
type Kernel struct{}

// Families asks the kernel. One without nf_tables has no table.
func (Kernel) Families(name string) ([]string, error) { return families(&nftables.Conn{}, name) }

// Delete removes the tables in one transaction.
func (Kernel) Delete(name string) error { return remove(&nftables.Conn{}, name) }

// netfilter is what is asked of [nftables.Conn].
type netfilter interface {
	ListTables() ([]*nftables.Table, error)
	DelTable(table *nftables.Table)
	Flush() error
}

func families(conn netfilter, name string) ([]string, error) {
	tables, err := tablesCalled(conn, name)
	families := make([]string, 0, len(tables))
	for _, t := range tables {
		families = append(families, familyName(t.Family))
	}
	return families, err
}

func remove(conn netfilter, name string) error {
	tables, err := tablesCalled(conn, name)
	if err != nil || len(tables) == 0 {
		return err
	}
	for _, t := range tables {
		conn.DelTable(t)
	}
	if err := conn.Flush(); err != nil && !errors.Is(err, unix.ENOENT) { // gone meanwhile
		return fmt.Errorf("deleting nftables table %s: %w", name, err)
	}
	return nil
}

func tablesCalled(conn netfilter, name string) ([]*nftables.Table, error) {
	all, err := conn.ListTables()
	if errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil
	}
	var found []*nftables.Table
	for _, t := range all {
		if t.Name == name {
			found = append(found, t)
		}
	}
	return found, err
}

// familyName is the family as nft(8) writes it. firewalld 0.x had its NAT in
// the families ip and ip6; since 1.0 everything is in inet.
func familyName(f nftables.TableFamily) string {
	switch f {
	case nftables.TableFamilyINet:
		return "inet"
	case nftables.TableFamilyIPv4:
		return "ip"
	case nftables.TableFamilyIPv6:
		return "ip6"
	case nftables.TableFamilyBridge:
		return "bridge"
	case nftables.TableFamilyARP:
		return "arp"
	case nftables.TableFamilyNetdev:
		return "netdev"
	case nftables.TableFamilyUnspecified: // no table has it
	}
	return fmt.Sprintf("family %d", f)
}
