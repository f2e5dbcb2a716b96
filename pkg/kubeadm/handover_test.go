// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// putCA writes a CA as kubeadm init does, and returns its certificate.
func (h *host) putCA(t *testing.T) *x509.Certificate {
	t.Helper()
	key := newKey(t)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kubernetes"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		caCert: {Type: "CERTIFICATE", Bytes: der}, caKey: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := atomicfile.Write(h.node.Root.Path(name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (h *host) drop(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(h.node.Root.Path(name)); err != nil {
		t.Fatal(err)
	}
}

func request(t *testing.T, key *ecdsa.PrivateKey, subject pkix.Name) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func TestHandOver(t *testing.T) {
	var applied string
	h := newHost(t, func(c command.Command) (string, error) {
		applied = c.Stdin
		return "", nil
	})
	ca, key := h.putCA(t), newKey(t)
	csr := request(t, key, pkix.Name{CommonName: "nodeprep:joinsvc", Organization: []string{"system:masters"}})
	got, err := h.node.HandOver(t.Context(), joinapi.AccessRequest{RBAC: "m", CSR: csr}, "https://192.168.9.193:6443")
	if err != nil {
		t.Fatal(err)
	}
	h.wantRan(t, "kubectl --kubeconfig "+adminConf+" apply --server-side --force-conflicts --field-manager nodeprep -f -")
	if applied != "m" || got.Server != "https://192.168.9.193:6443" || !strings.Contains(got.CA, "CERTIFICATE") {
		t.Errorf("applied %q, access to %q with CA %q", applied, got.Server, got.CA)
	}
	checkClient(t, got.Certificate, ca, key)
}

// checkClient wants what the API server wants, and no group.
func checkClient(t *testing.T, text string, ca *x509.Certificate, key *ecdsa.PrivateKey) {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("no PEM in %q", text)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
	if !key.PublicKey.Equal(cert.PublicKey) || cert.Subject.String() != "CN=nodeprep:joinsvc" {
		t.Errorf("the certificate is of %q, for joinsvc's key: %v", cert.Subject, key.PublicKey.Equal(cert.PublicKey))
	}
	if cert.IsCA || time.Until(cert.NotAfter) > 366*24*time.Hour {
		t.Errorf("CA %v, valid until %s", cert.IsCA, cert.NotAfter)
	}
}

func TestHandOverRefusesARequestAndAppliesNothing(t *testing.T) {
	good := request(t, newKey(t), pkix.Name{CommonName: "a"})
	block, _ := pem.Decode([]byte(good))
	block.Bytes[len(block.Bytes)-1] ^= 1
	for name, tc := range map[string]struct{ csr, want string }{
		"no PEM":    {"hello", "PEM"},
		"two":       {good + good, "one PEM block"},
		"nobody":    {request(t, newKey(t), pkix.Name{}), "no user"},
		"forged":    {string(pem.EncodeToMemory(block)), "holds the key"},
		"no ca.key": {good, caKey},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, nil)
			h.putCA(t)
			if tc.want == caKey {
				h.drop(t, caKey)
			}
			_, err := h.node.HandOver(t.Context(), joinapi.AccessRequest{CSR: tc.csr}, "")
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
			h.wantRan(t)
		})
	}
}

func TestHandOverWithoutAnAPIServer(t *testing.T) {
	refused := errors.New("connection refused")
	h := newHost(t, func(command.Command) (string, error) { return "", refused })
	h.putCA(t)
	csr := request(t, newKey(t), pkix.Name{CommonName: "a"})
	if _, err := h.node.HandOver(t.Context(), joinapi.AccessRequest{CSR: csr}, ""); !errors.Is(err, refused) {
		t.Errorf("got %v, want %v", err, refused)
	}
}
