// SPDX-License-Identifier: Apache-2.0

package join

import (
	"context"
	"errors"
	"testing"
	"time"

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
		but     int // the one read that may fail: for an older token, which else expires by itself
	}{
		"view":                {member, joinapi.PhaseRouted, asks(callView), 0},
		"order of init":       {free, joinapi.PhasePrepared, asks(callOrder), 0},
		"order of join":       {member, joinapi.PhasePrepared, asks(callOrder), 6},
		"order of join again": {member, joinapi.PhaseJoining, asks(callOrder), 6},
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
		t.Run(name, func(t *testing.T) {
			for reads := 0; ; reads++ {
				tr := lab.trial(t, tt.s, tt.p, false)
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
				if reads+1 == tt.but && err == nil {
					continue
				}
				if !errors.Is(err, errBroken) {
					t.Errorf("read %d failed, and it says %v", reads+1, err)
				}
			}
		})
	}
}
