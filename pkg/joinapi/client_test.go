// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A pair is a key with a certificate of it that a server or a client shows.
type pair struct {
	key       *ecdsa.PrivateKey
	cert      *x509.Certificate
	certPEM   []byte
	keyPEM    []byte
	tlsConfig tls.Certificate
}

// newPair makes a certificate for 127.0.0.1 that signs itself.
func newPair(t *testing.T) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pair{
		key: key, cert: cert, tlsConfig: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		certPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		keyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}
}

// secured serves h over TLS 1.3 as p.
func secured(t *testing.T, p pair, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{p.tlsConfig}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS13}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // handshakes that are meant to fail
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// spoken is how a request looks to the other side.
func spoken(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	parts := []string{r.Method, r.URL.Path}
	for _, name := range []string{"Authorization", HeaderIdentity, "Content-Type", "Accept"} {
		if v := r.Header.Get(name); v != "" {
			parts = append(parts, name+"="+v)
		}
	}
	return strings.Join(append(parts, string(body)), " ")
}

const accepts = "Accept=application/json, application/problem+json "

// What each call of a node says, with its certificate and its hardware, and that
// both its answer and its refusal come back.
func TestWhatANodeSays(t *testing.T) {
	server, node := newPair(t), newPair(t)
	var said, shown, answer string
	status := http.StatusOK
	s := secured(t, server, func(w http.ResponseWriter, r *http.Request) {
		said, shown = spoken(r), CAHash(r.TLS.PeerCertificates[0].Raw)
		w.Header().Set("Content-Type", "application/json")
		if status/100 != 2 {
			w.Header().Set("Content-Type", ProblemMediaType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})
	c, err := NewClient(s.URL, server.certPEM, node.certPEM, node.keyPEM, Identity{MACs: []MAC{"00:00:5e:00:53:01"}})
	if err != nil {
		t.Fatal(err)
	}
	const hardware = HeaderIdentity + `={"macs":["00:00:5e:00:53:01"]} `
	const sends = "Content-Type=application/json "
	for _, tt := range []struct {
		call   func() (string, error)
		says   string
		answer string
		got    string
	}{
		{
			func() (string, error) { v, err := c.Node(t.Context()); return string(v.Phase), err },
			"POST /v1/node " + hardware + accepts, `{"phase":"joined"}`, "joined",
		},
		{
			func() (string, error) { o, err := c.Kubeadm(t.Context()); return string(o.Action), err },
			"POST /v1/node/kubeadm " + hardware + accepts, `{"action":"join"}`, "join",
		},
		{
			func() (string, error) {
				return "", c.Report(t.Context(), Report{Phase: "network", Outcome: OutcomeDone})
			},
			"POST /v1/node/report " + hardware + sends + accepts + `{"phase":"network","outcome":"done","time":"0001-01-01T00:00:00Z"}`, "", "",
		},
		{
			func() (string, error) {
				return "", c.ClusterAccess(t.Context(), ClusterAccess{Server: "s", CA: "c", Certificate: "k"})
			},
			"POST /v1/node/cluster-access " + hardware + sends + accepts + `{"server":"s","ca":"c","certificate":"k"}`, "", "",
		},
	} {
		status, answer = http.StatusOK, tt.answer
		if got, err := tt.call(); got != tt.got || err != nil {
			t.Errorf("%s\ngot %q, %v, want %q", tt.says, got, err, tt.got)
		}
		if said != tt.says || shown != CAHash(node.cert.Raw) {
			t.Errorf("said with %s\n%s, want\n%s", shown, said, tt.says)
		}
		status, answer = http.StatusConflict, `{"type":"`+ProblemTypes+`conflict","code":"conflict"}`
		if _, err := tt.call(); CodeOf(err) != CodeConflict {
			t.Errorf("%s\nrefused: %v", tt.says, err)
		}
	}
}

// The same of an operator, who needs no certificate.
func TestWhatAnOperatorSays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var said, answer string
	status := http.StatusOK
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said = spoken(r)
		w.Header().Set("Content-Type", "application/json")
		if status/100 != 2 {
			w.Header().Set("Content-Type", ProblemMediaType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}), ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	a := NewAdmin(path)
	const sends = "Content-Type=application/json " + accepts
	for _, tt := range []struct {
		call   func() (string, error)
		says   string
		answer string
		got    string
	}{
		{
			func() (string, error) { s, err := a.Status(t.Context()); return s.Cluster, err },
			"GET /v1/status " + accepts, `{"cluster":"k8c1"}`, "k8c1",
		},
		{
			func() (string, error) {
				r, err := a.Release(t.Context(), ReleaseRequest{Node: "n", Force: true})
				return r.Node, err
			},
			"POST /v1/nodes/release " + sends + `{"node":"n","force":true}`, `{"node":"n.d"}`, "n.d",
		},
		{
			func() (string, error) {
				tok, err := a.CreateToken(t.Context(), TokenRequest{Uses: 2, TTL: time.Second})
				return tok.Token, err
			},
			"POST /v1/tokens " + sends + `{"uses":2,"ttlNanoseconds":1000000000}`, `{"token":"np1"}`, "np1",
		},
		{
			func() (string, error) { return "", a.ReopenInit(t.Context(), "m") },
			"POST /v1/init/reopen " + sends + `{"node":"m"}`, "", "",
		},
	} {
		status, answer = http.StatusOK, tt.answer
		if got, err := tt.call(); got != tt.got || err != nil {
			t.Errorf("%s\ngot %q, %v, want %q", tt.says, got, err, tt.got)
		}
		if said != tt.says {
			t.Errorf("said\n%s, want\n%s", said, tt.says)
		}
		status, answer = http.StatusConflict, `{"type":"`+ProblemTypes+`conflict","code":"conflict"}`
		if _, err := tt.call(); CodeOf(err) != CodeConflict {
			t.Errorf("%s\nrefused: %v", tt.says, err)
		}
	}
}

// A token is sent to the one server that shows the CA whose hash it holds, under
// the name that it was asked by; nobody else hears a word of it.
func TestATokenIsForItsOwnServer(t *testing.T) {
	server, other, host := newPair(t), newPair(t), newPair(t)
	var said string
	s := secured(t, server, func(w http.ResponseWriter, r *http.Request) {
		said = spoken(r)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"node":"k8c1s1"}`)
	})
	token := func(p pair) string {
		return EnrolToken{CA: CAHash(p.cert.Raw), ID: "abc", Secret: "def"}.String()
	}
	id := Identity{Hostname: "h"}
	got, err := Enrol(t.Context(), s.URL, token(server), host.key, id)
	if err != nil || got.Node != "k8c1s1" || !strings.HasPrefix(said, "POST /v1/enrol Authorization=Bearer "+token(server)+" Content-Type=application/json ") {
		t.Errorf("%+v, %v, after\n%s", got, err, said)
	}
	said = ""
	var wrong *WrongCAError
	_, err = Enrol(t.Context(), s.URL, token(other), host.key, id)
	if !errors.As(err, &wrong) || wrong.Want != CAHash(other.cert.Raw) || !slices.Equal(wrong.Got, []string{CAHash(server.cert.Raw)}) || wrong.Server != "127.0.0.1" {
		t.Errorf("another CA: %v", err)
	}
	var name x509.HostnameError
	if _, err = Enrol(t.Context(), strings.Replace(s.URL, "127.0.0.1", "localhost", 1), token(server), host.key, id); !errors.As(err, &name) {
		t.Errorf("another name: %v", err)
	}
	for what, call := range map[string]func() error{
		"no token": func() error { _, err := Enrol(t.Context(), s.URL, "np1", host.key, id); return err },
		"no URL": func() error {
			_, err := Enrol(t.Context(), "http://127.0.0.1", token(server), host.key, id)
			return err
		},
	} {
		if call() == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if said != "" {
		t.Errorf("it was said %s", said)
	}
}

// What a node is given is looked at when it is used first, which is after it was
// stored: each thing that is none is told.
func TestWhatAClientIsMadeOf(t *testing.T) {
	p, other := newPair(t), newPair(t)
	if _, err := NewClient("https://10.9.0.2:8443/", p.certPEM, p.certPEM, p.keyPEM, Identity{}); err != nil {
		t.Error(err)
	}
	for says, tt := range map[string]struct {
		server        string
		ca, cert, key []byte
	}{
		"want https://":        {"http://10.9.0.2:8443", p.certPEM, p.certPEM, p.keyPEM},
		`is "https://"`:        {"https://", p.certPEM, p.certPEM, p.keyPEM},
		`is "https://a/path"`:  {"https://a/path", p.certPEM, p.certPEM, p.keyPEM},
		"joinsvc's URL: parse": {"https://a b", p.certPEM, p.certPEM, p.keyPEM},
		"certificate and key":  {"https://10.9.0.2:8443", p.certPEM, p.certPEM, other.keyPEM},
		"reading joinsvc's CA": {"https://10.9.0.2:8443", []byte("x"), p.certPEM, p.keyPEM},
	} {
		if c, err := NewClient(tt.server, tt.ca, tt.cert, tt.key, Identity{}); c != nil || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}

// An answer may have as many bytes as are read of it, and not one more.
func TestAnAnswerHasABound(t *testing.T) {
	for size, ok := range map[int]bool{maxAnswer: true, maxAnswer + 1: false} {
		body := append([]byte(`{"phase":"joined"}`), bytes.Repeat([]byte{' '}, size-len(`{"phase":"joined"}`))...)
		err := ask(t, answering(http.StatusOK, "application/json", string(body)))
		if (err == nil) != ok || !ok && !strings.Contains(err.Error(), "is larger than 8388608 bytes") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// Hardware addresses are compared as text, so that there is one form of each.
func TestMACsHaveOneForm(t *testing.T) {
	for text, want := range map[string]MAC{
		"00:00:5e:00:53:0a": "00:00:5e:00:53:0a", "00:00:5E:00:53:0A": "00:00:5e:00:53:0a", "00-00-5e-00-53-0a": "00:00:5e:00:53:0a", "0000.5e00.530a": "00:00:5e:00:53:0a",
		"": "", "00:00:5e:00:53": "", "00:00:5e:00:53:0a:0b": "", "00:00:5e:00:53:0a:0b:0c": "", "hello": "",
	} {
		var m MAC
		if err := m.UnmarshalText([]byte(text)); m != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v, want %q", text, m, err, want)
		}
	}
}

func TestErrorsThatPass(t *testing.T) {
	if e := Unavailable(5*time.Second, "the %s", "store"); e.Code != CodeUnavailable || e.Message != "the store" || RetryAfter(e) != 5*time.Second {
		t.Errorf("%+v", e)
	}
	if e := Errorf(CodeConflict, "%d", 1); e.Code != CodeConflict || e.Error() != "1 (conflict)" {
		t.Errorf("%+v", e)
	}
	if got := RetryAfter(fmt.Errorf("x: %w", &UnexpectedAnswerError{After: time.Second})); got != time.Second {
		t.Errorf("of a stranger: %v", got)
	}
	if got := RetryAfter(io.EOF); got != 0 {
		t.Errorf("of nobody: %v", got)
	}
}
