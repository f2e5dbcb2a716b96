// SPDX-License-Identifier: Apache-2.0

package apictest

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say what an APIC is of.
type Options struct {
	User, Password string           // of the one who may log in
	Leaves         []int            // node IDs
	Pairs          [][2]int         // leaves with a vPC protection group
	ASN            int              // of the fabric, which no local AS number may be
	MaxPage        int              // objects in one page, default 1000
	TokenLife      time.Duration    // refreshTimeoutSeconds, default 600 s
	Now            func() time.Time // default time.Now
}

// A Server is an APIC that answers on a port of this machine.
type Server struct {
	http    *httptest.Server
	options Options

	mu       sync.Mutex
	store    *store
	tokens   map[string]time.Time // until when each is good
	requests []string
	failures map[string]*refusal
	logins   int
	before   func(r *http.Request)
}

// Start starts an APIC with nothing in it but what every fabric has.
func Start(o Options) *Server {
	if o.MaxPage == 0 {
		o.MaxPage = 1000
	}
	if o.TokenLife == 0 {
		o.TokenLife = 600 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{options: o, store: newStore(o), tokens: map[string]time.Time{}, failures: map[string]*refusal{}}
	s.http = httptest.NewUnstartedServer(s)
	s.http.TLS = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12} // an APIC's default
	s.http.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)     // of those who do not trust it
	s.http.StartTLS()
	return s
}

// Close stops it.
func (s *Server) Close() { s.http.Close() }

// URL is where it answers.
func (s *Server) URL() string { return s.http.URL }

// CA is what its certificate is trusted by, in PEM.
func (s *Server) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})
}

// PublicKey is its certificate's SubjectPublicKeyInfo.
func (s *Server) PublicKey() []byte { return s.http.Certificate().RawSubjectPublicKeyInfo }

// Dump is all that it has, a line for each object with its attributes.
func (s *Server) Dump() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.dump()
}

// Post is somebody else's POST, past the session.
func (s *Server) Post(dn, body string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.store.post(dn, []byte(body)); r != nil {
		return r
	}
	return nil
}

// Fail refuses further writes to a distinguished name; an empty code ends that.
func (s *Server) Fail(dn, code, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.failures, dn)
	if code != "" {
		s.failures[dn] = refused(code, "%s", text)
	}
}

// Before has a function see every request before it is answered.
func (s *Server) Before(f func(r *http.Request)) { s.before = f }

// Expire ends all sessions.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Logins is how often somebody logged in.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Requests are all requests since the last call, "GET /api/class/fvTenant.json".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.requests
	s.requests = nil
	return all
}

// Writes are the requests since the last call that could change something.
func (s *Server) Writes() []string {
	return slices.DeleteFunc(s.Requests(), func(r string) bool {
		return strings.HasPrefix(r, http.MethodGet) || strings.Contains(r, "/api/aaa")
	})
}

// ServeHTTP answers as an APIC does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.before != nil {
		s.before(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	found, total, refusal := s.answer(r)
	if refusal != nil {
		w.WriteHeader(refusal.status)
		found, total = []any{object("error", map[string]string{"code": refusal.code, "text": refusal.text})}, 1
	}
	// What cannot be written has nobody left to read it.
	_ = json.NewEncoder(w).Encode(map[string]any{"totalCount": fmt.Sprint(total), "imdata": found})
}

func object(class string, attributes map[string]string) any {
	return map[string]any{class: map[string]any{"attributes": attributes}}
}

func (s *Server) answer(r *http.Request) ([]any, int, *refusal) {
	path, isJSON := strings.CutSuffix(r.URL.Path, ".json")
	path, isAPI := strings.CutPrefix(path, "/api/")
	if !isJSON || !isAPI {
		return nil, 0, &refusal{http.StatusNotFound, "404", "no such page"}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, 0, refused(codeBody, "reading the body: %v", err)
	}
	if path == "aaaLogin" && r.Method == http.MethodPost {
		return s.login(body)
	}
	if r := s.session(r); r != nil {
		return nil, 0, r
	}
	switch kind, name, _ := strings.Cut(path, "/"); {
	case path == "aaaRefresh" && r.Method == http.MethodGet:
		return s.token()
	case path == "aaaLogout" && r.Method == http.MethodPost:
		clear(s.tokens)
		return []any{}, 0, nil
	case kind == "class" && r.Method == http.MethodGet:
		found, refusal := s.store.ofClass(name, r.URL.Query())
		return s.page(r, found, refusal)
	case kind == "mo" && r.Method == http.MethodGet:
		found, refusal := s.store.at(name, r.URL.Query())
		return s.page(r, found, refusal)
	case kind == "mo" && s.failures[name] != nil:
		return nil, 0, s.failures[name]
	case kind == "mo" && r.Method == http.MethodPost:
		return []any{}, 0, s.store.post(name, body)
	case kind == "mo" && r.Method == http.MethodDelete:
		return []any{}, 0, s.store.delete(name)
	}
	return nil, 0, &refusal{http.StatusMethodNotAllowed, "405", "no such request"}
}

func (s *Server) page(r *http.Request, found []string, refusal *refusal) ([]any, int, *refusal) {
	if refusal != nil {
		return nil, 0, refusal
	}
	dns, refusal := page(found, r.URL.Query(), s.options.MaxPage)
	if refusal != nil {
		return nil, 0, refusal
	}
	all := make([]any, len(dns))
	for i, dn := range dns {
		all[i] = object(s.store.objects[dn].class, s.store.answer(dn))
	}
	return all, len(found), nil
}

func (s *Server) login(body []byte) ([]any, int, *refusal) {
	var p posted
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, 0, refused(codeBody, "invalid request body: %v", err)
	}
	user := p["aaaUser"].Attributes
	if user["name"] != s.options.User || user["pwd"] != s.options.Password {
		return nil, 0, &refusal{http.StatusUnauthorized, "401", "Username or password is incorrect - FAILED local authentication"}
	}
	s.logins++
	return s.token()
}

func (s *Server) token() ([]any, int, *refusal) {
	token := rand.Text()
	s.tokens[token] = s.options.Now().Add(s.options.TokenLife)
	return []any{object("aaaLogin", map[string]string{
		"token": token, "refreshTimeoutSeconds": fmt.Sprint(int(s.options.TokenLife.Seconds())), "userName": s.options.User,
	})}, 1, nil
}

func (s *Server) session(r *http.Request) *refusal {
	cookie, err := r.Cookie("APIC-cookie")
	if err == nil && s.options.Now().Before(s.tokens[cookie.Value]) {
		return nil
	}
	return &refusal{http.StatusForbidden, "403", "Token was invalid (Error: Token timeout)"}
}
