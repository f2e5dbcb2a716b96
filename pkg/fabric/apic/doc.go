// SPDX-License-Identifier: Apache-2.0

// Package apic compares a tree of managed objects with what a Cisco APIC has,
// and brings the APIC to it.
//
// Every object that is made carries the annotation of one owner
// ("orchestrator:joinsvc-k8c1"). An object with another annotation, or none,
// belongs to somebody else: it is used when it is as wanted, and otherwise
// named and left alone. Nothing of it is ever written or removed.
//
// The REST interface is that of Cisco's "APIC REST API Configuration Guide"
// (4.2 and later). No real APIC has run these requests yet; apictest is what
// they are tested against.
package apic
