// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// docs/problems.md has a line for every code, and for nothing else.
func TestProblemsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/problems.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (\\d+) \\| ([^|]+) \\| (yes|no) \\|").FindAllStringSubmatch(string(page), -1) {
		got = append(got, strings.Join(m[1:], "|"))
	}
	for _, c := range Codes() {
		again := "no"
		if (&Error{Code: c}).Temporary() {
			again = "yes"
		}
		want = append(want, fmt.Sprintf("%s|%d|%s|%s", c, c.Status(), c.Title(), again))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/problems.md (-want +got):\n%s", diff)
	}
}

// Every constant of type Code is in Codes, and has a status of its own choosing.
func TestCodesAreAllThere(t *testing.T) {
	source, err := os.ReadFile("errors.go")
	if err != nil {
		t.Fatal(err)
	}
	constants := regexp.MustCompile(`(?m)^\tCode\w+ +Code += "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(constants) != len(Codes()) {
		t.Errorf("%d constants, %d in Codes", len(constants), len(Codes()))
	}
	for _, m := range constants {
		c := Code(m[1])
		if !slices.Contains(Codes(), c) {
			t.Errorf("Codes lacks %s", c)
		}
		if c != CodeInternal && c.Status() == http.StatusInternalServerError {
			t.Errorf("%s has no status", c)
		}
	}
}

// What an Error says is on the wire as RFC 9457 has it, and comes back whole.
func TestAnErrorTravels(t *testing.T) {
	sent := Invalid(FieldProblem{"identity.macs[3]", "want six bytes"}, FieldProblem{"csr", "is no PEM"})
	sent.RetryAfter, sent.Instance = 1500*time.Millisecond, "/v1/enrol#X"
	text, err := json.Marshal(sent.Problem())
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "https://nodeprep.dev/problems/invalid", "title": "The request is invalid", "status": 400.0,
		"detail": "identity.macs[3]: want six bytes; csr: is no PEM", "instance": "/v1/enrol#X", "code": "invalid", "retryAfter": 2.0,
		"problems": []any{
			map[string]any{"path": "identity.macs[3]", "detail": "want six bytes"},
			map[string]any{"path": "csr", "detail": "is no PEM"},
		},
	}
	if diff := cmp.Diff(want, members); diff != "" {
		t.Errorf("on the wire (-want +got):\n%s", diff)
	}
	var got *Error
	if err := ask(t, answering(400, "application/problem+json; charset=utf-8", string(text))); !errors.As(err, &got) {
		t.Fatal(err)
	}
	sent.RetryAfter = 2 * time.Second // whole seconds, never less than what was meant
	if diff := cmp.Diff(sent, got); diff != "" {
		t.Errorf("came back (-want +got):\n%s", diff)
	}
}

// answering is a server that always answers the same.
func answering(status int, kind, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// ask asks h for this node's view over real HTTP.
func ask(t *testing.T, h http.Handler) error {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := Client{caller: newCaller(base, nil)}
	_, err = c.Node(t.Context())
	return err
}

func TestWhoeverAnswers(t *testing.T) {
	const html = "<html><head><title>502 Bad Gateway</title></head>\r\n<body>\x1b[31mnginx</body></html>"
	problem := func(code Code) string {
		return fmt.Sprintf(`{"type":"%s%s","code":"%[2]s","detail":"d","later":1}`, ProblemTypes, code)
	}
	tests := []struct {
		name      string
		answer    http.HandlerFunc
		code      Code
		temporary bool
		after     time.Duration
		says      string
	}{
		{"not yet", answering(503, ProblemMediaType, problem(CodeNotYet), "Retry-After", "5"), CodeNotYet, true, 5 * time.Second, "d (not-yet)"},
		{"too many", answering(429, ProblemMediaType, problem(CodeTooMany), "Retry-After", "7"), CodeTooMany, true, 7 * time.Second, ""},
		{"too many, without the header", answering(429, ProblemMediaType, problem(CodeTooMany)), CodeTooMany, true, 0, ""},
		{"contended", answering(503, ProblemMediaType, problem(CodeUnavailable)), CodeUnavailable, true, 0, ""},
		{"internal", answering(500, ProblemMediaType, problem(CodeInternal)), CodeInternal, true, 0, ""},
		{"conflict", answering(409, ProblemMediaType, problem(CodeConflict)), CodeConflict, false, 0, ""},
		{"forbidden", answering(403, ProblemMediaType, problem(CodeForbidden)), CodeForbidden, false, 0, ""},
		{"a code of a newer joinsvc", answering(410, ProblemMediaType, problem("gone-for-good")), "gone-for-good", false, 0, "gone-for-good"},
		{"a day of waiting", answering(503, ProblemMediaType, problem(CodeNotYet), "Retry-After", "86400"), CodeNotYet, true, time.Hour, ""},
		{"no number", answering(503, ProblemMediaType, problem(CodeNotYet), "Retry-After", "-3"), CodeNotYet, true, 0, ""},
		{"a proxy without a server", answering(502, "text/html", html, "Server", "nginx/1.27"), "", true, 0, `answered 502 Bad Gateway (text/html) by a server that calls itself "nginx/1.27"`},
		{"a proxy that is busy", answering(503, "text/html", html, "Retry-After", "9"), "", true, 9 * time.Second, "no answer of joinsvc"},
		{"a proxy that wants a password", answering(407, "text/html", html), "", false, 0, "407 Proxy Authentication Required"},
		{"another server", answering(404, "text/plain", "404 page not found"), "", false, 0, "404 page not found"},
		{"another's problem", answering(403, ProblemMediaType, `{"type":"https://example.com/probs/out-of-credit","code":"forbidden"}`), "", false, 0, "another server"},
		{"success in HTML", answering(200, "text/html", html), "", false, 0, "answered 200 OK (text/html)"},
		{"success that is none", answering(200, "application/json", "{"), "", false, 0, "reading joinsvc's answer"},
		{"endless success", answering(200, "application/json", strings.Repeat(" ", maxAnswer+1)), "", false, 0, "larger than"},
		{"moved", answering(302, "text/html", "", "Location", "http://127.0.0.1:1/"), "", false, 0, "answered 302 Found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := ask(t, tt.answer)
			if err == nil || CodeOf(err) != tt.code || Temporary(err) != tt.temporary || RetryAfter(err) != tt.after {
				t.Errorf("%v: code %q, temporary %v, after %v; want %q, %v, %v", err, CodeOf(err), Temporary(err), RetryAfter(err), tt.code, tt.temporary, tt.after)
			}
			if text := fmt.Sprint(err); !strings.Contains(text, tt.says) || strings.ContainsAny(text, "\x1b\r\n") {
				t.Errorf("says %q, want %q", text, tt.says)
			}
		})
	}
}

func TestRetryAfterAsADate(t *testing.T) {
	at := time.Now().Add(40 * time.Second).UTC().Format(http.TimeFormat)
	err := ask(t, answering(503, "text/html", "", "Retry-After", at))
	if after := RetryAfter(err); after < 30*time.Second || after > 41*time.Second {
		t.Errorf("after %v, want about 40 s", after)
	}
}

// A connection that breaks is worth another attempt, whenever it breaks.
func TestConnectionsThatBreak(t *testing.T) {
	cut := func(w http.ResponseWriter, after string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, after)
			_ = conn.Close()
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"before the answer": func(w http.ResponseWriter, _ *http.Request) { cut(w, "") },
		"within the answer": func(w http.ResponseWriter, _ *http.Request) {
			cut(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		},
	} {
		if err := ask(t, h); err == nil || !Temporary(err) {
			t.Errorf("%s: %v is taken for final", name, err)
		}
	}
}

func TestTemporary(t *testing.T) {
	refused := &url.Error{Op: "Get", URL: "https://x", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	alert := &url.Error{Op: "Get", URL: "https://x", Err: &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}}
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"nothing", nil, false},
		{"refused connection", fmt.Errorf("asking joinsvc: %w", refused), true},
		{"no such name yet", fmt.Errorf("x: %w", &url.Error{Err: &net.DNSError{Err: "no such host", IsNotFound: true}}), true},
		{"time-out", fmt.Errorf("x: %w", &url.Error{Err: context.DeadlineExceeded}), true},
		{"ended by the caller", fmt.Errorf("x: %w", &url.Error{Err: context.Canceled}), false},
		{"another CA", fmt.Errorf("x: %w", &url.Error{Err: &WrongCAError{}}), false},
		{"our certificate is refused", fmt.Errorf("x: %w", alert), false},
		{"a token that is cut", errors.New("the enrolment token has 3 parts"), false},
	} {
		if got := Temporary(tt.err); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
