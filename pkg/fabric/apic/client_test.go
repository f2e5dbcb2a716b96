// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/fabric/apic/apictest"
)

// clock is a time that tests move.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func TestSession(t *testing.T) {
	time0 := &clock{time.Date(2026, time.November, 1, 12, 0, 0, 0, time.UTC)}
	s := fabric(t, func(o *apictest.Options) { o.Now, o.TokenLife = time0.Now, 300*time.Second })
	c := client(t, s, nil)
	c.now = time0.Now
	steps := []struct {
		name    string
		after   time.Duration
		expired bool // by the APIC, before its time
		want    []string
	}{
		{"the first request logs in", 0, false, []string{"POST /api/aaaLogin.json", "GET /api/class/fvTenant.json"}},
		{"the token is used again", 100 * time.Second, false, []string{"GET /api/class/fvTenant.json"}},
		{"it is renewed before its end", 100 * time.Second, false, []string{"GET /api/aaaRefresh.json", "GET /api/class/fvTenant.json"}},
		{"at its end there is a further login", 300 * time.Second, false, []string{"POST /api/aaaLogin.json", "GET /api/class/fvTenant.json"}},
		{"a token that the APIC forgot is refused once", 0, true, []string{"GET /api/class/fvTenant.json", "POST /api/aaaLogin.json", "GET /api/class/fvTenant.json"}},
		{"one that it forgot is not renewed", 200 * time.Second, true, []string{"GET /api/aaaRefresh.json", "POST /api/aaaLogin.json", "GET /api/class/fvTenant.json"}},
	}
	for _, step := range steps {
		time0.now = time0.now.Add(step.after)
		if step.expired {
			s.Expire()
		}
		if _, err := c.owned(t.Context(), "fvTenant"); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := s.Requests(); !slices.Equal(got, step.want) {
			t.Errorf("%s: sent %q, want %q", step.name, got, step.want)
		}
	}
	c.Close(context.Background())
	if got := s.Requests(); !slices.Equal(got, []string{"POST /api/aaaLogout.json"}) {
		t.Errorf("at its end it sent %q", got)
	}
}

// Names go over the wire as Cisco's own clients write them.
func TestNamesAreSentAsTheyAre(t *testing.T) {
	s := fabric(t, nil)
	var sent []string
	s.Before(func(r *http.Request) { sent = append(sent, r.RequestURI) })
	dn := "uni/infra/vlanns-[P]-static/from-[vlan-5]-to-[vlan-5]"
	if _, err := client(t, s, nil).ofClass(t.Context(), dn, "fvnsEncapBlk"); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := strings.Cut(sent[len(sent)-1], "?"); got != "/api/mo/"+dn+".json" {
		t.Errorf("sent %s", got)
	}
}

// A session that ends in the middle of a push is no failure of the push.
func TestTokenExpiresDuringPush(t *testing.T) {
	s := fabric(t, nil)
	theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
	c := client(t, s, nil)
	changes := diff(t, c, k8c1(t))
	n := 0
	s.Before(func(r *http.Request) {
		if r.Method == http.MethodPost && !strings.Contains(r.URL.Path, "aaa") {
			if n++; n%5 == 0 {
				s.Expire()
			}
		}
	})
	logins := s.Logins()
	if err := c.Push(t.Context(), changes, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if s.Logins() <= logins {
		t.Error("the session did not end")
	}
	noChange(t, s, c, k8c1(t))
}

func TestWrongPassword(t *testing.T) {
	s := fabric(t, nil)
	c := client(t, s, func(c *Config) { c.Password = "something else" })
	_, err := c.Diff(t.Context(), nil)
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized || !strings.Contains(err.Error(), "logging in as joinsvc") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "something else") {
		t.Errorf("the error tells the password: %v", err)
	}
	if got := s.Requests(); len(got) != 1 {
		t.Errorf("asked %q", got)
	}
}

// A user who lacks a privilege is not logged in again and again.
func TestForbiddenIsNotTheToken(t *testing.T) {
	s := fabric(t, nil)
	c := client(t, s, nil)
	s.Fail(tenant, "403", "User does not have write access to class fvTenant")
	err := c.post(t.Context(), tenant, post{"fvTenant": {}})
	var refused *Error
	if !errors.As(err, &refused) || refused.DN != tenant || s.Logins() != 1 {
		t.Errorf("%d logins, %v", s.Logins(), err)
	}
}

func TestSecretPrintsAsNothing(t *testing.T) {
	c := Config{User: user, Password: password}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, c); strings.Contains(text, password) {
			t.Errorf("%s prints %s", format, text)
		}
	}
}

func TestPaging(t *testing.T) {
	for _, size := range []int{1, 2, 7, 100} {
		s := fabric(t, func(o *apictest.Options) { o.MaxPage = size })
		theirs(t, s, "uni/l3dom-L3D_EXTERNAL", `{"l3extDomP": {"attributes": {"name": "L3D_EXTERNAL"}}}`)
		c := client(t, s, func(c *Config) { c.PageSize = size })
		push(t, c, k8c1(t))
		noChange(t, s, c, k8c1(t))
		if changes := diff(t, c, nil); len(changes.Delete) == 0 || len(changes.Kept) > 0 {
			t.Errorf("pages of %d: %d to delete, kept %v", size, len(changes.Delete), changes.Kept)
		}
	}
}

// What comes or goes between two pages shifts the rest: an object would be read
// twice and another never.
func TestObjectsChangeBetweenPages(t *testing.T) {
	for name, dn := range map[string]string{"before the others": "uni/tn-A", "behind the others": "uni/tn-Z"} {
		t.Run(name, func(t *testing.T) {
			s := fabric(t, nil)
			for _, name := range []string{"B", "C", "D", "E"} {
				theirs(t, s, "uni/tn-"+name, `{"fvTenant": {"attributes": {"annotation": "`+owner+`"}}}`)
			}
			c := client(t, s, func(c *Config) { c.PageSize = 2 })
			s.Before(func(r *http.Request) {
				if r.URL.Query().Get("page") == "1" {
					theirs(t, s, dn, `{"fvTenant": {"attributes": {"annotation": "`+owner+`"}}}`)
				}
			})
			if _, err := c.owned(t.Context(), "fvTenant"); !errors.Is(err, errUnstable) {
				t.Errorf("got %v, want %v", err, errUnstable)
			}
		})
	}
}

func TestPin(t *testing.T) {
	s := fabric(t, nil)
	right := Pin(sha256.Sum256(s.PublicKey()))
	text := right.String()
	parsed, err := ParsePin(text)
	if err != nil || *parsed != right {
		t.Fatalf("%s reads back as %v, %v", text, parsed, err)
	}
	c := client(t, s, func(c *Config) { c.Trust = Trust{Pin: parsed} })
	if _, err := c.owned(t.Context(), "fvTenant"); err != nil {
		t.Error(err)
	}
	wrong := right
	wrong[31] ^= 1
	s.Requests()
	c = client(t, s, func(c *Config) { c.Trust = Trust{Pin: &wrong} })
	_, err = c.owned(t.Context(), "fvTenant")
	var pin *WrongPinError
	if !errors.As(err, &pin) || pin.Got != right || !strings.Contains(err.Error(), wrong.String()) {
		t.Errorf("got %v", err)
	}
	if got := s.Requests(); len(got) > 0 {
		t.Errorf("with another key it was sent %q", got)
	}
}

// Without a pin or a CA an APIC's own certificate is not trusted.
func TestUnknownCertificate(t *testing.T) {
	s := fabric(t, nil)
	c := client(t, s, func(c *Config) { c.Trust = Trust{} })
	if _, err := c.owned(t.Context(), "fvTenant"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
	if got := s.Requests(); len(got) > 0 {
		t.Errorf("it was sent %q", got)
	}
}

func TestConfigThatCannotBeMeant(t *testing.T) {
	pin := Pin{1}
	tests := []struct {
		name string
		c    Config
		says string
	}{
		{"no HTTPS", Config{URL: "http://apic1"}, "want https://"},
		{"no host", Config{URL: "https://"}, "want https://"},
		{"a path", Config{URL: "https://apic1/api"}, "want https://"},
		{"a query", Config{URL: "https://apic1?x=1"}, "want https://"},
		{"a port without a host", Config{URL: "https://:443"}, "want https://"},
		{"a password in the URL", Config{URL: "https://admin:verysecret@apic1"}, "want https://"},
		{"no URL", Config{URL: "https://apic1:port"}, "reading the APIC's URL"},
		{"pin and CA", Config{URL: "https://apic1", Trust: Trust{CA: []byte("x"), Pin: &pin}}, "not by both"},
		{"no CA", Config{URL: "https://apic1", Trust: Trust{CA: []byte("x")}}, "no certificate in it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.c)
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "verysecret") {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
	for _, text := range []string{"", "sha256:", "sha256:00", strings.Repeat("0", 64), "sha1:" + strings.Repeat("0", 64), "sha256:" + strings.Repeat("g", 64)} {
		if _, err := ParsePin(text); err == nil {
			t.Errorf("%q is taken as a pin", text)
		}
	}
}

// answering is a client of something that answers with whatever f writes.
func answering(t testing.TB, f http.HandlerFunc, edit func(*Config)) *Client {
	t.Helper()
	s := httptest.NewUnstartedServer(f)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	pin := PinOf(s.Certificate())
	config := Config{URL: s.URL, User: user, Password: password, Owner: owner, Trust: Trust{Pin: &pin}}
	if edit != nil {
		edit(&config)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.http.CloseIdleConnections() })
	return c
}

const loggedIn = `{"totalCount":"1","imdata":[{"aaaLogin":{"attributes":{"token":"t","refreshTimeoutSeconds":"600"}}}]}`

// afterLogin answers a login as an APIC does, and all else with text.
func afterLogin(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "aaaLogin") {
			_, _ = io.WriteString(w, loggedIn)
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// Whoever answers with a redirect gets no request with the session's cookie.
func TestRedirectIsNotFollowed(t *testing.T) {
	followed := false
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/aaaLogin.json":
			fmt.Fprint(w, loggedIn)
		case "/elsewhere":
			followed = true
		default:
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}
	}, nil)
	if _, err := c.Diff(t.Context(), nil); err == nil || followed {
		t.Errorf("followed: %v, error %v", followed, err)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	tests := []struct {
		name   string
		status int
		text   string
		says   string
	}{
		{"HTML", 200, "<html>", "reading the APIC's answer"},
		{"empty", 200, "", "reading the APIC's answer"},
		{"busy", 503, "<html>nginx</html>", "503 Service Unavailable: <html>nginx</html>"},
		{"error with status 200", 200, `{"imdata":[{"error":{"attributes":{"code":"801","text":"no"}}}]}`, "no (code 801)"},
		{"no count", 200, `{"imdata":[]}`, "totalCount"},
		{"negative count", 200, `{"totalCount":"-1","imdata":[]}`, "totalCount"},
		{"too many", 200, `{"totalCount":"999999999","imdata":[]}`, "999999999 objects"},
		{"fewer than counted", 200, `{"totalCount":"2","imdata":[]}`, errUnstable.Error()},
		{"more than counted", 200, `{"totalCount":"0","imdata":[{"fvTenant":{"attributes":{"dn":"uni/tn-A"}}}]}`, errUnstable.Error()},
		{"the same on every page", 200, `{"totalCount":"9","imdata":[{"fvTenant":{"attributes":{"dn":"uni/tn-A"}}}]}`, errUnstable.Error()},
		{"no dn", 200, `{"totalCount":"1","imdata":[{"fvTenant":{"attributes":{}}}]}`, "without a dn"},
		{"no class", 200, `{"totalCount":"1","imdata":[{}]}`, "0 classes"},
		{"a number for a text", 200, `{"totalCount":"1","imdata":[{"fvTenant":{"attributes":{"dn":1}}}]}`, "reading the APIC's answer"},
		{"larger than anything", 200, strings.Repeat(" ", maxAnswer+1), "larger than"},
		{"elsewhere", 307, "", "307"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := answering(t, afterLogin(tt.status, tt.text), nil)
			if _, err := c.Diff(t.Context(), nil); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
}

func TestLoginsThatAreNone(t *testing.T) {
	for _, text := range []string{
		`{"imdata":[]}`, `{"imdata":[{}]}`, `{"imdata":[{"aaaLogin":{"attributes":{"token":"t"}}}]}`,
		`{"imdata":[{"aaaLogin":{"attributes":{"token":"t","refreshTimeoutSeconds":"0"}}}]}`,
		`{"imdata":[{"aaaLogin":{"attributes":{"token":"t","refreshTimeoutSeconds":"99999999999999"}}}]}`,
		`{"imdata":[{"aaaLogin":{"attributes":{"refreshTimeoutSeconds":"600"}}}]}`,
	} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }, nil)
		if _, err := c.Diff(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "answer to a login") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSlowAnswer(t *testing.T) {
	c := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the client is gone
		select {
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
		}
	}, func(c *Config) { c.Timeout = 50 * time.Millisecond })
	if _, err := c.Diff(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "Timeout") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.http.Timeout = 10 * time.Second
	if _, err := c.Diff(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A release that has no class of what the plan does not want is no hindrance.
func TestClassThatTheReleaseHasNot(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "aaaLogin"):
			_, _ = io.WriteString(w, loggedIn)
		case strings.Contains(r.URL.Path, "l3extVirtualLIfP"):
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"imdata":[{"error":{"attributes":{"code":"12","text":"Unknown class l3extVirtualLIfP"}}}]}`)
		default:
			_, _ = io.WriteString(w, `{"totalCount":"0","imdata":[]}`)
		}
	}, nil)
	if changes, err := c.Diff(t.Context(), nil); err != nil || !changes.Empty() {
		t.Errorf("%+v, %v", changes, err)
	}
	floating := k8c1(t, "l3out: L3O_K8_C1", "l3out: L3O_K8_C1\n      floatingSVI: {address: 192.168.9.203, domain: PHD_K8_C1}")
	if _, err := c.Diff(t.Context(), floating); err == nil || !strings.Contains(err.Error(), "Unknown class") {
		t.Errorf("got %v", err)
	}
}

// A transport answers without a network.
type transport []byte

func (data transport) RoundTrip(r *http.Request) (*http.Response, error) {
	body := string(data)
	if strings.Contains(r.URL.Path, "aaaLogin") {
		body = loggedIn
	}
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// FuzzClientAnswer wants arbitrary answers to give a value or an error, with no
// panic and no end without one.
func FuzzClientAnswer(f *testing.F) {
	for _, seed := range []string{
		``, `{`, `[]`, `null`, `{"imdata":null}`, loggedIn, `{"totalCount":"0","imdata":[]}`,
		`{"totalCount":"3","imdata":[{"fvTenant":{"attributes":{"dn":"uni/tn-A","annotation":"` + owner + `"}}}]}`,
		`{"totalCount":"1","imdata":[{"fvTenant":{"attributes":{"dn":"]]//[","annotation":"` + owner + `"}}}]}`,
		`{"totalCount":"1","imdata":[{"error":{"attributes":{"code":"403","text":"Token was invalid"}}}]}`,
		`{"totalCount":"1","imdata":[{"error":null,"fvTenant":{}}]}`,
	} {
		f.Add([]byte(seed))
	}
	root := k8c1(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := New(Config{URL: "https://apic1", User: user, Password: password, Owner: owner})
		if err != nil {
			t.Fatal(err)
		}
		c.http.Transport = transport(data)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		changes, err := c.Diff(ctx, root)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("it has no end")
		}
		if err == nil {
			_ = c.Push(ctx, changes, func(string) {})
		}
	})
}
