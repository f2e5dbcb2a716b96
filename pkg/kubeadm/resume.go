// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"slices"
	"strings"
)

// The phases of an init until its control plane answers, and those after that,
// which make objects of the cluster or change them and may be repeated (kubeadm
// 1.31 to 1.37, app/cmd/init.go).
func firstPhases() []string {
	return []string{"preflight", "certs", "kubeconfig", "etcd", "control-plane", "kubelet-start", "wait-control-plane"}
}

func laterPhases() []string {
	return []string{"upload-config", "upload-certs", "mark-control-plane", "bootstrap-token", "kubelet-finalize", "addon"}
}

// resumed has an init begin with its later phases.
func resumed() string { return "--skip-phases=" + strings.Join(firstPhases(), ",") }

// late tells whether it was one of the later phases that got no answer.
func (e *UnansweredError) late() bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(e.Said, failedPhase), ":")
	phase, _, _ := strings.Cut(name, "/") // "addon/coredns"
	return slices.Contains(laterPhases(), phase)
}
