// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// User is joinsvc's name in the cluster: the certificate's common name.
const User = "nodeprep:joinsvc"

// NewAccess says what joinsvc needs to reach the cluster: a certificate request
// for its private key (PEM), and RBAC for the user that it names.
func NewAccess(keyPEM []byte) (joinapi.AccessRequest, error) {
	key, err := signer(keyPEM)
	if err != nil {
		return joinapi.AccessRequest{}, fmt.Errorf("reading joinsvc's key: %w", err)
	}
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: User}}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return joinapi.AccessRequest{}, fmt.Errorf("making joinsvc's certificate request: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	return joinapi.AccessRequest{RBAC: rbac, CSR: string(text)}, nil
}

// signer reads the two PEM forms that Go and OpenSSL write EC and Ed25519 keys in.
func signer(keyPEM []byte) (any, error) {
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil, errors.New("no PEM block in it")
	}
	switch block.Type {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return nil, fmt.Errorf("it is a %s, want a PRIVATE KEY (PKCS #8)", block.Type)
}

// rbac is the least that joinsvc's work needs. Of Secrets it may make any in
// kube-system, because RBAC cannot restrict a create to names; it may delete
// them but read none. Of Nodes it changes the status subresource only, which
// is where Calico's own client writes the two annotations. Both API groups
// are named because an installation of Calico serves one or the other. What is
// followed is listed and watched; removed are BGPPeers and requests for a node's
// status alone, of which joinsvc makes some for each node. calico-node's
// DaemonSet says which group Calico itself uses while both are served, and with
// FelixConfiguration default, what the nodes' routes hang on beside the plan.
const rbac = `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ` + User + `
rules:
- apiGroups: [""]
  resources: [nodes]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [nodes/status]
  verbs: [patch]
- apiGroups: [crd.projectcalico.org, projectcalico.org]
  resources: [bgpconfigurations, ippools]
  verbs: [get, list, watch, create, patch]
- apiGroups: [crd.projectcalico.org, projectcalico.org]
  resources: [bgppeers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [crd.projectcalico.org, projectcalico.org]
  resources: [caliconodestatuses]
  verbs: [get, list, watch, create, delete]
- apiGroups: [crd.projectcalico.org, projectcalico.org]
  resources: [bgpfilters, blockaffinities, clusterinformations]
  verbs: [get, list, watch]
- apiGroups: [crd.projectcalico.org, projectcalico.org]
  resources: [felixconfigurations]
  resourceNames: [default]
  verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: ` + User + `
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "` + User + `"}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "` + User + `"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: ` + User + `:calico-node
  namespace: kube-system
rules:
- apiGroups: [apps]
  resources: [daemonsets]
  resourceNames: [calico-node]
  verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ` + User + `:calico-node
  namespace: kube-system
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "` + User + `:calico-node"}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "` + User + `"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: ` + User + `:bootstrap-tokens
  namespace: kube-system
rules:
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, delete]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: ` + User + `:bootstrap-tokens
  namespace: kube-system
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "` + User + `:bootstrap-tokens"}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "` + User + `"}
`
