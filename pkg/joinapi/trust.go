// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// A WrongCAError says that whoever answered is not the joinsvc that made the
// enrolment token. Nothing of the token has been sent to it.
type WrongCAError struct {
	Server string   // host of the URL
	Want   string   // the CA hash that the token holds
	Got    []string // the hashes of the certificates that the server showed
}

// Error names both hashes, so that they can be compared with joinsvc's log.
func (e *WrongCAError) Error() string {
	return fmt.Sprintf("%s is not the joinsvc of this enrolment token: the token wants the CA with SHA-256 %s, the server shows %s; "+
		"check the URL, or make a token on that joinsvc", e.Server, e.Want, strings.Join(e.Got, ", "))
}

// CAHash is how a token names a CA: lower-case hex of the SHA-256 of its DER.
func CAHash(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// pinned trusts the one CA whose hash the token holds. crypto/tls cannot look
// a root up by its hash, so its own check is replaced, not skipped: the chain
// must hold that CA, and the leaf must verify against it for host.
func pinned(host, caHash string) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it, stricter
		VerifyConnection: func(cs tls.ConnectionState) error {
			return verifyPinned(cs.PeerCertificates, host, caHash)
		},
	}
}

func verifyPinned(chain []*x509.Certificate, host, caHash string) error {
	wrong := &WrongCAError{Server: host, Want: caHash}
	for _, cert := range chain {
		got := CAHash(cert.Raw)
		if got != caHash {
			wrong.Got = append(wrong.Got, got)
			continue
		}
		roots := x509.NewCertPool()
		roots.AddCert(cert)
		// DNSName takes an IP address too (x509.Certificate.VerifyHostname).
		// ConnectionState.ServerName does not: SNI leaves addresses out (RFC 6066 section 3).
		if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
			return fmt.Errorf("the certificate of %s, signed by the right CA: %w", host, err)
		}
		return nil
	}
	return wrong
}

// mutual is TLS 1.3 with the node's certificate and the one CA.
func mutual(ca, cert, key []byte) (*tls.Config, error) {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("reading the node's certificate and key: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("reading joinsvc's CA: no certificate in it")
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots, Certificates: []tls.Certificate{pair}}, nil
}

// newRequest makes the CSR that proves possession of key (RFC 2986).
func newRequest(key crypto.Signer, hostname string) (string, error) {
	tmpl := &x509.CertificateRequest{Subject: pkix.Name{CommonName: hostname}}
	der, err := x509.CreateCertificateRequest(rand.Reader, tmpl, key)
	if err != nil {
		return "", fmt.Errorf("signing the certificate request: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), nil
}
