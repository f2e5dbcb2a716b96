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

	"github.com/nodeprep/nodeprep/pkg/flood"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// A result is what is encoded as the answer; nil is 204 No Content.
type result = func(*http.Request) (any, error)

// answer does it unless its source was refused too often of late; then nothing
// of the request is read.
func (a api) answer(do result) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if a.failures == nil {
			a.always(do)(w, r)
			return
		}
		from := sourceOf(r)
		r = r.WithContext(flood.WithSource(r.Context(), from))
		if wait := a.failures.allow(from); wait > 0 {
			a.fail(w, r, tooMany(from, wait))
			return
		}
		a.always(func(r *http.Request) (any, error) {
			value, err := do(r)
			if blames(joinapi.CodeOf(err)) {
				a.failures.count(from)
			}
			return value, err
		})(w, r)
	}
}

// always does it, whoever asks.
func (a api) always(do result) http.HandlerFunc {
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

// A loggedError is in the log already, by who knew more of it.
type loggedError struct{ err error }

func (e *loggedError) Error() string { return e.err.Error() }
func (e *loggedError) Unwrap() error { return e.err }

// classify finds the code of err. What has none is internal, and its detail
// goes to the log alone.
func (a api) classify(r *http.Request, err error) *joinapi.Error {
	var e *joinapi.Error
	if errors.As(err, &e) {
		return e
	}
	a.log.ErrorContext(r.Context(), "internal error", flood.Code, joinapi.CodeInternal, "path", r.URL.Path, "remote", r.RemoteAddr, "node", subject(r), "err", err)
	return joinapi.Errorf(joinapi.CodeInternal, "joinsvc had an internal error; its log says which: journalctl -u joinsvc")
}

// logRefusal writes each refusal once, and what passes by itself not at all.
func (a api) logRefusal(r *http.Request, e joinapi.Error, err error) {
	level := slog.LevelWarn
	var logged *loggedError
	if errors.As(err, &logged) || !blames(e.Code) && e.Code != joinapi.CodeTooMany {
		level = slog.LevelDebug
	}
	a.log.Log(r.Context(), level, "refused", "path", r.URL.Path, "remote", r.RemoteAddr, "node", subject(r),
		flood.Code, e.Code, "instance", e.Instance, "err", err)
}

// route answers what mux does not know with problem documents too: 404, and
// 405 with the methods that the path has (RFC 9110 section 15.5.6).
func (a api) route(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		a.answer(func(r *http.Request) (any, error) { return nil, a.misdirected(w, r, mux) })(w, r)
	})
}

func (a api) misdirected(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) error {
	allowed := methods(mux, r)
	if len(allowed) == 0 {
		return joinapi.Errorf(joinapi.CodeNotFound, "there is no %s", r.URL.Path)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return joinapi.Errorf(joinapi.CodeMethodNotAllowed, "%s takes %s, not %s", r.URL.Path, strings.Join(allowed, " or "), r.Method)
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
