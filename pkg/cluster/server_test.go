// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// connected is a connection, as the init node's access makes one, to an API
// server that answers so.
func connected(t *testing.T, answer http.HandlerFunc) *Cluster {
	t.Helper()
	s := httptest.NewUnstartedServer(answer)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	key, text := newKey(t)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	c, err := Connect(joinapi.ClusterAccess{Server: s.URL, CA: string(ca), Certificate: certificate(t, key)}, text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The certificate and no other sign says who asks.
func TestWhoAsks(t *testing.T) {
	var who []string
	c := connected(t, func(_ http.ResponseWriter, r *http.Request) {
		who = append(who, r.TLS.PeerCertificates[0].Subject.CommonName+" "+r.UserAgent()+" "+r.URL.String())
	})
	if _, err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	// An empty answer is no Secret; it was asked, though.
	_, _ = c.MintToken(t.Context(), "n1", time.Hour)
	want := "nodeprep:joinsvc joinsvc /readyz, nodeprep:joinsvc joinsvc /api/v1/namespaces/kube-system/secrets?fieldManager=joinsvc"
	if got := strings.Join(who, ", "); got != want {
		t.Errorf("asked by %s, want %s", got, want)
	}
}

// An API server that does not know joinsvc's certificate any more needs another
// remedy than one that is not ready.
func TestPing(t *testing.T) {
	status := http.StatusOK
	c := connected(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Millisecond)
		w.WriteHeader(status)
	})
	for _, tt := range []struct {
		status      int
		ok, refused bool
	}{
		{http.StatusOK, true, false},
		{http.StatusUnauthorized, false, true},
		{http.StatusForbidden, false, false},
		{http.StatusInternalServerError, false, false},
	} {
		status = tt.status
		took, err := c.Ping(t.Context())
		if (err == nil) != tt.ok || errors.Is(err, ErrRefused) != tt.refused || took < time.Millisecond {
			t.Errorf("%d: %v, %v", tt.status, took, err)
		}
	}
}

// Calico's kinds come one after the other while its manifest is applied; a group
// that has not all of them yet is not there. One that could not be asked for is
// not the same: joinsvc would go over to Calico's other group.
func TestServes(t *testing.T) {
	answer, status := "", http.StatusOK
	c := connected(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apis/crd.projectcalico.org/v1" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	})
	const two = `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"crd.projectcalico.org/v1","resources":[{"name":"bgppeers","kind":"BGPPeer"},{"name":"ippools","kind":"IPPool"}]}`
	for name, tt := range map[string]struct {
		status int
		answer string
		wants  []string
		is     bool
		fails  bool
	}{
		"all":             {http.StatusOK, two, []string{"bgppeers", "ippools"}, true, false},
		"one":             {http.StatusOK, two, []string{"ippools"}, true, false},
		"not all":         {http.StatusOK, two, []string{"bgppeers", "bgpfilters"}, false, false},
		"no such group":   {http.StatusNotFound, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`, []string{"ippools"}, false, false},
		"no right to ask": {http.StatusForbidden, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`, []string{"ippools"}, false, true},
	} {
		answer, status = tt.answer, tt.status
		if is, err := c.Serves(t.Context(), "crd.projectcalico.org/v1", tt.wants...); is != tt.is || (err != nil) != tt.fails {
			t.Errorf("%s: %v, %v", name, is, err)
		}
	}
}

// A call that is not answered ends with its asker's patience, too.
func TestWhoGoesAwayWaitsForNothing(t *testing.T) {
	c := connected(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, ping := c.Ping(ctx)
	_, serves := c.Serves(ctx, "crd.projectcalico.org/v1")
	_, minted := c.MintToken(ctx, "n1", time.Hour)
	_, marked := c.MarkNotReady(ctx, "n1")
	for what, err := range map[string]error{"ping": ping, "serves": serves, "mint": minted, "mark": marked, "revoke": c.RevokeToken(ctx, "abcdef.0123456789abcdef")} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// A token that is over by the clock of the API server is none either: of the host
// kubeadm would only say that the cluster does not know it. It is removed, and
// both clocks are named.
func TestATokenThatIsOverWhenItIsMade(t *testing.T) {
	for behind, fails := range map[time.Duration]bool{-24 * time.Hour: false, 0: false, 29 * time.Minute: false, 31 * time.Minute: true, 24 * time.Hour: true} {
		var removed bool
		c := connected(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			removed = removed || r.Method == http.MethodDelete
			fmt.Fprintf(w, `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x","creationTimestamp":%q}}`, time.Now().Add(behind).UTC().Format(time.RFC3339))
		})
		token, err := c.MintToken(t.Context(), "n1", time.Hour)
		if fails != (err != nil) || fails != (token == "") || fails != removed {
			t.Errorf("joinsvc's clock is %v behind: %q, %v, removed %v", behind, token, err, removed)
		}
		if fails && (!strings.Contains(err.Error(), "joinsvc's clock says") || !strings.Contains(err.Error(), "chronyc makestep")) {
			t.Errorf("%v does not say what to do", err)
		}
	}
}

// A token that was not stored is none: a host that is given it waits in vain.
func TestATokenThatWasNotStored(t *testing.T) {
	c, client := holding(t)
	no := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "x", errors.New("no right"))
	client.PrependReactor("*", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, no })
	if token, err := c.MintToken(t.Context(), "n1", time.Hour); token != "" || !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "n1") {
		t.Errorf("made %q, %v", token, err)
	}
	if err := c.RevokeToken(t.Context(), "abcdef.0123456789abcdef"); !apierrors.IsForbidden(err) || strings.Contains(err.Error(), "0123456789abcdef") {
		t.Errorf("revoked: %v", err)
	}
}

// What a token is to the cluster is said by its kind, its type and its name
// (kubernetes.io, "Bootstrap token Secret format").
func TestTheSecretOfAToken(t *testing.T) {
	c, _ := holding(t)
	token, err := c.MintToken(t.Context(), "n1", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := split(token)
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.secrets().Get(t.Context(), "bootstrap-token-"+id, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if o.GetAPIVersion() != "v1" || o.GetKind() != "Secret" || o.Object["type"] != "bootstrap.kubernetes.io/token" || o.GetNamespace() != "kube-system" {
		t.Errorf("it is %v", o.Object)
	}
}

// joinsvc's key is PKCS #8; OpenSSL's older form of one is taken as well.
func TestNewAccessTakesBothForms(t *testing.T) {
	key, _ := newKey(t)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewAccess(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})); err != nil {
		t.Error(err)
	}
	_, err = NewAccess(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der}))
	if err == nil || !strings.Contains(err.Error(), "it is a RSA PRIVATE KEY") {
		t.Errorf("got %v", err)
	}
}

// A Node that cannot be read is not known to be ready or not.
func TestMarkNotReadyOfWhatCannotBeRead(t *testing.T) {
	c, client := holding(t, nodeThatIs(corev1.ConditionTrue))
	client.PrependReactor("get", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, "n1", errors.New("no right"))
	})
	if was, err := c.MarkNotReady(t.Context(), "n1"); was || !apierrors.IsForbidden(err) {
		t.Errorf("%v, %v", was, err)
	}
}

// A Node that is not ready has nothing taken back, and a time that says since when.
func TestMarkNotReadyLeavesWhatIsNotReady(t *testing.T) {
	for _, status := range []corev1.ConditionStatus{corev1.ConditionFalse, corev1.ConditionUnknown} {
		c, client := holding(t, nodeThatIs(status))
		if was, err := c.MarkNotReady(t.Context(), "n1"); was || err != nil {
			t.Errorf("%s: %v, %v", status, was, err)
		}
		for _, a := range client.Actions() {
			if a.GetVerb() == "patch" {
				t.Errorf("%s: it was written", status)
			}
		}
	}
}

// A Node that was removed meanwhile is in nobody's way.
func TestMarkNotReadyOfANodeThatGoes(t *testing.T) {
	c, client := holding(t, nodeThatIs(corev1.ConditionTrue))
	client.PrependReactor("patch", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewNotFound(schema.GroupResource{Resource: "nodes"}, "n1")
	})
	if was, err := c.MarkNotReady(t.Context(), "n1"); was || err != nil {
		t.Errorf("%v, %v", was, err)
	}
}

func TestSplit(t *testing.T) {
	if id, secret, err := split("abcdef.0123456789abcdef"); id != "abcdef" || secret != "0123456789abcdef" || err != nil {
		t.Errorf("%q, %q, %v", id, secret, err)
	}
	for _, text := range []string{"", "abcdef", "abcde.0123456789abcdef", "abcdef.0123456789abcde", "abcdef.0123456789abcdef0", "ABCDEF.0123456789abcdef"} {
		if id, secret, err := split(text); err == nil || id != "" || secret != "" {
			t.Errorf("%q is %q, %q, %v", text, id, secret, err)
		}
	}
}
