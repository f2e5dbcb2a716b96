// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// signed is a certificate of subject's own key, signed by parent.
func signed(t *testing.T, tmpl, parent *x509.Certificate, key, with *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	now := time.Now()
	full, err := template(tmpl.Subject, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	full.IsCA, full.BasicConstraintsValid, full.KeyUsage, full.ExtKeyUsage = tmpl.IsCA, true, tmpl.KeyUsage, tmpl.ExtKeyUsage
	der, err := x509.CreateCertificate(rand.Reader, full, parent, key.Public(), with)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// The CA has no CA below it, and says so in its certificate (RFC 5280 section
// 4.2.1.9), so that whoever is made to sign one by mistake has signed nothing.
func TestNoCABelowTheCA(t *testing.T) {
	ca, err := New("k8c1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if c := ca.Certificate(); !c.IsCA || c.MaxPathLen != 0 || !c.MaxPathLenZero {
		t.Errorf("CA %v, path length %d, zero meant %v", c.IsCA, c.MaxPathLen, c.MaxPathLenZero)
	}
	key, below := ecKey(t), ecKey(t)
	node := pkix.Name{CommonName: "k8c1m0", OrganizationalUnit: []string{NodesOU}}
	client := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	middle := signed(t, &x509.Certificate{Subject: pkix.Name{CommonName: "below"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}, ca.cert, below, ca.key)
	leaf := signed(t, &x509.Certificate{Subject: node, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: client}, middle, key, below)
	wantRefused(t, ca, tls.Certificate{Certificate: [][]byte{leaf.Raw, middle.Raw}, PrivateKey: key}, "bad certificate")
}

// A node's own certificate signs nothing, and what is for servers alone, or
// expired, is no client's.
func TestWhatIsNoClientsCertificate(t *testing.T) {
	ca, err := New("k8c1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	key := ecKey(t)
	r, err := ParseRequest(request(t, key))
	if err != nil {
		t.Fatal(err)
	}
	text, err := ca.SignNode(r, "k8c1s1")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(text))
	node, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if node.IsCA || node.KeyUsage != x509.KeyUsageDigitalSignature || len(node.ExtKeyUsage) != 1 || node.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth {
		t.Errorf("a node's certificate: CA %v, usage %v, %v", node.IsCA, node.KeyUsage, node.ExtKeyUsage)
	}
	if err := handshake(t, ca, tls.Certificate{Certificate: [][]byte{node.Raw}, PrivateKey: key}); err != nil {
		t.Errorf("the node's own is refused: %v", err)
	}
	other := ecKey(t)
	another := &x509.Certificate{Subject: pkix.Name{CommonName: "k8c1m0", OrganizationalUnit: []string{NodesOU}}, ExtKeyUsage: node.ExtKeyUsage}
	forged := signed(t, another, node, other, key)
	wantRefused(t, ca, tls.Certificate{Certificate: [][]byte{forged.Raw, node.Raw}, PrivateKey: other}, "unknown certificate authority")

	server, err := ca.signServer([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, ca, *server, "bad certificate")
	subject := pkix.Name{CommonName: "k8c1s1", OrganizationalUnit: []string{NodesOU}}
	if text, err = SignClient(ca.cert, ca.key, r, subject, time.Now().Add(-2*leafValid)); err != nil {
		t.Fatal(err)
	}
	block, _ = pem.Decode([]byte(text))
	wantRefused(t, ca, tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}, "expired certificate")
}

func wantRefused(t *testing.T, ca *CA, cert tls.Certificate, says string) {
	t.Helper()
	if err := handshake(t, ca, cert); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want it refused for %q", err, says)
	}
}

// handshake shows cert to a server of ca, and waits for what it says of it:
// in TLS 1.3 that comes after the client has finished (RFC 8446 section 4.4.2.4).
func handshake(t *testing.T, ca *CA, cert tls.Certificate) error {
	t.Helper()
	config, err := ca.ServerTLS([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go answerOne(l)
	conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{
		RootCAs: ca.Pool(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil },
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = io.ReadAll(conn)
	return err
}

func answerOne(l net.Listener) {
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "hello")
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
