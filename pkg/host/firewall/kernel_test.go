// SPDX-License-Identifier: Apache-2.0

//go:build root

// This test needs root and a kernel with nf_tables.

package firewall

import (
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// Only tables called firewalld go; the rest of the rules stay as they are.
func TestKernelDeletesOneName(t *testing.T) {
	runtime.LockOSThread() // never unlocked: the thread ends with the test, and its namespace too
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatalf("making a network namespace: %v", err)
	}
	conn := &nftables.Conn{}
	for _, table := range []nftables.Table{
		{Name: "firewalld", Family: nftables.TableFamilyINet},
		{Name: "firewalld", Family: nftables.TableFamilyIPv4},
		{Name: "firewalld2", Family: nftables.TableFamilyINet},
		{Name: "filter", Family: nftables.TableFamilyIPv4},
	} {
		chain := &nftables.Chain{Name: "INPUT", Table: conn.AddTable(&table)}
		conn.AddChain(chain)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	families, err := Kernel{}.Families("firewalld")
	slices.Sort(families)
	if diff := cmp.Diff([]string{"inet", "ip"}, families); err != nil || diff != "" {
		t.Fatalf("families: %v (-want +got):\n%s", err, diff)
	}
	for range 2 {
		if err := (Kernel{}).Delete("firewalld"); err != nil {
			t.Fatal(err)
		}
		tables, err := conn.ListTables()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, table := range tables {
			names = append(names, table.Name)
		}
		slices.Sort(names)
		if diff := cmp.Diff([]string{"filter", "firewalld2"}, names); diff != "" {
			t.Errorf("tables left (-want +got):\n%s", diff)
		}
	}
}
