// SPDX-License-Identifier: Apache-2.0

// Package host brings the machine, except its network, to its desired state.
//
// The machine is a directory plus a few functions: every file is read and
// written below a root (package rooted), and what is no file (a unit, a
// swapoff) is a function that the caller hands in. Each aspect is a value whose
// Plan only reads and returns the changes that are left; applying them and
// planning again yields none.
//
// The aspects of this package need files alone, or one verb beside them. The
// packages below it hold one idea each: unit (systemd over D-Bus), firewall
// (firewalld and its table), dnf (packages) and containerd.
package host
