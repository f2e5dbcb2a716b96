// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

const (
	issuePoll = 2 * time.Second
	// issueTimeout bounds the wait for kube-controller-manager, which signs
	// and which has only just been started.
	issueTimeout = 5 * time.Minute
)

// HandOver gives joinsvc its way into the new cluster, with the rights of the
// administrator that kubeadm init left here: it applies the manifests, and has
// the request of joinsvc's own key signed. server is the URL of the API server
// as joinsvc reaches it. Every step may be repeated.
func (n Node) HandOver(ctx context.Context, r joinapi.AccessRequest, server string) (joinapi.ClusterAccess, error) {
	if err := n.apply(ctx, r.Manifests); err != nil {
		return joinapi.ClusterAccess{}, err
	}
	if err := n.request(ctx, r); err != nil {
		return joinapi.ClusterAccess{}, err
	}
	certificate, err := n.issued(ctx, r.CSRName)
	if err != nil {
		return joinapi.ClusterAccess{}, err
	}
	ca, err := os.ReadFile(n.path(caCert))
	if err != nil {
		return joinapi.ClusterAccess{}, fmt.Errorf("reading the cluster's CA: %w", err)
	}
	return joinapi.ClusterAccess{Server: server, CA: string(ca), Certificate: certificate}, nil
}

func (n Node) kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	c := command.New("kubectl", append([]string{"--kubeconfig", n.path(adminConf)}, args...)...)
	c.Stdin = stdin
	return n.Run(ctx, c)
}

func (n Node) apply(ctx context.Context, manifests string) error {
	// On the server's side, because Calico's CRDs exceed what client-side
	// apply can keep in an annotation (262144 bytes).
	_, err := n.kubectl(ctx, manifests, "apply", "--server-side", "--force-conflicts", "--field-manager", "nodeprep", "-f", "-")
	if err != nil {
		return fmt.Errorf("applying the cluster's manifests: %w", err)
	}
	return nil
}

// request replaces a request of that name, because one that was left by an
// earlier run may be for another key, denied or expired.
func (n Node) request(ctx context.Context, r joinapi.AccessRequest) error {
	if _, err := n.kubectl(ctx, "", "delete", "csr", r.CSRName, "--ignore-not-found"); err != nil {
		return fmt.Errorf("clearing joinsvc's earlier certificate request: %w", err)
	}
	if _, err := n.kubectl(ctx, r.CSR, "create", "-f", "-"); err != nil {
		return fmt.Errorf("creating joinsvc's certificate request: %w", err)
	}
	if _, err := n.kubectl(ctx, "", "certificate", "approve", r.CSRName); err != nil {
		return fmt.Errorf("approving joinsvc's certificate request: %w", err)
	}
	return nil
}

// signing is as much of a certificates.k8s.io/v1 request as is read here.
type signing struct {
	Status struct {
		Certificate []byte `json:"certificate"` // PEM
		Conditions  []struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"conditions"`
	} `json:"status"`
}

func (n Node) issued(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, issueTimeout)
	defer cancel()
	for {
		certificate, err := n.certificate(ctx, name)
		if err != nil || certificate != "" {
			return certificate, err
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("waiting for the certificate of request %s (does kube-controller-manager run?): %w", name, ctx.Err())
		case <-time.After(issuePoll):
		}
	}
}

// certificate returns "" while there is none.
func (n Node) certificate(ctx context.Context, name string) (string, error) {
	text, err := n.kubectl(ctx, "", "get", "csr", name, "-o", "json")
	if err != nil {
		return "", fmt.Errorf("asking for the certificate of request %s: %w", name, err)
	}
	var s signing
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return "", fmt.Errorf("reading request %s: %w", name, err)
	}
	for _, c := range s.Status.Conditions {
		if c.Type == "Failed" || c.Type == "Denied" {
			return "", fmt.Errorf("request %s is %s: %s", name, c.Type, c.Message)
		}
	}
	return string(s.Status.Certificate), nil
}
