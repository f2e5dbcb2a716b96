// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/admission"
	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/pki"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// issued is a certificate such as the cluster issues for joinsvc, valid for a
// year from the world's clock.
func (w *world) issued() string {
	w.t.Helper()
	ca, err := pki.New("kubernetes", w.Now)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := pki.ParseRequest(csr(w.t, newKey(w.t)))
	if err != nil {
		w.t.Fatal(err)
	}
	cert, err := ca.SignNode(r, "nodeprep:joinsvc")
	if err != nil {
		w.t.Fatal(err)
	}
	return cert
}

// handsOver has a control plane bring an access that lasts for a year.
func (w *world) handsOver(m0 join.Caller) joinapi.ClusterAccess {
	w.t.Helper()
	if _, err := w.Order(w.t.Context(), m0); err != nil {
		w.t.Fatal(err)
	}
	access := joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: clusterCA(w.t), Certificate: w.issued()}
	if err := w.Accept(w.t.Context(), m0, access); err != nil {
		w.t.Fatal(err)
	}
	return access
}

// The access is shown as it is, and joinsvc is not ready while it has one that
// does not work: what it says of sessions then is of the past.
func TestTheAccessIsShownAsItIs(t *testing.T) {
	w := newWorld(t, testPlan(t))
	w.Admission = admission.NewLimiter(func() time.Time { return w.clock })
	m0 := w.all()[0]
	want := func(state joinapi.AccessState, says string) joinapi.AccessStatus {
		t.Helper()
		s, err := w.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.Access.State != state || !strings.Contains(s.Access.Reason, says) {
			t.Errorf("%+v, want %s saying %q", s.Access, state, says)
		}
		w.clock = w.clock.Add(2 * time.Second) // one answer of readiness counts for a second
		err = w.CanAnswer(t.Context())
		if state == joinapi.AccessOK || state == joinapi.AccessNone {
			if err != nil {
				t.Errorf("access %s: not ready: %v", state, err)
			}
			return s.Access
		}
		wantCode(t, err, joinapi.CodeNotYet, "("+string(state)+"): ")
		wantCode(t, err, joinapi.CodeNotYet, says)
		return s.Access
	}
	want(joinapi.AccessNone, "no node has handed over")
	access := w.handsOver(m0)
	want(joinapi.AccessUnreachable, "has not answered yet")
	w.measured(1, time.Millisecond, nil)
	answered := w.clock
	if s := want(joinapi.AccessOK, ""); !s.Answered.Equal(answered) || s.Server != access.Server || !s.Expires.After(answered.Add(300*24*time.Hour)) {
		t.Errorf("%+v", s)
	}
	w.measured(3, time.Second, errors.New("dial tcp: no route to host"))
	want(joinapi.AccessOK, "") // a few seconds without an answer
	w.measured(30, time.Second, errors.New("dial tcp: no route to host"))
	if s := want(joinapi.AccessUnreachable, "no route to host"); !s.Answered.Equal(answered) {
		t.Errorf("answered %s, want %s", s.Answered, answered)
	}
	w.measured(1, time.Millisecond, nil)
	want(joinapi.AccessOK, "")
	w.clock = w.clock.Add(time.Minute) // nothing asked, or the question hangs
	want(joinapi.AccessUnreachable, "not answered")
	w.measured(1, time.Millisecond, join.ErrAccessRefused)
	want(joinapi.AccessExpired, "does not accept joinsvc's certificate")
	w.measured(1, time.Millisecond, nil)
	want(joinapi.AccessOK, "")
	w.clock = w.clock.Add(366 * 24 * time.Hour)
	w.measured(1, time.Millisecond, nil)
	want(joinapi.AccessExpired, "was valid until")

	// A restart knows no more than the record until the cluster has answered.
	restarted := &join.Coordinator{Plan: w.Plan, Store: w.Store, CA: w.CA, Now: w.Now, Log: w.Log, Kubeadm: w.Kubeadm, Admission: admission.NewLimiter(w.Now)}
	if s, err := restarted.Status(t.Context()); err != nil || s.Access.State != joinapi.AccessExpired {
		t.Errorf("%+v, %v", s.Access, err)
	}
}

// An access to where the plan has no API server any more works, and nobody who
// joins by the plan comes there.
func TestAccessToAnotherEndpointThanThePlans(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	access := w.handsOver(m0)
	for endpoint, says := range map[string]string{"192.168.9.193:6443": "", "192.168.9.200:6443": "the plan sends new nodes to https://192.168.9.200:6443"} {
		w.replan(func(s *plan.Spec) { s.Kubernetes.APIEndpoint = netip.MustParseAddrPort(endpoint) })
		s, err := w.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.Access.State != joinapi.AccessOK || !strings.Contains(s.Access.Reason, says) || (says == "") != (s.Access.Reason == "") || s.Access.Server != access.Server {
			t.Errorf("%s: %+v", endpoint, s.Access)
		}
	}
}

// From the middle of its time on the access is renewed by the node that made the
// cluster, and by nobody else, after its end too.
func TestAccessIsRenewedByTheNodeThatMadeTheCluster(t *testing.T) {
	w := newWorld(t, testPlan(t))
	w.Kubeadm.Access = func() (joinapi.AccessRequest, error) { return joinapi.AccessRequest{CSR: "csr", RBAC: "rbac"}, nil }
	callers := w.all()
	m0, s1 := callers[0], callers[1]
	access := joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: clusterCA(t), Certificate: w.issued()}
	asked := func(who join.Caller) bool {
		t.Helper()
		view, err := w.View(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		return view.Renew != nil && view.Renew.CSR == "csr" && view.Renew.RBAC == "rbac"
	}
	if _, err := w.Order(t.Context(), m0); err != nil {
		t.Fatal(err)
	}
	if err := w.Accept(t.Context(), m0, access); err != nil {
		t.Fatal(err)
	}
	w.report(m0, joinapi.ReportKubeadm, joinapi.OutcomeDone, "")
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{0, false}, {180 * 24 * time.Hour, false}, {10 * 24 * time.Hour, true}, {200 * 24 * time.Hour, true}} {
		w.clock = w.clock.Add(step.after)
		if got := asked(m0); got != step.want {
			t.Errorf("%v later the node that made the cluster is asked: %v", step.after, got)
		}
		if asked(s1) {
			t.Errorf("%v later a worker is asked", step.after)
		}
	}
	access.Certificate = w.issued()
	if err := w.Accept(t.Context(), m0, access); err != nil {
		t.Fatal(err)
	}
	if asked(m0) {
		t.Error("it is asked for another at once")
	}
}

// Readiness names everything that is missing at once.
func TestReadinessNamesEveryReason(t *testing.T) {
	w := newWorld(t, testPlan(t))
	w.Admission = admission.NewLimiter(func() time.Time { return w.clock })
	m0 := w.all()[0]
	w.handsOver(m0)
	w.clock = w.clock.Add(11 * 365 * 24 * time.Hour)
	w.Store = readOnly{w.Store}
	err := w.CanAnswer(t.Context())
	for _, part := range []string{"writing to the store: no space", "CA signs nothing", "was valid until", "(expired)"} {
		wantCode(t, err, joinapi.CodeNotYet, part)
	}
}

// readOnly is a store that takes no write, as a full one.
type readOnly struct{ join.Store }

func (s readOnly) Update(ctx context.Context, fn func(join.Tx) error) error {
	return s.Store.Update(ctx, func(tx join.Tx) error {
		wrote := &noticing{Tx: tx}
		if err := fn(wrote); err != nil {
			return err
		}
		if wrote.put {
			return errors.New("no space")
		}
		return nil
	})
}

type noticing struct {
	join.Tx
	put bool
}

func (t *noticing) Put(string, []byte) { t.put = true }
