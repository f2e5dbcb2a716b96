// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/kubeadm/apply/applytest"
)

// manifest has a namespace after what is in it, a definition and one of what it
// defines, comments, an empty document, and a List.
const manifest = `# A comment alone.
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: net}
data: {enabled: "on"} # stays a string to YAML 1.1
---
---
apiVersion: v1
kind: Namespace
metadata:
  name: net
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pools.example.com}
spec: {group: example.com, names: {kind: Pool}}
--- # another
apiVersion: example.com/v1
kind: Pool
metadata: {name: first}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: agent}}
- {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, namespace: net}}
`

func written() []string {
	return []string{
		"/api/v1/namespaces/net",
		applytest.Definitions + "pools.example.com",
		"/api/v1/namespaces/net/configmaps/settings",
		"/apis/example.com/v1/pools/first",
		"/api/v1/namespaces/default/serviceaccounts/agent",
		"/apis/apps/v1/namespaces/net/daemonsets/agent",
	}
}

// told keeps what a phase would say.
type told []string

func (w *told) waiting(reason error, since time.Duration) {
	*w = append(*w, fmt.Sprintf("%s: %v", since, reason))
}

func TestApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := applytest.New(t)
		c := connect(t, s, nil)
		var w told
		for range 2 { // the second time changes nothing
			if err := c.Apply(t.Context(), manifest, w.waiting); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(written(), s.Writes()); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
		}
		if len(w) != 0 {
			t.Errorf("waited: %q", w)
		}
		want := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: net}\ndata: {enabled: \"on\"} # stays a string to YAML 1.1\n"
		if diff := cmp.Diff(want, s.Object("/api/v1/namespaces/net/configmaps/settings")); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
		if n := strings.Count(strings.Join(s.Asked(), " "), "GET "+applytest.Definitions+"pools.example.com"); n != 2 {
			t.Errorf("asked %d times whether the definition is established, want once each time", n)
		}
		for _, a := range s.Asked() {
			if strings.Contains(a, "openapi") || a == "GET /apis" || a == "GET /api" {
				t.Errorf("asked for %s", a)
			}
		}
	})
}

// Whatever may pass is waited for with the reason, and nothing is lost: the
// same objects in the same order, each once.
func TestWhatMayPass(t *testing.T) {
	silent := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client went away
		<-r.Context().Done()
	}
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	terminating := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"message":"is being terminated","reason":"Forbidden","details":{"causes":[{"reason":"NamespaceTerminating"}]}}`))
	}
	empty := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"resources":[]}`) }
	starting := func(match string) func(http.ResponseWriter, *http.Request) bool {
		ready, fail := applytest.Failing("/readyz", 5, applytest.Refusing(500, "starting")), applytest.Failing(match, 6, empty)
		return func(w http.ResponseWriter, r *http.Request) bool { return ready(w, r) || fail(w, r) }
	}
	named := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":{"conditions":[{"type":"NamesAccepted","status":"True"},{"type":"Established","status":"Unknown"}]}}`)
	}
	for _, tc := range []struct {
		name string
		fail func(http.ResponseWriter, *http.Request) bool
		said string
	}{
		{"kinds not listed yet", starting("GET /apis/apps"), "applying DaemonSet net/agent: the API server serves no such kind: DaemonSet of apps/v1"},
		{"defined but not listed", applytest.Failing("GET /apis/example.com", 5, empty), "applying Pool first: the API server serves no such kind: Pool of example.com/v1"},
		{"named but not established", applytest.Failing("GET "+applytest.Definitions, 5, named), "waiting for CustomResourceDefinition pools.example.com: not established: the API server has not looked at it yet"},
		{"429", applytest.Failing("daemonsets", 5, applytest.Refusing(429, "too many requests")), "too many requests"},
		{"500", applytest.Failing("daemonsets", 5, applytest.Refusing(500, "etcdserver: request timed out")), "etcdserver: request timed out"},
		{"503", applytest.Failing("GET /apis/apps", 5, applytest.Refusing(503, "apiserver is shutting down")), "shutting down"},
		{"504", applytest.Failing("configmaps", 5, applytest.Refusing(504, "Timeout: request did not complete")), "did not complete"},
		{"409", applytest.Failing("configmaps", 5, applytest.Refusing(409, "the object has been modified")), "has been modified"},
		{"webhook", applytest.Failing("serviceaccounts", 5, applytest.Refusing(500, `failed calling webhook "x": connection refused`)), "failed calling webhook"},
		{"silent", applytest.Failing("daemonsets", 2, silent), "deadline exceeded"},
		{"cut off", applytest.Failing("daemonsets", 5, cut), "EOF"},
		{"a proxy's page", applytest.Failing("daemonsets", 5, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }), "502 Bad Gateway: <html>"},
		{"namespace going", applytest.Failing("configmaps", 5, terminating), "is being terminated"},
		{"roles not read yet", applytest.Failing("", 12, applytest.Refusing(403, "forbidden: RBAC: clusterrole not found")), "forbidden: RBAC"},
		{"kinds not read yet", applytest.Failing("", 12, applytest.Refusing(404, "could not find the requested resource")), "could not find"},
		{"established but not served", applytest.Failing("example.com/v1/pools", 5, applytest.Refusing(404, "404 page not found")), "404 page not found"},
		{"defined but not discovered", applytest.Failing("GET /apis/example.com", 5, applytest.Refusing(404, "404 page not found")), "404 page not found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := applytest.New(t)
				s.Fail = tc.fail
				var w told
				if err := connect(t, s, nil).Apply(t.Context(), manifest, w.waiting); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(written(), s.Writes()); diff != "" {
					t.Errorf("written (-want +got):\n%s", diff)
				}
				if len(w) == 0 || !strings.Contains(w[0], tc.said) || !strings.Contains(w[0], "applying ") && !strings.Contains(w[0], "waiting for ") {
					t.Errorf("said %q; want the object and %q", w, tc.said)
				}
			})
		})
	}
}

// An API server that is gone for minutes, in the middle, is waited for.
func TestServerThatIsRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, start := applytest.New(t), time.Now()
		gone := applytest.Failing("daemonsets", -1, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		s.Fail = func(w http.ResponseWriter, r *http.Request) bool {
			return time.Since(start) < patience-time.Minute && gone(w, r)
		}
		down := func() bool { at := time.Since(start); return at > time.Minute && at < patience-time.Minute }
		var w told
		if err := connect(t, s, down).Apply(t.Context(), manifest, w.waiting); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(written(), s.Writes()); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
		if n := len(w); n < 10 || n > 15 || !strings.Contains(w[n-1], "applying DaemonSet net/agent: asking the API server") ||
			!strings.Contains(w[n-1], "connection refused") {
			t.Errorf("said %q; want it each minute", w)
		}
	})
}

// One that does not come back fails the run, with what it waited for.
func TestServerThatStaysAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, start := applytest.New(t), time.Now()
		down := func() bool { return true }
		err := connect(t, s, down).Apply(t.Context(), manifest, new(told).waiting)
		if err == nil || !strings.Contains(err.Error(), `Get "/api/v1": `) || !strings.Contains(err.Error(), "applying Namespace net: waited 1") || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > patience {
			t.Errorf("took %s", took)
		}
	})
}

// What cannot pass ends at once, named, and nothing after it is sent.
func TestWhatCannotPass(t *testing.T) {
	for _, tc := range []struct {
		name, match string
		code        int
		want        string
		attempts    int // requests that were refused so
	}{
		{"bad request", "daemonsets", 400, "applying DaemonSet net/agent: said so (400)", 1},
		{"unknown field", "pools/first", 422, "applying Pool first: said so (422)", 1},
		// A server that is ready is asked once more, for it may have got so since.
		{"forbidden", "configmaps", 403, "applying ConfigMap net/settings: said so (403)", 2},
		{"unauthorized", "namespaces/net", 401, "applying Namespace net: said so (401)", 2},
		{"no such namespace", "configmaps", 404, "applying ConfigMap net/settings: said so (404)", 2},
		{"no apply at all", "namespaces/net", 415, "applying Namespace net: said so (415)", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, start, refused := applytest.New(t), time.Now(), 0
				patches := applytest.Failing(tc.match, -1, func(w http.ResponseWriter, _ *http.Request) { refused++; applytest.Answer(w, tc.code, "said so") })
				s.Fail = func(w http.ResponseWriter, r *http.Request) bool {
					return r.Method == http.MethodPatch && patches(w, r)
				}
				err := connect(t, s, nil).Apply(t.Context(), manifest, new(told).waiting)
				if err == nil || err.Error() != tc.want {
					t.Errorf("got %v, want %s", err, tc.want)
				}
				if refused != tc.attempts || time.Since(start) > 5*time.Second {
					t.Errorf("%d attempts in %s", refused, time.Since(start))
				}
				if len(s.Writes()) >= len(written()) || !slices.Equal(written()[:len(s.Writes())], s.Writes()) {
					t.Errorf("written: %q", s.Writes())
				}
			})
		})
	}
}

// What an answer may cost is bounded, and nobody is followed to another place
// with the administrator's certificate.
func TestStrangeAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		fail http.HandlerFunc
		want string
	}{
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for chunk := []byte(strings.Repeat(" ", 1<<20)); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, "the API server's answer to GET /apis/apps/v1 is larger than 16777216 bytes"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/readyz", http.StatusFound) }, "(302)"},
		"no JSON":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "reading the API server's answer: invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, start := applytest.New(t), time.Now()
				s.Fail = applytest.Failing("GET /apis/apps/v1", -1, tc.fail)
				err := connect(t, s, nil).Apply(t.Context(), manifest, new(told).waiting)
				if err == nil || !strings.Contains(err.Error(), "applying DaemonSet net/agent: ") || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %s", err, tc.want)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

// A refusal before a restart does not count after it: the server has started
// again, and knows no roles again.
func TestRefusedOnBothSidesOfARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, refused := applytest.New(t), 0
		s.Fail = func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case r.URL.Path == "/readyz" && refused == 2:
				applytest.Answer(w, 500, "rbac/bootstrap-roles failed")
				return true
			case r.Method == http.MethodPatch && refused < 3:
				refused++
				applytest.Answer(w, 403, "forbidden")
				return true
			}
			return false
		}
		if err := connect(t, s, nil).Apply(t.Context(), manifest, new(told).waiting); err != nil {
			t.Errorf("refused %d times: %v", refused, err)
		}
	})
}

// Nothing is sent to a server of another CA.
func TestServerOfAnotherCA(t *testing.T) {
	s, start := applytest.New(t), time.Now()
	text := func(ca []byte) string { return "certificate-authority-data: " + base64.StdEncoding.EncodeToString(ca) }
	c, err := NewClient(strings.Replace(s.Start(t), text(s.CA()), text(applytest.New(t).CA()), 1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.Apply(t.Context(), manifest, new(told).waiting)
	if err == nil || !strings.Contains(err.Error(), "certificate") || len(s.Asked()) != 0 || time.Since(start) > patience/3 {
		t.Errorf("asked %q: %v", s.Asked(), err)
	}
}

// Others' fields are taken over, and what the server does not know is refused
// and not dropped.
func TestHowItIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, queries := applytest.New(t), map[string]bool{}
		s.Fail = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPatch {
				queries[r.URL.RawQuery] = true
			}
			return false
		}
		if err := connect(t, s, nil).Apply(t.Context(), manifest, new(told).waiting); err != nil {
			t.Fatal(err)
		}
		if want := "fieldManager=nodeprep&fieldValidation=Strict&force=true"; len(queries) != 1 || !queries[want] {
			t.Errorf("asked with %v, want %s", queries, want)
		}
	})
}

// What was asked before a definition came is asked again.
func TestKindThatCameSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := applytest.New(t)
		c := connect(t, s, nil)
		c.resources["example.com/v1"] = nil
		var w told
		if err := c.Apply(t.Context(), manifest, w.waiting); err != nil || len(w) > 0 {
			t.Errorf("waited: %q, %v", w, err)
		}
	})
}

// A kind that nobody serves and the manifest does not define.
func TestKindThatIsNotServed(t *testing.T) {
	for _, version := range []string{"example.com/v1", "apps/v1"} {
		synctest.Test(t, func(t *testing.T) {
			s, start := applytest.New(t), time.Now()
			text := "apiVersion: " + version + "\nkind: Pool\nmetadata: {name: first}\n"
			err := connect(t, s, nil).Apply(t.Context(), text, new(told).waiting)
			if err == nil || !strings.Contains(err.Error(), "applying Pool first: the API server serves no such kind: Pool of "+version) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// Retry-After is heeded, in the header or in the status.
func TestRetryAfter(t *testing.T) {
	for name, fail := range map[string]http.HandlerFunc{
		"header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "40")
			applytest.Answer(w, 429, "later")
		},
		"status": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(429)
			_, _ = w.Write([]byte(`{"message":"later","details":{"retryAfterSeconds":40}}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, start := applytest.New(t), time.Now()
				s.Fail = applytest.Failing("daemonsets", 3, fail)
				if err := connect(t, s, nil).Apply(t.Context(), manifest, new(told).waiting); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took < 2*time.Minute || took > 2*time.Minute+10*time.Second {
					t.Errorf("took %s; want three times 40 s and a little", took)
				}
			})
		})
	}
}

// A plan of pace slow gives the API server three minutes for a request. One that
// takes most of them is not sent again beside itself, which would make it slower.
func TestSlowServerIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, sent := applytest.New(t), 0
		s.Fail = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPatch {
				sent++
				time.Sleep(3*time.Minute - time.Second)
			}
			return false
		}
		var w told
		if err := connect(t, s, nil).Apply(t.Context(), manifest, w.waiting); err != nil {
			t.Fatal(err)
		}
		if sent != len(written()) || len(w) != 0 {
			t.Errorf("sent %d times %d objects; waited %q", sent, len(written()), w)
		}
	})
}

// Definitions are established before what they define is sent, and before
// Apply returns, for whoever comes next needs them.
func TestDefinitionsAreAwaited(t *testing.T) {
	definition := manifest[strings.Index(manifest, "apiVersion: apiextensions"):strings.Index(manifest, "--- # another")]
	for name, text := range map[string]string{"with what it defines": manifest, "alone": definition} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, start := applytest.New(t), time.Now()
				s.Established = 3 * time.Minute
				var w told
				if err := connect(t, s, nil).Apply(t.Context(), text, w.waiting); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took < s.Established {
					t.Errorf("returned after %s, before the definition was established", took)
				}
				if len(w) == 0 || !strings.Contains(w[0], "waiting for CustomResourceDefinition pools.example.com: not established: Established is false: the initial names") {
					t.Errorf("said %q", w)
				}
			})
		})
	}
}

func TestDefinitionThatIsNeverEstablished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := applytest.New(t)
		s.Established = time.Hour
		err := connect(t, s, nil).Apply(t.Context(), manifest, new(told).waiting)
		if err == nil || !strings.Contains(err.Error(), "waiting for CustomResourceDefinition pools.example.com: waited") {
			t.Errorf("got %v", err)
		}
	})
}

func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := applytest.New(t)
		down := func() bool { return true }
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		start := time.Now()
		err := connect(t, s, down).Apply(ctx, manifest, new(told).waiting)
		if err == nil || !strings.Contains(err.Error(), "connection refused") || time.Since(start) != 2*time.Minute {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}

// Everything that is wrong with a manifest is said, before anything is sent.
func TestBadManifest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := applytest.New(t)
		err := connect(t, s, nil).Apply(t.Context(), manifest+"---\nkind: X\n---\na: [\n---\napiVersion: v1\nkind: List\nitems: [{kind: Y, metadata: {name: y}}]\n", nil)
		if err == nil {
			t.Fatal("was taken")
		}
		for _, want := range []string{
			"document 8: an object X without apiVersion, metadata.name", "document 9: yaml:", "document 10: items[0]: an object Y y without apiVersion",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %v\nwant %q in it", err, want)
			}
		}
		if len(s.Asked()) != 0 {
			t.Errorf("asked: %q", s.Asked())
		}
	})
}

func TestKubeconfig(t *testing.T) {
	s := applytest.New(t)
	good := s.Kubeconfig(t, "https://api:6443")
	for name, tc := range map[string]struct{ old, new, want string }{
		"whole":      {},
		"no context": {"current-context: kubernetes-admin@kubernetes", "current-context: gone", `server is ""`},
		"no host":    {"https://api:6443", "https:///", "want https://"},
		"no TLS":     {"https://api:6443", "http://api:6443", "want https://"},
		"no CA":      {"cluster: {certificate-authority-data: ", "cluster: {x: ", "no certificate-authority-data"},
		"no key":     {"client-key-data", "client-key", "client certificate and key"},
		"no base64":  {"client-key-data: ", "client-key-data: '!'} #", "client-key-data: illegal base64"},
		"no YAML":    {"clusters:", "clusters: [", "yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewClient(strings.ReplaceAll(good, tc.old, tc.new))
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
