// SPDX-License-Identifier: Apache-2.0

package joinapi

import (
	"strings"
	"testing"
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
		"np1." + strings.ToUpper(sum) + ".i.secret":     "lower-case",
		"np1." + sum + "..secret":                       "cut",
		"np1." + sum + ".id.":                           "cut",
		"np1." + sum + ".id/slots/0.x":                  "base64url",
		"np1." + sum + ".i\x1b[2J.x":                    "base64url",
		"np1." + sum + ".id." + strings.Repeat("a", 65): "base64url",
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

func TestStatusOfCodes(t *testing.T) {
	for code, want := range map[Code]int{
		CodeInvalid: 400, CodeUnauthorized: 401, CodeForbidden: 403, CodeNotFound: 404, CodeMethodNotAllowed: 405, CodeConflict: 409, CodeTooLarge: 413,
		CodeTooMany: 429, CodeNotYet: 503, CodeUnavailable: 503, CodeInternal: 500, "other": 500,
	} {
		if got := code.Status(); got != want {
			t.Errorf("%s is %d, want %d", code, got, want)
		}
	}
}
