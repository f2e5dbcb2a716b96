// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// documents has the digest of those that a Serving control plane was made by.
const documents = "/var/lib/nodeprep/kubeadm.documents"

// serve notes that a control plane of these documents answers.
func (n Node) serve(order joinapi.KubeadmOrder) error {
	sum, err := digest(order)
	if err != nil {
		return err
	}
	if err := n.Root.Write(documents, sum, 0o644); err != nil {
		return fmt.Errorf("noting what kubeadm was told: %w", err)
	}
	return n.mark(Serving)
}

// sameDocuments tells whether a Serving control plane was made by these. The phases
// that an init goes on with put the new ones into the cluster, and nothing applies
// them to its certificates and static pods.
func (n Node) sameDocuments(order joinapi.KubeadmOrder) (bool, error) {
	was, there, err := n.Root.ReadOptional(documents)
	if err != nil {
		return false, fmt.Errorf("reading what kubeadm was told: %w", err)
	}
	sum, err := digest(order)
	return !there || was == sum, err
}

// digest is of all that kubeadm is told by a file.
func digest(order joinapi.KubeadmOrder) (string, error) {
	told, err := json.Marshal([]any{order.Config, order.Patches}) // maps in order of their keys
	if err != nil {
		return "", fmt.Errorf("noting what kubeadm was told: %w", err)
	}
	sum := sha256.Sum256(told)
	return hex.EncodeToString(sum[:]), nil
}

// Forsake has the next run make an init anew whose control plane answered once
// and then not for as long as an answer is waited for. Nobody has joined it.
func (n Node) Forsake() error {
	if step, _, err := n.step(); err != nil || step != Serving {
		return err
	}
	return n.mark(Partial)
}

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
