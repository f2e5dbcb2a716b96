// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func request(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return encode("CERTIFICATE REQUEST", der)
}

func TestOpenKeepsTheCA(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "ca.pem")
	first, err := Open(path, "k8c1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(path, "k8c1", time.Now)
	if err != nil || again.PEM() != first.PEM() || !again.key.Equal(first.key) {
		t.Errorf("opened again: another CA, %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A damaged CA must not be replaced by a new one in silence: every token and
// certificate that is out there would be void.
func TestOpenRefusesADamagedCA(t *testing.T) {
	other, err := New("other", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(string) string{
		"empty":          func(string) string { return "" },
		"cut":            func(s string) string { return s[:len(s)/2] },
		"another's cert": func(s string) string { return s[:strings.Index(s, "-----BEGIN CERT")] + other.PEM() },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ca.pem")
			if _, err := Open(path, "k8c1", time.Now); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(damage(string(data))), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(path, "k8c1", time.Now); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want an error that names %s", err, path)
			}
		})
	}
}

func TestKeysThatAreTaken(t *testing.T) {
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p224, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		key  crypto.Signer
		ok   bool
	}{{"P-256", p256, true}, {"Ed25519", ed, true}, {"P-224", p224, false}, {"RSA", weak, false}} {
		r, err := ParseRequest(request(t, tt.key))
		if (err == nil) != tt.ok || tt.ok && len(r.Fingerprint) != 64 {
			t.Errorf("%s: %+v, %v", tt.name, r, err)
		}
	}
}

func TestServerCertificateIsRenewed(t *testing.T) {
	now := time.Now()
	ca, err := New("k8c1", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	config, err := ca.ServerTLS([]string{"10.9.0.2", "joinsvc.example"})
	if err != nil {
		t.Fatal(err)
	}
	serial := func() string {
		t.Helper()
		cert, err := config.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(cert.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"10.9.0.2", "joinsvc.example"} {
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: name, CurrentTime: now}); err != nil {
				t.Errorf("as %s: %v", name, err)
			}
		}
		return leaf.SerialNumber.String()
	}
	first := serial()
	now = now.Add(leafValid/2 - time.Hour)
	if serial() != first {
		t.Error("renewed before its half-life")
	}
	now = now.Add(2 * time.Hour)
	if serial() == first {
		t.Error("not renewed after its half-life")
	}
}
