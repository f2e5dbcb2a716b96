// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Trust says by what the APIC is known. Of the two at most one is set; with
// neither, the system's certificate authorities vouch for it.
type Trust struct {
	CA  []byte // certificates in PEM
	Pin *Pin
}

// A Pin is the SHA-256 of a certificate's SubjectPublicKeyInfo, as RFC 7469
// section 2.4 pins keys: it outlives a renewed certificate of the same key.
type Pin [sha256.Size]byte

// ParsePin reads "sha256:" and 64 hexadecimal digits.
func ParsePin(text string) (*Pin, error) {
	digits, ok := strings.CutPrefix(text, "sha256:")
	sum, err := hex.DecodeString(digits)
	if !ok || err != nil || len(sum) != sha256.Size {
		return nil, fmt.Errorf("%q is no pin; want sha256: and the 64 hexadecimal digits of the SHA-256 of the certificate's public key", text)
	}
	pin := Pin(sum)
	return &pin, nil
}

// PinOf is the pin that a certificate matches.
func PinOf(cert *x509.Certificate) Pin { return sha256.Sum256(cert.RawSubjectPublicKeyInfo) }

// String writes what ParsePin reads.
func (p Pin) String() string { return "sha256:" + hex.EncodeToString(p[:]) }

// A WrongPinError says that whoever answered has another key than the pinned
// one. It has been sent neither a name nor a password.
type WrongPinError struct{ Want, Got Pin }

// Error names both pins, so that they can be compared.
func (e *WrongPinError) Error() string {
	return fmt.Sprintf("the APIC's certificate has the key %s, the pin is %s; if the key was changed on purpose, read the new one at the APIC itself", e.Got, e.Want)
}

// config is the TLS side of trust. TLS 1.2 is the least and not 1.3 as
// elsewhere in this project: an APIC speaks 1.1 and 1.2 unless somebody set
// sslProtocols of its class commHttps to more.
func (t Trust) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	switch {
	case t.CA != nil && t.Pin != nil:
		return nil, errors.New("the APIC is known either by a CA or by a pin, not by both")
	case t.CA != nil:
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(t.CA) {
			return nil, errors.New("reading the APIC's CA: no certificate in it; want PEM")
		}
	case t.Pin != nil:
		// An APIC comes with a certificate that it has signed itself, without
		// its addresses. Its key is what the pin names, so the usual check is
		// replaced by one that a forger cannot pass.
		config.InsecureSkipVerify = true //nolint:gosec // VerifyConnection compares the key
		config.VerifyConnection = t.Pin.verify
	}
	return config, nil
}

// verify refuses every key but the pinned one.
func (p Pin) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the APIC shows no certificate")
	}
	got := PinOf(state.PeerCertificates[0])
	if subtle.ConstantTimeCompare(got[:], p[:]) != 1 {
		return &WrongPinError{Want: p, Got: got}
	}
	return nil
}
