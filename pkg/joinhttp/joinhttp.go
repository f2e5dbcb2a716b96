// SPDX-License-Identifier: Apache-2.0

// Package joinhttp puts join on HTTP: decode, call, and answer with a result or
// a problem document.
package joinhttp

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

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
	// failures limits who is refused too often; nil for operators.
	failures *failures
	under    *inFlight // the requests of nodes
}

// Hosts serves what hosts may ask. It has to be behind TLS that verifies
// client certificates when given, as pki.CA.ServerTLS does.
func Hosts(c *join.Coordinator, log *slog.Logger) http.Handler {
	a := api{c, log, newFailures(c.Now), &inFlight{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+joinapi.PathEnrol, a.answer(a.enrol))
	mux.HandleFunc("POST "+joinapi.PathNode, a.answer(a.asNode(a.node)))
	mux.HandleFunc("POST "+joinapi.PathReport, a.answer(a.asNode(a.report)))
	mux.HandleFunc("POST "+joinapi.PathKubeadm, a.answer(a.asNode(a.kubeadm)))
	mux.HandleFunc("POST "+joinapi.PathAccess, a.answer(a.asNode(a.access)))
	mux.HandleFunc("GET /healthz", a.always(func(*http.Request) (any, error) { return nil, nil }))
	mux.HandleFunc("GET /readyz", a.always(a.ready))
	return a.route(mux)
}

// Operators serves what operators may ask. It checks nobody: whoever can open
// the socket may.
func Operators(c *join.Coordinator, log *slog.Logger) http.Handler {
	a := api{c, log, nil, nil}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+joinapi.PathStatus, a.answer(a.status))
	mux.HandleFunc("POST "+joinapi.PathTokens, a.answer(a.createToken))
	mux.HandleFunc("POST "+joinapi.PathRelease, a.answer(a.release))
	mux.HandleFunc("POST "+joinapi.PathReopen, a.answer(a.reopenInit))
	return a.route(mux)
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
		done, ok := a.under.enter(sourceOf(r))
		if !ok {
			return nil, tooManyAtOnce()
		}
		defer done()
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
	err := unmarshal([]byte(text), joinapi.HeaderIdentity, joinapi.HeaderIdentity, &id)
	return id, err
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
	// The header comes first: whoever has no token of joinsvc sends its body to
	// nobody.
	body := func() (joinapi.EnrolRequest, error) { return decode[joinapi.EnrolRequest](r, maxBody) }
	answer, err := a.join.Enrol(r.Context(), bearer, body)
	if err != nil {
		return nil, &loggedError{err} // with the token and the host, which are not known here
	}
	return answer, nil
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
	return nil, a.join.CanAnswer(r.Context())
}

func (a api) status(r *http.Request) (any, error) { return a.join.Status(r.Context()) }

func (a api) release(r *http.Request) (any, error) {
	req, err := decode[joinapi.ReleaseRequest](r, maxBody)
	if err != nil {
		return nil, err
	}
	return a.join.Release(r.Context(), req)
}

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
