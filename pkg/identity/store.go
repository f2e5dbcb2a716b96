// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// A Store keeps the node's key and enrolment in one folder, files at mode 0600.
type Store struct{ Dir string }

const (
	keyFile       = "node.key"
	enrolmentFile = "enrolment.json"
)

// Key returns the node's private key and makes it on first use. It never
// leaves the host; ECDSA P-256 (FIPS 186-5), PKCS #8 in PEM.
func (s Store) Key() (crypto.Signer, error) {
	key, err := s.readKey()
	if errors.Is(err, fs.ErrNotExist) {
		return s.makeKey(filepath.Join(s.Dir, keyFile))
	}
	return key, err
}

func (s Store) readKey() (crypto.Signer, error) {
	path := filepath.Join(s.Dir, keyFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the node's key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("reading the node's key: %s holds no PEM; remove it to enrol anew", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the node's key %s: %w; remove it to enrol anew", path, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("reading the node's key: %s holds a %T, which signs nothing", path, key)
	}
	return signer, nil
}

func (s Store) makeKey(path string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the node's key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding the node's key: %w", err)
	}
	return key, s.write(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// Save keeps what joinsvc answered to the enrolment.
func (s Store) Save(e joinapi.EnrolResponse) error {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the enrolment: %w", err)
	}
	return s.write(filepath.Join(s.Dir, enrolmentFile), append(data, '\n'))
}

// Outworn says of an enrolment that is kept why it does not hold any more.
const Outworn = "outworn: its certificate ran out, or its key was lost"

// Load returns the enrolment; ok is false when there is none, or its
// certificate has run out at now, or is not that of the key: one that was lost
// takes the certificate with it, and the host has to enrol anew.
func (s Store) Load(now time.Time) (e joinapi.EnrolResponse, ok bool, err error) {
	path := filepath.Join(s.Dir, enrolmentFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return e, false, nil
	}
	if err != nil {
		return e, false, fmt.Errorf("reading the enrolment: %w", err)
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return e, false, fmt.Errorf("reading the enrolment %s: %w; remove it to enrol anew", path, err)
	}
	cert, err := certificate(e.Certificate)
	if err != nil {
		return e, false, fmt.Errorf("reading the enrolment %s: %w; remove it to enrol anew", path, err)
	}
	key, err := s.readKey()
	if errors.Is(err, fs.ErrNotExist) {
		return e, false, nil
	}
	if err != nil {
		return e, false, err
	}
	public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return e, ok && public.Equal(key.Public()) && now.Before(cert.NotAfter), nil
}

func certificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the certificate is no PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parsing the certificate: %w", err)
	}
	return cert, nil
}

// Client returns this node's client of the joinsvc at server, with the key and
// the certificate that are kept here, on hardware id.
func (s Store) Client(server string, id joinapi.Identity) (*joinapi.Client, error) {
	e, _, err := s.Load(time.Time{})
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(filepath.Join(s.Dir, keyFile))
	if err != nil {
		return nil, fmt.Errorf("reading the node's key: %w", err)
	}
	return joinapi.NewClient(server, []byte(e.CA), []byte(e.Certificate), key, id)
}

func (s Store) write(path string, data []byte) error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("making %s: %w", s.Dir, err)
	}
	return atomicfile.Write(path, data, 0o600)
}
