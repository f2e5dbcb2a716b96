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
	"github.com/nodeprep/nodeprep/pkg/command"
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
	t.Run("kubeadm validates", f.testDocuments)
	t.Run("kubeadm writes a slow plan's pods", f.testPace)
	t.Run("kubeadm refuses placeholders", f.testRenderedDocuments)
	t.Run("manifest", f.testManifest)
	t.Run("objects", f.testObjects)
	t.Run("sessions", f.testSessions)
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

// connect goes the way of a real cluster: joinsvc's request and RBAC are
// applied by nodeprep's own code with the real kubectl, and the certificate
// comes from kube-controller-manager.
func (f *fixture) connect(t *testing.T) {
	t.Helper()
	key := newKey(t)
	request, err := cluster.NewAccess(key)
	if err != nil {
		t.Fatal(err)
	}
	host := kubeadm.Node{Root: rooted.Root(f.Root), Run: func(ctx context.Context, c command.Command) (string, error) {
		c.Name = f.binaries[c.Name]
		return command.Run(ctx, c)
	}}
	for range 2 { // a second run is the same
		if f.access, err = host.HandOver(t.Context(), request, f.Server); err != nil {
			t.Fatal(err)
		}
	}
	if f.cluster, err = cluster.Connect(f.access, key); err != nil {
		t.Fatal(err)
	}
}

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

// What RBAC lets joinsvc do, asked of the API server's own authorizer.
func (f *fixture) testLeastRights(t *testing.T) {
	can := func(verb, resource string, more ...string) bool {
		args := append([]string{"auth", "can-i", verb, resource, "--as", cluster.User, "--quiet"}, more...)
		_, err := f.Kubectl(t.Context(), "", args...)
		var failed *command.Error
		if err != nil && (!errors.As(err, &failed) || failed.ExitCode() != 1) {
			t.Fatal(err)
		}
		return err == nil
	}
	for _, group := range []string{"crd.projectcalico.org", "projectcalico.org"} {
		for _, yes := range []string{"list bgppeers", "delete bgppeers", "watch ippools", "patch ippools", "watch blockaffinities", "watch bgpfilters", "watch clusterinformations", "delete caliconodestatuses"} {
			verb, resource, _ := strings.Cut(yes, " ")
			if !can(verb, resource+"."+group) {
				t.Errorf("joinsvc may not %s of %s", yes, group)
			}
		}
		for _, no := range []string{"delete ippools", "delete bgpconfigurations", "patch blockaffinities", "delete bgpfilters", "patch clusterinformations", "deletecollection bgppeers"} {
			verb, resource, _ := strings.Cut(no, " ")
			if can(verb, resource+"."+group) {
				t.Errorf("joinsvc may %s of %s", no, group)
			}
		}
	}
	if !can("get", "daemonsets.apps/calico-node", "-n", "kube-system") || can("get", "daemonsets.apps/kube-proxy", "-n", "kube-system") || can("list", "daemonsets.apps", "-n", "kube-system") {
		t.Error("joinsvc may not read calico-node's DaemonSet, or others'")
	}
	if !can("watch", "nodes") || !can("patch", "nodes", "--subresource", "status") || !can("create", "secrets", "-n", "kube-system") {
		t.Error("joinsvc cannot do its work")
	}
	for _, no := range [][]string{
		{"get", "secrets", "-n", "kube-system"},
		{"list", "secrets", "-n", "kube-system"},
		{"create", "secrets", "-n", "default"},
		{"patch", "nodes"},
		{"delete", "nodes"},
		{"create", "nodes"},
		{"create", "pods", "-n", "kube-system"},
		{"create", "certificatesigningrequests"},
		{"bind", "clusterroles"},
	} {
		if can(no[0], no[1], no[2:]...) {
			t.Errorf("joinsvc may %s", strings.Join(no, " "))
		}
	}
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
