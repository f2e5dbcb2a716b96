// SPDX-License-Identifier: Apache-2.0

// Package joinhttp puts join on HTTP: decode, call, and map a code to a status.
package joinhttp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/pki"
)

// The largest bodies, in bytes. Cluster access holds certificate chains.
const (
	maxBody   = 64 << 10
	maxAccess = 256 << 10
)

type api struct {
	join *join.Coordinator
	log  *slog.Logger
}

// Hosts serves what hosts may ask. It has to be behind TLS that verifies
// client certificates when given, as pki.CA.ServerTLS does.
func Hosts(c *join.Coordinator, log *slog.Logger) http.Handler {
	a := api{c, log}
	limit := newLimiter(c.Now)
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+joinapi.PathEnrol, a.answer(limit.enrolments(a.enrol)))
	mux.HandleFunc("POST "+joinapi.PathNode, a.answer(a.asNode(a.node)))
	mux.HandleFunc("POST "+joinapi.PathReport, a.answer(a.asNode(a.report)))
	mux.HandleFunc("POST "+joinapi.PathKubeadm, a.answer(a.asNode(a.kubeadm)))
	mux.HandleFunc("POST "+joinapi.PathAccess, a.answer(a.asNode(a.access)))
	mux.HandleFunc("GET /healthz", a.answer(func(*http.Request) (any, error) { return nil, nil }))
	mux.HandleFunc("GET /readyz", a.answer(a.ready))
	mux.HandleFunc("/", a.answer(nowhere))
	return mux
}

// Operators serves what operators may ask. It checks nobody: whoever can open
// the socket may.
func Operators(c *join.Coordinator, log *slog.Logger) http.Handler {
	a := api{c, log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+joinapi.PathStatus, a.answer(a.status))
	mux.HandleFunc("POST "+joinapi.PathTokens, a.answer(a.createToken))
	mux.HandleFunc("POST "+joinapi.PathReopen, a.answer(a.reopenInit))
	mux.HandleFunc("/", a.answer(nowhere))
	return mux
}

// Server gives handler the time limits that a server on a network needs. Its
// own complaints, failed handshakes among them, go to log.
func Server(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // minting a token asks the API server
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}

// A result is what is encoded as the answer; nil is 204 No Content.
type result = func(*http.Request) (any, error)

func (a api) answer(do result) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := do(r)
		switch {
		case err != nil:
			a.fail(w, r, err)
		case value == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			a.write(w, r, http.StatusOK, value)
		}
	}
}

func (a api) write(w http.ResponseWriter, r *http.Request, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store") // answers hold tokens
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		a.log.Warn("answer lost", "path", r.URL.Path, "remote", r.RemoteAddr, "err", err)
	}
}

// fail answers with the code of err; what has none is internal, and its detail
// goes to the log alone.
func (a api) fail(w http.ResponseWriter, r *http.Request, err error) {
	var e *joinapi.Error
	if !errors.As(err, &e) {
		a.log.Error("internal error", "path", r.URL.Path, "remote", r.RemoteAddr, "node", subject(r), "err", err)
		e = joinapi.Errorf(joinapi.CodeInternal, "joinsvc had an internal error; its log says which")
	}
	level := slog.LevelWarn
	if e.Code == joinapi.CodeNotYet {
		level = slog.LevelDebug // every host asks until it is its turn
	}
	a.log.Log(r.Context(), level, "refused", "path", r.URL.Path, "remote", r.RemoteAddr, "node", subject(r), "code", e.Code, "err", err)
	if e.RetryAfter > 0 {
		// RFC 9110 section 10.2.3: whole seconds.
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	a.write(w, r, e.Code.Status(), e)
}

func nowhere(r *http.Request) (any, error) {
	return nil, joinapi.Errorf(joinapi.CodeNotFound, "there is no %s %s", r.Method, r.URL.Path)
}

// decode reads one JSON value of at most limit bytes without unknown fields.
func decode[T any](r *http.Request, limit int64) (T, error) {
	var value T
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, limit))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&value); err != nil {
		return value, joinapi.Errorf(joinapi.CodeInvalid, "the request's body: %v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return value, joinapi.Errorf(joinapi.CodeInvalid, "the request's body: something follows its one value")
	}
	return value, nil
}

// asNode lets through who shows a certificate of a node. The node is the
// certificate's subject, so that no request can name another.
func (a api) asNode(do func(*http.Request, join.Caller) (any, error)) result {
	return func(r *http.Request) (any, error) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			return nil, joinapi.Errorf(joinapi.CodeUnauthorized, "%s wants the client certificate that enrolment returned", r.URL.Path)
		}
		cert := r.TLS.PeerCertificates[0]
		if !slices.Contains(cert.Subject.OrganizationalUnit, pki.NodesOU) {
			return nil, joinapi.Errorf(joinapi.CodeForbidden, "the certificate of %q is not that of a node", cert.Subject.CommonName)
		}
		id, err := identity(r)
		if err != nil {
			return nil, err
		}
		return do(r, join.Caller{Node: cert.Subject.CommonName, Key: pki.Fingerprint(cert), Identity: id})
	}
}

// identity is what a node says of its hardware with every request. A request
// without it is of hardware that nobody knows, which the domain refuses.
func identity(r *http.Request) (joinapi.Identity, error) {
	var id joinapi.Identity
	text := r.Header.Get(joinapi.HeaderIdentity)
	if text == "" {
		return id, nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&id); err != nil {
		return id, joinapi.Errorf(joinapi.CodeInvalid, "%s: %v", joinapi.HeaderIdentity, err)
	}
	return id, nil
}

func subject(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return ""
	}
	return r.TLS.PeerCertificates[0].Subject.CommonName
}

func (a api) enrol(r *http.Request) (any, error) {
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return nil, joinapi.Errorf(joinapi.CodeUnauthorized, "enrolment wants the header Authorization: Bearer np1.…")
	}
	req, err := decode[joinapi.EnrolRequest](r, maxBody)
	if err != nil {
		return nil, err
	}
	return a.join.Enrol(r.Context(), bearer, req)
}

func (a api) node(r *http.Request, who join.Caller) (any, error) {
	return a.join.View(r.Context(), who)
}

func (a api) report(r *http.Request, who join.Caller) (any, error) {
	report, err := decode[joinapi.Report](r, maxBody)
	if err != nil {
		return nil, err
	}
	return nil, a.join.Report(r.Context(), who, report)
}

func (a api) kubeadm(r *http.Request, who join.Caller) (any, error) {
	return a.join.Order(r.Context(), who)
}

func (a api) access(r *http.Request, who join.Caller) (any, error) {
	access, err := decode[joinapi.ClusterAccess](r, maxAccess)
	if err != nil {
		return nil, err
	}
	return nil, a.join.Accept(r.Context(), who, access)
}

func (a api) ready(r *http.Request) (any, error) {
	if err := a.join.Ready(r.Context()); err != nil {
		return nil, fmt.Errorf("asking the store: %w", err)
	}
	return nil, nil
}

func (a api) status(r *http.Request) (any, error) { return a.join.Status(r.Context()) }

func (a api) createToken(r *http.Request) (any, error) {
	req, err := decode[joinapi.TokenRequest](r, maxBody)
	if err != nil {
		return nil, err
	}
	return a.join.CreateToken(r.Context(), req)
}

func (a api) reopenInit(r *http.Request) (any, error) {
	req, err := decode[joinapi.ReopenRequest](r, maxBody)
	if err != nil {
		return nil, err
	}
	return nil, a.join.ReopenInit(r.Context(), req.Node)
}
