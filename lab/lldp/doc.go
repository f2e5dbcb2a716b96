// SPDX-License-Identifier: Apache-2.0

// Package lldp tries the cabling that joinsvc reads (--lldp) against what the real
// lldpctl prints: hosts and leaves are network namespaces, their cables pairs of
// veth, and an lldpd on each leaf announces what an ACI leaf does.
//
// There is no bond here, since the kernels of many build machines have none, and
// no network card whose firmware keeps LLDP frames to itself.
package lldp
