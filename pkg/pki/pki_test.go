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
	"encoding/pem"
	"errors"
	"io/fs"
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
	if _, err := Open(path, time.Now); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("before there is one: %v", err)
	}
	first, err := Create(path, "k8c1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(path, time.Now)
	if err != nil || again.PEM() != first.PEM() || !again.key.Equal(first.key) || again.Cluster() != "k8c1" {
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
			if _, err := Create(path, "k8c1", time.Now); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(damage(string(data))), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(path, time.Now); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want an error that names %s", err, path)
			}
		})
	}
}

// A CA outside its time signs nothing that anybody could verify.
func TestACAOutsideItsTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.pem")
	made := time.Date(2031, 3, 1, 12, 0, 0, 0, time.UTC)
	if _, err := Create(path, "k8c1", func() time.Time { return made }); err != nil {
		t.Fatal(err)
	}
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	r, err := ParseRequest(request(t, key))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		now  time.Time
		says string // empty when it is valid
	}{
		"the clock was ahead by years":    {made.AddDate(-4, 0, 0), "not valid before 2031-02-28T12:00:00Z, and this machine's clock says 2027-03-01T12:00:00Z"},
		"the clock was ahead by an hour":  {made.Add(-time.Hour), ""},
		"in its last year":                {made.AddDate(9, 6, 0), ""},
		"after eleven years":              {made.AddDate(11, 0, 0), "was valid until 2041-"},
		"a minute before it may be used":  {made.Add(-early - time.Minute), "not valid before"},
		"a minute after it may be used":   {made.Add(-early + time.Minute), ""},
		"a minute after the end":          {made.Add(caValid + time.Minute), "was valid until"},
		"a minute before the end of time": {made.Add(caValid - time.Minute), ""},
	} {
		t.Run(name, func(t *testing.T) {
			now := made
			ca, err := Open(path, func() time.Time { return now })
			if err != nil {
				t.Fatal(err)
			}
			now = tt.now
			_, err = Open(path, func() time.Time { return now })
			_, signing := ca.SignNode(r, "n1")
			for what, err := range map[string]error{"opening": err, "signing": signing, "asking": ca.Valid()} {
				var invalid *ValidityError
				if tt.says == "" && err != nil || tt.says != "" && (!errors.As(err, &invalid) || !strings.Contains(err.Error(), tt.says)) {
					t.Errorf("%s: %v, want %q", what, err, tt.says)
				}
			}
		})
	}
}

func TestKeyOnFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "cluster.key")
	if _, err := OpenKey(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before there is one: %v", err)
	}
	made, err := CreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenKey(path)
	if err != nil || again.Fingerprint != made.Fingerprint || string(again.PEM) != string(made.PEM) || len(made.Fingerprint) != 64 {
		t.Errorf("made %v, opened %v, %v", made.Fingerprint, again.Fingerprint, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	whole := string(made.PEM)
	for name, tt := range map[string]struct{ text, says string }{
		"empty":     {"", "empty"},
		"blank":     {" \n", "empty"},
		"cut":       {whole[:len(whole)/2], "want one PEM block"},
		"two":       {whole + whole, "nothing else"},
		"a request": {request(t, newEd25519(t)), "want one PEM block PRIVATE KEY"},
		"no PKCS 8": {encode("PRIVATE KEY", []byte("x")), "asn1"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenKey(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want an error that names %s and says %q", err, path, tt.says)
			}
		})
	}
}

func newEd25519(t *testing.T) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
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

// An RSA key of 60 kB takes seconds to check a signature with; its kind is seen
// without.
func TestKindOfKeyBeforeSignature(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	forged := func(key crypto.Signer) string {
		block, _ := pem.Decode([]byte(request(t, key)))
		block.Bytes[len(block.Bytes)-1] ^= 1
		return encode("CERTIFICATE REQUEST", block.Bytes)
	}
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	for says, text := range map[string]string{"neither Ed25519": forged(key), "holds the key": forged(p256)} {
		if _, err := ParseRequest(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
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
	second := serial()
	if second == first {
		t.Error("not renewed after its half-life")
	}
	now = now.Add(-time.Minute)
	if serial() != second {
		t.Error("renewed because the clock was set back by a minute")
	}
}

// A certificate that a clock made which was ahead is of the future once the
// clock is right; hosts would refuse it for as long.
func TestServerCertificateFromTheFutureIsRenewed(t *testing.T) {
	right := time.Now()
	now := right
	ca, err := New("k8c1", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for _, ahead := range []time.Duration{2 * time.Hour, 48 * time.Hour, 100 * 24 * time.Hour} {
		now = right.Add(ahead)
		config, err := ca.ServerTLS([]string{"10.9.0.2"})
		if err != nil {
			t.Fatal(err)
		}
		now = right
		cert, err := config.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(cert.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: "10.9.0.2", CurrentTime: now}); err != nil {
			t.Errorf("made %s ahead: %v", ahead, err)
		}
		if want := right.Add(-early); leaf.NotBefore.After(want.Add(time.Minute)) {
			t.Errorf("made %s ahead: still valid from %s, want %s", ahead, leaf.NotBefore, want)
		}
	}
}
