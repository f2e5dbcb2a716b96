// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
)

// Open reads the CA kept in the file at path, or makes it there. Key and
// certificate are one file of mode 0600, so that one rename makes both.
func Open(path, cluster string, now func() time.Time) (*CA, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return create(path, cluster, now)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the CA: %w", err)
	}
	ca, err := decode(data, now)
	if err != nil {
		return nil, fmt.Errorf("reading the CA in %s: %w", path, err)
	}
	return ca, nil
}

func create(path, cluster string, now func() time.Time) (*CA, error) {
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

// OpenKey reads the ECDSA P-256 key kept in the file at path, or makes it
// there with mode 0600, and returns it in PEM (PKCS #8).
func OpenKey(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err == nil {
		return data, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	text := encode("PRIVATE KEY", der)
	if err := writeSecret(path, text); err != nil {
		return nil, fmt.Errorf("keeping a key: %w", err)
	}
	return []byte(text), nil
}

// writeSecret keeps a secret for its owner alone, in a folder that is as closed.
func writeSecret(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, []byte(text), 0o600)
}
