// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/nodeprep/nodeprep/pkg/calico"
	"github.com/nodeprep/nodeprep/pkg/cluster"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// readManifest reads and checks the manifest of Calico that the plan names.
func readManifest(p plan.Plan) (string, error) {
	file := p.Spec.Calico.Manifest
	if file == "" {
		return "", errors.New("spec.calico.manifest: is missing; want the file of Calico's manifest on this machine, such as /etc/joinsvc/calico.yaml")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("spec.calico.manifest: %w; put Calico's own manifest (calico.yaml of its release) there, readable for joinsvc", err)
	}
	manifest, err := calico.Manifest(data, p)
	if err != nil {
		return "", fmt.Errorf("spec.calico.manifest: %s: %w", file, err)
	}
	return manifest, nil
}

// reconcile keeps Calico's objects until ctx ends.
func (l *link) reconcile(ctx context.Context, c *cluster.Cluster) {
	r := calico.Reconciler{
		Client:   c.Dynamic,
		Serves:   c.Serves,
		Plan:     l.in.plan,
		Nodes:    l.leased,
		Sessions: l.coordinator.Sessions,
		Remarks:  l.remarks.during(ctx),
		Pace:     pace(l.in.plan),
		API:      api(l.in.plan),
		Log:      l.log,
	}
	if err := r.Run(ctx); err != nil && ctx.Err() == nil {
		l.log.Error("calico's objects are not kept any more", "err", err)
	}
}

// pace is how often nodes are asked, by how fast the plan's hosts are.
func pace(p plan.Plan) calico.Pace {
	if p.Spec.Kubernetes.Pace == plan.Slow {
		return calico.Slow()
	}
	return calico.Normal()
}

// api is where the plan says that Calico's objects are, empty for as found.
func api(p plan.Plan) calico.API {
	switch p.Spec.Calico.API {
	case plan.CalicoCRD:
		return calico.CRD
	case plan.CalicoNative:
		return calico.Native
	default:
		return ""
	}
}

// remarks are what the reconciler said last of the cluster as a whole.
type remarks struct {
	mu  sync.Mutex
	all []string
}

func (r *remarks) set(all []string) { r.during(context.Background())(all) }

// during is set until ctx ends: a reconciler that is ending may say a last word.
func (r *remarks) during(ctx context.Context) func(all []string) {
	return func(all []string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if ctx.Err() == nil {
			r.all = slices.Clone(all)
		}
	}
}

func (r *remarks) get() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// leased are the nodes that hold an address and an ASN.
func (l *link) leased(ctx context.Context) ([]calico.Node, error) {
	nodes, err := l.coordinator.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	var leased []calico.Node
	for _, n := range nodes {
		leased = append(leased, calico.Node{Name: n.Name, Address: n.Address, ASN: n.ASN, Key: n.Key})
	}
	return leased, nil
}
