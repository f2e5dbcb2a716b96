// SPDX-License-Identifier: Apache-2.0

package retry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func get(t *testing.T, address string, within time.Duration) error {
	t.Helper()
	client := &http.Client{Timeout: within}
	r, err := client.Get(address)
	if err == nil {
		_, err = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	return err
}

func serve(t *testing.T, secure bool, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// A machine that is busy takes its time for a handshake; one that is silent has to
// be waited for in any case.
const (
	patient   = 30 * time.Second
	impatient = 300 * time.Millisecond
)

// What a connection can come to, with real ones.
func TestNetwork(t *testing.T) {
	gone := serve(t, false, nil)
	gone.Close()
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	}
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, tc := range []struct {
		name string
		err  error
		want bool
	}{
		{"refused", get(t, gone.URL, patient), true},
		{"cut off before the answer", get(t, serve(t, false, abort).URL, patient), true},
		{"cut off within the answer", get(t, serve(t, false, cut).URL, patient), true},
		{"silent", get(t, serve(t, false, silent).URL, impatient), true},
		{"no such host", &url.Error{Op: "Get", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}}, true},
		{"clock not set", &url.Error{Op: "Get", Err: x509.CertificateInvalidError{Reason: x509.Expired}}, true},
		{"wrapped", fmt.Errorf("asking joinsvc: %w", io.ErrUnexpectedEOF), true},
		{"another's certificate", get(t, serve(t, true, nil).URL, patient), false},
		{"another name", &url.Error{Op: "Get", Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a"}}, false},
		{"a CA of no use", &url.Error{Op: "Get", Err: x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}}, false},
		{"our certificate refused", &url.Error{Op: "Post", Err: &net.OpError{Op: "remote error", Err: tls.AlertError(42)}}, false},
		{"a certificate without the address", &url.Error{Op: "Get", Err: &tls.CertificateVerificationError{Err: errors.New("x509: no IP SANs")}}, false},
		{"an unknown CA, said by itself", &url.Error{Op: "Get", Err: x509.UnknownAuthorityError{}}, false},
		{"neither TLS nor HTTP there", &url.Error{Op: "Get", Err: tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}}, false},
		{"no HTTP there", &url.Error{Op: "Get", Err: errors.New("malformed HTTP response")}, true},
		{"no TLS there", get(t, strings.Replace(serve(t, false, nil).URL, "http:", "https:", 1), patient), false},
		{"interrupted", &url.Error{Op: "Get", Err: context.Canceled}, false},
		{"something else", errors.New("no token is set"), false},
		{"nothing", nil, false},
	} {
		if tc.name != "nothing" && tc.err == nil {
			t.Errorf("%s: the case makes no error", tc.name)
		}
		if got := Network(tc.err); got != tc.want {
			t.Errorf("%s: Network(%v) = %v", tc.name, tc.err, got)
		}
	}
}
