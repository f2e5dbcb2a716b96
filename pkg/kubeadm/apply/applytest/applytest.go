// SPDX-License-Identifier: Apache-2.0

// Package applytest is an API server for the tests of whoever applies
// manifests: discovery, server-side apply, and the establishing of definitions,
// over TLS with client certificates.
package applytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Definitions is where CustomResourceDefinitions live.
const Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"

// Server is an API server in memory. Its fields are set before it serves.
type Server struct {
	// Established is how long after its apply a definition is.
	Established time.Duration
	// Fail answers instead of the server whenever it returns true.
	Fail func(http.ResponseWriter, *http.Request) bool

	key  *ecdsa.PrivateKey
	cert []byte // DER, of CA, server and client in one

	mu      sync.Mutex
	objects map[string]string // path → what was applied
	writes  []string
	asked   []string
	defined map[string]time.Time // path of a definition → when it was applied
}

// New makes a server with a certificate for the host name "api" and the
// loopback address.
func New(t *testing.T) *Server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kubernetes"},
		DNSNames: []string{"api"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &Server{objects: map[string]string{}, defined: map[string]time.Time{}, key: key, cert: cert}
}

// CA is the cluster's CA, PEM.
func (s *Server) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert})
}

// Key is the CA's key, PEM.
func (s *Server) Key(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// Kubeconfig is the administrator's, for the server at address, as kubeadm
// writes it; with a second cluster and user.
func (s *Server) Kubeconfig(t *testing.T, address string) string {
	t.Helper()
	cert := base64.StdEncoding.EncodeToString(s.CA())
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: other
  cluster: {certificate-authority-data: "", server: "https://other:6443"}
- name: kubernetes
  cluster: {certificate-authority-data: %s, server: "%s"}
contexts:
- name: other
  context: {cluster: other, user: other}
- name: kubernetes-admin@kubernetes
  context: {cluster: kubernetes, user: kubernetes-admin}
current-context: kubernetes-admin@kubernetes
users:
- name: other
  user: {}
- name: kubernetes-admin
  user: {client-certificate-data: %s, client-key-data: %s}
`, cert, address, cert, base64.StdEncoding.EncodeToString(s.Key(t)))
}

// Start serves on the loopback interface until the test ends, and returns the
// administrator's kubeconfig.
func (s *Server) Start(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Serve(t, l)
	return s.Kubeconfig(t, "https://"+l.Addr().String())
}

// Serve serves on l until the test ends, to whoever has the administrator's
// certificate.
func (s *Server) Serve(t *testing.T, l net.Listener) {
	t.Helper()
	cert, err := x509.ParseCertificate(s.cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	h := &http.Server{Handler: s, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{s.cert}, PrivateKey: s.key}},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: roots,
	}
	go func() { _ = h.Serve(tls.NewListener(l, config)) }()
	t.Cleanup(func() { _ = h.Close() })
}

// Writes are the paths whose object changed, in order.
func (s *Server) Writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

// Asked are the requests, "GET /api/v1", in order.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Object is what was applied at path; empty if nothing was.
func (s *Server) Object(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[path]
}

// ServeHTTP is the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	if s.Fail != nil && s.Fail(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.URL.Path == "/readyz":
		_, _ = io.WriteString(w, "ok")
	case r.Method == http.MethodPatch:
		s.patch(w, r)
	case strings.HasPrefix(r.URL.Path, Definitions):
		s.definition(w, r.URL.Path)
	default:
		s.discover(w, r.URL.Path)
	}
}

type resource struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced,omitempty"`
}

// builtin are resources of the API versions that are always there, with parts
// of some of them, which have kinds too.
func builtin() map[string][]resource {
	return map[string][]resource{
		"/api/v1": {
			{"namespaces", "Namespace", false},
			{"configmaps", "ConfigMap", true},
			{"serviceaccounts/token", "TokenRequest", true},
			{"serviceaccounts", "ServiceAccount", true},
		},
		"/apis/apps/v1": {{"daemonsets/status", "DaemonSet", true}, {"daemonsets", "DaemonSet", true}},
		"/apis/rbac.authorization.k8s.io/v1": {
			{"clusterroles", "ClusterRole", false},
			{"clusterrolebindings", "ClusterRoleBinding", false},
			{"roles", "Role", true},
			{"rolebindings", "RoleBinding", true},
		},
		"/apis/apiextensions.k8s.io/v1": {{"customresourcedefinitions", "CustomResourceDefinition", false}},
	}
}

// discover lists one API version. Definitions of example.com are of one kind.
func (s *Server) discover(w http.ResponseWriter, path string) {
	all := builtin()
	for name, applied := range s.defined {
		plural, group, _ := strings.Cut(strings.TrimPrefix(name, Definitions), ".")
		if time.Since(applied) >= s.Established && group == "example.com" {
			all["/apis/example.com/v1"] = append(all["/apis/example.com/v1"], resource{Name: plural, Kind: "Pool"})
		}
	}
	found, ok := all[path]
	if !ok {
		Answer(w, http.StatusNotFound, "the server could not find the requested resource")
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"resources": found})
}

func (s *Server) patch(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	q := r.URL.Query()
	if err != nil || r.Header.Get("Content-Type") != "application/apply-patch+yaml" || q.Get("fieldManager") != "nodeprep" || q.Get("force") != "true" {
		Answer(w, http.StatusUnsupportedMediaType, "no server-side apply by nodeprep")
		return
	}
	if s.objects[r.URL.Path] != string(body) {
		s.objects[r.URL.Path] = string(body)
		s.writes = append(s.writes, r.URL.Path)
	}
	if _, known := s.defined[r.URL.Path]; !known && strings.HasPrefix(r.URL.Path, Definitions) {
		s.defined[r.URL.Path] = time.Now()
	}
	_, _ = io.WriteString(w, "{}")
}

func (s *Server) definition(w http.ResponseWriter, path string) {
	applied, ok := s.defined[path]
	switch {
	case !ok:
		Answer(w, http.StatusNotFound, "not found")
	case time.Since(applied) >= s.Established:
		_, _ = io.WriteString(w, `{"status":{"conditions":[{"type":"NamesAccepted","status":"True"},{"type":"Established","status":"True"}]}}`)
	default:
		_, _ = io.WriteString(w, `{"status":{"conditions":[{"type":"Established","status":"False","message":"the initial names have been accepted"}]}}`)
	}
}

// Answer is a refusal, a metav1.Status.
func Answer(w http.ResponseWriter, code int, message string) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "status": "Failure", "code": code, "message": message})
}

// Failing answers requests ("PATCH /api/v1/...") that contain match with fail,
// so many times; -1 is always.
func Failing(match string, times int, fail http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		hit := times != 0 && strings.Contains(r.Method+" "+r.URL.Path, match)
		if hit {
			times--
		}
		mu.Unlock()
		if hit {
			fail(w, r)
		}
		return hit
	}
}

// Refusing is a fail for Failing that gives this answer.
func Refusing(code int, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { Answer(w, code, message) }
}
