// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/kubeadm"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// A cluster is joinsvc's side and the host's commands, and what was done, in order.
type cluster struct {
	root  string            // of the host
	files map[string][]byte // that kubeadm leaves there
	order joinapi.KubeadmOrder
	view  joinapi.NodeView
	fails string // the step that fails, once
	did   []string
}

func (c *cluster) do(step string) error {
	if step == c.fails {
		c.fails = ""
		return errors.New("refused")
	}
	c.did = append(c.did, step)
	return nil
}

func (c *cluster) Node(context.Context) (joinapi.NodeView, error) { return c.view, nil }

func (c *cluster) Report(_ context.Context, r joinapi.Report) error {
	err := c.do("report " + r.Phase)
	if err == nil && r.Phase == joinapi.ReportKubeadm {
		c.view.Phase = joinapi.PhaseJoined
	}
	return err
}

func (c *cluster) Kubeadm(context.Context) (joinapi.KubeadmOrder, error) { return c.order, nil }

func (c *cluster) ClusterAccess(context.Context, joinapi.ClusterAccess) error { return c.do("access") }

func (c *cluster) run(_ context.Context, cmd command.Command) (string, error) {
	if cmd.Name == "kubectl" {
		return "", c.do("kubectl apply " + cmd.Stdin)
	}
	for name, content := range c.files {
		if err := atomicfile.Write(filepath.Join(c.root, "etc/kubernetes", name), content, 0o600); err != nil {
			return "", err
		}
	}
	return "", c.do(cmd.Name + " " + cmd.Args[0])
}

func (c *cluster) membership(t *testing.T, role plan.Role) membership {
	t.Helper()
	h := plan.HostPlan{Cluster: "k8c1", Name: "k8c1m0", Role: role}
	h.Kubernetes.APIEndpoint = netip.MustParseAddrPort("192.168.9.193:6443")
	c.root, c.files = t.TempDir(), kubeadmFiles(t)
	return membership{host: h, coordinator: c, node: kubeadm.Node{Root: rooted.Root(c.root), Run: c.run}, now: time.Now}
}

// converge runs the phase as a boot does.
func converge(t *testing.T, m membership) error {
	t.Helper()
	r := phase.Runner{Report: func(phase.Event) {}, Now: time.Now}
	_, err := r.Run(t.Context(), []phase.Phase{m.phase()})
	return err
}

func TestWorkersMayJoinBeforeTheAddOnsAreApplied(t *testing.T) {
	c := &cluster{order: initOrder(t)}
	if err := converge(t, c.membership(t, plan.ControlPlane)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"report prepared", "kubeadm init", "kubectl apply rbac", "access", "kubectl apply calico", "report kubeadm",
	}
	if diff := cmp.Diff(want, c.did); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// A run that is cut off after the init does what was left, and kubeadm not again.
func TestHandOverIsTakenUpWhereItBroke(t *testing.T) {
	for fails, left := range map[string][]string{
		"kubectl apply rbac":   {"kubectl apply rbac", "access", "kubectl apply calico", "report kubeadm"},
		"access":               {"kubectl apply rbac", "access", "kubectl apply calico", "report kubeadm"},
		"kubectl apply calico": {"kubectl apply rbac", "access", "kubectl apply calico", "report kubeadm"},
		"report kubeadm":       {"report kubeadm"},
	} {
		t.Run(fails, func(t *testing.T) {
			c := &cluster{order: initOrder(t), fails: fails}
			m := c.membership(t, plan.ControlPlane)
			if err := converge(t, m); err == nil {
				t.Fatal("the failure was not told")
			}
			c.did = nil
			if err := converge(t, m); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(left, c.did); diff != "" {
				t.Errorf("steps of the second run (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWorkerOnlyJoins(t *testing.T) {
	c := &cluster{order: joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "join"}}
	if err := converge(t, c.membership(t, plan.Worker)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"report prepared", "kubeadm join", "report kubeadm"}, c.did); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestOrderToInitHasToBeWhole(t *testing.T) {
	for want, spoil := range map[string]func(*joinapi.KubeadmOrder){
		"cluster access": func(o *joinapi.KubeadmOrder) { o.Access = nil },
		"add-ons":        func(o *joinapi.KubeadmOrder) { o.AddOns = "" },
	} {
		t.Run(want, func(t *testing.T) {
			c := &cluster{order: initOrder(t)}
			spoil(&c.order)
			err := converge(t, c.membership(t, plan.ControlPlane))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to name %q", err, want)
			}
		})
	}
}

func initOrder(t *testing.T) joinapi.KubeadmOrder {
	t.Helper()
	key := newKey(t)
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "nodeprep:joinsvc"}}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	csr := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	return joinapi.KubeadmOrder{
		Action: joinapi.ActionInit, Config: "init", AddOns: "calico",
		Access: &joinapi.AccessRequest{RBAC: "rbac", CSR: csr},
	}
}

// kubeadmFiles are what tells how far kubeadm got, and the cluster's CA.
func kubeadmFiles(t *testing.T) map[string][]byte {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kubernetes"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"kubelet.conf": []byte("kubelet"),
		"pki/ca.crt":   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		"pki/ca.key":   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
