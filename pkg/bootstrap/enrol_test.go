// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/identity"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// certified answers an enrolment with a certificate of one hour.
func certified(t *testing.T, key crypto.Signer) joinapi.EnrolResponse {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return joinapi.EnrolResponse{Node: "k8c1s1", Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// One key is made and kept, however often joinsvc has to be asked: another would
// be another host, and the token is used up. What is kept is root's alone.
func TestEnrolment(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	var keys []crypto.Signer
	answers := []error{errors.New("the token is spent"), &url.Error{Op: "Post", Err: io.EOF}, nil, nil}
	e := Enrolment{
		Store: identity.Store{Dir: dir}, URL: "https://joinsvc", Now: func() time.Time { return now },
		Ask: func(_ context.Context, key crypto.Signer) (joinapi.EnrolResponse, error) {
			err := answers[0]
			keys, answers = append(keys, key), answers[1:]
			return certified(t, key), err
		},
	}
	run := func() (phase.Result, error) {
		return phase.Runner{Report: func(phase.Event) {}, Now: time.Now}.Run(t.Context(), []phase.Phase{e.Phase()})
	}
	if _, err := run(); err == nil || !strings.Contains(err.Error(), "the token is spent") || len(keys) != 1 {
		t.Errorf("asked %d times: %v", len(keys), err)
	}
	if r, err := run(); err != nil || r.Changes != 1 || len(keys) != 3 {
		t.Errorf("asked %d times: %+v, %v", len(keys), r, err)
	}
	if r, err := run(); err != nil || r.Changes != 0 || len(keys) != 3 {
		t.Errorf("an enrolled host asked %d times: %+v, %v", len(keys), r, err)
	}
	for _, name := range []string{"node.key", "enrolment.json"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(name, info, err)
		}
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		t.Error(err)
	}
	now = now.Add(2 * time.Hour) // the certificate is no longer valid
	if _, err := run(); err == nil || len(keys) != 4 {
		t.Errorf("asked %d times: %v", len(keys), err) // certified anew from the past: planning again says so
	}
	for _, key := range keys[1:] {
		if !key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(keys[0].Public()) {
			t.Error("another key was shown")
		}
	}
}
