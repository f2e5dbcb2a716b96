// SPDX-License-Identifier: Apache-2.0

package joinhttp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
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
		wait := a.failures.allow(from)
		if wait > 0 {
			// A neighbour behind the same address may have used it up.
			if id := a.proven(r); id != "" {
				from = "token " + id + " at " + from
				wait = a.failures.allow(from)
			}
		}
		if wait > 0 {
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

// proven is the id of the enrolment token that a request shows, empty when
// joinsvc does not know it. It costs one read of the store.
func (a api) proven(r *http.Request) string {
	if r.URL.Path != joinapi.PathEnrol {
		return ""
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return a.join.Knows(r.Context(), bearer)
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
		a.log.Debug("answer lost", "path", pathOf(r), "remote", r.RemoteAddr, "err", err)
	}
}

// fail answers with a problem document (RFC 9457).
func (a api) fail(w http.ResponseWriter, r *http.Request, err error) {
	if gone(r) {
		a.log.Debug("the client went away", "path", pathOf(r), "remote", r.RemoteAddr, "node", subject(r), "err", err)
		return
	}
	e := *a.classify(r, err)
	e.Instance = pathOf(r) + "#" + rand.Text()
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
	a.log.ErrorContext(r.Context(), "internal error", flood.Code, joinapi.CodeInternal, "path", pathOf(r), "remote", r.RemoteAddr, "node", subject(r), "err", err)
	return joinapi.Errorf(joinapi.CodeInternal, "joinsvc had an internal error; its log says which: journalctl -u joinsvc")
}

// logRefusal writes each refusal once, and what passes by itself not at all.
func (a api) logRefusal(r *http.Request, e joinapi.Error, err error) {
	level := slog.LevelWarn
	var logged *loggedError
	if errors.As(err, &logged) || !blames(e.Code) && e.Code != joinapi.CodeTooMany {
		level = slog.LevelDebug
	}
	a.log.Log(r.Context(), level, "refused", "path", pathOf(r), "remote", r.RemoteAddr, "node", subject(r),
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

// pathOf is the path for an answer or the log: a scanner's may be as long as
// all of the head.
func pathOf(r *http.Request) string { return shortened(r.URL.Path, 2*maxName) }

func (a api) misdirected(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) error {
	allowed := methods(mux, r)
	if len(allowed) == 0 {
		return joinapi.Errorf(joinapi.CodeNotFound, "there is no %s", pathOf(r))
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return joinapi.Errorf(joinapi.CodeMethodNotAllowed, "%s takes %s, not %s", pathOf(r), strings.Join(allowed, " or "), shortened(r.Method, maxName))
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
