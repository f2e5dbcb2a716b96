// SPDX-License-Identifier: Apache-2.0

// Package cluster is joinsvc's way into the Kubernetes cluster that it forms:
// a client certificate for a key that never leaves joinsvc, the least RBAC
// that its work needs, and bootstrap tokens.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	bootstraputil "k8s.io/cluster-bootstrap/token/util"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// joiners is the group that kubeadm's RBAC lets join (kubeadm constants.go,
// NodeBootstrapTokenAuthGroup).
const joiners = "system:bootstrappers:kubeadm:default-node-token"

// callTimeout bounds one request; the client as a whole can have no timeout,
// because a watch is a request too.
const callTimeout = 15 * time.Second

// A Cluster is a connection with joinsvc's own rights.
type Cluster struct {
	Dynamic   dynamic.Interface
	Discovery *discovery.DiscoveryClient
}

// Connect uses the access that the init node handed over, with the private key
// that NewAccess was given. It fails when the two do not belong together; the
// API server is not asked yet.
func Connect(a joinapi.ClusterAccess, keyPEM []byte) (*Cluster, error) {
	config := &rest.Config{
		Host:      a.Server,
		UserAgent: "joinsvc",
		// The defaults, 5 and 10, hold hundreds of nodes up for minutes; the API
		// server has priority and fairness of its own.
		QPS:   50,
		Burst: 100,
		TLSClientConfig: rest.TLSClientConfig{
			CAData:   []byte(a.CA),
			CertData: []byte(a.Certificate),
			KeyData:  keyPEM,
		},
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("using the cluster access for %s: %w", a.Server, err)
	}
	return connect(config, client)
}

func connect(config *rest.Config, client *http.Client) (*Cluster, error) {
	objects, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("making a client of %s: %w", config.Host, err)
	}
	served, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("making a discovery client of %s: %w", config.Host, err)
	}
	return &Cluster{Dynamic: objects, Discovery: served}, nil
}

func (c *Cluster) secrets() dynamic.ResourceInterface {
	return c.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(metav1.NamespaceSystem)
}

// MintToken makes a bootstrap token "abcdef.0123456789abcdef" with which one
// node can join until ttl is over (kubernetes.io, "Authenticating with
// Bootstrap Tokens").
func (c *Cluster) MintToken(ctx context.Context, node string, ttl time.Duration) (string, error) {
	token, err := bootstraputil.GenerateBootstrapToken()
	if err != nil {
		return "", fmt.Errorf("making a bootstrap token for %s: %w", node, err)
	}
	expires := time.Now().Add(ttl)
	secret, err := tokenSecret(token, node, expires)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	made, err := c.secrets().Create(ctx, secret, metav1.CreateOptions{FieldManager: "joinsvc"})
	if err != nil {
		return "", fmt.Errorf("storing the bootstrap token of %s: %w", node, err)
	}
	if err := lasts(made, expires, ttl); err != nil {
		return "", errors.Join(fmt.Errorf("making a bootstrap token for %s: %w", node, err), c.RevokeToken(ctx, token))
	}
	return token, nil
}

// lasts refuses a token that has not half of its time by the clock of the API
// server, which is what ends it. kubeadm would only say that the cluster does not
// know it.
func lasts(made *unstructured.Unstructured, expires time.Time, ttl time.Duration) error {
	at := made.GetCreationTimestamp()
	if at.IsZero() || expires.Sub(at.Time) >= ttl/2 {
		return nil
	}
	return fmt.Errorf("joinsvc's clock says %s and the API server's %s, by which the token is over before a host can use it; set the one that is wrong (chronyc makestep)",
		expires.Add(-ttl).UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339))
}

func tokenSecret(token, node string, expires time.Time) (*unstructured.Unstructured, error) {
	id, secret, err := split(token)
	if err != nil {
		return nil, err
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"type":       string(bootstrapapi.SecretTypeBootstrapToken),
		"metadata": map[string]any{
			"name":      bootstraputil.BootstrapTokenSecretName(id),
			"namespace": metav1.NamespaceSystem,
		},
		"stringData": map[string]any{
			bootstrapapi.BootstrapTokenDescriptionKey:      "joinsvc: for " + node + " to join once",
			bootstrapapi.BootstrapTokenIDKey:               id,
			bootstrapapi.BootstrapTokenSecretKey:           secret,
			bootstrapapi.BootstrapTokenExpirationKey:       expires.UTC().Format(time.RFC3339),
			bootstrapapi.BootstrapTokenUsageAuthentication: "true",
			bootstrapapi.BootstrapTokenUsageSigningKey:     "true",
			bootstrapapi.BootstrapTokenExtraGroupsKey:      joiners,
		},
	}}, nil
}

// split never shows the token in its error.
func split(token string) (id, secret string, err error) {
	parts := bootstraputil.BootstrapTokenRegexp.FindStringSubmatch(token)
	if len(parts) != 3 {
		return "", "", errors.New("no bootstrap token: want six and sixteen characters, as in abcdef.0123456789abcdef")
	}
	return parts[1], parts[2], nil
}

// RevokeToken removes a token; that it is gone already is no error.
func (c *Cluster) RevokeToken(ctx context.Context, token string) error {
	id, _, err := split(token)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err = c.secrets().Delete(ctx, bootstraputil.BootstrapTokenSecretName(id), metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing bootstrap token %s: %w", id, err)
	}
	return nil
}

// Serves tells whether the API server serves all these resources of a group
// and version ("crd.projectcalico.org/v1"); a group that it does not know is
// no error.
func (c *Cluster) Serves(ctx context.Context, groupVersion string, resources ...string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, err := c.Discovery.ServerResourcesForGroupVersionWithContext(ctx, groupVersion)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking what is served of %s: %w", groupVersion, err)
	}
	served := map[string]bool{}
	for _, r := range list.APIResources {
		served[r.Name] = true
	}
	return !slices.ContainsFunc(resources, func(r string) bool { return !served[r] }), nil
}
