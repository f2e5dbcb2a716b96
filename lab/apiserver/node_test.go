// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/cluster"
)

// testLeftover is the Node of a host that is installed anew, as joinsvc's own
// rights let it be marked, and as kubeadm join looks at it.
func (f *fixture) testLeftover(t *testing.T) {
	const name = "leftover.labs.haystacknetworks.com"
	f.register(t, name)
	defer f.kubectl(t, "", "delete", "node", name)
	f.kubectl(t, "", "patch", "node", name, "--subresource", "status", "--type", "merge", "--patch",
		`{"status":{"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady"},{"type":"DiskPressure","status":"False"}]}}`)
	if was, err := f.cluster.MarkNotReady(t.Context(), name); !was || err != nil {
		t.Fatalf("it was ready: %v, %v", was, err)
	}
	const conditions = `jsonpath={range .status.conditions[*]}{.type}={.status}/{.reason} {end}`
	if got := f.kubectl(t, "", "get", "node", name, "--output", conditions); !strings.Contains(got, "Ready=Unknown/HostJoinsAnew") || !strings.Contains(got, "DiskPressure=False") {
		t.Errorf("it says %q", got)
	}
	if was, err := f.cluster.MarkNotReady(t.Context(), name); was || err != nil {
		t.Errorf("once more: %v, %v", was, err)
	}
}

// testPing asks an API server that works; one that knows joinsvc's certificate
// no more is another answer than one that is away.
func (f *fixture) testPing(t *testing.T) {
	if took, err := f.cluster.Ping(t.Context()); err != nil || took <= 0 {
		t.Errorf("ready after %v, %v", took, err)
	}
	stranger := f.access
	key := newKey(t)
	stranger.Certificate = selfSigned(t, key)
	c, err := cluster.Connect(stranger, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ping(t.Context()); !errors.Is(err, cluster.ErrRefused) {
		t.Errorf("with a certificate of nobody: %v", err)
	}
}

// selfSigned has joinsvc's name, and nobody's word for it.
func selfSigned(t *testing.T, keyPEM []byte) string {
	t.Helper()
	block, _ := pem.Decode(keyPEM)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		t.Fatalf("a %T signs nothing", key)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: cluster.User}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
