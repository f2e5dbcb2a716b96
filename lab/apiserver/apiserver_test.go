// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/lab/stack"
	"github.com/nodeprep/nodeprep/pkg/cluster"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/kubeadm"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// fixture is a control plane with Calico's CRDs, and joinsvc's access to it,
// got the way it is got on a host.
type fixture struct {
	*ControlPlane
	plan    plan.Plan
	access  joinapi.ClusterAccess
	cluster *cluster.Cluster
}

// One control plane serves all tests, in this order: starting it is what takes
// time.
func TestControlPlane(t *testing.T) {
	f := newFixture(t)
	t.Run("access", f.testAccess)
	t.Run("least rights", f.testLeastRights)
	t.Run("bootstrap token", f.testBootstrapToken)
	t.Run("succession", f.testSuccession)
	t.Run("leftover node", f.testLeftover)
	t.Run("ping", f.testPing)
	t.Run("kubeadm validates", f.testDocuments)
	t.Run("kubeadm writes a slow plan's pods", f.testPace)
	t.Run("kubeadm goes on with an init", f.testResume)
	t.Run("kubeadm refuses placeholders", f.testRenderedDocuments)
	t.Run("manifest", f.testManifest)
	t.Run("objects", f.testObjects)
	t.Run("sessions", f.testSessions)
	t.Run("calico-node", f.testReporter)
	t.Run("foreign pool", f.testForeignPool)
	t.Run("locked datastore", f.testLockedDatastore)
	t.Run("served", f.testServed)
	t.Run("rendered", f.testRendered)
	t.Run("racks", f.testRacks)
	t.Run("block", f.testBlock)
	t.Run("set back", f.testSetBack)
	t.Run("leftovers", f.testLeftovers)
	t.Run("others' objects", f.testOthers)
	t.Run("no node status", f.testNoNodeStatus)
	t.Run("native", f.testNative)
	t.Run("cut off", f.testCutOff) // the last, for it ends the control plane
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	c, err := cache.Open()
	if err != nil {
		t.Fatal(err)
	}
	binaries, err := stack.Build(t.Context(), c, func(b stack.Built) {
		if !b.Cached {
			t.Logf("built %s in %s", b.Name, b.Took.Round(time.Second))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	versions, err := stack.ReadVersions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	// t.TempDir's cleanup comes after Stop, which was registered later.
	plane, err := Start(t.Context(), binaries, versions.Kubernetes, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("control plane up in %s", time.Since(start).Round(100*time.Millisecond))
	f := &fixture{ControlPlane: plane, plan: reference(t)}
	f.connect(t)
	return f
}

func reference(t *testing.T) plan.Plan {
	t.Helper()
	return plantest.Load(t, "../../docs/examples/k8c1.yaml")
}

// connect goes the way of a real cluster: nodeprep's own code applies joinsvc's
// RBAC and signs joinsvc's request with the cluster's CA.
func (f *fixture) connect(t *testing.T) {
	t.Helper()
	key := newKey(t)
	request, err := cluster.NewAccess(key)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second run is the same
		if f.access, err = f.host().HandOver(t.Context(), request, f.Server); err != nil {
			t.Fatal(err)
		}
	}
	if f.cluster, err = cluster.Connect(f.access, key); err != nil {
		t.Fatal(err)
	}
}

// host is the init node, as far as it has to do with the API server. It runs no
// program for that.
func (f *fixture) host() kubeadm.Node { return kubeadm.Node{Root: rooted.Root(f.Root)} }

func newKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// kubectl fails the test when the command does.
func (f *fixture) kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := f.Kubectl(t.Context(), stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// eventually retries for a time that a loaded machine needs, not a good one.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (f *fixture) testAccess(t *testing.T) {
	block, _ := pem.Decode([]byte(f.access.Certificate))
	if block == nil {
		t.Fatalf("certificate: %q", f.access.Certificate)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if cert.Subject.CommonName != cluster.User || len(cert.Subject.Organization) != 0 {
		t.Errorf("certificate of %s, want %s without a group", cert.Subject, cluster.User)
	}
	if left := time.Until(cert.NotAfter); left < 300*24*time.Hour {
		t.Errorf("certificate valid for %s only", left)
	}
	ca, err := os.ReadFile(f.Path("pki/ca.crt"))
	if err != nil || f.access.CA != string(ca) {
		t.Errorf("CA is not the cluster's (%v)", err)
	}
}

// may asks the API server's own authorizer about joinsvc. A review needs no
// resource that is served, other than `kubectl auth can-i`: Calico's may come
// later. what is a verb and a resource ("patch nodes/status"), with its group
// after a dot and a name after a colon.
func (f *fixture) may(t *testing.T, what, namespace string) bool {
	t.Helper()
	verb, resource, _ := strings.Cut(what, " ")
	resource, name, _ := strings.Cut(resource, ":")
	resource, subresource, _ := strings.Cut(resource, "/")
	resource, group, _ := strings.Cut(resource, ".")
	review, err := json.Marshal(map[string]any{
		"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
		"spec": map[string]any{"user": cluster.User, "resourceAttributes": map[string]string{
			"verb": verb, "group": group, "resource": resource, "subresource": subresource, "name": name, "namespace": namespace,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f.kubectl(t, string(review), "create", "-f", "-", "-o", "jsonpath={.status.allowed}") == "true"
}

// What RBAC lets joinsvc do, and what it does not.
func (f *fixture) testLeastRights(t *testing.T) {
	check := func(allowed bool, namespace string, all ...string) {
		t.Helper()
		for _, what := range all {
			if got := f.may(t, what, namespace); got != allowed {
				t.Errorf("joinsvc may %s in %q: %v, want %v", what, namespace, got, allowed)
			}
		}
	}
	for _, group := range []string{".crd.projectcalico.org", ".projectcalico.org"} {
		for _, yes := range []string{"list bgppeers", "delete bgppeers", "watch ippools", "patch ippools", "watch blockaffinities", "watch bgpfilters", "watch clusterinformations", "delete caliconodestatuses"} {
			check(true, "", yes+group)
		}
		for _, no := range []string{"delete ippools", "delete bgpconfigurations", "patch blockaffinities", "delete bgpfilters", "patch clusterinformations", "deletecollection bgppeers"} {
			check(false, "", no+group)
		}
	}
	const system = "kube-system"
	check(true, "", "watch nodes", "patch nodes/status")
	check(true, system, "get daemonsets.apps:calico-node", "create secrets")
	check(true, "", "get felixconfigurations.crd.projectcalico.org:default", "get felixconfigurations.projectcalico.org:default")
	check(false, "", "get felixconfigurations.crd.projectcalico.org:other", "patch felixconfigurations.crd.projectcalico.org:default")
	check(false, "", "patch nodes", "delete nodes", "create nodes", "create certificatesigningrequests.certificates.k8s.io", "bind clusterroles.rbac.authorization.k8s.io")
	check(false, "default", "create secrets")
	check(false, system, "get secrets", "list secrets", "create pods", "get daemonsets.apps:kube-proxy", "list daemonsets.apps")
}

func (f *fixture) testBootstrapToken(t *testing.T) {
	token, err := f.cluster.MintToken(t.Context(), "k8c1s1.labs.haystacknetworks.com", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the token authenticates", func() error {
		status, groups, err := f.whoAmI(t.Context(), token)
		if err == nil && (status != http.StatusCreated || !strings.Contains(groups, "system:bootstrappers:kubeadm:default-node-token")) {
			return errors.New(http.StatusText(status) + ": " + groups)
		}
		return err
	})
	for range 2 {
		if err := f.cluster.RevokeToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the token is refused after it was revoked", func() error {
		status, groups, err := f.whoAmI(t.Context(), token)
		if err == nil && status != http.StatusUnauthorized {
			return errors.New(http.StatusText(status) + ": " + groups)
		}
		return err
	})
}

// whoAmI posts a SelfSubjectReview with a bearer token.
func (f *fixture) whoAmI(ctx context.Context, token string) (status int, groups string, err error) {
	client, err := f.anonymous()
	if err != nil {
		return 0, "", err
	}
	body := strings.NewReader(`{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.Server+"/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		return response.StatusCode, "", nil
	}
	var review struct {
		Status struct {
			UserInfo struct{ Groups []string }
		}
	}
	err = json.NewDecoder(response.Body).Decode(&review)
	return response.StatusCode, strings.Join(review.Status.UserInfo.Groups, ","), err
}
