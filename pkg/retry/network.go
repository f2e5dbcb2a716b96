// SPDX-License-Identifier: Apache-2.0

package retry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
)

// Network tells whether err is of a connection that could not be made or broke,
// or of an answer that did not come in time. Who answers with another's
// certificate, or speaks another protocol, is no such case and does not pass.
func Network(err error) bool {
	var broken *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return false
	case mistaken(err):
		return false
	case errors.As(err, &broken):
		// crypto/tls names so what the other side refused in the handshake: our
		// certificate, mostly.
		return broken.Op != "remote error"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.DeadlineExceeded):
		return true
	}
	var network net.Error // and whatever else a request came to: url.Error is one
	return errors.As(err, &network)
}

// mistaken tells whether somebody else answered than was asked.
func mistaken(err error) bool {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) {
		// A clock that has not been set since the host was off gives the same.
		return invalid.Reason != x509.Expired
	}
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var plain tls.RecordHeaderError
	return errors.As(err, &certificate) || errors.As(err, &authority) || errors.As(err, &name) ||
		errors.As(err, &plain) || errors.Is(err, http.ErrSchemeMismatch)
}
