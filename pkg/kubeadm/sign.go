// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"time"

	"github.com/nodeprep/nodeprep/pkg/pki"
)

// sign issues a client certificate, PEM, of the cluster's CA for one PKCS #10
// request, PEM. Of its subject only the common name is kept: an organization
// would be a group in the cluster, system:masters among them. It is valid for
// a year, as kube-controller-manager's are (--cluster-signing-duration).
func (n Node) sign(request string) (string, error) {
	r, err := pki.ParseRequest(request)
	if err == nil && r.CommonName == "" {
		err = errors.New("names no user (common name)")
	}
	if err != nil {
		return "", fmt.Errorf("reading joinsvc's certificate request: %w", err)
	}
	ca, err := n.ca()
	if err != nil {
		return "", fmt.Errorf("loading the cluster's CA that kubeadm init made: %w", err)
	}
	return pki.SignClient(ca.Leaf, ca.PrivateKey, r, pkix.Name{CommonName: r.CommonName}, time.Now())
}

func (n Node) ca() (tls.Certificate, error) {
	certificate, err := n.Root.Read(caCert)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := n.Root.Read(caKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair([]byte(certificate), []byte(key))
}
