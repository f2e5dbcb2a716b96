// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"sync"
	"time"
)

// ServerTLS is TLS 1.3 with a server certificate for names (DNS names and IP
// addresses), which is made anew when half of its life is over. The chain
// holds the CA, because an enrolling host knows it only by its hash. Client
// certificates are verified when given; whether one is needed is the
// handler's to say, since a host that enrols has none.
func (ca *CA) ServerTLS(names []string) (*tls.Config, error) {
	s := &server{ca: ca, names: names}
	if _, err := s.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: s.get,
		ClientAuth:     tls.VerifyClientCertIfGiven,
		ClientCAs:      ca.Pool(),
	}, nil
}

type server struct {
	ca    *CA
	names []string

	mu    sync.Mutex
	cert  *tls.Certificate
	renew time.Time
}

func (s *server) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cert != nil && s.ca.now().Before(s.renew) {
		return s.cert, nil
	}
	cert, err := s.ca.signServer(s.names)
	if err != nil {
		return nil, err
	}
	s.cert, s.renew = cert, s.ca.now().Add(leafValid/2)
	return cert, nil
}

func (ca *CA) signServer(names []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the server's key: %w", err)
	}
	tmpl, err := template(pkix.Name{CommonName: "joinsvc"}, ca.now(), leafValid)
	if err != nil {
		return nil, err
	}
	tmpl.KeyUsage = x509.KeyUsageDigitalSignature
	tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.cert, key.Public(), ca.key)
	if err != nil {
		return nil, fmt.Errorf("signing the server's certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, ca.cert.Raw}, PrivateKey: key}, nil
}
