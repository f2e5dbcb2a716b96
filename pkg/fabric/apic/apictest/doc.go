// SPDX-License-Identifier: Apache-2.0

// Package apictest is an APIC in memory, for tests. It is stricter than the
// real one: what it takes has known classes at their places, names that agree
// with the attributes, values of the documented kinds, and relations that lead
// somewhere. It also refuses what a real one takes and then raises a fault for,
// such as an interface whose VLAN is in no pool or whose port nobody selects:
// tests ask the APIC, and nobody reads faults there.
//
// What it knows of classes is read from Cisco's class metadata and Terraform
// modules (CiscoDevNet/terraform-provider-aci, netascode/terraform-aci-nac-aci),
// and what it knows of the REST interface from Cisco's configuration guide and
// from answers of real APICs in the tests of other projects. Where the words or
// the code of a refusal are not known, they are its own: only 12, 102, 103, 107,
// 122, 401, 403 and 801 are those of a real APIC.
package apictest
