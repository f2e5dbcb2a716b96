// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
)

// Open reads the CA kept in the file at path. One that is not there is
// fs.ErrNotExist: only the caller knows whether it is too early for a CA or
// whether one was lost. One that is not valid now is *ValidityError.
func Open(path string, now func() time.Time) (*CA, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the CA: %w", err)
	}
	ca, err := decode(data, now)
	if err != nil {
		return nil, fmt.Errorf("reading the CA in %s: %w", path, err)
	}
	if err := ca.Valid(); err != nil {
		return nil, fmt.Errorf("reading the CA in %s: %w", path, err)
	}
	return ca, nil
}

// Create makes a CA for the named cluster and keeps it in the file at path. Key
// and certificate are one file of mode 0600, so that one rename makes both.
func Create(path, cluster string, now func() time.Time) (*CA, error) {
	ca, err := New(cluster, now)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(ca.key)
	if err != nil {
		return nil, fmt.Errorf("encoding the CA's key: %w", err)
	}
	if err := writeSecret(path, encode("PRIVATE KEY", der)+ca.PEM()); err != nil {
		return nil, fmt.Errorf("keeping the CA: %w", err)
	}
	return ca, nil
}

func decode(data []byte, now func() time.Time) (*CA, error) {
	keyBlock, rest := pem.Decode(data)
	certBlock, _ := pem.Decode(rest)
	if keyBlock == nil || certBlock == nil {
		return nil, errors.New("want two PEM blocks, PRIVATE KEY and CERTIFICATE")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key is %T, want ECDSA", parsed)
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("key and certificate do not belong together")
	}
	return &CA{cert: cert, key: key, now: now}, nil
}

// A Key is a private key in a file.
type Key struct {
	PEM         []byte // PKCS #8
	Fingerprint string // of its public half, as Fingerprint has it
}

// OpenKey reads the ECDSA key (PEM, PKCS #8) kept in the file at path. One that
// is not there is fs.ErrNotExist, as with Open.
func OpenKey(path string) (Key, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("reading the key: %w", err)
	}
	key, err := parseKey(data)
	if err != nil {
		return Key{}, fmt.Errorf("reading the key in %s: %w", path, err)
	}
	return key, nil
}

func parseKey(data []byte) (Key, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return Key{}, errors.New("the file is empty; want one PEM block PRIVATE KEY")
	}
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return Key{}, errors.New("want one PEM block PRIVATE KEY and nothing else")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return Key{}, fmt.Errorf("the key is %T, want ECDSA", parsed)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return Key{}, err
	}
	return Key{PEM: data, Fingerprint: spki(public)}, nil
}

// CreateKey makes an ECDSA P-256 key and keeps it, PEM of mode 0600, in the
// file at path.
func CreateKey(path string) (Key, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Key{}, fmt.Errorf("encoding a key: %w", err)
	}
	text := encode("PRIVATE KEY", der)
	if err := writeSecret(path, text); err != nil {
		return Key{}, fmt.Errorf("keeping a key: %w", err)
	}
	return parseKey([]byte(text))
}

// writeSecret keeps a secret for its owner alone, in a folder that is as closed.
func writeSecret(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, []byte(text), 0o600)
}
