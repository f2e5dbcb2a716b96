// SPDX-License-Identifier: Apache-2.0

// Package stack builds the programs that a node runs and that are not ours,
// from their Go modules: Kubernetes, containerd, etcd, CoreDNS, Calico and the
// CNI plugins. There is no registry to fetch them from, and no other source of
// their versions than the go.mod files in the folders of this package.
//
// A cold build takes half an hour of two cores; what is built stays in the
// cache until a module, a flag or the Go release changes.
package stack
