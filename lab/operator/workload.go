// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/lab/rack"
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// workloadManifest puts one pod on every node, as any cluster's first
// application does. Calico gives a node its block of the pod range with the
// first pod that needs an address there (libcalico-go ipam, AutoAssign): on a
// worker without one there is nothing to announce.
const workloadManifest = `apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: first-light
  namespace: default
spec:
  selector:
    matchLabels: {app: first-light}
  template:
    metadata:
      labels: {app: first-light}
    spec:
      terminationGracePeriodSeconds: 0
      tolerations:
        - operator: Exists
      containers:
        - name: pause
          image: %s
          imagePullPolicy: Never
`

// startWorkload applies the manifest once the first control plane has joined.
func (w *watcher) startWorkload(ctx context.Context, status joinapi.Status) error {
	ready := slices.ContainsFunc(status.Nodes, func(n joinapi.NodeStatus) bool {
		return n.Role == joinapi.ControlPlane && (n.Phase == joinapi.PhaseJoined || n.Phase == joinapi.PhaseRouted)
	})
	if w.workload || !ready {
		return nil
	}
	// Not kubectl's own validation: for it kubectl reads the API's whole schema.
	const apply = `printf '%s' "$1" | kubectl apply --validate=false -f -`
	if _, err := w.Kube(ctx, "sh", "-c", apply, "sh", fmt.Sprintf(workloadManifest, w.PauseImage())); err != nil {
		return err
	}
	w.workload = true
	w.clock.Tell("", "one pod per node is asked for")
	return nil
}

// controlPlane is the name of the first one's machine.
func (o *Operator) controlPlane() (string, error) {
	at := slices.IndexFunc(o.Hosts, func(h rack.Host) bool { return h.Role == plan.ControlPlane })
	if at < 0 {
		return "", fmt.Errorf("the plan has no %s", plan.ControlPlane)
	}
	return o.Hosts[at].Name, nil
}

// kubeJSON is `kubectl get` with JSON output.
func (o *Operator) kubeJSON(ctx context.Context, args ...string) ([]byte, error) {
	out, err := o.Kube(ctx, append([]string{"kubectl", "get", "-o", "json"}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", strings.Join(args, " "), err)
	}
	return out.Stdout, nil
}
