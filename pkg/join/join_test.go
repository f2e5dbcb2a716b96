// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/join/etcd"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/pki"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
)

// world is a coordinator on a real etcd, with a clock and a cluster of its own.
type world struct {
	*join.Coordinator
	t       *testing.T
	cluster *fakeCluster
	log     *syncBuffer
	clock   time.Time
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// fakeCluster stands for the API server's bootstrap tokens.
type fakeCluster struct {
	mu      sync.Mutex
	minted  int
	tokens  map[string]string // token → node
	failing error
	// made, when set, is between a token's making and the answer, which the end of
	// its context loses.
	made func()
	// ready are the Nodes that say that they are.
	ready map[string]bool
}

func (f *fakeCluster) MintToken(ctx context.Context, node string, _ time.Duration) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing != nil {
		return "", f.failing
	}
	f.minted++
	token := fmt.Sprintf("abcdef.%016d", f.minted)
	f.tokens[token] = node
	if f.made != nil {
		f.made()
	}
	return token, ctx.Err()
}

func (f *fakeCluster) RevokeToken(ctx context.Context, token string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.failing != nil {
		return f.failing
	}
	delete(f.tokens, token)
	return nil
}

func (f *fakeCluster) MarkNotReady(_ context.Context, node string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing != nil {
		return false, f.failing
	}
	was := f.ready[node]
	f.ready[node] = false
	return was, nil
}

func testPlan(t *testing.T) plan.Plan {
	t.Helper()
	return plantest.Load(t, "../../docs/examples/k8c1.yaml")
}

func newWorld(t *testing.T, p plan.Plan) *world {
	t.Helper()
	w := &world{t: t, log: &syncBuffer{}, clock: time.Now(), cluster: &fakeCluster{tokens: map[string]string{}, ready: map[string]bool{}}}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	e, err := etcd.Start(t.Context(), t.TempDir(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	now := func() time.Time { return w.clock }
	ca, err := pki.New("k8c1", now)
	if err != nil {
		t.Fatal(err)
	}
	w.Coordinator = &join.Coordinator{Plan: p, Store: etcd.New(e.Client(), "k8c1"), CA: ca, Now: now, Log: log, Kubeadm: w.kubeadm()}
	return w
}

// replan is joinsvc started again on the same store, with the plan edited.
func (w *world) replan(edit func(*plan.Spec)) {
	w.t.Helper()
	p, c := w.Plan, w.Coordinator
	p.Spec.Nodes = slices.Clone(p.Spec.Nodes)
	edit(&p.Spec)
	w.Coordinator = &join.Coordinator{Plan: p, Store: c.Store, CA: c.CA, Now: c.Now, Log: c.Log, Kubeadm: c.Kubeadm}
	if err := w.Resume(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) kubeadm() join.Kubeadm {
	return join.Kubeadm{
		Init:    func(_ plan.Plan, h plan.HostPlan) (string, error) { return "init " + h.Name, nil },
		Patches: func() (map[string]string, error) { return nil, nil },
		Join: func(_ plan.Plan, h plan.HostPlan, token, hash string) (string, error) {
			return "join " + h.Name + " " + token + " " + hash, nil
		},
		Access:  func() (joinapi.AccessRequest, error) { return joinapi.AccessRequest{CSR: "joinsvc"}, nil },
		Connect: func(joinapi.ClusterAccess) (join.Cluster, error) { return w.cluster, nil },
	}
}

func (w *world) token(r joinapi.TokenRequest) string {
	w.t.Helper()
	if r.TTL == 0 {
		r.TTL = time.Hour
	}
	token, err := w.CreateToken(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return token.Token
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// csr is a request of key that names a subject which nobody asked for.
func csr(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"evil.example"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func identityOf(n plan.Node) joinapi.Identity {
	id := joinapi.Identity{Hostname: n.Name}
	for _, m := range n.MACs {
		id.MACs = append(id.MACs, joinapi.MAC(m))
	}
	return id
}

// sends is a host that sends r when it is asked to.
func sends(r joinapi.EnrolRequest) func() (joinapi.EnrolRequest, error) {
	return func() (joinapi.EnrolRequest, error) { return r, nil }
}

// enrol enrols a host and returns who it is from then on.
func (w *world) enrol(token string, key crypto.Signer, id joinapi.Identity) (join.Caller, error) {
	w.t.Helper()
	resp, err := w.Enrol(w.t.Context(), token, sends(joinapi.EnrolRequest{CSR: csr(w.t, key), Identity: id}))
	if err != nil {
		return join.Caller{}, err
	}
	block, _ := pem.Decode([]byte(resp.Certificate))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		w.t.Fatal(err)
	}
	if cert.Subject.CommonName != resp.Node || len(cert.DNSNames) > 0 {
		w.t.Errorf("certificate of %s for %s, DNS %v", resp.Node, cert.Subject.CommonName, cert.DNSNames)
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: w.CA.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		w.t.Error(err)
	}
	return join.Caller{Node: resp.Node, Key: pki.Fingerprint(cert), Identity: id}, nil
}

// all enrols every planned node.
func (w *world) all() []join.Caller {
	w.t.Helper()
	tokens := map[plan.Role]string{}
	for _, role := range []plan.Role{plan.ControlPlane, plan.Worker} {
		tokens[role] = w.token(joinapi.TokenRequest{Uses: len(w.Plan.Spec.Nodes), Role: joinapi.Role(role)})
	}
	var callers []join.Caller
	for _, n := range w.Plan.Spec.Nodes {
		who, err := w.enrol(tokens[n.Role], newKey(w.t), identityOf(n))
		if err != nil {
			w.t.Fatal(err)
		}
		callers = append(callers, who)
	}
	return callers
}

// record is what the store has of a node.
func (w *world) record(node string) join.Node { return w.nodes()[node] }

func (w *world) nodes() map[string]join.Node {
	w.t.Helper()
	nodes, err := w.Nodes(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return nodes
}

// reports are those that the status shows of a node.
func (w *world) reports(node string) []joinapi.Report {
	w.t.Helper()
	status, err := w.Status(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, n := range status.Nodes {
		if n.Name == node {
			return n.Reports
		}
	}
	return nil
}

// makeCluster takes a control plane through kubeadm init.
func (w *world) makeCluster(m0 join.Caller) {
	w.t.Helper()
	if _, err := w.Order(w.t.Context(), m0); err != nil {
		w.t.Fatal(err)
	}
	w.grant(m0)
	w.report(m0, joinapi.ReportKubeadm, joinapi.OutcomeDone, "")
}

// join takes a worker through kubeadm join.
func (w *world) join(who join.Caller) {
	w.t.Helper()
	if _, err := w.Order(w.t.Context(), who); err != nil {
		w.t.Fatal(err)
	}
	w.report(who, joinapi.ReportKubeadm, joinapi.OutcomeDone, "")
}

func (w *world) logged(text string) bool { return strings.Contains(w.log.String(), text) }

// hardware is what the planned node reports of itself.
func (w *world) hardware(node string) joinapi.Identity {
	for _, n := range w.Plan.Spec.Nodes {
		if w.Plan.FQDN(n) == node {
			return identityOf(n)
		}
	}
	return joinapi.Identity{}
}

func (w *world) phase(who join.Caller) (joinapi.NodePhase, string) {
	w.t.Helper()
	v, err := w.View(w.t.Context(), who)
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Phase, v.Reason
}

func (w *world) wantPhase(who join.Caller, want joinapi.NodePhase) {
	w.t.Helper()
	if got, reason := w.phase(who); got != want {
		w.t.Errorf("%s is %s (%s), want %s", who.Node, got, reason, want)
	}
}

func wantCode(t *testing.T, err error, code joinapi.Code, says string) {
	t.Helper()
	if joinapi.CodeOf(err) != code || !strings.Contains(fmt.Sprint(err), says) {
		t.Errorf("got %v, want %s saying %q", err, code, says)
	}
}

func clusterCA(t *testing.T) string {
	t.Helper()
	ca, err := pki.New("kubernetes", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return ca.PEM()
}

// wide is the example plan with n workers instead of two.
func wide(t *testing.T, n int) plan.Plan {
	t.Helper()
	p := testPlan(t)
	p.Spec.NodeNetwork.Subnet = netip.MustParsePrefix("192.168.8.0/23")
	p.Spec.ASN.Last = p.Spec.ASN.First + uint32(n)
	p.Spec.Nodes = p.Spec.Nodes[:1]
	for i := range n {
		p.Spec.Nodes = append(p.Spec.Nodes, plan.Node{
			Name: fmt.Sprintf("w%d", i), Role: plan.Worker,
			Address: netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 8, byte(i + 1)}), 23),
			MACs:    []plan.MAC{plan.MAC(fmt.Sprintf("00:00:5e:00:54:%02x", i))},
		})
	}
	return p
}
