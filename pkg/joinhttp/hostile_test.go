// SPDX-License-Identifier: Apache-2.0

package joinhttp_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/join/etcd"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/joinhttp"
	"github.com/nodeprep/nodeprep/pkg/pki"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// certificate enrols the planned node at index i.
func (s *service) certificate(i int) *x509.Certificate {
	s.t.Helper()
	resp, err := joinapi.Enrol(s.t.Context(), s.url, s.tokenFor(s.Plan.Spec.Nodes[i].Role, 1), newKey(s.t), s.identity(i))
	if err != nil {
		s.t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(resp.Certificate))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		s.t.Fatal(err)
	}
	return cert
}

// asked is a request to h of who holds cert, from an address of any machine.
func asked(h http.Handler, cert *x509.Certificate, from, path, identity string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
	r.RemoteAddr = from + ":1024"
	r.Header.Set(joinapi.HeaderIdentity, identity)
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A body, and the header that goes with every request of a node, is refused for
// everything that is wrong with it, each at its place.
func TestEveryProblemOfARequest(t *testing.T) {
	s := start(t)
	bearer := []string{"Authorization", "Bearer " + s.token(1)}
	const wrong = `{"macs":["zz","00:00:5e:00:53:01",5],"size":2,"hostname":[]}`
	h, cert := joinhttp.Hosts(s.Coordinator, s.Log), s.certificate(1)
	for name, tc := range map[string]struct {
		ask   func() (io.Reader, int)
		paths []string
	}{
		"body": {func() (io.Reader, int) {
			resp := s.plain("POST", "/v1/enrol", strings.NewReader(`{"csr":1,"colour":1,"Identity":`+wrong+`}`), bearer...)
			return resp.Body, resp.StatusCode
		}, []string{"Identity.hostname", "Identity.macs[0]", "Identity.macs[2]", "Identity.size", "colour", "csr"}},
		"header": {func() (io.Reader, int) {
			w := asked(h, cert, "192.0.2.7", "/v1/node", wrong)
			return w.Body, w.Code
		}, []string{"Nodeprep-Identity.hostname", "Nodeprep-Identity.macs[0]", "Nodeprep-Identity.macs[2]", "Nodeprep-Identity.size"}},
	} {
		t.Run(name, func(t *testing.T) {
			body, status := tc.ask()
			var p joinapi.Problem
			if err := json.NewDecoder(body).Decode(&p); err != nil || status != http.StatusBadRequest {
				t.Fatal(status, err)
			}
			var paths []string
			for _, at := range p.Problems {
				paths = append(paths, at.Path)
			}
			if !slices.Equal(paths, tc.paths) {
				t.Errorf("problems at %q, want %q", paths, tc.paths)
			}
		})
	}
	t.Run("a second value in the header", func(t *testing.T) {
		if w := asked(h, cert, "192.0.2.7", "/v1/node", `{"macs":[]} {}`); w.Code != http.StatusBadRequest {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
	t.Run("thousands of them", func(t *testing.T) {
		var b strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&b, `,"%d%s":1`, i, strings.Repeat("x", 5))
		}
		resp := s.plain("POST", "/v1/enrol", strings.NewReader(`{"csr":""`+b.String()+`}`), bearer...)
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusBadRequest || len(text) > 4096 {
			t.Errorf("%d, %d bytes, %v", resp.StatusCode, len(text), err)
		}
	})
}

// One scanner behind a NAT address does not keep its neighbours from enrolling;
// who holds a token and asks for nonsense is stopped himself.
func TestANeighbourBehindTheSameAddress(t *testing.T) {
	s := start(t)
	token := s.tokenFor("worker", 2)
	exhaust := func(want int, header ...string) {
		t.Helper()
		var last *http.Response
		for range 300 {
			if last = s.plain("POST", "/v1/enrol", strings.NewReader("{}"), header...); last.StatusCode == http.StatusTooManyRequests {
				return
			}
		}
		t.Fatalf("after 300 failures %d, want %d", last.StatusCode, want)
	}
	exhaust(http.StatusTooManyRequests)
	if _, err := joinapi.Enrol(t.Context(), s.url, token, newKey(t), s.identity(1)); err != nil {
		t.Errorf("its neighbour, with a token: %v", err)
	}
	parts := strings.Split(token, ".")
	parts[3] = "guess"
	exhaust(http.StatusTooManyRequests, "Authorization", "Bearer "+strings.Join(parts, "."))
	if _, err := joinapi.Enrol(t.Context(), s.url, token, newKey(t), s.identity(2)); err != nil {
		t.Errorf("after guesses of its secret: %v", err)
	}
	exhaust(http.StatusTooManyRequests, "Authorization", "Bearer "+token)
	exhaust(http.StatusTooManyRequests) // still
}

// Three hundred hosts behind one NAT address, at once, are three hundred hosts:
// none is even told to come again.
func TestHostsBehindOneAddress(t *testing.T) {
	s := newSite(t, 300, 1)
	s.settled(s.storm(false).strike(t.Context()))
	if log := s.log.String(); strings.Contains(log, "too-many") {
		t.Errorf("some were too many:\n%s", log[:min(len(log), 2000)])
	}
}

// A copy of a node's key, somewhere else, uses up nothing of the node's.
func TestACopyOfAKeyElsewhere(t *testing.T) {
	s := start(t)
	h, cert := joinhttp.Hosts(s.Coordinator, s.Log), s.certificate(0)
	own, other := asJSON(t, s.identity(0)), asJSON(t, s.identity(1))
	code := 0
	for range 200 {
		code = asked(h, cert, "192.0.2.66", "/v1/node", other).Code
	}
	if code != http.StatusTooManyRequests {
		t.Errorf("the copy is answered %d", code)
	}
	if w := asked(h, cert, "192.0.2.7", "/v1/node", own); w.Code != http.StatusOK {
		t.Errorf("the node is answered %d %s", w.Code, w.Body)
	}
}

// gate is a store that answers nobody until it is opened.
type gate struct {
	join.Store
	inside chan struct{}
	open   chan struct{}
}

func (g gate) Update(ctx context.Context, fn func(join.Tx) error) error {
	g.inside <- struct{}{}
	<-g.open
	return g.Store.Update(ctx, fn)
}

// A node that makes hundreds of requests at once has eight answered at a time,
// and others theirs.
func TestRequestsAtOnceOfOneNode(t *testing.T) {
	s := start(t)
	certs := []*x509.Certificate{s.certificate(0), s.certificate(1)}
	g := gate{s.Store, make(chan struct{}), make(chan struct{})}
	s.Store = g
	h := joinhttp.Hosts(s.Coordinator, s.Log)
	ask := func(i int) *httptest.ResponseRecorder {
		return asked(h, certs[i], "192.0.2.7", "/v1/node/kubeadm", asJSON(t, s.identity(i)))
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { ask(0) })
		<-g.inside
	}
	if w := ask(0); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" {
		t.Errorf("the ninth is answered %d %s", w.Code, w.Body)
	}
	wg.Go(func() { ask(1) })
	select {
	case <-g.inside:
	case <-time.After(time.Minute):
		t.Fatal("another node waits for it")
	}
	go func() {
		for range g.inside {
		}
	}()
	close(g.open)
	wg.Wait()
	if w := ask(0); w.Code == http.StatusTooManyRequests {
		t.Errorf("after their answers: %d %s", w.Code, w.Body)
	}
	close(g.inside)
}

// What a scanner asks for fills no log: its paths are cut.
func TestLongPathsAreCut(t *testing.T) {
	s := start(t)
	before := len(s.log.String())
	for range 16 {
		resp := s.plain("GET", "/"+strings.Repeat("x", 8000), nil)
		if text, err := io.ReadAll(resp.Body); err != nil || len(text) > 2048 {
			t.Errorf("an answer of %d bytes, %v", len(text), err)
		}
	}
	if n := len(s.log.String()) - before; n > 16*1024 {
		t.Errorf("16 requests wrote %d bytes", n)
	}
}

// enormous is a request (PKCS #10, RFC 2986) with an RSA key of 180,000 bits, of
// which nobody has the private half; its signature is noise.
func enormous(t testing.TB, id joinapi.Identity) string {
	t.Helper()
	n := make([]byte, 22<<10)
	if _, err := rand.Read(n); err != nil {
		t.Fatal(err)
	}
	n[0], n[len(n)-1] = 0x80, n[len(n)-1]|1
	key := marshal(t, func() ([]byte, error) {
		return x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 1<<31 - 1})
	})
	signed := marshal(t, func() ([]byte, error) {
		return asn1.Marshal(struct {
			Version         int
			Subject         pkix.RDNSequence
			Key, Attributes asn1.RawValue
		}{Key: asn1.RawValue{FullBytes: key}, Attributes: asn1.RawValue{FullBytes: []byte{0xa0, 0}}})
	})
	der := marshal(t, func() ([]byte, error) {
		return asn1.Marshal(struct {
			Signed    asn1.RawValue
			Algorithm pkix.AlgorithmIdentifier
			Signature asn1.BitString
		}{
			asn1.RawValue{FullBytes: signed},
			pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, Parameters: asn1.NullRawValue}, // SHA256WithRSA
			asn1.BitString{Bytes: append([]byte{0x7f}, n[1:]...), BitLength: 8 * len(n)},
		})
	})
	text := marshal(t, func() ([]byte, error) {
		return json.Marshal(joinapi.EnrolRequest{CSR: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), Identity: id})
	})
	if len(text) < 58<<10 || len(text) > 64<<10 {
		t.Fatalf("the request has %d bytes", len(text))
	}
	return string(text)
}

func marshal(t testing.TB, do func() ([]byte, error)) []byte {
	t.Helper()
	data, err := do()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A request whose key takes a second of a processor to verify with is refused
// for the kind of its key, with a token, and for the token without one. Its
// signature is wrong, so that whoever looks at that first says so.
func TestEnormousKeys(t *testing.T) {
	s := start(t)
	token := s.token(1)
	body := enormous(t, s.identity(0))
	resp := s.plain("POST", "/v1/enrol", strings.NewReader(body), "Authorization", "Bearer "+token)
	if p := s.problem(resp); p.Status != http.StatusBadRequest || !strings.Contains(p.Detail, "csr: the key is neither") {
		t.Errorf("with a token: %+v", p)
	}
	parts := strings.Split(token, ".")
	parts[3] = "invented"
	resp = s.plain("POST", "/v1/enrol", strings.NewReader(body), "Authorization", "Bearer "+strings.Join(parts, "."))
	if p := s.problem(resp); p.Status != http.StatusUnauthorized || !strings.Contains(p.Detail, "does not know this enrolment token") {
		t.Errorf("with an invented one: %+v", p)
	}
}

// BenchmarkRefusal is what a refused request of 60 kB with an enormous RSA key
// costs, in microseconds of a processor, without TLS.
func BenchmarkRefusal(b *testing.B) {
	p := plantest.Load(b, "../../docs/examples/k8c1.yaml")
	log := slog.New(slog.DiscardHandler)
	e, err := etcd.Start(b.Context(), b.TempDir(), log)
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	ca, err := pki.New("k8c1", time.Now)
	if err != nil {
		b.Fatal(err)
	}
	c := &join.Coordinator{Plan: p, Store: etcd.New(e.Client(), "k8c1"), CA: ca, Now: time.Now, Log: log, Kubeadm: kubeadm()}
	token, err := c.CreateToken(b.Context(), joinapi.TokenRequest{Uses: 1, TTL: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	body := enormous(b, joinapi.Identity{MACs: []joinapi.MAC{"00:00:5e:00:53:01"}})
	h := joinhttp.Hosts(c, log)
	cut := strings.LastIndexByte(token.Token, '.')
	for name, bearer := range map[string]string{
		"token=none": "", "token=invented": token.Token[:cut-1] + "A." + "invented", "token=wrongSecret": token.Token[:cut+1] + "invented", "token=valid": token.Token,
	} {
		b.Run(name, func(b *testing.B) {
			before, i := processorTime(b, syscall.RUSAGE_SELF), 0
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, joinapi.PathEnrol, strings.NewReader(body))
				r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1024", byte(i>>16), byte(i>>8), byte(i)) // each from elsewhere: none is too many
				r.Header.Set("Authorization", "Bearer "+bearer)
				i++
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != http.StatusUnauthorized && w.Code != http.StatusBadRequest {
					b.Fatal(w.Code, w.Body)
				}
			}
			b.ReportMetric(float64((processorTime(b, syscall.RUSAGE_SELF)-before).Microseconds())/float64(b.N), "cpu-us/op")
		})
	}
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// Whoever has no token of this joinsvc sends its body to nobody.
func TestABodyIsReadAfterItsToken(t *testing.T) {
	s := start(t)
	h := joinhttp.Hosts(s.Coordinator, s.Log)
	good := strings.Split(s.token(1), ".")
	for name, bearer := range map[string]string{
		"no token":     "hello",
		"its id":       strings.Join([]string{good[0], good[1], "nobody", good[3]}, "."),
		"its secret":   strings.Join([]string{good[0], good[1], good[2], "guess"}, "."),
		"no bearer":    "",
		"another kind": "np2." + strings.Join(good[1:], "."),
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, joinapi.PathEnrol, unread{t})
			if bearer != "" {
				r.Header.Set("Authorization", "Bearer "+bearer)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized {
				t.Errorf("answers %d %s", w.Code, w.Body)
			}
		})
	}
}

// One connection is one request at a time, whatever its other end would like.
func TestNoHTTP2(t *testing.T) {
	s := start(t)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), &tls.Config{RootCAs: s.CA.Pool(), NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("speaks %q", got)
	}
}
