// SPDX-License-Identifier: Apache-2.0

// Package pki signs certificates: joinsvc's own CA, one ECDSA P-256 key, signs
// its server certificate and the nodes' client certificates; SignClient does
// the latter for any CA whose key is at hand.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// NodesOU is the organizational unit in the certificate of every node.
const NodesOU = "nodeprep:nodes"

// How long certificates are valid. A host's clock can be behind when it
// enrols, before it has a network to ask for the time, hence early.
const (
	caValid   = 10 * 365 * 24 * time.Hour
	leafValid = 365 * 24 * time.Hour
	early     = 24 * time.Hour
)

// A CA signs certificates.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	now  func() time.Time
}

// New makes a CA for the named cluster.
func New(cluster string, now func() time.Time) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the CA's key: %w", err)
	}
	tmpl, err := template(pkix.Name{CommonName: commonName + cluster}, now(), caValid)
	if err != nil {
		return nil, err
	}
	tmpl.IsCA = true
	tmpl.BasicConstraintsValid = true
	tmpl.MaxPathLenZero = true
	tmpl.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing the CA's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading the CA's certificate back: %w", err)
	}
	return &CA{cert: cert, key: key, now: now}, nil
}

// Certificate is the CA's own.
func (ca *CA) Certificate() *x509.Certificate { return ca.cert }

// commonName is what New calls the CA of a cluster.
const commonName = "joinsvc CA of "

// Cluster is the cluster that New made the CA for, empty when it was made by
// something else.
func (ca *CA) Cluster() string {
	cluster, ours := strings.CutPrefix(ca.cert.Subject.CommonName, commonName)
	if !ours {
		return ""
	}
	return cluster
}

// A ValidityError says that a certificate is not valid at the time that the
// machine's clock shows.
type ValidityError struct{ NotBefore, NotAfter, Now time.Time }

// Error says which of the two ends it is.
func (e *ValidityError) Error() string {
	now := e.Now.UTC().Format(time.RFC3339)
	if e.Now.Before(e.NotBefore) {
		return fmt.Sprintf("its certificate is not valid before %s, and this machine's clock says %s", e.NotBefore.UTC().Format(time.RFC3339), now)
	}
	return fmt.Sprintf("its certificate was valid until %s, and this machine's clock says %s", e.NotAfter.UTC().Format(time.RFC3339), now)
}

// Valid returns nil when what the CA signs now can be verified now, else
// *ValidityError (RFC 5280 section 4.1.2.5).
func (ca *CA) Valid() error {
	now := ca.now()
	if now.Before(ca.cert.NotBefore) || now.After(ca.cert.NotAfter) {
		return &ValidityError{NotBefore: ca.cert.NotBefore, NotAfter: ca.cert.NotAfter, Now: now}
	}
	return nil
}

// PEM is the CA's certificate as nodes store it.
func (ca *CA) PEM() string { return encode("CERTIFICATE", ca.cert.Raw) }

// Pool holds this CA alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// A Request is a certificate request whose signature has been checked.
type Request struct {
	key         crypto.PublicKey
	Fingerprint string // of the key
	CommonName  string // that the sender asks for; what it gets is the signer's to say
}

// ParseRequest reads one PKCS #10 request (RFC 2986) in PEM and checks that its
// sender holds the key: after the kind of the key, since an RSA key of 60 kB
// takes two seconds of a processor to verify with.
func ParseRequest(text string) (Request, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) != 0 {
		return Request{}, errors.New("is not one PEM block CERTIFICATE REQUEST")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return Request{}, fmt.Errorf("reading PKCS #10: %w", err)
	}
	if err := acceptable(csr.PublicKey); err != nil {
		return Request{}, err
	}
	if err := csr.CheckSignature(); err != nil {
		return Request{}, fmt.Errorf("checking that the sender holds the key: %w", err)
	}
	return Request{key: csr.PublicKey, Fingerprint: spki(csr.RawSubjectPublicKeyInfo), CommonName: csr.Subject.CommonName}, nil
}

func acceptable(key crypto.PublicKey) error {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() || k.Curve == elliptic.P384() {
			return nil
		}
	}
	return errors.New("the key is neither Ed25519 nor ECDSA P-256 or P-384")
}

// Fingerprint names the key of a certificate: lower-case hex of the SHA-256 of
// its SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
func Fingerprint(cert *x509.Certificate) string { return spki(cert.RawSubjectPublicKeyInfo) }

func spki(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// SignNode issues the certificate, in PEM, with which the node called name acts
// as a client. It is valid for a year.
func (ca *CA) SignNode(r Request, name string) (string, error) {
	if err := ca.Valid(); err != nil {
		return "", fmt.Errorf("signing the certificate of %s: joinsvc's CA: %w", name, err)
	}
	subject := pkix.Name{CommonName: name, OrganizationalUnit: []string{NodesOU}}
	return SignClient(ca.cert, ca.key, r, subject, ca.now())
}

// SignClient issues the certificate, in PEM, with which the sender of r acts as
// the client called subject. It is signed with the key of ca, and valid for a
// year from now.
func SignClient(ca *x509.Certificate, key crypto.PrivateKey, r Request, subject pkix.Name, now time.Time) (string, error) {
	tmpl, err := template(subject, now, leafValid)
	if err != nil {
		return "", err
	}
	tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	tmpl.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, r.key, key)
	if err != nil {
		return "", fmt.Errorf("signing the certificate of %s: %w", subject.CommonName, err)
	}
	return encode("CERTIFICATE", der), nil
}

func template(subject pkix.Name, now time.Time, valid time.Duration) (*x509.Certificate, error) {
	// At least 64 bits from a CSPRNG (CA/Browser Forum Baseline Requirements 7.1).
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("making a serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    now.Add(-early),
		NotAfter:     now.Add(valid),
	}, nil
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
