// SPDX-License-Identifier: Apache-2.0

package joinhttp

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func TestSources(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1024":                   "192.0.2.7",
		"[::ffff:192.0.2.7]:1024":          "192.0.2.7", // as a dual-stack listener has it
		"[2001:db8:1:2:3:4:5:6]:1024":      "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff:ffff::1]:9":    "2001:db8:1:2::/64",
		"[2001:db8:1:3::6]:1024":           "2001:db8:1:3::/64",
		"[fe80::1%eno1]:1024":              "fe80::/64",
		"@":                                "@",
		"not an address; nobody trusts it": "not an address; nobody trusts it",
	} {
		r := httptest.NewRequest(http.MethodPost, joinapi.PathEnrol, nil)
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		r.Header.Set("Forwarded", "for=203.0.113.9")
		if got := sourceOf(r); got != want {
			t.Errorf("%s is %s, want %s", remote, got, want)
		}
	}
}

func TestFailuresAreForgottenWithTime(t *testing.T) {
	now := time.Now()
	f := newFailures(func() time.Time { return now })
	for i := range failuresAtOnce {
		if wait := f.allow("a"); wait != 0 {
			t.Fatalf("after %d failures it is to wait for %v", i, wait)
		}
		f.count("a")
	}
	if wait := f.allow("a"); wait <= 0 || wait > time.Second {
		t.Errorf("after %d failures it is to wait for %v", failuresAtOnce, wait)
	}
	if wait := f.allow("b"); wait != 0 {
		t.Errorf("its neighbour is to wait for %v", wait)
	}
	now = now.Add(time.Second)
	if wait := f.allow("a"); wait != 0 {
		t.Errorf("a second later it is to wait for %v", wait)
	}
}

// Whoever has many addresses gets no more memory, and pushes out who has been
// quiet for longest, not who is failing now.
func TestTheTableIsBounded(t *testing.T) {
	f := newFailures(time.Now)
	for i := range 3 * maxSources {
		f.count(fmt.Sprint(i))
		f.count("steady")
	}
	if len(f.sources) != maxSources || f.order.Len() != maxSources {
		t.Errorf("%d and %d sources are kept, want %d", len(f.sources), f.order.Len(), maxSources)
	}
	if f.allow(fmt.Sprint(0)) != 0 || f.sources["0"] != nil {
		t.Error("the first source is still there")
	}
	if f.sources[fmt.Sprint(3*maxSources-1)] == nil || f.allow("steady") == 0 {
		t.Error("the last source or the steady one is not there")
	}
}

// A place in the queue and a slow store are nobody's fault.
func TestWhatIsBlamed(t *testing.T) {
	for _, c := range joinapi.Codes() {
		temporary := (&joinapi.Error{Code: c}).Temporary()
		if blames(c) == temporary {
			t.Errorf("%s: blamed %v, temporary %v", c, blames(c), temporary)
		}
	}
	if blames("") {
		t.Error("success is blamed")
	}
}
