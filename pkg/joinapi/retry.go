// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// An UnexpectedAnswerError is an answer that joinsvc does not give: a proxy, a
// load balancer or another server stands at its address or before it.
type UnexpectedAnswerError struct {
	URL         string // that was asked
	Status      int    // HTTP status
	Server      string // what it calls itself, if it says so (RFC 9110 section 10.2.4)
	ContentType string
	Excerpt     string // the beginning of its body, as text in one line
	After       time.Duration
}

// Error says who answered what, and that it was not joinsvc.
func (e *UnexpectedAnswerError) Error() string {
	from := ""
	if e.Server != "" {
		from = fmt.Sprintf(" by a server that calls itself %q", e.Server)
	}
	return fmt.Sprintf("%s was answered %d %s (%s)%s, which is no answer of joinsvc: %q; look for a proxy or another server at this address",
		e.URL, e.Status, http.StatusText(e.Status), e.ContentType, from, e.Excerpt)
}

// Temporary says whether the status is one that passes by itself: a proxy
// without its server behind it says 502, 503 or 504.
func (e *UnexpectedAnswerError) Temporary() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

func newUnexpected(resp *http.Response, kind string, body []byte) *UnexpectedAnswerError {
	e := &UnexpectedAnswerError{
		Status: resp.StatusCode, Server: resp.Header.Get("Server"), ContentType: kind,
		Excerpt: excerpt(body), After: retryAfter(resp.Header),
	}
	if resp.Request != nil {
		e.URL = resp.Request.URL.Redacted()
	}
	if kind == "" {
		e.ContentType = "no content type"
	}
	return e
}

// maxExcerpt is how much of a foreign answer an error repeats, in bytes.
const maxExcerpt = 200

func excerpt(body []byte) string {
	text := strings.ToValidUTF8(string(bytes.TrimSpace(body[:min(len(body), maxExcerpt)])), "")
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// Temporary says whether asking again, unchanged, may succeed: joinsvc said so,
// a proxy has no joinsvc behind it now, or the connection failed. A refusal, a
// server that is not trusted, a server that does not trust the certificate and
// a call that its own context ended are final.
func Temporary(err error) bool {
	var told *Error
	var stranger *UnexpectedAnswerError
	switch {
	case err == nil, errors.Is(err, context.Canceled), distrust(err):
		return false
	case errors.As(err, &told):
		return told.Temporary()
	case errors.As(err, &stranger):
		return stranger.Temporary()
	}
	return transport(err)
}

// RetryAfter is how long the other side asks to be left alone; 0 when it does
// not say.
func RetryAfter(err error) time.Duration {
	var told *Error
	var stranger *UnexpectedAnswerError
	switch {
	case errors.As(err, &told):
		return told.RetryAfter
	case errors.As(err, &stranger):
		return stranger.After
	}
	return 0
}

// distrust is one side refusing the other's certificate, which no waiting mends.
func distrust(err error) bool {
	var wrongCA *WrongCAError
	var local *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var op *net.OpError
	switch {
	case errors.As(err, &wrongCA), errors.As(err, &local), errors.As(err, &authority), errors.As(err, &name), errors.As(err, &invalid):
		return true
	case errors.As(err, &op):
		return op.Op == "remote error" // an alert of the server (crypto/tls)
	}
	return false
}

// transport is a connection that could not be made, or broke.
func transport(err error) bool {
	var network net.Error
	var asking *url.Error
	return errors.As(err, &asking) || errors.As(err, &network) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}
