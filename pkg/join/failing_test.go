// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/admission"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

var errBroken = errors.New("the store is broken")

// broken is a store of which one read fails, after so many that do not.
type broken struct {
	*memory
	left   int
	failed bool
}

func (b *broken) Update(ctx context.Context, fn func(Tx) error) error {
	return b.memory.Update(ctx, func(tx Tx) error { return fn(brokenTx{tx, b}) })
}

func (b *broken) read() error {
	b.left--
	if b.left != -1 {
		return nil
	}
	b.failed = true
	return errBroken
}

type brokenTx struct {
	Tx
	store *broken
}

func (t brokenTx) Get(key string) ([]byte, error) {
	if err := t.store.read(); err != nil {
		return nil, err
	}
	return t.Tx.Get(key)
}

func (t brokenTx) List(prefix string) (map[string][]byte, error) {
	if err := t.store.read(); err != nil {
		return nil, err
	}
	return t.Tx.List(prefix)
}

func (t brokenTx) Guard(prefix string) error {
	if err := t.store.read(); err != nil {
		return err
	}
	return t.Tx.Guard(prefix)
}

// What cannot be read is not absent: taken for that, a node would get a second
// number, a second cluster, or be free for another host. So whichever of its reads
// fails, a call fails with it.
func TestAReadThatFailsIsTold(t *testing.T) {
	lab := newLaboratory(t)
	member := standing{role: plan.Worker, init: initDone}
	free, holds, made := standing{role: plan.ControlPlane, init: initFree}, standing{role: plan.ControlPlane, init: initTaken, own: true}, standing{role: plan.ControlPlane, init: initDone, own: true}
	asks := func(what call) func(*testing.T, *trial) func() error {
		return func(t *testing.T, tr *trial) func() error {
			return func() error {
				_, err := tr.do(t, what)
				return err
			}
		}
	}
	enrols := func(first bool, r joinapi.TokenRequest) func(*testing.T, *trial) func() error {
		return func(t *testing.T, tr *trial) func() error {
			t.Helper()
			tr.update(t, func(tx Tx) error {
				n, _, err := get[Node](tx, nodePrefix+tr.who.Node)
				switch {
				case err != nil:
					return err
				case first:
					tx.Delete(nodePrefix + n.Name)
				case r.Reinstalled:
					n.Key = "the key of the old disk"
					return put(tx, nodePrefix+n.Name, n)
				}
				return nil
			})
			r.Uses, r.TTL, r.Node = 1, time.Hour, tr.node.Name
			token, err := tr.CreateToken(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			return func() error {
				_, err := tr.Enrol(t.Context(), token.Token, func() (joinapi.EnrolRequest, error) {
					return joinapi.EnrolRequest{CSR: lab.csr, Identity: tr.who.Identity}, nil
				})
				return err
			}
		}
	}
	for name, tt := range map[string]struct {
		s       standing
		p       joinapi.NodePhase
		prepare func(*testing.T, *trial) func() error
		but     int // so many reads may fail: for an older token, which else expires by itself
	}{
		"view":                {member, joinapi.PhaseRouted, asks(callView), 0},
		"order of init":       {free, joinapi.PhasePrepared, asks(callOrder), 0},
		"order of join":       {member, joinapi.PhasePrepared, asks(callOrder), 1},
		"order of join again": {member, joinapi.PhaseJoining, asks(callOrder), 1},
		"noted":               {member, joinapi.PhaseEnrolled, asks(callNoted), 0},
		"failed":              {member, joinapi.PhaseJoining, asks(callFailed), 0},
		"prepared":            {member, joinapi.PhaseEnrolled, asks(callPrepared), 0},
		"kubeadm is done":     {member, joinapi.PhaseJoining, asks(callKubeadm), 0},
		"init is done":        {holds, joinapi.PhaseJoining, asks(callKubeadm), 0},
		"access":              {holds, joinapi.PhaseJoining, asks(callAccess), 0},
		"access again":        {made, joinapi.PhaseJoined, asks(callAccess), 0},
		"sessions come":       {member, joinapi.PhaseJoined, asks(callUp), 0},
		"sessions go":         {member, joinapi.PhaseRouted, asks(callDown), 0},
		"enrols":              {member, joinapi.PhaseEnrolled, enrols(true, joinapi.TokenRequest{}), 0},
		"enrols with its key": {member, joinapi.PhaseEnrolled, enrols(false, joinapi.TokenRequest{}), 0},
		"is installed anew":   {member, joinapi.PhaseJoined, enrols(false, joinapi.TokenRequest{Reinstalled: true}), 0},
		"has init anew":       {made, joinapi.PhaseJoined, enrols(false, joinapi.TokenRequest{Reinstalled: true}), 0},
		"release": {member, joinapi.PhaseJoined, func(t *testing.T, tr *trial) func() error {
			return func() error {
				_, err := tr.Release(t.Context(), joinapi.ReleaseRequest{Node: tr.node.Name, Force: true})
				return err
			}
		}, 0},
		"release of what may be alive": {member, joinapi.PhaseJoined, func(t *testing.T, tr *trial) func() error {
			tr.now = tr.now.Add(24 * time.Hour)
			return func() error {
				_, err := tr.Release(t.Context(), joinapi.ReleaseRequest{Node: tr.node.Name})
				return err
			}
		}, 0},
		"init is opened": {made, joinapi.PhaseJoined, func(t *testing.T, tr *trial) func() error {
			if tr.Admission != nil { // its API server was asked, and is away
				tr.Admission.Observe(time.Minute, errors.New("connection refused"))
			}
			return func() error { return tr.ReopenInit(t.Context(), tr.node.Name) }
		}, 0},
		"status": {member, joinapi.PhaseRouted, func(t *testing.T, tr *trial) func() error {
			return func() error {
				_, err := tr.Status(t.Context())
				return err
			}
		}, 0},
		"nodes": {member, joinapi.PhaseRouted, func(t *testing.T, tr *trial) func() error {
			return func() error {
				_, err := tr.Nodes(t.Context())
				return err
			}
		}, 0},
		"a start": {made, joinapi.PhaseJoined, func(t *testing.T, tr *trial) func() error {
			tr.cluster = nil
			return func() error { return tr.Resume(t.Context()) }
		}, 0},
	} {
		for _, bounded := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, bounded %v", name, bounded), func(t *testing.T) {
				borne := 0
				for reads := 0; ; reads++ {
					tr := lab.trial(t, tt.s, tt.p, false)
					if bounded {
						tr.Admission = admission.NewLimiter(tr.Now)
					}
					call := tt.prepare(t, tr)
					store := &broken{memory: tr.store, left: reads}
					tr.Store = store
					err := call()
					if !store.failed {
						if err != nil || reads == 0 {
							t.Errorf("with a whole store: %v, after %d reads", err, reads)
						}
						return
					}
					if err == nil && borne < tt.but {
						borne++
						continue
					}
					if !errors.Is(err, errBroken) {
						t.Errorf("read %d failed, and it says %v", reads+1, err)
					}
				}
			})
		}
	}
}

// Documents that could not be written are not handed out, and no join is counted as
// begun: the node asks again.
func TestDocumentsThatCannotBeWritten(t *testing.T) {
	lab := newLaboratory(t)
	initial, member := standing{role: plan.ControlPlane, init: initFree}, standing{role: plan.Worker, init: initDone}
	for name, tt := range map[string]struct {
		s    standing
		harm func(*Kubeadm)
	}{
		"init":    {initial, func(k *Kubeadm) { k.Init = func(plan.Plan, plan.HostPlan) (string, error) { return "", errBroken } }},
		"patches": {initial, func(k *Kubeadm) { k.Patches = func() (map[string]string, error) { return nil, errBroken } }},
		"access": {initial, func(k *Kubeadm) {
			k.Access = func() (joinapi.AccessRequest, error) { return joinapi.AccessRequest{}, errBroken }
		}},
		"join": {member, func(k *Kubeadm) {
			k.Join = func(plan.Plan, plan.HostPlan, string, string) (string, error) { return "", errBroken }
		}},
	} {
		tr := lab.trial(t, tt.s, joinapi.PhasePrepared, false)
		tt.harm(&tr.Kubeadm)
		if order, err := tr.Order(t.Context(), tr.who); !errors.Is(err, errBroken) || order.Action != "" {
			t.Errorf("%s: %+v, %v", name, order, err)
		}
		// Who asks for init has it from then on.
		if p, _, _ := tr.observed(t); tt.s == member && p != joinapi.PhasePrepared {
			t.Errorf("%s: the node is %s", name, p)
		}
	}
}

// An access that cannot be used is told, to the node that brings it and to the
// operator of a joinsvc that starts with it.
func TestAnAccessThatCannotBeUsed(t *testing.T) {
	lab := newLaboratory(t)
	for name, tt := range map[string]struct {
		s    standing
		call func(*trial) error
		code joinapi.Code
	}{
		"brought":   {standing{role: plan.ControlPlane, init: initTaken, own: true}, func(tr *trial) error { return tr.Accept(t.Context(), tr.who, tr.grant()) }, joinapi.CodeInvalid},
		"on record": {standing{role: plan.ControlPlane, init: initDone, own: true}, func(tr *trial) error { return tr.Resume(t.Context()) }, ""},
	} {
		tr := lab.trial(t, tt.s, joinapi.PhaseJoining, false)
		tr.cluster = nil
		tr.Kubeadm.Connect = func(joinapi.ClusterAccess) (Cluster, error) { return tokens{}, errBroken }
		err := tt.call(tr)
		if err == nil || joinapi.CodeOf(err) != tt.code || !strings.Contains(err.Error(), errBroken.Error()) {
			t.Errorf("%s: %v", name, err)
		}
		if tr.connected() != nil {
			t.Errorf("%s: it is connected", name)
		}
	}
}

// Nobody has made a cluster by bringing an access of no use: a node whose init went
// wrong may be installed anew, and makes it then.
func TestAnAccessOfNoUseMakesNoCluster(t *testing.T) {
	lab := newLaboratory(t)
	for name, harm := range map[string]func(*trial, *joinapi.ClusterAccess){
		"another server": func(_ *trial, a *joinapi.ClusterAccess) { a.Server = "https://203.0.113.7:6443" },
		"no CA":          func(_ *trial, a *joinapi.ClusterAccess) { a.CA = "no PEM" },
		"not usable": func(tr *trial, _ *joinapi.ClusterAccess) {
			tr.Kubeadm.Connect = func(joinapi.ClusterAccess) (Cluster, error) { return tokens{}, errBroken }
		},
		"too fast": func(tr *trial, _ *joinapi.ClusterAccess) {
			for tr.reports.take(tr.who.Key, tr.now) {
			}
		},
	} {
		tr := lab.trial(t, standing{role: plan.ControlPlane, init: initTaken, own: true}, joinapi.PhaseJoining, false)
		tr.cluster = nil
		access := tr.grant()
		harm(tr, &access)
		err := tr.Accept(t.Context(), tr.who, access)
		if _, _, is := tr.observed(t); err == nil || is != initTaken {
			t.Errorf("%s: %v, and init is %s", name, err, is)
		}
	}
}

// A host is known by its token's secret, and by nothing less.
func TestKnows(t *testing.T) {
	tr := newLaboratory(t).trial(t, standing{role: plan.Worker, init: initFree}, joinapi.PhaseEnrolled, false)
	made, err := tr.CreateToken(t.Context(), joinapi.TokenRequest{Uses: 1, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	token, err := joinapi.ParseToken(made.Token)
	if err != nil {
		t.Fatal(err)
	}
	forged, unknown := token, token
	forged.Secret, unknown.ID = "forged", "unknown"
	for bearer, want := range map[string]string{made.Token: token.ID, forged.String(): "", unknown.String(): "", "np1": "", "": ""} {
		if got := tr.Knows(t.Context(), bearer); got != want {
			t.Errorf("%q is known as %q, want %q", bearer, got, want)
		}
	}
}

// A node that has init and has not made the cluster yet keeps all others waiting:
// it goes by init reopen, and not by the way. One whose cluster is made, or that
// another has init before, is like any other.
func TestReleaseOfWhoHasInit(t *testing.T) {
	lab := newLaboratory(t)
	for s, refused := range map[standing]bool{
		{role: plan.ControlPlane, init: initTaken, own: true}: true,
		{role: plan.ControlPlane, init: initDone, own: true}:  false,
		{role: plan.ControlPlane, init: initTaken}:            false,
	} {
		tr := lab.trial(t, s, joinapi.PhasePrepared, false)
		tr.now = tr.now.Add(24 * time.Hour)
		_, err := tr.Release(t.Context(), joinapi.ReleaseRequest{Node: tr.node.Name})
		if told := err != nil && strings.Contains(err.Error(), "it has kubeadm init"); told != refused || !refused && err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// What is remembered of senders has a bound; who was quiet for long is forgotten
// first, and whoever just spoke keeps his account.
func TestThePacerForgetsTheQuiet(t *testing.T) {
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	var p pacer
	for i := range maxBuckets - 1 {
		p.take(fmt.Sprint(i), now)
	}
	later := now.Add(time.Hour)
	for range reportBurst {
		p.take("talks", later)
	}
	if len(p.buckets) != maxBuckets || p.take("talks", later) {
		t.Errorf("%d accounts, and who talks much may go on", len(p.buckets))
	}
	p.take("new", later)
	if len(p.buckets) != 2 || p.take("talks", later) {
		t.Errorf("%d accounts, or who talks much was forgotten", len(p.buckets))
	}
}
