// SPDX-License-Identifier: Apache-2.0

// Package apply puts manifests into a cluster by server-side apply
// (kubernetes.io, "Server-Side Apply"): object by object, in order, over HTTPS
// with the client certificate of a kubeconfig that kubeadm wrote.
//
// kubectl does the same and needs more of an API server that has only just
// started: it downloads the whole schema (megabytes, for which the server reads
// every CRD) to check what it sends, and ends at the first time-out. Here the
// server checks, and what it cannot do now is waited for. client-go, which
// kubectl is made of, would make nodeprep three times its size.
package apply
