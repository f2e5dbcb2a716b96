// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// served is which of Calico's kinds there are, and in which group.
type served struct {
	api      API
	statuses bool // CalicoNodeStatus, since v3.21
	filters  bool // BGPFilter, since v3.26
}

// needed are the kinds without which there is nothing to be done.
func needed() []string {
	return []string{bgpPeers, bgpConfigurations, ipPools, clusterInformation, blockAffinities}
}

// choose asks what is served. It chooses as Calico does
// (libcalico-go/lib/backend/k8s/discovery.go): with both groups the CRDs of v1
// win, because that normally means Calico's own API server before them; unless
// CALICO_API_GROUP of calico-node, which Calico's migration to v3 sets, says
// otherwise. The plan's word comes before all. An error is no "no".
func (r *Reconciler) choose(ctx context.Context) (served, error) {
	var found []API
	for _, api := range r.candidates() {
		there, err := r.Serves(ctx, string(api), needed()...)
		if err != nil {
			return served{}, err
		}
		if there {
			found = append(found, api)
		}
	}
	if len(found) == 0 {
		return served{}, nil
	}
	s := served{api: found[0]}
	var err error
	if len(found) == 2 {
		if s.api, err = r.migrated(ctx, found); err != nil {
			return served{}, err
		}
	}
	if s.statuses, err = r.Serves(ctx, string(s.api), nodeStatuses); err != nil {
		return served{}, err
	}
	if s.filters, err = r.Serves(ctx, string(s.api), bgpFilters); err != nil {
		return served{}, err
	}
	return s, nil
}

func (r *Reconciler) candidates() []API {
	if r.API != "" {
		return []API{r.API}
	}
	return []API{CRD, Native}
}

// migrated reads which of both groups calico-node is told to use. Who may not read
// it, or has Calico in another namespace, gets Calico's own rule; whom the API
// server does not answer now gets no answer, or it would go back to what Calico
// has left.
func (r *Reconciler) migrated(ctx context.Context, both []API) (API, error) {
	told, err := r.environment(ctx)
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return both[0], nil
	case err != nil:
		return "", fmt.Errorf("asking which group calico-node uses: %w", err)
	case strings.HasPrefix(told["CALICO_API_GROUP"], "projectcalico.org"):
		return both[1], nil
	}
	return both[0], nil
}

// noCalico is what is waited for before there is a group.
func (r *Reconciler) noCalico() string {
	return fmt.Sprintf("waiting for Calico: the API server serves not all of %v in %v; the init node applies spec.calico.manifest, `kubectl get crd` shows how far it is", needed(), r.candidates())
}
