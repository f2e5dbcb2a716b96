// SPDX-License-Identifier: Apache-2.0

package joinhttp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// A result is what is encoded as the answer; nil is 204 No Content.
type result = func(*http.Request) (any, error)

func (a api) answer(do result) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := do(r)
		switch {
		case err != nil:
			a.fail(w, r, err)
		case value == nil:
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusNoContent)
		default:
			a.write(w, r, http.StatusOK, "application/json", value)
		}
	}
}

func (a api) write(w http.ResponseWriter, r *http.Request, status int, kind string, value any) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store") // answers hold tokens
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		// Whoever waits for it asks again; a client that went away is no event.
		a.log.Debug("answer lost", "path", r.URL.Path, "remote", r.RemoteAddr, "err", err)
	}
}

// fail answers with a problem document (RFC 9457).
func (a api) fail(w http.ResponseWriter, r *http.Request, err error) {
	if gone(r) {
		a.log.Debug("the client went away", "path", r.URL.Path, "remote", r.RemoteAddr, "node", subject(r), "err", err)
		return
	}
	e := *a.classify(r, err)
	e.Instance = r.URL.Path + "#" + rand.Text()
	a.logRefusal(r, e, err)
	p := e.Problem()
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if e.Code == joinapi.CodeUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="joinsvc"`) // RFC 9110 section 15.5.2
	}
	a.write(w, r, p.Status, joinapi.ProblemMediaType, p)
}

// gone says that nobody waits for the answer any more: net/http ends a
// request's context when its connection does.
func gone(r *http.Request) bool { return errors.Is(r.Context().Err(), context.Canceled) }

// classify finds the code of err. What has none is internal, and its detail
// goes to the log alone.
func (a api) classify(r *http.Request, err error) *joinapi.Error {
	var e *joinapi.Error
	if errors.As(err, &e) {
		return e
	}
	a.log.Error("internal error", "path", r.URL.Path, "remote", r.RemoteAddr, "node", subject(r), "err", err)
	return joinapi.Errorf(joinapi.CodeInternal, "joinsvc had an internal error; its log says which: journalctl -u joinsvc")
}

func (a api) logRefusal(r *http.Request, e joinapi.Error, err error) {
	level := slog.LevelWarn
	if e.Code == joinapi.CodeNotYet {
		level = slog.LevelDebug // every host asks until it is its turn
	}
	a.log.Log(r.Context(), level, "refused", "path", r.URL.Path, "remote", r.RemoteAddr, "node", subject(r),
		"code", e.Code, "instance", e.Instance, "err", err)
}

// route answers what mux does not know with problem documents too: 404, and
// 405 with the methods that the path has (RFC 9110 section 15.5.6).
func (a api) route(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		allowed := methods(mux, r)
		if len(allowed) == 0 {
			a.fail(w, r, joinapi.Errorf(joinapi.CodeNotFound, "there is no %s", r.URL.Path))
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		a.fail(w, r, joinapi.Errorf(joinapi.CodeMethodNotAllowed, "%s takes %s, not %s", r.URL.Path, strings.Join(allowed, " or "), r.Method))
	})
}

// methods are those that mux takes at the path of r.
func methods(mux *http.ServeMux, r *http.Request) []string {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if _, pattern := mux.Handler(&http.Request{Method: m, URL: r.URL, Host: r.Host}); pattern != "" {
			allowed = append(allowed, m)
		}
	}
	return allowed
}

// decode reads one JSON value of at most limit bytes without unknown fields.
func decode[T any](r *http.Request, limit int64) (T, error) {
	var value T
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, limit))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&value); err != nil {
		return value, unreadable(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return value, joinapi.Errorf(joinapi.CodeInvalid, "the request's body: something follows its one value")
	}
	return value, nil
}

func unreadable(err error) *joinapi.Error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return joinapi.Errorf(joinapi.CodeTooLarge, "the request's body is larger than %d bytes", large.Limit)
	}
	return joinapi.Errorf(joinapi.CodeInvalid, "the request's body: %v", err)
}
