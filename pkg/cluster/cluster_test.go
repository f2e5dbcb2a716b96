// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/fake"
	"sigs.k8s.io/yaml"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

func newKey(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func certificate(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: User}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestRequestIsForTheKeyAndTheUser(t *testing.T) {
	key, text := newKey(t)
	access, err := NewAccess(text)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(access.CSR))
	inner, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if inner.Subject.CommonName != User || !key.PublicKey.Equal(inner.PublicKey) || inner.CheckSignature() != nil {
		t.Errorf("request of %q is not for the key that was given", inner.Subject)
	}
	if block.Type != "CERTIFICATE REQUEST" || access.RBAC != rbac {
		t.Errorf("a %s, and RBAC\n%s", block.Type, access.RBAC)
	}
	if strings.Contains(access.CSR+access.RBAC, string(text)) {
		t.Error("the private key travels")
	}
}

func TestNewAccessRefusesWhatIsNoKey(t *testing.T) {
	for _, text := range []string{"", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		if _, err := NewAccess([]byte(text)); err == nil {
			t.Errorf("NewAccess(%q) succeeded", text)
		}
	}
}

// What every document is, and that joinsvc can neither read Secrets nor
// change anything of a Node but its status.
func TestRBAC(t *testing.T) {
	var rules []rbacv1.PolicyRule
	for doc := range strings.SplitSeq(strings.TrimPrefix(rbac, "---\n"), "---\n") {
		var role struct {
			metav1.TypeMeta   `json:",inline"`
			metav1.ObjectMeta `json:"metadata"`
			Rules             []rbacv1.PolicyRule `json:"rules"`
			RoleRef           *rbacv1.RoleRef     `json:"roleRef"`
			Subjects          []rbacv1.Subject    `json:"subjects"`
		}
		if err := yaml.UnmarshalStrict([]byte(doc), &role); err != nil {
			t.Fatalf("%v in:\n%s", err, doc)
		}
		for _, s := range role.Subjects {
			if s.Kind != rbacv1.UserKind || s.Name != User || role.RoleRef.Name != role.Name {
				t.Errorf("%s binds %+v to %+v", role.Name, role.RoleRef, s)
			}
		}
		rules = append(rules, role.Rules...)
	}
	verbs := map[string][]string{}
	for _, r := range rules {
		for _, resource := range r.Resources {
			verbs[resource] = r.Verbs
			if resource == "daemonsets" && !slices.Equal(r.ResourceNames, []string{"calico-node"}) {
				t.Errorf("joinsvc may read the DaemonSets %v", r.ResourceNames)
			}
		}
	}
	want := map[string][]string{
		"nodes":               {"get", "list", "watch"},
		"nodes/status":        {"patch"},
		"bgpconfigurations":   {"get", "list", "watch", "create", "patch"},
		"ippools":             {"get", "list", "watch", "create", "patch"},
		"bgppeers":            {"get", "list", "watch", "create", "patch", "delete"},
		"caliconodestatuses":  {"get", "list", "watch", "create", "delete"},
		"bgpfilters":          {"get", "list", "watch"},
		"blockaffinities":     {"get", "list", "watch"},
		"clusterinformations": {"get", "list", "watch"},
		"felixconfigurations": {"get"},
		"daemonsets":          {"get"},
		"secrets":             {"create", "delete"},
	}
	if diff := cmp.Diff(want, verbs); diff != "" {
		t.Errorf("verbs (-want +got):\n%s", diff)
	}
}

func TestConnectWantsTheKeyOfTheCertificate(t *testing.T) {
	key, text := newKey(t)
	_, other := newKey(t)
	cert := certificate(t, key)
	access := joinapi.ClusterAccess{Server: "https://192.0.2.1:6443", CA: cert, Certificate: cert}
	if _, err := Connect(access, text); err != nil {
		t.Errorf("with its own key: %v", err)
	}
	if _, err := Connect(access, other); err == nil {
		t.Error("another key was accepted")
	}
	access.CA = "nonsense"
	if _, err := Connect(access, text); err == nil {
		t.Error("a CA that is none was accepted")
	}
}

func TestTokens(t *testing.T) {
	c := &Cluster{Dynamic: fake.NewSimpleDynamicClient(runtime.NewScheme())}
	before := time.Now()
	token, err := c.MintToken(t.Context(), "k8c1s1.labs.haystacknetworks.com", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	id, secret, err := split(token)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := c.secrets().Get(t.Context(), "bootstrap-token-"+id, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	data, _, err := unstructured.NestedStringMap(stored.Object, "stringData")
	if err != nil {
		t.Fatal(err)
	}
	expires, err := time.Parse(time.RFC3339, data["expiration"])
	if err != nil || expires.Before(before.Add(time.Hour-time.Second)) || expires.After(before.Add(time.Hour+time.Minute)) {
		t.Errorf("expiration %q: %v", data["expiration"], err)
	}
	delete(data, "expiration")
	want := map[string]string{
		"description":                    "joinsvc: for k8c1s1.labs.haystacknetworks.com to join once",
		"token-id":                       id,
		"token-secret":                   secret,
		"usage-bootstrap-authentication": "true",
		"usage-bootstrap-signing":        "true",
		"auth-extra-groups":              "system:bootstrappers:kubeadm:default-node-token",
	}
	if diff := cmp.Diff(want, data); diff != "" {
		t.Errorf("token (-want +got):\n%s", diff)
	}
	for range 2 {
		if err := c.RevokeToken(t.Context(), token); err != nil {
			t.Errorf("revoking: %v", err)
		}
	}
	if _, err := c.secrets().Get(t.Context(), "bootstrap-token-"+id, metav1.GetOptions{}); err == nil {
		t.Error("a revoked token is still there")
	}
	if err := c.RevokeToken(t.Context(), "../secret"); err == nil {
		t.Error("something that is no token was revoked")
	}
}
