// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// reinstall enrols a planned node from a fresh disk.
func (w *world) reinstall(i int) join.Caller {
	w.t.Helper()
	n := w.Plan.Spec.Nodes[i]
	token := w.token(joinapi.TokenRequest{Uses: 1, Node: n.Name, Reinstalled: true})
	who, err := w.enrol(token, newKey(w.t), identityOf(n))
	if err != nil {
		w.t.Fatal(err)
	}
	return who
}

// After the cluster is made, the node that made it gets no second init, until
// an operator says so by name.
func TestAReinstalledInitNodeMakesNoSecondCluster(t *testing.T) {
	w := newWorld(t, testPlan(t))
	gone := false
	w.Kubeadm.Disconnect = func() { gone = true }
	callers := w.all()
	w.makeCluster(callers[0])
	m0 := w.reinstall(0)
	_, err := w.Order(t.Context(), m0)
	wantCode(t, err, joinapi.CodeConflict, "joinsvc init reopen k8c1m0")
	wantCode(t, err, joinapi.CodeConflict, "restore its /etc/kubernetes, /var/lib/kubelet and /var/lib/etcd")
	w.wantPhase(m0, joinapi.PhaseEnrolled)
	// Nor may it bring the access of one that it made all the same.
	wantCode(t, w.Accept(t.Context(), m0, joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: clusterCA(t)}), joinapi.CodeConflict, "no kubeadm documents")

	wantCode(t, w.ReopenInit(t.Context(), "k8c1s1"), joinapi.CodeConflict, "k8c1m0.labs.haystacknetworks.com has kubeadm init")
	wantCode(t, w.ReopenInit(t.Context(), "k8c1m9"), joinapi.CodeNotFound, "k8c1m9")
	if err := w.ReopenInit(t.Context(), "k8c1m0"); err != nil {
		t.Fatal(err)
	}
	if !gone || !w.logged("kubeadm init is open again") {
		t.Error("the connection to the old cluster lives on, or nobody was told")
	}
	wantCode(t, w.ReopenInit(t.Context(), "k8c1m0"), joinapi.CodeConflict, "no node has it")
	_, err = w.Order(t.Context(), callers[1])
	wantCode(t, err, joinapi.CodeNotYet, "waiting for a control plane")
	w.makeCluster(m0) // with another CA
	w.wantPhase(m0, joinapi.PhaseJoined)
}

// A cluster whose API server answers lives, though no node is routed, as with one
// leaf down or after joinsvc was restarted.
func TestInitIsNotOpenedWhileTheAPIServerAnswers(t *testing.T) {
	w, m0, _ := queued(t, 1, true)
	refused := func(says string) {
		t.Helper()
		wantCode(t, w.ReopenInit(t.Context(), m0.Node), joinapi.CodeConflict, says)
	}
	w.sessions(m0, joinapi.Established, "Active")
	refused("has not asked its API server yet")
	w.measured(1, time.Millisecond, nil)
	refused("its API server answered 0s ago")
	w.measured(10, time.Millisecond, errors.New("connection refused"))
	refused("its API server answered 20s ago")
	w.measured(1, time.Millisecond, join.ErrAccessRefused)
	w.clock = w.clock.Add(time.Hour)
	refused("does not accept joinsvc's certificate")
	if view, err := w.View(t.Context(), m0); err != nil || view.ClusterCA == "" {
		t.Errorf("the access is gone: %v", err)
	}
	w.measured(1, time.Millisecond, errors.New("no route to host"))
	if err := w.ReopenInit(t.Context(), m0.Node); err != nil {
		t.Errorf("it has not answered for an hour: %v", err)
	}
}

// A node that made the cluster and that the plan has no more, or under another
// domain, does not keep init for ever.
func TestInitOfANodeThatThePlanHasNoMore(t *testing.T) {
	for name, edit := range map[string]func(*world){
		"removed": func(w *world) { w.Plan.Spec.Nodes[0].Name, w.Plan.Spec.Nodes[0].MACs = "k8c1m9", nil },
		"domain":  func(w *world) { w.Plan.Spec.Domain = "example.net" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, testPlan(t))
			m0 := w.all()[0]
			w.makeCluster(m0)
			updated := w.with(edit)
			wantCode(t, updated.ReopenInit(t.Context(), "k8c1s1"), joinapi.CodeConflict, m0.Node+" has kubeadm init")
			wantCode(t, updated.ReopenInit(t.Context(), "nobody"), joinapi.CodeNotFound, "nobody")
			if err := updated.ReopenInit(t.Context(), m0.Node); err != nil {
				t.Fatal(err)
			}
			wantCode(t, updated.ReopenInit(t.Context(), "k8c1s1"), joinapi.CodeConflict, "no node has it")
		})
	}
}

// What the plan has not any more, or has as a worker now, takes no init: nobody
// else could make the cluster then.
func TestInitIsOfWhoIsPlannedForIt(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(*plan.Spec)
		code joinapi.Code
		says string
	}{
		"removed":  {func(s *plan.Spec) { s.Nodes[0].Name = "k8c1m9" }, joinapi.CodeNotFound, "the plan has no such node any more"},
		"a worker": {func(s *plan.Spec) { s.Nodes[0].Role, s.Nodes[1].Role = plan.Worker, plan.ControlPlane }, joinapi.CodeConflict, "enrolled as a control-plane, and the plan says now that it is a worker"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, testPlan(t))
			callers := w.all()
			w.replan(tc.edit)
			_, err := w.Order(t.Context(), callers[0])
			wantCode(t, err, tc.code, tc.says)
			wantCode(t, w.ReopenInit(t.Context(), w.Plan.Spec.Nodes[1].Name), joinapi.CodeConflict, "no node has it")
			w.replan(func(s *plan.Spec) { *s = testPlan(t).Spec })
			w.makeCluster(callers[0])
		})
	}
}

// A worker that the plan has made a control plane since joins as neither.
func TestWorkerThatIsPlannedAnew(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	w.join(callers[2])
	w.replan(func(s *plan.Spec) { s.Nodes[1].Role, s.Nodes[2].Role = plan.ControlPlane, plan.ControlPlane })
	_, err := w.Order(t.Context(), callers[1])
	wantCode(t, err, joinapi.CodeConflict, "--reinstalled --node k8c1s1")
	w.wantPhase(callers[1], joinapi.PhaseEnrolled)
	_, err = w.Order(t.Context(), callers[2])
	wantCode(t, err, joinapi.CodeConflict, "is joined")
}

// A cluster that is given up while joinsvc connects to it is not worked on.
func TestAccessToAClusterThatIsGivenUp(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	if _, err := w.Order(t.Context(), m0); err != nil {
		t.Fatal(err)
	}
	live := false
	w.Kubeadm.Disconnect = func() { live = false }
	w.Kubeadm.Connect = func(joinapi.ClusterAccess) (join.Cluster, error) {
		if err := w.ReopenInit(t.Context(), "k8c1m0"); err != nil {
			t.Error(err)
		}
		live = true
		return w.cluster, nil
	}
	err := w.Accept(t.Context(), m0, joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: clusterCA(t)})
	wantCode(t, err, joinapi.CodeForbidden, "does not run kubeadm init")
	if live {
		t.Error("joinsvc goes on with it")
	}
	w.whole()
}

// Who waits for the access to a cluster that is made is told that, and not that
// somebody has to finish kubeadm init.
func TestWaitingForTheAccess(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	if _, err := w.Order(t.Context(), callers[0]); err != nil {
		t.Fatal(err)
	}
	_, err := w.Order(t.Context(), callers[1])
	wantCode(t, err, joinapi.CodeNotYet, "to finish kubeadm init; it is joining")
	w.report(callers[0], joinapi.ReportKubeadm, joinapi.OutcomeDone, "")
	_, err = w.Order(t.Context(), callers[1])
	wantCode(t, err, joinapi.CodeNotYet, "waiting for "+callers[0].Node+" to hand joinsvc access to the cluster that it made; it is joined")
	w.grant(callers[0])
	unusable := w.restarted()
	_, err = unusable.Order(t.Context(), callers[1])
	wantCode(t, err, joinapi.CodeNotYet, "joinsvc cannot use the access to the cluster that it has")
}

// Before it is done init is the node's, whatever disk it comes from.
func TestAReinstalledNodeGoesOnWithInit(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	if _, err := w.Order(t.Context(), callers[0]); err != nil {
		t.Fatal(err)
	}
	w.makeCluster(w.reinstall(0))
}

// A cluster that is in use is not given up by a word.
func TestInitOfALivingClusterStaysDone(t *testing.T) {
	w := newWorld(t, testPlan(t))
	m0 := w.all()[0]
	w.makeCluster(m0)
	w.sessions(m0, joinapi.Established, joinapi.Established)
	wantCode(t, w.ReopenInit(t.Context(), "k8c1m0"), joinapi.CodeConflict, "is routed")
	// Nor is it exchanged for another.
	other := joinapi.ClusterAccess{Server: "https://192.168.9.193:6443", CA: clusterCA(t)}
	wantCode(t, w.Accept(t.Context(), m0, other), joinapi.CodeConflict, "another cluster")
}

// A joined node that asks again stays joined, and is told what to do; installed
// anew it joins again.
func TestAJoinedNodeStaysJoined(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	w.join(callers[1])
	_, err := w.Order(t.Context(), callers[1])
	wantCode(t, err, joinapi.CodeConflict, "--reinstalled --node k8c1s1")
	w.wantPhase(callers[1], joinapi.PhaseJoined)
	s1 := w.reinstall(1)
	w.wantPhase(s1, joinapi.PhaseEnrolled)
	w.join(s1)
	w.wantPhase(s1, joinapi.PhaseJoined)
}

// A fresh worker has no kubeadm to be done with.
func TestKubeadmIsDoneByWhoWasTold(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	err := w.Report(t.Context(), callers[1], joinapi.Report{Phase: joinapi.ReportKubeadm, Outcome: joinapi.OutcomeDone})
	wantCode(t, err, joinapi.CodeConflict, "no kubeadm documents")
	w.wantPhase(callers[1], joinapi.PhaseEnrolled)
}

// However often and at once a node asks, the cluster has one token of it.
func TestANodeHasOneBootstrapToken(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := w.Order(t.Context(), callers[1]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(w.cluster.tokens) != 1 {
		t.Errorf("%d bootstrap tokens: %v", len(w.cluster.tokens), w.cluster.tokens)
	}
	// A fresh disk gets a fresh one.
	before := w.record(callers[1].Node).Bootstrap.Token
	s1 := w.reinstall(1)
	if _, err := w.Order(t.Context(), s1); err != nil {
		t.Fatal(err)
	}
	if after := w.record(s1.Node).Bootstrap.Token; after == before || len(w.cluster.tokens) != 1 {
		t.Errorf("before %s, after %s; in the cluster: %v", before, after, w.cluster.tokens)
	}
}

// A token of a cluster that is gone is not given for the one after it.
func TestABootstrapTokenIsOfOneCluster(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	if _, err := w.Order(t.Context(), callers[1]); err != nil {
		t.Fatal(err)
	}
	before := w.record(callers[1].Node).Bootstrap.Token
	if err := w.ReopenInit(t.Context(), "k8c1m0"); err != nil {
		t.Fatal(err)
	}
	w.makeCluster(w.reinstall(0))
	if _, err := w.Order(t.Context(), callers[1]); err != nil {
		t.Fatal(err)
	}
	if after := w.record(callers[1].Node).Bootstrap.Token; after == before {
		t.Error("it is told to join the new cluster with a token of the old")
	}
}
