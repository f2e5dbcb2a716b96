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
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
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
	}{{"P-256", p256, true}, {"P-384", p384, true}, {"Ed25519", ed, true}, {"P-224", p224, false}, {"RSA", weak, false}} {
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

// What a certificate says decides what its holder may do: a CA signs and does
// nothing else, a node is a client and no server, joinsvc the other way round
// (RFC 5280 section 4.2.1.3 and 4.2.1.12).
func TestWhatCertificatesSay(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	ca, err := New("k8c1", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	r, err := ParseRequest(request(t, p256))
	if err != nil {
		t.Fatal(err)
	}
	text, err := ca.SignNode(r, "k8c1s1")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(text))
	config, err := ca.ServerTLS([]string{"10.9.0.2"})
	if err != nil {
		t.Fatal(err)
	}
	served, err := config.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		der     []byte
		subject string
		usage   x509.KeyUsage
		extra   []x509.ExtKeyUsage
		valid   time.Duration
	}{
		{ca.cert.Raw, "CN=joinsvc CA of k8c1", x509.KeyUsageCertSign, nil, caValid},
		{block.Bytes, "CN=k8c1s1,OU=nodeprep:nodes", x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, leafValid},
		{served.Certificate[0], "CN=joinsvc", x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, leafValid},
	} {
		c, err := x509.ParseCertificate(tt.der)
		if err != nil {
			t.Fatal(err)
		}
		if c.Subject.String() != tt.subject || c.KeyUsage != tt.usage || !slices.Equal(c.ExtKeyUsage, tt.extra) {
			t.Errorf("%s: usage %v, %v, want %s: %v, %v", c.Subject, c.KeyUsage, c.ExtKeyUsage, tt.subject, tt.usage, tt.extra)
		}
		if !c.NotBefore.Equal(now.Add(-early)) || !c.NotAfter.Equal(now.Add(tt.valid)) {
			t.Errorf("%s: valid %s–%s", c.Subject, c.NotBefore, c.NotAfter)
		}
		// Of 127 random bits these are less than 64 once in 2^63 times.
		if c.SerialNumber.BitLen() < 64 {
			t.Errorf("%s: the serial number is %v", c.Subject, c.SerialNumber)
		}
	}
}

// A CA is joinsvc's of a cluster by its name alone; another's is of none.
func TestTheClusterOfACA(t *testing.T) {
	key := ecKey(t)
	other := signed(t, &x509.Certificate{Subject: pkix.Name{CommonName: "k8c1"}, IsCA: true}, &x509.Certificate{Subject: pkix.Name{CommonName: "k8c1"}}, key, key)
	if got := (&CA{cert: other}).Cluster(); got != "" {
		t.Errorf("it is of %q", got)
	}
}

// The first and the last moment of a certificate are part of its time (RFC 5280
// section 4.1.2.5).
func TestTheEndsOfACAsTime(t *testing.T) {
	now := time.Date(2031, 3, 1, 12, 0, 0, 0, time.UTC)
	ca, err := New("k8c1", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		at    time.Time
		valid bool
	}{
		{ca.cert.NotBefore, true},
		{ca.cert.NotBefore.Add(-time.Second), false},
		{ca.cert.NotAfter, true},
		{ca.cert.NotAfter.Add(time.Second), false},
	} {
		now = tt.at
		if err := ca.Valid(); (err == nil) != tt.valid {
			t.Errorf("at %s: %v", tt.at, err)
		}
	}
}

func TestWhatIsNoRequest(t *testing.T) {
	whole := request(t, newEd25519(t))
	block, _ := pem.Decode([]byte(whole))
	for name, tt := range map[string]struct{ text, says string }{
		"nothing":         {"", "is not one PEM block"},
		"two":             {whole + whole, "is not one PEM block"},
		"of another kind": {encode("CERTIFICATE", block.Bytes), "is not one PEM block"},
		"no PKCS #10":     {encode("CERTIFICATE REQUEST", []byte("x")), "reading PKCS #10"},
	} {
		if r, err := ParseRequest(tt.text); err == nil || !strings.Contains(err.Error(), tt.says) || r != (Request{}) {
			t.Errorf("%s: %+v, %v, want %q", name, r, err, tt.says)
		}
	}
}

// The name in a request is the sender's wish, which its log line tells.
func TestARequestsName(t *testing.T) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "k8c1s1"}}, newEd25519(t))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := ParseRequest(encode("CERTIFICATE REQUEST", der)); err != nil || r.CommonName != "k8c1s1" {
		t.Errorf("%+v, %v", r, err)
	}
}

// What cannot be kept was not made: a CA in memory alone would be another one
// after the next start.
func TestWhatCannotBeKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(filepath.Dir(file), "folder", "x")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file + "/ca.pem", filepath.Dir(folder)} {
		if ca, err := Create(path, "k8c1", time.Now); err == nil || ca != nil {
			t.Errorf("a CA in %s: %v, %v", path, ca, err)
		}
		if key, err := CreateKey(path); err == nil || key.PEM != nil {
			t.Errorf("a key in %s: %v, %v", path, key, err)
		}
	}
}

// Both files hold ECDSA keys; another kind of key is somebody else's file.
func TestKeysOfAnotherKindOnFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	der, err := x509.MarshalPKCS8PrivateKey(newEd25519(t))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := New("k8c1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	whole := encode("PRIVATE KEY", der)
	for text, open := range map[string]func() error{
		whole:            func() error { _, err := OpenKey(path); return err },
		whole + ca.PEM(): func() error { _, err := Open(path, time.Now); return err },
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := open(); err == nil || !strings.Contains(err.Error(), "the key is ed25519.PrivateKey, want ECDSA") {
			t.Errorf("got %v", err)
		}
	}
}
