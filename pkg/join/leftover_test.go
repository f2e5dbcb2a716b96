// SPDX-License-Identifier: Apache-2.0

package join_test

import (
	"errors"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// The Node of a host that was installed anew is ready until its time is over, and
// kubeadm would refuse the host until then.
func TestAHostThatJoinsAnewFindsItsNodeNotReady(t *testing.T) {
	w := newWorld(t, testPlan(t))
	callers := w.all()
	w.makeCluster(callers[0])
	w.join(callers[1])
	const name = "k8c1s1.labs.haystacknetworks.com"
	w.cluster.ready[name] = true
	again := w.reinstall(1)
	if !w.cluster.ready[name] {
		t.Error("it is marked before its host may join")
	}
	w.report(again, joinapi.ReportPrepared, joinapi.OutcomeDone, "")
	if _, err := w.Order(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if w.cluster.ready[name] || !w.logged("Node marked as not ready") {
		t.Error("the Node of the disk that is gone is still ready")
	}
	// An API server that does not take it is no reason to send the host away.
	w.cluster.failing = errors.New("etcdserver: request timed out")
	if _, err := w.Order(t.Context(), again); err != nil || !w.logged("may be in the way") {
		t.Errorf("got %v", err)
	}
}
