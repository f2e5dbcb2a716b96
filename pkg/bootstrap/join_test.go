// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/command"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/kubeadm"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/apply/applytest"
	"github.com/nodeprep/nodeprep/pkg/phase"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/rooted"
)

// A cluster is joinsvc's side and the host's commands, and what was done, in order.
type cluster struct {
	api   *applytest.Server
	root  string            // of the host
	files map[string][]byte // that kubeadm leaves there
	order joinapi.KubeadmOrder
	view  joinapi.NodeView
	fails string // the step that fails, once
	asked func() // called when documents are asked for
	did   []string
	told  []string // the failures' messages
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
	step := "report " + r.Phase
	if r.Outcome == joinapi.OutcomeFailed {
		step = "failed: " + r.Phase
		c.told = append(c.told, r.Message)
	}
	err := c.do(step)
	if err == nil && r.Phase == joinapi.ReportKubeadm && r.Outcome == joinapi.OutcomeDone {
		c.view.Phase = joinapi.PhaseJoined
	}
	return err
}

func (c *cluster) Kubeadm(context.Context) (joinapi.KubeadmOrder, error) {
	if c.asked != nil {
		c.asked()
	}
	return c.order, nil
}

func (c *cluster) ClusterAccess(_ context.Context, a joinapi.ClusterAccess) error {
	err := c.do("access")
	if err == nil {
		c.view.ClusterCA, c.view.Renew = caHash([]byte(a.CA)), nil
	}
	return err
}

// apply is the API server's side of a step.
func (c *cluster) apply(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPatch {
		return false
	}
	if err := c.do("apply " + path.Base(r.URL.Path)); err != nil {
		applytest.Answer(w, http.StatusUnprocessableEntity, err.Error())
		return true
	}
	return false
}

// caHash names a CA as kubeadm pins it.
func caHash(text []byte) string {
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256(cert.RawSubjectPublicKeyInfo))
}

func (c *cluster) run(_ context.Context, cmd command.Command) (string, error) {
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
	c.api = applytest.New(t)
	c.api.Fail = c.apply
	if role == plan.Worker {
		c.view.ClusterCA = caHash(c.api.CA()) // nobody joins before joinsvc has it
	}
	conf := []byte(c.api.Start(t))
	c.root = t.TempDir()
	c.files = map[string][]byte{"kubelet.conf": conf, "admin.conf": conf, "pki/ca.crt": c.api.CA(), "pki/ca.key": c.api.Key(t)}
	return membership{host: h, coordinator: c, node: kubeadm.Node{Root: rooted.Root(c.root), Run: c.run, CRISocket: criSocket}, now: time.Now}
}

// converge runs the phase as a boot does.
func converge(t *testing.T, m membership) error {
	t.Helper()
	r := phase.Runner{Report: func(phase.Event) {}, Now: time.Now}
	alone := m.phase()
	alone.Needs = nil
	_, err := r.Run(t.Context(), []phase.Phase{alone})
	return err
}

func TestWorkersMayJoinBeforeTheAddOnsAreApplied(t *testing.T) {
	c := &cluster{order: initOrder(t)}
	if err := converge(t, c.membership(t, plan.ControlPlane)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"report prepared", "kubeadm init", "apply rbac", "access", "apply calico", "report kubeadm",
	}
	if diff := cmp.Diff(want, c.did); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	// Before the longest of all, and after it, kube-controller-manager may have
	// ended itself.
	looks := slices.DeleteFunc(c.api.Asked(), func(asked string) bool { return !strings.HasSuffix(asked, "/leases/kube-controller-manager") })
	if len(looks) != 2 {
		t.Errorf("its lease was looked at %d times, want 2", len(looks))
	}
}

// A run that is cut off after the init does what was left, and kubeadm not again.
func TestHandOverIsTakenUpWhereItBroke(t *testing.T) {
	for fails, left := range map[string][]string{
		"apply rbac":     {"apply rbac", "access", "apply calico", "report kubeadm"},
		"access":         {"apply rbac", "access", "apply calico", "report kubeadm"},
		"apply calico":   {"apply rbac", "access", "apply calico", "report kubeadm"},
		"report kubeadm": {"report kubeadm"},
	} {
		t.Run(fails, func(t *testing.T) {
			c := &cluster{order: initOrder(t), fails: fails}
			m := c.membership(t, plan.ControlPlane)
			if err := converge(t, m); err == nil || !strings.Contains(err.Error(), "refused") {
				t.Fatalf("the failure was told as %v", err)
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

// A control plane that was installed anew, and got its folders back from a backup,
// counts as joined: nothing of kubeadm is run, which would reset what came back.
func TestRestoredControlPlaneIsDone(t *testing.T) {
	c := &cluster{order: initOrder(t), view: joinapi.NodeView{Phase: joinapi.PhasePrepared}}
	m := c.membership(t, plan.ControlPlane)
	c.view.ClusterCA = caHash(c.api.CA())
	for name, content := range c.files {
		if err := atomicfile.Write(filepath.Join(c.root, "etc/kubernetes", name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := converge(t, m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"report kubeadm"}, c.did); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// The cluster lets joinsvc in for a year. The node that made it renews that with
// any run from the middle of the year on, and touches nothing else.
func TestAccessIsRenewed(t *testing.T) {
	c := &cluster{order: initOrder(t)}
	m := c.membership(t, plan.ControlPlane)
	if err := converge(t, m); err != nil {
		t.Fatal(err)
	}
	c.did, c.view.Renew = nil, c.order.Access
	for range 2 {
		if err := converge(t, m); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"apply rbac", "access"}, c.did); diff != "" {
		t.Errorf("steps of two runs (-want +got):\n%s", diff)
	}
	// Where the administrator's kubeconfig was taken away, runs go on as before.
	c.did, c.view.Renew = nil, c.order.Access
	if err := os.Remove(filepath.Join(c.root, "etc/kubernetes/admin.conf")); err != nil {
		t.Fatal(err)
	}
	if err := converge(t, m); err != nil || len(c.did) > 0 {
		t.Errorf("without the administrator's kubeconfig: %v, %v", c.did, err)
	}
}

// A join that the API server does not answer is tried again within its phase,
// with documents of its own, after this node has given its turn to another.
func TestJoinThatIsNotAnsweredIsTriedAgain(t *testing.T) {
	const said = `error execution phase preflight: unable to fetch the kubeadm-config ConfigMap: failed to get config map: Get "https://a:6443/": context deadline exceeded`
	c := &cluster{order: joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "join"}}
	m := c.membership(t, plan.Worker) // its API server is of the world outside
	synctest.Test(t, func(t *testing.T) {
		c.asked = func() { c.did = append(c.did, "order") }
		unanswered, files := 3, c.files
		m.node.Run = func(ctx context.Context, cmd command.Command) (string, error) {
			c.files = nil
			if unanswered--; unanswered >= 0 {
				c.did = append(c.did, "no answer to join")
				return "", &command.Error{Command: cmd, Output: said, Err: errors.New("exit status 1")}
			}
			c.files = files
			return c.run(ctx, cmd)
		}
		var notes []string
		r := phase.Runner{Now: time.Now, Report: func(e phase.Event) {
			if e.Kind == phase.Noted {
				notes = append(notes, e.Message)
			}
		}}
		alone := m.phase()
		alone.Needs = nil
		if _, err := r.Run(t.Context(), []phase.Phase{alone}); err != nil {
			t.Fatal(err)
		}
		again := []string{"no answer to join", "failed: kubeadm", "order"}
		want := slices.Concat([]string{"report prepared", "order"}, again, again, again, []string{"kubeadm join", "report kubeadm"})
		if diff := cmp.Diff(want, c.did); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		if len(notes) != 1 || !strings.HasPrefix(notes[0], "waiting: kubeadm join got no answer of the API server's in time: "+said) {
			t.Errorf("noted %q", notes)
		}
	})
}

// joinsvc is told why a node gives its turn away in kubeadm's own words, however
// much the reset that follows has to say: it takes no report of more than 4 kB.
func TestTurnIsGivenAwayInFewWords(t *testing.T) {
	const said = `error execution phase kubelet-wait-bootstrap: failed while waiting for TLS bootstrap: context deadline exceeded`
	c := &cluster{order: joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "join"}}
	m := c.membership(t, plan.Worker)
	synctest.Test(t, func(t *testing.T) {
		joins, resets := 0, 0
		m.node.Run = func(ctx context.Context, cmd command.Command) (string, error) {
			failed := &command.Error{Command: cmd, Output: said, Err: errors.New("exit status 1")}
			switch {
			case cmd.Args[0] == "reset":
				if resets++; resets > 1 {
					return "", os.RemoveAll(filepath.Join(c.root, "etc/kubernetes"))
				}
				failed.Output = strings.Repeat("rpc error: "+strings.Repeat("x", 1000)+"\n", 20)
				return "", failed
			case joins == 0:
				joins++
				return "", errors.Join(m.node.Root.Write("/etc/kubernetes/bootstrap-kubelet.conf", "half", 0o600), failed)
			}
			return c.run(ctx, cmd)
		}
		if err := converge(t, m); err != nil {
			t.Fatal(err)
		}
	})
	if len(c.told) != 1 || len(c.told[0]) > 1000 || !strings.Contains(c.told[0], said) {
		t.Errorf("told %.2000q", c.told)
	}
}

// An init whose control plane answered once and never again is made anew by the
// run after the one that gave it up.
func TestInitThatIsNeverAnsweredIsGivenUp(t *testing.T) {
	const said = `error execution phase addon/coredns: Get "https://a:6443/apis": dial tcp 192.0.2.1:6443: connect: connection refused`
	c := &cluster{order: initOrder(t)}
	m := c.membership(t, plan.ControlPlane)
	synctest.Test(t, func(t *testing.T) {
		m.node.Run = func(_ context.Context, cmd command.Command) (string, error) {
			failed := &command.Error{Command: cmd, Output: said, Err: errors.New("exit status 1")}
			return "", errors.Join(m.node.Root.Write("/etc/kubernetes/pki/ca.key", "made", 0o600), failed)
		}
		if err := converge(t, m); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("it ended with %v", err)
		}
	})
	if stage, err := m.node.Observe(); err != nil || stage != kubeadm.Partial {
		t.Errorf("the next run begins with %q, %v", stage, err)
	}
}

// What kubeadm says of its failure is what the run says, and nothing that comes
// after it is begun.
func TestKubeadmsFailureIsTold(t *testing.T) {
	for fails, did := range map[string][]string{
		"report prepared": nil,
		"kubeadm join":    {"report prepared"},
	} {
		c := &cluster{order: joinapi.KubeadmOrder{Action: joinapi.ActionJoin, Config: "join"}, fails: fails}
		m := c.membership(t, plan.Worker)
		c.files = nil
		err := converge(t, m)
		if err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: the failure was told as %v", fails, err)
		}
		if diff := cmp.Diff(did, c.did); diff != "" {
			t.Errorf("%s: steps (-want +got):\n%s", fails, diff)
		}
	}
}

// A host that carries another cluster does not count as done, nor one that
// carries any while joinsvc knows none.
func TestAnotherClustersHostIsNotDone(t *testing.T) {
	other := applytest.New(t)
	for name, tc := range map[string]struct {
		known string // what joinsvc knows of its cluster's CA, by whose it is
		files map[string][]byte
		want  []string // in the error; none: it is ours
	}{
		"ours":               {known: "mine"},
		"another's":          {known: "other", want: []string{"carries another cluster: /etc/kubernetes/kubelet.conf", "cluster k8c1 has sha256:"}},
		"kubelet's only":     {known: "mine", files: map[string][]byte{"kubelet.conf": []byte(other.Kubeconfig(t, "https://a:1"))}, want: []string{"carries another cluster: /etc/kubernetes/kubelet.conf"}},
		"the CA's file only": {known: "mine", files: map[string][]byte{"pki/ca.crt": other.CA()}, want: []string{"carries another cluster: /etc/kubernetes/pki/ca.crt"}},
		"no cluster yet":     {want: []string{"joinsvc has no access to cluster k8c1 yet: either it is another, or joinsvc's records of it are lost, which a backup of joinsvc brings back"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, role := range []plan.Role{plan.Worker, plan.ControlPlane} {
				c := &cluster{order: initOrder(t), view: joinapi.NodeView{Phase: joinapi.PhaseJoined}}
				m := c.membership(t, role)
				c.view.ClusterCA = map[string]string{"mine": caHash(c.api.CA()), "other": caHash(other.CA())}[tc.known]
				maps.Copy(c.files, tc.files)
				if _, err := c.run(t.Context(), command.New("kubeadm", "join")); err != nil {
					t.Fatal(err)
				}
				c.did = nil
				err := converge(t, m)
				if len(tc.want) == 0 && err != nil || len(tc.want) > 0 && err == nil {
					t.Fatalf("%s: %v", role, err)
				}
				for _, want := range append(tc.want, "kubeadm reset --force --cri-socket "+criSocket) {
					if err != nil && !strings.Contains(err.Error(), want) {
						t.Errorf("%s: %v\nwant %q in it", role, err, want)
					}
				}
				if len(c.did) != 0 {
					t.Errorf("did %q", c.did)
				}
			}
		})
	}
}

// A node whose kubelet nobody lets in is told of at once, and not waited for. A
// control plane is not advised to end its cluster.
func TestHostThatTheClusterDoesNotLetIn(t *testing.T) {
	for _, role := range []plan.Role{plan.Worker, plan.ControlPlane} {
		c := &cluster{order: initOrder(t), view: joinapi.NodeView{Phase: joinapi.PhaseJoined}}
		m := c.membership(t, role)
		c.view.ClusterCA = caHash(c.api.CA())
		if _, err := c.run(t.Context(), command.New("kubeadm", "join")); err != nil {
			t.Fatal(err)
		}
		if err := converge(t, m); err != nil {
			t.Fatal(err)
		}
		m.now = func() time.Time { return time.Now().AddDate(200, 0, 0) }
		err := converge(t, m)
		if err == nil || !strings.Contains(err.Error(), "kubelet's certificate in /etc/kubernetes/kubelet.conf ran out on") || !strings.Contains(err.Error(), "troubleshooting") {
			t.Fatalf("%s: %v", role, err)
		}
		if advised := strings.Contains(err.Error(), "kubeadm reset"); advised != (role == plan.Worker) {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// A host whose kubelet goes into the cluster as another node does not count as
// done, as one from a disk's copy that got a token of its own.
func TestAnotherNodesHostIsNotDone(t *testing.T) {
	for name, refused := range map[string]bool{"system:node:k8c1s2": true, "system:node:k8c1m0": false, "somebody": false} {
		c := &cluster{order: initOrder(t), view: joinapi.NodeView{Phase: joinapi.PhaseJoined}}
		m := c.membership(t, plan.Worker)
		c.view.ClusterCA = caHash(c.api.CA())
		if _, err := c.run(t.Context(), command.New("kubeadm", "join")); err != nil {
			t.Fatal(err)
		}
		if err := m.node.Root.Write("/var/lib/kubelet/pki/kubelet-client-current.pem", kubeletCertificate(t, name), 0o600); err != nil {
			t.Fatal(err)
		}
		err := converge(t, m)
		if refused != (err != nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range []string{"kubelet-client-current.pem is of k8c1s2, and to joinsvc this host is k8c1m0", "kubeadm reset --force --cri-socket " + criSocket} {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nwant %q in it", err, want)
			}
		}
	}
}

// kubeletCertificate is one of that user's.
func kubeletCertificate(t *testing.T, user string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: user}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// An init that has finished and not handed over is compared as soon as there is
// something to compare with: joinsvc may have got another cluster meanwhile.
func TestInitThatAnotherClusterOvertook(t *testing.T) {
	c := &cluster{order: initOrder(t), fails: "apply rbac"}
	m := c.membership(t, plan.ControlPlane)
	if err := converge(t, m); err == nil {
		t.Fatal("the failure was not told")
	}
	c.view.ClusterCA, c.did = caHash(applytest.New(t).CA()), nil
	if err := converge(t, m); err == nil || !strings.Contains(err.Error(), "carries another cluster") || len(c.did) != 0 {
		t.Errorf("did %q: %v", c.did, err)
	}
}

// A control plane that was reset after its hand-over makes no second cluster, to
// which joinsvc would take no access.
func TestASecondInitIsRefusedBeforeItIsMade(t *testing.T) {
	c := &cluster{order: initOrder(t), fails: "apply calico"}
	m := c.membership(t, plan.ControlPlane)
	if err := converge(t, m); err == nil || c.view.ClusterCA == "" {
		t.Fatalf("handed over: %q, %v", c.view.ClusterCA, err)
	}
	if err := os.RemoveAll(filepath.Join(c.root, "etc/kubernetes")); err != nil {
		t.Fatal(err)
	}
	c.did = nil
	err := converge(t, m)
	if err == nil || !strings.Contains(err.Error(), "would make a second cluster") || !strings.Contains(err.Error(), "`joinsvc init reopen k8c1m0`") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"report prepared"}, c.did); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	c.view.ClusterCA = "" // reopened
	if err := converge(t, m); err != nil {
		t.Error(err)
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

// settings stands for any object.
const settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: kube-system}\n"

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
		Action: joinapi.ActionInit, Config: "init", AddOns: fmt.Sprintf(settings, "calico"),
		Access: &joinapi.AccessRequest{RBAC: fmt.Sprintf(settings, "rbac"), CSR: csr},
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
