// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"sync"

	"github.com/nodeprep/nodeprep/pkg/cluster"
	"github.com/nodeprep/nodeprep/pkg/join"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/kubeadm/document"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// link is joinsvc's side towards the cluster: one connection, and the one
// reconciler that runs on it.
type link struct {
	in          inputs
	key         []byte // PEM, of joinsvc's own key in the cluster
	coordinator *join.Coordinator
	log         *slog.Logger
	remarks     remarks

	ctx  context.Context //nolint:containedctx // the life of what connect starts, which outlives the request
	wg   sync.WaitGroup
	mu   sync.Mutex
	stop context.CancelFunc
}

func newLink(ctx context.Context, in inputs, key []byte, c *join.Coordinator, log *slog.Logger) *link {
	return &link{in: in, key: key, coordinator: c, log: log, ctx: ctx, stop: func() {}}
}

// close stops the reconciler and waits for it.
func (l *link) close() {
	l.mu.Lock()
	l.stop()
	l.mu.Unlock()
	l.wg.Wait()
}

func (l *link) kubeadm() join.Kubeadm {
	return join.Kubeadm{
		Init: document.Init,
		Join: func(p plan.Plan, h plan.HostPlan, token, caHash string) (string, error) {
			return document.Join(p, h, document.Discovery{Token: token, CACertHash: caHash})
		},
		Patches:    func() (map[string]string, error) { return document.Patches(l.in.plan) },
		Access:     func() (joinapi.AccessRequest, error) { return cluster.NewAccess(l.key) },
		AddOns:     l.in.manifest,
		Connect:    l.connect,
		Disconnect: l.disconnect,
	}
}

// disconnect ends the reconciler: its cluster is given up.
func (l *link) disconnect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

// end ends what runs on the connection; what was said of its cluster goes too.
func (l *link) end() {
	l.stop()
	l.remarks.set(nil)
}

// connect replaces the connection and the reconciler on it.
func (l *link) connect(a joinapi.ClusterAccess) (join.Cluster, error) {
	c, err := cluster.Connect(a, l.key)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
	ctx, stop := context.WithCancel(l.ctx)
	l.stop = stop
	l.wg.Go(func() { l.reconcile(ctx, c) })
	l.wg.Go(func() { measure(ctx, c.Ping, l.coordinator.Admission, l.log) })
	return c, nil
}
