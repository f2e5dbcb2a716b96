// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"context"
	"fmt"
	"strings"
)

// livenessProbe asks each calico-node what kubelet asks it, by its manifest.
const livenessProbe = `for pod in $(kubectl --namespace kube-system get pods --selector k8s-app=calico-node --output name); do
	kubectl --namespace kube-system exec "$pod" --container calico-node -- /bin/calico-node -felix-live -bird-live
	echo "$pod"
done`

// alive wants every node's calico-node to pass the probe that kubelet would
// restart it for, ten minutes after it began to fail.
func alive(ctx context.Context, r Trial) error {
	out, err := r.Kube(ctx, "sh", "-euc", livenessProbe)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCheck, err)
	}
	if pods := strings.Fields(string(out.Stdout)); len(pods) != len(r.Hosts) {
		return fmt.Errorf("%w: %d hosts have the calico-nodes %v", ErrCheck, len(r.Hosts), pods)
	}
	return nil
}
