// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

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
