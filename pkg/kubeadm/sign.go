// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// How long a client certificate is valid: a year, as kube-controller-manager's
// are (--cluster-signing-duration), from a little earlier than now, for a
// server whose clock is behind.
const (
	clientValid = 365 * 24 * time.Hour
	clientEarly = 5 * time.Minute
)

// sign issues a client certificate, PEM, of the cluster's CA for one PKCS #10
// request (RFC 2986), PEM. Of its subject only the common name is kept: an
// organization would be a group in the cluster, system:masters among them.
func (n Node) sign(request string) (string, error) {
	r, err := readRequest(request)
	if err != nil {
		return "", fmt.Errorf("reading joinsvc's certificate request: %w", err)
	}
	ca, err := tls.LoadX509KeyPair(n.path(caCert), n.path(caKey))
	if err != nil {
		return "", fmt.Errorf("loading the cluster's CA that kubeadm init made: %w", err)
	}
	tmpl, err := clientTemplate(r.Subject.CommonName, time.Now())
	if err != nil {
		return "", err
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.Leaf, r.PublicKey, ca.PrivateKey)
	if err != nil {
		return "", fmt.Errorf("signing joinsvc's certificate with the cluster's CA: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), nil
}

func readRequest(text string) (*x509.CertificateRequest, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) != 0 {
		return nil, errors.New("is not one PEM block CERTIFICATE REQUEST")
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parsing PKCS #10: %w", err)
	}
	if r.Subject.CommonName == "" {
		return nil, errors.New("names no user (common name)")
	}
	if err := r.CheckSignature(); err != nil {
		return nil, fmt.Errorf("checking that the sender holds the key: %w", err)
	}
	return r, nil
}

func clientTemplate(user string, now time.Time) (*x509.Certificate, error) {
	// At least 64 bits from a CSPRNG (CA/Browser Forum Baseline Requirements 7.1).
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("making a serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: user},
		NotBefore:    now.Add(-clientEarly),
		NotAfter:     now.Add(clientValid),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, nil
}
