// SPDX-License-Identifier: Apache-2.0

// Package aci makes a plan's leaf side for a Cisco ACI fabric: one pure tree of
// managed objects, printed as JSON for the APIC's REST interface or as HCL for
// Terraform.
package aci
