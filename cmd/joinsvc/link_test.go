// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/admission"
	"github.com/nodeprep/nodeprep/pkg/calico"
	"github.com/nodeprep/nodeprep/pkg/cluster"
	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/join/etcd"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/pki"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// patience is for what happens at once, on a machine that does much else.
const patience = time.Minute

// within waits until something is so.
func within(t *testing.T, what string, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatal("not so after", patience, "-", what)
		}
	}
}

// linked is a link of the shipped plan, with a store of its own, and what it logs.
type linked struct {
	*link
	private *ecdsa.PrivateKey
	log     *syncBuffer
}

func newLinked(t *testing.T, edit func(*plan.Plan)) linked {
	t.Helper()
	p, report, err := plan.Load("../../docs/examples/k8c1.yaml")
	if err != nil || report.Err() != nil {
		t.Fatal(err, report)
	}
	edit(&p)
	ca, err := pki.New("k8c1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	store, err := etcd.Start(t.Context(), t.TempDir(), discard())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	log := &syncBuffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	c := &join.Coordinator{
		Plan: p, Store: etcd.New(store.Client(), "k8c1"), CA: ca, Now: time.Now, Log: logger, Admission: admission.NewLimiter(time.Now),
	}
	key, keyPEM := newKey(t)
	l := newLink(t.Context(), inputs{plan: p, manifest: "kind: DaemonSet"}, keyPEM, c, logger)
	t.Cleanup(l.close)
	c.Kubeadm, c.Remarks = l.kubeadm(), l.remarks.get
	return linked{link: l, private: key, log: log}
}

func unedited(*plan.Plan) {}

// enrolled makes a host of that hardware address a node, and returns the
// fingerprint of its key.
func (l linked) enrolled(t *testing.T, mac joinapi.MAC) string {
	t.Helper()
	token, err := l.coordinator.CreateToken(t.Context(), joinapi.TokenRequest{Uses: 1, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	key, _ := newKey(t)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	request, err := pki.ParseRequest(text)
	if err != nil {
		t.Fatal(err)
	}
	read := func() (joinapi.EnrolRequest, error) {
		return joinapi.EnrolRequest{CSR: text, Identity: joinapi.Identity{MACs: []joinapi.MAC{mac}}}, nil
	}
	if _, err := l.coordinator.Enrol(t.Context(), token.Token, read); err != nil {
		t.Fatal(err)
	}
	return request.Fingerprint
}

// access is that to an API server, with a certificate for the link's key.
func (l linked) access(t *testing.T, server *httptest.Server) joinapi.ClusterAccess {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: cluster.User}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, l.private.Public(), l.private)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return joinapi.ClusterAccess{Server: server.URL, CA: encode(server.Certificate().Raw), Certificate: encode(der)}
}

// A silent API server takes questions and answers none; it knows which it was
// asked, and which were taken back.
type silent struct {
	*httptest.Server
	asked, gone chan string
}

func newSilent(t *testing.T) silent {
	t.Helper()
	s := silent{asked: make(chan string, 100), gone: make(chan string, 100)}
	s.Server = apiServer(t, func(_ http.ResponseWriter, r *http.Request) {
		s.asked <- r.URL.Path
		<-r.Context().Done()
		s.gone <- r.URL.Path
	})
	return s
}

func apiServer(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(answer)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // connections that are broken off
	s.StartTLS()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// both are what is asked first: by the reconciler, and by what measures.
func both(t *testing.T, what string, of chan string) {
	t.Helper()
	want := []string{"/apis/crd.projectcalico.org/v1", "/readyz"}
	var got []string
	for range want {
		select {
		case path := <-of:
			got = append(got, path)
		case <-time.After(patience):
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// Two reconcilers would write one plan's objects into two clusters, and what two
// measure would be one number. The cluster before is asked no more, whatever is
// the end of it: another one, none, or joinsvc's own end.
func TestTheClusterBeforeIsAskedNoMore(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, l linked){
		"another cluster": func(t *testing.T, l linked) {
			second := newSilent(t)
			if _, err := l.connect(l.access(t, second.Server)); err != nil {
				t.Fatal(err)
			}
			both(t, "the second is asked", second.asked)
		},
		"it is given up": func(_ *testing.T, l linked) { l.coordinator.Kubeadm.Disconnect() },
		"joinsvc ends":   func(_ *testing.T, l linked) { l.close() },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLinked(t, unedited)
			first := newSilent(t)
			if _, err := l.coordinator.Kubeadm.Connect(l.access(t, first.Server)); err != nil {
				t.Fatal(err)
			}
			both(t, "asked", first.asked)
			end(t, l)
			both(t, "taken back", first.gone)
			if strings.Contains(l.log.String(), "not kept any more") {
				t.Errorf("an end that was meant is told as a failure:\n%s", l.log.String())
			}
		})
	}
}

// An access that cannot be used leaves the cluster that there is.
func TestAnAccessThatCannotBeUsedEndsNothing(t *testing.T) {
	l := newLinked(t, unedited)
	first := newSilent(t)
	if _, err := l.connect(l.access(t, first.Server)); err != nil {
		t.Fatal(err)
	}
	both(t, "asked", first.asked)
	if _, err := l.connect(joinapi.ClusterAccess{Server: first.URL, CA: "nonsense"}); err == nil {
		t.Error("it was taken")
	}
	select {
	case path := <-first.gone:
		t.Errorf("%s was taken back", path)
	case <-time.After(100 * time.Millisecond):
	}
}

// close returns when nothing works on the store any more, which is closed next.
func TestCloseWaits(t *testing.T) {
	l := newLinked(t, unedited)
	began, release, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	l.wg.Go(func() { close(began); <-release })
	<-began
	go func() { l.close(); close(ended) }()
	select {
	case <-ended:
		t.Error("it did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	<-ended
}

// What calico names a node's objects by is all of it that the store has.
func TestLeasedNodesAreWhole(t *testing.T) {
	l := newLinked(t, unedited)
	key := l.enrolled(t, "00:00:5e:00:53:12")
	got, err := l.leased(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []calico.Node{{Name: "k8c1s1.labs.haystacknetworks.com", Address: netip.MustParsePrefix("192.168.9.194/28"), ASN: 63552, Key: key}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("leased (-want +got):\n%s", diff)
	}
	// No node at all and a store that cannot be asked are two things: of the
	// former the reconciler removes all peers.
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := l.leased(over); err == nil {
		t.Errorf("a store that was not asked has %v", got)
	}
}

// What is waited for in a cluster, and how its API server is, comes to status by
// way of the coordinator; every node's sessions do.
func TestWhatTheClusterSaysIsInTheStatus(t *testing.T) {
	l := newLinked(t, unedited)
	l.enrolled(t, "00:00:5e:00:53:12")
	server := apiServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, "{}")
	})
	if _, err := l.connect(l.access(t, server)); err != nil {
		t.Fatal(err)
	}
	within(t, "the remark that Calico is waited for", func() bool {
		s, err := l.coordinator.Status(t.Context())
		return err == nil && len(s.Remarks) == 1 && strings.HasPrefix(s.Remarks[0], "waiting for Calico")
	})
	within(t, "the API server's answers are measured", func() bool { return l.coordinator.Admission.Reading().Latency > 0 })
	within(t, "why nothing is known of the node's sessions", func() bool {
		s, err := l.coordinator.Status(t.Context())
		if err != nil {
			return false
		}
		for _, n := range s.Nodes {
			if strings.HasPrefix(n.Name, "k8c1s1.") && len(n.Sessions) == 2 && strings.HasPrefix(n.Sessions[0].Reason, "waiting for Calico") {
				return true
			}
		}
		return false
	})
}

// Where the plan says which of Calico's two groups holds the objects, the other
// one is not asked for, nor written.
func TestThePlanSaysWhereCalicosObjectsAre(t *testing.T) {
	for word, want := range map[plan.CalicoAPI]calico.API{plan.CalicoCRD: calico.CRD, plan.CalicoNative: calico.Native, "": ""} {
		var p plan.Plan
		p.Spec.Calico.API = word
		if got := api(p); got != want {
			t.Errorf("%q is %q, want %q", word, got, want)
		}
	}
	l := newLinked(t, func(p *plan.Plan) { p.Spec.Calico.API = plan.CalicoNative })
	server := newSilent(t)
	if _, err := l.connect(l.access(t, server.Server)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if path := <-server.asked; path != "/readyz" && path != "/apis/projectcalico.org/v3" {
			t.Errorf("asked for %s", path)
		}
	}
}

// A slow plan's nodes are asked more rarely: each asking costs its host some
// seconds of a processor.
func TestThePlanSaysThePace(t *testing.T) {
	for word, want := range map[plan.Pace]calico.Pace{plan.Slow: calico.Slow(), "": calico.Normal()} {
		var p plan.Plan
		p.Spec.Kubernetes.Pace = word
		if got := pace(p); got != want {
			t.Errorf("%q is %+v, want %+v", word, got, want)
		}
	}
}

// What was remarked is the reconciler's to change; who asks gets a copy.
func TestRemarksAreCopies(t *testing.T) {
	var r remarks
	said := []string{"a"}
	r.set(said)
	said[0] = "b"
	got := r.get()
	got[0] += "c"
	if again := r.get(); !slices.Equal(again, []string{"a"}) {
		t.Errorf("%q", again)
	}
}

// The documents of kubeadm join carry the token and the hash by which the new
// node knows the cluster, each in its place; init's patches are the plan's.
func TestKubeadmOfALink(t *testing.T) {
	l := newLinked(t, unedited)
	k := l.kubeadm()
	h, err := l.in.plan.HostPlan("k8c1s1")
	if err != nil {
		t.Fatal(err)
	}
	const token, hash = "abcdef.0123456789abcdef", "sha256:1111"
	text, err := k.Join(l.in.plan, h, token, hash)
	if err != nil || !strings.Contains(text, "token: "+token) || !strings.Contains(text, "- "+hash) {
		t.Errorf("%v\n%s", err, text)
	}
	if patches, err := k.Patches(); err != nil || len(patches) == 0 {
		t.Errorf("patches %v, %v", patches, err)
	}
	if k.AddOns != l.in.manifest {
		t.Errorf("add-ons %q", k.AddOns)
	}
}

// What was said of a cluster that is given up is not said any more.
func TestRemarksGoWithTheirCluster(t *testing.T) {
	l := newLink(t.Context(), inputs{}, nil, nil, discard())
	ctx, stop := context.WithCancel(t.Context())
	l.stop = stop
	say := l.remarks.during(ctx)
	say([]string{"waiting for Calico"})
	if got := l.remarks.get(); len(got) != 1 {
		t.Errorf("it says %q", got)
	}
	l.disconnect()
	say([]string{"waiting for Calico"}) // its last pass
	if got := l.remarks.get(); len(got) != 0 {
		t.Errorf("after its end it says %q", got)
	}
}
