// SPDX-License-Identifier: Apache-2.0

// Package netcfg brings a host's bond, VLAN, address and default route to what
// its plan says, and proves that the bond carries LACP.
//
// It works in three steps that never mix. [Kernel.Observe] reads the host into
// a [State] of plain values. A difference compares that with a [Config] and has
// the steps that lie between, in the order in which a kernel accepts them; it
// touches nothing and gets most of the tests. [Kernel.Apply] makes one step.
// [Plan] joins the three into changes that can be shown before they are made.
//
// Links that the Config does not name are never touched: where one is in the
// way, the plan refuses with an error that names it and the command to look
// further.
//
// The netlink library stops at kernel_linux.go; everything else here is values.
package netcfg
