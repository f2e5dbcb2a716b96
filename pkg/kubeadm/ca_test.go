// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/apply/applytest"
)

func TestCarried(t *testing.T) {
	mine, other := applytest.New(t), applytest.New(t)
	hash := func(s *applytest.Server) string {
		hashes, err := keyHashes(s.CA())
		if err != nil || len(hashes) != 1 || len(hashes[0]) != len("sha256:")+64 {
			t.Fatal(hashes, err)
		}
		return hashes[0]
	}
	byFile := "clusters: [{name: a, cluster: {certificate-authority: /etc/kubernetes/pki/ca.crt}}]\n" +
		"contexts: [{name: c, context: {cluster: a}}]\ncurrent-context: c\n"
	both := string(mine.CA()) + string(other.CA())
	for _, tc := range []struct {
		name, conf, ca string
		mine           []bool // of each file: is it mine?
		err            string
	}{
		{name: "nothing"},
		{name: "joined", conf: mine.Kubeconfig(t, "https://a:1"), ca: string(mine.CA()), mine: []bool{true, true}},
		{name: "kubelet's is another", conf: other.Kubeconfig(t, "https://a:1"), ca: string(mine.CA()), mine: []bool{false, true}},
		{name: "kubelet's names the file", conf: byFile, ca: string(mine.CA()), mine: []bool{true, true}},
		{name: "while the CA is replaced", conf: mine.Kubeconfig(t, "https://a:1"), ca: both, mine: []bool{true, true}},
		{name: "the CA alone", ca: string(other.CA()), mine: []bool{false}},
		{name: "no kubeconfig", conf: "[", ca: string(mine.CA()), err: kubeletConf},
		{name: "a kubeconfig without a CA", conf: "kind: Config\n", ca: string(mine.CA()), err: "names no CA"},
		{name: "no certificate", ca: "hello", err: caCert},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t, nil)
			for name, text := range map[string]string{kubeletConf: tc.conf, caCert: tc.ca} {
				if text != "" {
					if err := atomicfile.Write(h.node.Root.Path(name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			carried, err := h.node.Carried()
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if len(carried) != len(tc.mine) {
				t.Fatalf("got %v", carried)
			}
			for i, c := range carried {
				if named := c.File == kubeletConf || c.File == caCert; !named || i > 0 && c.File == carried[0].File {
					t.Errorf("file %d is called %q", i, c.File)
				}
				if c.Is(hash(mine)) != tc.mine[i] {
					t.Errorf("%s holds %v, mine is %s", c.File, c.Hashes, hash(mine))
				}
			}
		})
	}
}

// renewed is a certificate of kubelet's that is good for centuries, with its key.
func renewed(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(500, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// kubelet's certificate is in a file that its kubeconfig names, with the key, or
// in the kubeconfig itself. A host that was off for a year comes back with one
// that nobody takes.
func TestAdmitted(t *testing.T) {
	s := applytest.New(t)
	block, _ := pem.Decode(s.CA())
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	const file = kubeletCert
	named := "contexts: [{name: c, context: {user: u}}]\ncurrent-context: c\nusers: [{name: u, user: {client-certificate: " + file + "}}]\n"
	during, after := cert.NotAfter.Add(-time.Minute), cert.NotAfter.Add(time.Minute)
	for _, tc := range []struct {
		name, conf, pem string
		now             time.Time
		want            string // in the error; none: it is admitted
	}{
		{"within", s.Kubeconfig(t, "https://a:1"), "", during, ""},
		{"within, run out", s.Kubeconfig(t, "https://a:1"), "", after, kubeletConf + " ran out on "},
		{"within, run out, and renewed", s.Kubeconfig(t, "https://a:1"), renewed(t), after, ""},
		{"named", named, string(s.CA()), during, ""},
		{"named, run out", named, string(s.CA()), after, file + " ran out on "},
		{"named, behind its key", named, string(s.Key(t)) + string(s.CA()), after, file + " ran out on "},
		{"named, not there", named, "", during, "mount /var/lib/kubelet, or put it back"},
		{"a token's", "kind: Config\n", "", after, ""},
		{"no kubeconfig", "[", "", during, kubeletConf},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t, nil)
			for name, text := range map[string]string{kubeletConf: tc.conf, file: tc.pem} {
				if text != "" {
					if err := atomicfile.Write(h.node.Root.Path(name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			err := h.node.Admitted(tc.now)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
