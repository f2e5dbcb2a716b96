// SPDX-License-Identifier: Apache-2.0

package machinetest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/pki"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// AddOn is the manifest that Joinsvc hands out, of one object.
const AddOn = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: calico, namespace: kube-system}\n"

// Joinsvc is the coordinator of one node, in memory.
type Joinsvc struct {
	mu      sync.Mutex
	view    joinapi.NodeView
	csr     string
	refuse  map[string]error // by call
	reports []string
}

// NewJoinsvc has a node of this plan, which is routed as soon as it has joined.
// A worker's cluster has ca, PEM.
func NewJoinsvc(t *testing.T, h plan.HostPlan, ca []byte) *Joinsvc {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "nodeprep:joinsvc"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	j := &Joinsvc{
		view: joinapi.NodeView{Phase: joinapi.PhaseEnrolled, Plan: onWire(h)}, refuse: map[string]error{},
		csr: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})),
	}
	if h.Role == plan.Worker {
		j.view.ClusterCA = keyHash(ca)
	}
	return j
}

// onWire is what bootstrap.HostPlan reads.
func onWire(h plan.HostPlan) joinapi.HostPlan {
	w := joinapi.HostPlan{
		Cluster: h.Cluster, Rack: h.Rack, Name: h.Name, Domain: h.Domain, Role: joinapi.Role(h.Role), Address: h.Address, ASN: h.ASN,
		Network: joinapi.Network{
			Subnet: h.NodeNetwork.Subnet, VLAN: h.NodeNetwork.VLAN, Gateway: h.NodeNetwork.Gateway,
			GatewayMetric: h.NodeNetwork.GatewayMetric, DNS: h.NodeNetwork.DNS,
		},
		Bond: joinapi.Bond{
			Name: h.Bond.Name, Legs: h.Bond.Legs, Mode: h.Bond.Mode, MIIMon: h.Bond.MIIMon.Milliseconds(),
			UpDelay: h.Bond.UpDelay.Milliseconds(), MinLinks: h.Bond.MinLinks, MTU: h.Bond.MTU,
		},
		Kubernetes:    joinapi.Kubernetes{Version: h.Kubernetes.Version, APIEndpoint: h.Kubernetes.APIEndpoint},
		PackageFolder: h.Packages.Folder, SELinux: string(h.Host.SELinux),
	}
	for _, l := range h.Fabric.Leaves {
		w.Leaves = append(w.Leaves, joinapi.Leaf{Name: l.Name, Address: l.Address, ASN: h.Fabric.ASN})
	}
	return w
}

// keyHash names a CA as kubeadm pins it.
func keyHash(text []byte) string {
	block, _ := pem.Decode(text)
	if block == nil {
		return ""
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Refuse makes a call fail, "node", "report", "kubeadm" or "access"; nil lets it
// pass again.
func (j *Joinsvc) Refuse(call string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.refuse[call] = err
}

// Reports are what was told, "network done".
func (j *Joinsvc) Reports() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.reports)
}

// Phase is the node's.
func (j *Joinsvc) Phase() joinapi.NodePhase {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.view.Phase
}

// Node is the node's view.
func (j *Joinsvc) Node(context.Context) (joinapi.NodeView, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.view, j.refuse["node"]
}

// Report takes one report.
func (j *Joinsvc) Report(_ context.Context, r joinapi.Report) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.refuse["report"]; err != nil {
		return err
	}
	j.reports = append(j.reports, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Phase, r.Outcome, r.Message)))
	if r.Phase == joinapi.ReportKubeadm && r.Outcome == joinapi.OutcomeDone && j.view.Phase == joinapi.PhaseJoining {
		j.view.Phase = joinapi.PhaseRouted
	}
	return nil
}

// Kubeadm is the order: to init for a control plane, to join for a worker.
func (j *Joinsvc) Kubeadm(context.Context) (joinapi.KubeadmOrder, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.refuse["kubeadm"]; err != nil {
		return joinapi.KubeadmOrder{}, err
	}
	j.view.Phase = joinapi.PhaseJoining
	if j.view.Plan.Role == joinapi.Role(plan.Worker) {
		return joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "kind: JoinConfiguration\n"}, nil
	}
	return joinapi.KubeadmOrder{
		Action: joinapi.ActionInit, Config: "kind: InitConfiguration\n", AddOns: AddOn,
		Access: &joinapi.AccessRequest{CSR: j.csr, RBAC: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: joinsvc}\n"},
	}, nil
}

// ClusterAccess takes the cluster's.
func (j *Joinsvc) ClusterAccess(_ context.Context, a joinapi.ClusterAccess) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.refuse["access"]; err != nil {
		return err
	}
	j.view.ClusterCA = keyHash([]byte(a.CA))
	return nil
}

// Start serves over TLS on the loopback interface until the test ends, and
// returns the address and a token that admits the node.
func (j *Joinsvc) Start(t *testing.T) (url, token string) {
	t.Helper()
	ca, err := pki.New("k8c1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	config, err := ca.ServerTLS([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: j.handler(ca), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = s.Serve(tls.NewListener(l, config)) }()
	t.Cleanup(func() { _ = s.Close() })
	return "https://" + l.Addr().String(), joinapi.EnrolToken{CA: joinapi.CAHash(ca.Certificate().Raw), ID: "k8c1", Secret: strings.Repeat("a", 32)}.String()
}

func (j *Joinsvc) handler(ca *pki.CA) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(joinapi.PathEnrol, handle(func(_ context.Context, r joinapi.EnrolRequest) (joinapi.EnrolResponse, error) {
		request, err := pki.ParseRequest(r.CSR)
		if err != nil {
			return joinapi.EnrolResponse{}, joinapi.Errorf(joinapi.CodeInvalid, "csr: %v", err)
		}
		name := j.view.Plan.Name
		cert, err := ca.SignNode(request, name)
		return joinapi.EnrolResponse{Node: name, Certificate: cert, CA: ca.PEM()}, err
	}))
	mux.HandleFunc(joinapi.PathNode, known(handle(func(ctx context.Context, _ any) (joinapi.NodeView, error) { return j.Node(ctx) })))
	mux.HandleFunc(joinapi.PathReport, known(handle(func(ctx context.Context, r joinapi.Report) (struct{}, error) { return struct{}{}, j.Report(ctx, r) })))
	mux.HandleFunc(joinapi.PathKubeadm, known(handle(func(ctx context.Context, _ any) (joinapi.KubeadmOrder, error) { return j.Kubeadm(ctx) })))
	mux.HandleFunc(joinapi.PathAccess, known(handle(func(ctx context.Context, a joinapi.ClusterAccess) (struct{}, error) {
		return struct{}{}, j.ClusterAccess(ctx, a)
	})))
	return mux
}

// known wants a certificate that joinsvc has signed.
func known(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 {
			refuse(w, joinapi.Errorf(joinapi.CodeUnauthorized, "no certificate"))
			return
		}
		next(w, r)
	}
}

// handle decodes what the client sends and encodes what it gets.
func handle[In, Out any](call func(context.Context, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil && !errors.Is(err, io.EOF) {
			refuse(w, joinapi.Errorf(joinapi.CodeInvalid, "%v", err))
			return
		}
		out, err := call(r.Context(), in)
		if err != nil {
			refuse(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	}
}

func refuse(w http.ResponseWriter, err error) {
	var refused *joinapi.Error
	if !errors.As(err, &refused) {
		refused = joinapi.Errorf(joinapi.CodeInternal, "%v", err)
	}
	w.Header().Set("Content-Type", joinapi.ProblemMediaType)
	w.WriteHeader(refused.Code.Status())
	_ = json.NewEncoder(w).Encode(refused.Problem())
}
