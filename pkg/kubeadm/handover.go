// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"context"
	"fmt"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/apply"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// HandOver gives joinsvc its way into the new cluster with what kubeadm init
// left here: it applies joinsvc's RBAC as the administrator, and signs the
// request of joinsvc's own key with the cluster's CA. server is the URL of the
// API server as joinsvc reaches it. It may be repeated.
//
// A CertificateSigningRequest would have to wait for kube-controller-manager,
// which has only just been started.
func (n Node) HandOver(ctx context.Context, r joinapi.AccessRequest, server string) (joinapi.ClusterAccess, error) {
	certificate, err := n.sign(r.CSR)
	if err != nil {
		return joinapi.ClusterAccess{}, err
	}
	ca, err := n.Root.Read(caCert)
	if err != nil {
		return joinapi.ClusterAccess{}, fmt.Errorf("reading the cluster's CA: %w", err)
	}
	if err := n.Apply(ctx, r.RBAC); err != nil {
		return joinapi.ClusterAccess{}, fmt.Errorf("giving joinsvc its rights: %w", err)
	}
	return joinapi.ClusterAccess{Server: server, CA: ca, Certificate: certificate}, nil
}

// MayHandOver says whether the host still has what HandOver takes: the cluster's
// key and the administrator's kubeconfig, which some operators take away.
func (n Node) MayHandOver() bool {
	if _, err := n.ca(); err != nil {
		return false
	}
	_, err := n.Root.Read(adminConf)
	return err == nil
}

// Apply puts manifests (YAML) into the cluster as its administrator, and makes
// their fields nodeprep's own. What the API server cannot do now is waited for,
// and said as a note of the phase. It may be repeated.
func (n Node) Apply(ctx context.Context, manifests string) error {
	client, err := n.administrator()
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Apply(ctx, manifests, phase.Waiting(ctx))
}

// administrator is a client with all rights in the cluster.
func (n Node) administrator() (*apply.Client, error) {
	text, err := n.Root.Read(adminConf)
	if err != nil {
		return nil, fmt.Errorf("reading the administrator's kubeconfig: %w", err)
	}
	client, err := apply.NewClient(text)
	if err != nil {
		return nil, fmt.Errorf("reading the administrator's kubeconfig %s: %w", adminConf, err)
	}
	return client, nil
}
