// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestParseToken(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	good := "np1." + sum + ".id.secret"
	got, err := ParseToken(" " + good + "\n")
	if err != nil || got != (EnrolToken{CA: sum, ID: "id", Secret: "secret"}) || got.String() != good {
		t.Errorf("%+v, %v", got, err)
	}
	for token, says := range map[string]string{
		"":                          "1 parts",
		"np1." + sum + ".id":        "3 parts",
		"np2." + sum + ".id.secret": "np1",
		"np1.0a.id.secret":          "SHA-256",
		"np1." + strings.ToUpper(sum) + ".i.secret": "lower-case",
		"np1." + sum + "..secret":                   "cut",
		"np1." + sum + ".id.":                       "cut",
	} {
		_, err := ParseToken(token)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret.") || strings.Contains(err.Error(), ".secret") {
			t.Errorf("%q: %v, want %q and not the secret", token, err, says)
		}
	}
}

func TestServerURL(t *testing.T) {
	for server, ok := range map[string]bool{
		"https://10.9.0.2:8443": true, "https://10.9.0.2:8443/": true, "http://10.9.0.2:8443": false, "10.9.0.2:8443": false, "https://": false, "https://x/v1": false,
	} {
		if _, err := parseServer(server); (err == nil) != ok {
			t.Errorf("%s: %v", server, err)
		}
	}
}

// What stands between may answer too, and not in JSON.
func TestAnswersOfOthers(t *testing.T) {
	var answer func(http.ResponseWriter)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
	defer server.Close()
	base, err := parseServer(strings.Replace(server.URL, "http:", "https:", 1))
	if err != nil {
		t.Fatal(err)
	}
	base.Scheme = "http"
	c := Client{caller: newCaller(base, nil)}
	tests := []struct {
		name   string
		answer func(http.ResponseWriter)
		code   Code
		says   string
		after  time.Duration
	}{
		{"a proxy's page", func(w http.ResponseWriter) { http.Error(w, "<html>bad gateway", http.StatusBadGateway) }, CodeInternal, "502 Bad Gateway: <html>bad gateway", 0},
		{"a redirect", func(w http.ResponseWriter) { w.Header().Set("Location", "http://203.0.113.1/"); w.WriteHeader(302) }, CodeInternal, "302", 0},
		{"not yet", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(503)
			_, _ = w.Write([]byte(`{"code":"not-yet","message":"waiting for k8c1m0"}`))
		}, CodeNotYet, "waiting for k8c1m0", 7 * time.Second},
		{"endless", func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, maxAnswer+1)) }, "", "larger than", 0},
		{"no JSON", func(w http.ResponseWriter) { _, _ = w.Write([]byte("hello")) }, "", "reading joinsvc's answer", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer = tt.answer
			_, err := c.Node(t.Context())
			if err == nil || CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %v, want %q saying %q", err, tt.code, tt.says)
			}
			if e, ok := err.(*Error); ok && e.RetryAfter != tt.after { //nolint:errorlint // call returns it unwrapped
				t.Errorf("ask again after %v, want %v", e.RetryAfter, tt.after)
			}
		})
	}
}

func TestStatusOfCodes(t *testing.T) {
	for code, want := range map[Code]int{
		CodeInvalid: 400, CodeUnauthorized: 401, CodeForbidden: 403, CodeNotFound: 404, CodeConflict: 409, CodeNotYet: 503, CodeTooMany: 429, CodeInternal: 500, "other": 500,
	} {
		if got := code.Status(); got != want {
			t.Errorf("%s is %d, want %d", code, got, want)
		}
	}
}
