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
// addresses), which is made anew when half of its life is over, or when the clock has been
// set back to before it was made. The chain
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

	mu   sync.Mutex
	cert *tls.Certificate
	made time.Time
}

func (s *server) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cert != nil && s.current() {
		return s.cert, nil
	}
	cert, err := s.ca.signServer(s.names)
	if err != nil {
		return nil, err
	}
	s.cert, s.made = cert, s.ca.now()
	return cert, nil
}

// current tells whether the certificate is in the first half of its life. One
// that was made in what is the future by now comes from a clock that was ahead;
// hosts whose clocks are right may refuse it.
func (s *server) current() bool {
	// Without monotonic readings: it is the wall clock that was set.
	now, made := s.ca.now().Round(0), s.made.Round(0)
	return !now.Before(made.Add(-tolerated)) && now.Before(made.Add(leafValid/2))
}

// tolerated is how far a clock may be set back without a new certificate: far
// less than a certificate's early start, far more than what NTP steps.
const tolerated = time.Hour

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
