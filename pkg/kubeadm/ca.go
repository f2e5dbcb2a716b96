// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/kubeadm/apply"
)

// A CarriedCA is one file of this host that says which cluster it belongs to.
type CarriedCA struct {
	File string // "/etc/kubernetes/kubelet.conf"
	// Hashes name its CA as kubeadm pins it, "sha256:<hex>" of the public key
	// (--discovery-token-ca-cert-hash); more than one while a CA is replaced.
	Hashes []string
}

// Is tells whether the CA that hash names is among them.
func (c CarriedCA) Is(hash string) bool { return slices.Contains(c.Hashes, hash) }

// Carried returns what this host says of its cluster: kubelet's kubeconfig and
// the CA that kubeadm left. What is not there is left out.
func (n Node) Carried() ([]CarriedCA, error) {
	var carried []CarriedCA
	for _, name := range []string{kubeletConf, caCert} {
		text, there, err := n.Root.ReadOptional(name)
		if err == nil && !there {
			continue
		}
		if err == nil && name == kubeletConf {
			text, err = apply.ClusterCA(text, n.Root.Read)
		}
		var hashes []string
		if err == nil {
			hashes, err = keyHashes([]byte(text))
		}
		if err != nil {
			return nil, fmt.Errorf("reading whose cluster this host carries from %s: %w", name, err)
		}
		carried = append(carried, CarriedCA{File: name, Hashes: hashes})
	}
	return carried, nil
}

// Admitted returns an error when the certificate with which kubelet goes into the
// cluster is gone or has run out at now: kubelet renews it in time, and cannot
// afterwards, as on a host that was off for long.
func (n Node) Admitted(now time.Time) error {
	cert, file, err := n.kubelets()
	if err != nil || cert == nil {
		return err
	}
	if now.After(cert.NotAfter) {
		return fmt.Errorf("kubelet's certificate in %s ran out on %s, and this host's clock says %s: the cluster does not let it in, and it cannot renew it by itself",
			file, cert.NotAfter.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// nodeUser begins the name of a kubelet in the cluster (kubernetes.io, "Using Node
// Authorization").
const nodeUser = "system:node:"

// Named returns which node this host is by kubelet's certificate, and the file that
// says so; no name where it goes into the cluster by other means than kubeadm's.
func (n Node) Named() (name, file string, err error) {
	cert, file, err := n.kubelets()
	if err != nil || cert == nil {
		return "", "", err
	}
	name, _ = strings.CutPrefix(cert.Subject.CommonName, nodeUser)
	if name == cert.Subject.CommonName {
		return "", "", nil
	}
	return name, file, nil
}

// kubelets is the certificate with which kubelet goes into the cluster, and the
// file that it is in; none where it is let in by other means than kubeadm's.
func (n Node) kubelets() (*x509.Certificate, string, error) {
	conf, err := n.Root.Read(kubeletConf)
	if err != nil {
		return nil, "", fmt.Errorf("reading kubelet's kubeconfig: %w", err)
	}
	text, file, err := apply.ClientCertificate(conf, n.Root.Read)
	if err != nil {
		return nil, "", fmt.Errorf("reading kubelet's certificate that %s names: %w; without it kubelet cannot run: mount /var/lib/kubelet, or put it back with /etc/kubernetes", kubeletConf, err)
	}
	if file == "" { // what kubelet has renewed goes before what it was born with
		renewed, there, err := n.Root.ReadOptional(kubeletCert)
		if err != nil {
			return nil, "", fmt.Errorf("reading kubelet's certificate: %w", err)
		}
		if there {
			text, file = renewed, kubeletCert
		}
	}
	file = cmp.Or(file, kubeletConf)
	block, rest := pem.Decode([]byte(text))
	for block != nil && block.Type != "CERTIFICATE" { // the key is in the same file
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, "", nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, "", fmt.Errorf("reading kubelet's certificate in %s: %w", file, err)
	}
	return cert, file, nil
}

// keyHashes returns the hash of each certificate in text, PEM.
func keyHashes(text []byte) ([]string, error) {
	var hashes []string
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
		hashes = append(hashes, "sha256:"+hex.EncodeToString(sum[:]))
	}
	if len(hashes) == 0 {
		return nil, errors.New("no certificate in it")
	}
	return hashes, nil
}
