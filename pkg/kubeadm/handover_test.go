// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/apply/applytest"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// putCluster writes what kubeadm init does: the CA and the administrator's
// kubeconfig, of a cluster whose API server runs. It returns the CA.
func (h *host) putCluster(t *testing.T, s *applytest.Server) *x509.Certificate {
	t.Helper()
	for name, text := range map[string][]byte{caCert: s.CA(), caKey: s.Key(t), adminConf: []byte(s.Start(t))} {
		if err := atomicfile.Write(h.node.Root.Path(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	block, _ := pem.Decode(s.CA())
	cert, err := x509.ParseCertificate(block.Bytes)
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

const role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: joinsvc}\n"

func TestHandOver(t *testing.T) {
	h, s := newHost(t, nil), applytest.New(t)
	ca, key := h.putCluster(t, s), newKey(t)
	csr := request(t, key, pkix.Name{CommonName: "nodeprep:joinsvc", Organization: []string{"system:masters"}})
	for range 2 { // it may be repeated
		got, err := h.node.HandOver(t.Context(), joinapi.AccessRequest{RBAC: role, CSR: csr}, "https://192.168.9.193:6443")
		if err != nil {
			t.Fatal(err)
		}
		if got.Server != "https://192.168.9.193:6443" || got.CA != string(s.CA()) {
			t.Errorf("access to %q with CA %q", got.Server, got.CA)
		}
		checkClient(t, got.Certificate, ca, key)
	}
	if diff := cmp.Diff([]string{"/apis/rbac.authorization.k8s.io/v1/clusterroles/joinsvc"}, s.Writes()); diff != "" {
		t.Errorf("applied (-want +got):\n%s", diff)
	}
	h.wantRan(t) // no kubectl
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
		"no ca.crt": {good, caCert},
	} {
		t.Run(name, func(t *testing.T) {
			h, s := newHost(t, nil), applytest.New(t)
			h.putCluster(t, s)
			if tc.want == caKey || tc.want == caCert {
				h.drop(t, tc.want)
			}
			_, err := h.node.HandOver(t.Context(), joinapi.AccessRequest{RBAC: role, CSR: tc.csr}, "")
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
			if asked := s.Asked(); len(asked) != 0 {
				t.Errorf("asked the API server for %q", asked)
			}
		})
	}
}

// What the API server refuses for good is told; it does not count as handed over.
func TestHandOverThatTheClusterRefuses(t *testing.T) {
	h, s := newHost(t, nil), applytest.New(t)
	s.Fail = applytest.Failing("PATCH", -1, applytest.Refusing(422, "rules[0].verbs: Required value"))
	h.putCluster(t, s)
	csr := request(t, newKey(t), pkix.Name{CommonName: "a"})
	_, err := h.node.HandOver(t.Context(), joinapi.AccessRequest{RBAC: role, CSR: csr}, "")
	if err == nil || !strings.Contains(err.Error(), "giving joinsvc its rights: applying ClusterRole joinsvc: rules[0].verbs: Required value (422)") {
		t.Errorf("got %v", err)
	}
}

// Without the administrator's kubeconfig nothing is applied, and that is said.
func TestApplyWithoutAnAdministrator(t *testing.T) {
	for text, want := range map[string]string{"": "reading the administrator's kubeconfig: ", "kind: Config\n": "reading the administrator's kubeconfig " + adminConf + ": its current context's server"} {
		h := newHost(t, nil)
		if text != "" {
			if err := h.node.Root.Write(adminConf, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.node.Apply(t.Context(), role); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// What it waits for is a note of the phase.
func TestApplyNotesItsWaiting(t *testing.T) {
	h, s := newHost(t, nil), applytest.New(t)
	s.Fail = applytest.Failing("PATCH", 1, applytest.Refusing(503, "starting"))
	h.putCluster(t, s)
	var notes []string
	r := phase.Runner{Now: time.Now, Report: func(e phase.Event) {
		if e.Kind == phase.Noted {
			notes = append(notes, e.Message)
		}
	}}
	done := false
	plan := func(context.Context) ([]phase.Change, error) {
		if done {
			return nil, nil
		}
		return []phase.Change{{What: "role", Do: func(ctx context.Context) error {
			done = true
			return h.node.Apply(ctx, role)
		}}}, nil
	}
	if _, err := r.Run(t.Context(), []phase.Phase{{Name: "apply", Plan: plan}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"waiting: applying ClusterRole joinsvc: starting (503)"}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}
