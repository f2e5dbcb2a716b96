// SPDX-License-Identifier: Apache-2.0

// Package leaves tries the leaf side of a plan against real neighbours: leaves
// that run FRR or BIRD with the configuration that joinsvc renders and nothing
// else, and nodes that run BIRD with what Calico's confd makes of joinsvc's
// objects in a real API server. Each router has a network namespace of its own
// on one bridge, so that four racks pass in a minute, without a virtual machine.
//
// There is no bond and no VLAN here: the kernels of many build machines have
// neither. The rack of virtual machines has both.
package leaves
