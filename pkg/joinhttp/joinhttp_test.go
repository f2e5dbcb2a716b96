// SPDX-License-Identifier: Apache-2.0

package joinhttp_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/flood"
	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/join/etcd"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/joinhttp"
	"github.com/nodeprep/nodeprep/pkg/pki"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// service is the real thing on loopback: TLS, handlers, domain, etcd.
type service struct {
	*join.Coordinator
	t   *testing.T
	url string
	log *syncBuffer
	// caKey is the private key of CA, as its file has it.
	caKey crypto.PrivateKey
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func start(t *testing.T) *service {
	t.Helper()
	p := plantest.Load(t, "../../docs/examples/k8c1.yaml")
	s := &service{t: t, log: &syncBuffer{}}
	log := slog.New(flood.New(slog.NewTextHandler(s.log, nil)))
	e, err := etcd.Start(t.Context(), t.TempDir(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	ca, key := openCA(t)
	s.caKey = key
	s.Coordinator = &join.Coordinator{Plan: p, Store: etcd.New(e.Client(), "k8c1"), CA: ca, Now: time.Now, Log: log, Kubeadm: kubeadm()}
	s.url = listen(t, joinhttp.Hosts(s.Coordinator, log), s.CA, log, "127.0.0.1")
	return s
}

func kubeadm() join.Kubeadm {
	return join.Kubeadm{
		Init:    func(plan.Plan, plan.HostPlan) (string, error) { return "kind: InitConfiguration", nil },
		Patches: func() (map[string]string, error) { return nil, nil },
		Access:  func() (joinapi.AccessRequest, error) { return joinapi.AccessRequest{CSR: "joinsvc"}, nil },
		Connect: func(joinapi.ClusterAccess) (join.Cluster, error) {
			return nil, errors.New("the certificate is for another key")
		},
	}
}

func newCA(t *testing.T) *pki.CA {
	t.Helper()
	ca, err := pki.New("k8c1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// openCA is a CA with a file, and the private key from there.
func openCA(t *testing.T) (*pki.CA, crypto.PrivateKey) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	ca, err := pki.Create(path, "k8c1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			t.Fatalf("%s holds no private key", path)
		}
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			return ca, key
		}
	}
}

// listen serves h on loopback, with a certificate for name.
func listen(t *testing.T, h http.Handler, ca *pki.CA, log *slog.Logger, name string) string {
	t.Helper()
	config, err := ca.ServerTLS([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := joinhttp.Server(h, log)
	server.TLSConfig = config
	go func() { _ = server.ServeTLS(l, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
	return "https://" + l.Addr().String()
}

// token is for control planes, as the first node of the plan is.
func (s *service) token(uses int) string { return s.tokenFor(plan.ControlPlane, uses) }

func (s *service) tokenFor(role plan.Role, uses int) string {
	s.t.Helper()
	token, err := s.CreateToken(s.t.Context(), joinapi.TokenRequest{Uses: uses, TTL: time.Hour, Role: joinapi.Role(role)})
	if err != nil {
		s.t.Fatal(err)
	}
	return token.Token
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keyPEM(t *testing.T, key crypto.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// identity is that of the planned node at index i.
func (s *service) identity(i int) joinapi.Identity {
	n := s.Plan.Spec.Nodes[i]
	id := joinapi.Identity{Hostname: n.Name}
	for _, m := range n.MACs {
		id.MACs = append(id.MACs, joinapi.MAC(m))
	}
	return id
}

func (s *service) node(i int) *joinapi.Client {
	s.t.Helper()
	key := newKey(s.t)
	resp, err := joinapi.Enrol(s.t.Context(), s.url, s.tokenFor(s.Plan.Spec.Nodes[i].Role, 1), key, s.identity(i))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.client(resp, key, i)
}

// client shows what enrolment returned, from the hardware of the planned node
// at index i.
func (s *service) client(resp joinapi.EnrolResponse, key crypto.PrivateKey, i int) *joinapi.Client {
	s.t.Helper()
	c, err := joinapi.NewClient(s.url, []byte(resp.CA), []byte(resp.Certificate), keyPEM(s.t, key), s.identity(i))
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func wantCode(t *testing.T, err error, code joinapi.Code, says string) {
	t.Helper()
	if joinapi.CodeOf(err) != code || !strings.Contains(fmt.Sprint(err), says) {
		t.Errorf("got %v, want %s saying %q", err, code, says)
	}
}

func (s *service) wantLog(says ...string) {
	s.t.Helper()
	for _, line := range strings.Split(s.log.String(), "\n") {
		all := true
		for _, part := range says {
			all = all && strings.Contains(line, part)
		}
		if all {
			return
		}
	}
	s.t.Errorf("no line of the log has all of %q:\n%s", says, s.log)
}

func TestANodeFromEnrolmentToOrders(t *testing.T) {
	s := start(t)
	m0, s1 := s.node(0), s.node(1)
	view, err := s1.Node(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if view.Phase != joinapi.PhaseEnrolled || view.Plan.Name != "k8c1s1.labs.haystacknetworks.com" || view.Plan.ASN != 63552 || len(view.Plan.Leaves) != 2 {
		t.Errorf("the node sees %+v", view)
	}
	if err := m0.Report(t.Context(), joinapi.Report{Phase: "prepared", Outcome: joinapi.OutcomeDone, Time: time.Now()}); err != nil {
		t.Error(err)
	}
	_, err = s1.Kubeadm(t.Context())
	wantCode(t, err, joinapi.CodeNotYet, "waiting for")
	var notYet *joinapi.Error
	if errors.As(err, &notYet); notYet.RetryAfter != 5*time.Second {
		t.Errorf("ask again after %v, want 5s", notYet.RetryAfter)
	}
	order, err := m0.Kubeadm(t.Context())
	if err != nil || order.Action != joinapi.ActionInit {
		t.Errorf("%+v, %v", order, err)
	}
	err = m0.ClusterAccess(t.Context(), joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: s.CA.PEM()})
	wantCode(t, err, joinapi.CodeInvalid, "another key")
}

func TestWrongToken(t *testing.T) {
	s := start(t)
	parts := strings.Split(s.token(1), ".")
	parts[3] = "guess"
	_, err := joinapi.Enrol(t.Context(), s.url, strings.Join(parts, "."), newKey(t), s.identity(0))
	wantCode(t, err, joinapi.CodeUnauthorized, "does not know this enrolment token")
	s.wantLog("enrolment refused", "token="+parts[2], "wrong secret")
	s.wantNothing()
}

func TestUsedUpToken(t *testing.T) {
	s := start(t)
	token, key := s.token(1), newKey(t)
	first, err := joinapi.Enrol(t.Context(), s.url, token, key, s.identity(0))
	if err != nil {
		t.Fatal(err)
	}
	_, err = joinapi.Enrol(t.Context(), s.url, token, newKey(t), s.identity(1))
	wantCode(t, err, joinapi.CodeUnauthorized, "used up (1 of 1)")
	s.wantLog("enrolment refused", "used up: 1 of 1, by [k8c1m0.labs.haystacknetworks.com]")

	again, err := joinapi.Enrol(t.Context(), s.url, token, key, s.identity(0))
	if err != nil || again.Node != first.Node {
		t.Fatalf("the same key again: %+v, %v", again, err)
	}
	if _, err := s.client(again, key, 0).Node(t.Context()); err != nil {
		t.Error("with the second certificate:", err)
	}
	if nodes, _ := s.Nodes(t.Context()); len(nodes) != 1 {
		t.Errorf("%d nodes, want 1", len(nodes))
	}
}

// awaitLog waits for words in the log that come when nobody asks for them, as long
// as a machine may take that does much else.
func (s *service) awaitLog(words string) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(s.log.String(), words) {
			return
		}
	}
}

func (s *service) wantNothing() {
	s.t.Helper()
	if nodes, err := s.Nodes(s.t.Context()); err != nil || len(nodes) != 0 {
		s.t.Errorf("nodes %v, %v; want none", nodes, err)
	}
}

func TestWrongCAHash(t *testing.T) {
	s := start(t)
	token, err := joinapi.ParseToken(s.token(1))
	if err != nil {
		t.Fatal(err)
	}
	right := token.CA
	token.CA = joinapi.CAHash(newCA(t).Certificate().Raw)
	_, err = joinapi.Enrol(t.Context(), s.url, token.String(), newKey(t), s.identity(0))
	var wrong *joinapi.WrongCAError
	if !errors.As(err, &wrong) || wrong.Want != token.CA || !strings.Contains(err.Error(), right) {
		t.Errorf("got %v, want an error that names %s and %s", err, token.CA, right)
	}
	s.awaitLog("TLS handshake error") // the server writes its line when the alert arrives
	s.wantLog("TLS handshake error", "bad certificate")
	s.wantNothing()
}

// A server that shows the right CA, which is public, but whose certificate it
// has not signed must not get the token.
func TestFalseServerWithTheRightCA(t *testing.T) {
	s := start(t)
	config, err := newCA(t).ServerTLS([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	get := config.GetCertificate
	config.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := get(h)
		return &tls.Certificate{Certificate: [][]byte{cert.Certificate[0], s.CA.Certificate().Raw}, PrivateKey: cert.PrivateKey}, err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 1)
	server := &http.Server{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{} })}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	_, err = joinapi.Enrol(t.Context(), "https://"+l.Addr().String(), s.token(1), newKey(t), s.identity(0))
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("got %v, want an unknown authority", err)
	}
	if len(asked) > 0 {
		t.Error("the false server got a request")
	}
}

// The name on the certificate has to be the one that the host asked for.
func TestServerOfAnotherName(t *testing.T) {
	s := start(t)
	log := slog.New(slog.DiscardHandler)
	url := listen(t, joinhttp.Hosts(s.Coordinator, log), s.CA, log, "192.0.2.1")
	_, err := joinapi.Enrol(t.Context(), url, s.token(1), newKey(t), s.identity(0))
	var name x509.HostnameError
	if !errors.As(err, &name) {
		t.Errorf("got %v, want a wrong host name", err)
	}
}

// The CA signs certificates of several kinds. Those of a node alone pass as a
// node's, whoever holds a valid one of another kind.
func TestOnlyNodesCertificatesPass(t *testing.T) {
	s := start(t)
	s.node(0)
	node := pkix.Name{CommonName: "k8c1m0.labs.haystacknetworks.com", OrganizationalUnit: []string{pki.NodesOU}}
	operator := pkix.Name{CommonName: node.CommonName, OrganizationalUnit: []string{"nodeprep:operators"}}
	client, server := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, tt := range []struct {
		name    string
		subject pkix.Name
		usage   []x509.ExtKeyUsage
		code    joinapi.Code // none: the handshake is refused
	}{
		{"an operator's", operator, client, joinapi.CodeForbidden},
		{"without a unit", pkix.Name{CommonName: node.CommonName}, client, joinapi.CodeForbidden},
		{"the unit in another place", pkix.Name{CommonName: node.CommonName, Organization: []string{pki.NodesOU}}, client, joinapi.CodeForbidden},
		{"a server's", node, server, ""},
		{"a node's, of another key than enrolled", node, client, joinapi.CodeForbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := newKey(t)
			c := s.client(joinapi.EnrolResponse{CA: s.CA.PEM(), Certificate: s.sign(tt.subject, tt.usage, key)}, key, 0)
			_, err := c.Node(t.Context())
			if err == nil || joinapi.CodeOf(err) != tt.code || joinapi.Temporary(err) {
				t.Errorf("got %v, want it refused for good with %q", err, tt.code)
			}
		})
	}
}

// sign makes a certificate of s's CA that the CA itself never would.
func (s *service) sign(subject pkix.Name, usage []x509.ExtKeyUsage, key *ecdsa.PrivateKey) string {
	s.t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: subject, ExtKeyUsage: usage, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, s.CA.Certificate(), key.Public(), s.caKey)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// A node acts as the subject of its certificate; one whose key is no longer
// the node's, as one of a false node signed with the CA, acts as nobody.
func TestAnotherNodesCertificate(t *testing.T) {
	s := start(t)
	m0 := s.node(0)
	key := newKey(t)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	req, err := pki.ParseRequest(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := s.CA.SignNode(req, "k8c1m0.labs.haystacknetworks.com")
	if err != nil {
		t.Fatal(err)
	}
	impostor := s.client(joinapi.EnrolResponse{CA: s.CA.PEM(), Certificate: cert}, key, 0)
	_, err = impostor.Kubeadm(t.Context())
	wantCode(t, err, joinapi.CodeForbidden, "not the key that k8c1m0")
	s.wantLog("refused", "path=/v1/node/kubeadm", "code=forbidden", "node=k8c1m0")
	if view, err := m0.Node(t.Context()); err != nil || view.Phase != joinapi.PhaseEnrolled {
		t.Errorf("the real node sees %+v, %v", view, err)
	}
}

// A host made from a copy of k8c1m0's disk shows k8c1m0's certificate and key.
func TestClonedDisk(t *testing.T) {
	s := start(t)
	key := newKey(t)
	resp, err := joinapi.Enrol(t.Context(), s.url, s.token(1), key, s.identity(0))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.client(resp, key, 1).Node(t.Context())
	wantCode(t, err, joinapi.CodeForbidden, "shows the certificate of k8c1m0")
	s.wantLog("refused", "path=/v1/node", "code=forbidden", "node=k8c1m0", "other hardware")
	if view, err := s.client(resp, key, 0).Node(t.Context()); err != nil || view.Phase != joinapi.PhaseEnrolled {
		t.Errorf("the real node sees %+v, %v", view, err)
	}
}

// A certificate of another CA does not get past the handshake.
func TestCertificateOfAnotherCA(t *testing.T) {
	s := start(t)
	other := start(t)
	key := newKey(t)
	resp, err := joinapi.Enrol(t.Context(), other.url, other.token(1), key, other.identity(0))
	if err != nil {
		t.Fatal(err)
	}
	resp.CA = s.CA.PEM() // it trusts s, but s does not know it
	_, err = s.client(resp, key, 0).Node(t.Context())
	if err == nil || joinapi.CodeOf(err) != "" {
		t.Errorf("got %v, want a refused handshake", err)
	}
}

func (s *service) plain(method, path string, body io.Reader, header ...string) *http.Response {
	s.t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.CA.Pool()}}}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestStatuses(t *testing.T) {
	s := start(t)
	bearer := []string{"Authorization", "Bearer " + s.token(1)}
	tests := []struct {
		name, method, path, body string
		header                   []string
		status                   int
		says                     string
	}{
		{"no certificate", "POST", "/v1/node", "{}", nil, 401, "client certificate"},
		{"no certificate, writing", "POST", "/v1/node/report", "{}", nil, 401, "client certificate"},
		{"no bearer", "POST", "/v1/enrol", "{}", nil, 401, "Bearer"},
		{"unknown field", "POST", "/v1/enrol", `{"csr":"","colour":1}`, bearer, 400, "colour"},
		{"two values", "POST", "/v1/enrol", `{}{}`, bearer, 400, "something follows"},
		{"too large", "POST", "/v1/enrol", `{"csr":"` + strings.Repeat("x", 65<<10) + `"}`, bearer, 413, "larger than 65536 bytes"},
		{"nowhere", "GET", "/v1/other", "", nil, 404, "there is no /v1/other"},
		{"operators' path", "GET", "/v1/status", "", nil, 404, "there is no"},
		{"alive", "GET", "/healthz", "", nil, 204, ""},
		{"ready", "GET", "/readyz", "", nil, 204, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := s.plain(tt.method, tt.path, strings.NewReader(tt.body), tt.header...)
			data, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(data), tt.says) {
				t.Errorf("%d %s %v, want %d saying %q", resp.StatusCode, data, err, tt.status, tt.says)
			}
		})
	}
}

func (s *service) problem(resp *http.Response) joinapi.Problem {
	s.t.Helper()
	var p joinapi.Problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		s.t.Fatal(err)
	}
	return p
}

// Whoever fails again and again is told when to come again, the watchman is
// not, and a host with its certificate is nobody's neighbour.
func TestFailuresAreLimited(t *testing.T) {
	s := start(t)
	m0 := s.node(0)
	var last *http.Response
	for range 600 {
		if last = s.plain("POST", "/v1/enrol", strings.NewReader("{}")); last.StatusCode != http.StatusUnauthorized {
			break
		}
	}
	if last.StatusCode != http.StatusTooManyRequests || last.Header.Get("Retry-After") != "1" {
		t.Fatalf("after 600 failures %d, Retry-After %q", last.StatusCode, last.Header.Get("Retry-After"))
	}
	if p := s.problem(last); p.Code != joinapi.CodeTooMany || p.RetryAfter != 1 || !strings.Contains(p.Detail, "127.0.0.1") {
		t.Errorf("the problem is %+v", p)
	}
	if resp := s.plain("GET", "/healthz", nil); resp.StatusCode != http.StatusNoContent {
		t.Errorf("/healthz answers %d", resp.StatusCode)
	}
	if _, err := m0.Node(t.Context()); err != nil {
		t.Error("an enrolled host behind the same address:", err)
	}
}

// What succeeds is never too much, from one address or of one key.
func TestSuccessesCostNothing(t *testing.T) {
	s := start(t)
	token, key := s.token(1), newKey(t)
	for i := range 100 {
		if _, err := joinapi.Enrol(t.Context(), s.url, token, key, s.identity(0)); err != nil {
			t.Fatalf("enrolment %d: %v", i, err)
		}
	}
}

// A refusal is in the log once, with its source; a flood of them is counted.
func TestRefusalsInTheLog(t *testing.T) {
	s := start(t)
	parts := strings.Split(s.token(1), ".")
	parts[3] = "guess"
	token, key := strings.Join(parts, "."), newKey(t)
	for range 30 {
		_, err := joinapi.Enrol(t.Context(), s.url, token, key, s.identity(0))
		if err == nil {
			t.Fatal("enrolled with a guess")
		}
	}
	if n := strings.Count(s.log.String(), "refused"); n != 1 {
		t.Errorf("30 refusals wrote %d lines:\n%s", n, s.log)
	}
	s.wantLog("enrolment refused", "wrong secret", "source=127.0.0.1")
	for range 30 {
		s.plain("POST", "/v1/node", strings.NewReader(""))
	}
	if n := strings.Count(s.log.String(), "code=unauthorized"); n != 1 {
		t.Errorf("30 requests without a certificate wrote %d lines:\n%s", n, s.log)
	}
}

// A host that gave up waiting is no event, and no failure of its address.
func TestAClientThatWentAway(t *testing.T) {
	s := start(t)
	h := joinhttp.Hosts(s.Coordinator, s.Log)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := s.log.String()
	for range 100 {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	for line := range strings.Lines(strings.TrimPrefix(s.log.String(), before)) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN") {
			t.Errorf("the log says %s", line)
		}
	}
}

func TestWrongMethods(t *testing.T) {
	s := start(t)
	for _, tt := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/v1/enrol", 405, "POST"},
		{"DELETE", "/v1/node", 405, "POST"},
		{"OPTIONS", "/v1/enrol", 405, "POST"},
		{"POST", "/healthz", 405, "GET, HEAD"},
		{"HEAD", "/healthz", 204, ""},
		{"HEAD", "/v1/enrol", 405, "POST"},
		{"POST", "/v1/enrol/", 404, ""},
		{"GET", "/", 404, ""},
	} {
		resp := s.plain(tt.method, tt.path, nil)
		if resp.StatusCode != tt.status || resp.Header.Get("Allow") != tt.allow {
			t.Errorf("%s %s: %d, Allow %q; want %d, %q", tt.method, tt.path, resp.StatusCode, resp.Header.Get("Allow"), tt.status, tt.allow)
		}
		if tt.status < 400 {
			continue
		}
		if kind := resp.Header.Get("Content-Type"); kind != joinapi.ProblemMediaType {
			t.Errorf("%s %s: %s", tt.method, tt.path, kind)
		}
		if tt.method == "HEAD" {
			continue
		}
		p := s.problem(resp)
		if p.Status != tt.status || p.Type != joinapi.ProblemTypes+string(p.Code) || p.Title == "" || !strings.HasPrefix(p.Instance, tt.path+"#") {
			t.Errorf("%s %s: %+v", tt.method, tt.path, p)
		}
	}
}

// Who sends slowly, or nothing, holds a connection for so long and no longer.
// The time-outs are the server's own, divided by a hundred.
func TestSlowClients(t *testing.T) {
	s := start(t)
	for name, sent := range map[string]string{
		"nothing":      "",
		"half a head":  "POST /v1/tokens HTTP/1.1\r\nHost: joinsvc\r\n",
		"half a body":  "POST /v1/tokens HTTP/1.1\r\nHost: joinsvc\r\nContent-Length: 100\r\n\r\n{",
		"then nothing": "GET /v1/nowhere HTTP/1.1\r\nHost: joinsvc\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			server := joinhttp.Server(joinhttp.Operators(s.Coordinator, s.Log), s.Log)
			server.ReadHeaderTimeout /= 100
			server.ReadTimeout /= 100
			server.IdleTimeout /= 100
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = server.Serve(l) }()
			defer server.Close()
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, sent); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is still open")
			}
		})
	}
}

func TestAHeadThatIsTooLarge(t *testing.T) {
	s := start(t)
	resp := s.plain("POST", "/v1/enrol", nil, "Authorization", "Bearer "+strings.Repeat("x", 32<<10))
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answers %d", resp.StatusCode)
	}
}

// Scanners fail in the handshake; each source is a line, however often it comes.
func TestHandshakesThatFail(t *testing.T) {
	s := start(t)
	for range 20 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "https://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}
	s.awaitLog("TLS handshake error") // the server writes when it has answered
	s.wantLog("TLS handshake error", "source=127.0.0.1", "client sent an HTTP request to an HTTPS server")
	if n := strings.Count(s.log.String(), "TLS handshake error"); n != 1 {
		t.Errorf("20 scans wrote %d lines:\n%s", n, s.log)
	}
}

func TestOnlyTLS13(t *testing.T) {
	s := start(t)
	_, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), &tls.Config{RootCAs: s.CA.Pool(), MaxVersion: tls.VersionTLS12})
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.2: %v", err)
	}
}

func TestOperators(t *testing.T) {
	s := start(t)
	socket := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := joinhttp.Server(joinhttp.Operators(s.Coordinator, s.Log), s.Log)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	admin := joinapi.NewAdmin(socket)
	token, err := admin.CreateToken(t.Context(), joinapi.TokenRequest{Uses: 1, TTL: time.Hour, Node: "k8c1s1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := joinapi.Enrol(t.Context(), s.url, token.Token, newKey(t), s.identity(1)); err != nil {
		t.Error(err)
	}
	_, err = admin.CreateToken(t.Context(), joinapi.TokenRequest{})
	wantCode(t, err, joinapi.CodeInvalid, "uses")
	status, err := admin.Status(t.Context())
	if err != nil || len(status.Nodes) != 3 || status.Nodes[1].Phase != joinapi.PhaseEnrolled || status.Nodes[0].Phase != "" {
		t.Errorf("%+v, %v", status, err)
	}
}

func TestCancelledClient(t *testing.T) {
	s := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := joinapi.Enrol(ctx, s.url, s.token(1), newKey(t), s.identity(0))
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
