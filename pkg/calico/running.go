// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

func daemonSets() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "daemonsets"}
}

// environment is what calico-node is told in the cluster, by name. Values that
// come from elsewhere, such as a ConfigMap, are not joinsvc's to read and are
// left out.
func (r *Reconciler) environment(ctx context.Context) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	set, err := r.Client.Resource(daemonSets()).Namespace(metav1.NamespaceSystem).Get(ctx, "calico-node", metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	told := map[string]string{}
	containers, _, _ := unstructured.NestedSlice(set.Object, "spec", "template", "spec", "containers")
	for _, c := range containers {
		container, _ := c.(map[string]any)
		env, _, _ := unstructured.NestedSlice(container, "env")
		for _, v := range env {
			variable, _ := v.(map[string]any)
			name, _ := variable["name"].(string)
			if value, plain := variable["value"].(string); plain || variable["valueFrom"] == nil {
				told[name] = value
			}
		}
	}
	return told, nil
}

// running names what calico-node is told in the cluster otherwise than the plan
// wants it: by a hand, by a release's own manifest that was applied over the
// plan's, or because the plan has a rack more since. Of that calico-node changes
// a Node's address at its start and once a minute, for which joinsvc has no
// remedy but to change it back.
func (e *era) running(ctx context.Context) map[string]string {
	told, err := e.environment(ctx)
	switch {
	case apierrors.IsNotFound(err):
		return nil // not there yet, or another installation's
	case err != nil:
		return map[string]string{"running calico-node": fmt.Sprintf("cannot see what calico-node is told (%s): %v", daemonSet, err)}
	}
	problems, remedy := misled(e.Plan, told)
	if len(problems) == 0 {
		return nil
	}
	return map[string]string{"running calico-node": fmt.Sprintf("%s in the cluster is not as the plan wants it: %s; kubectl -n kube-system set env daemonset/calico-node %s",
		daemonSet, strings.Join(problems, "; "), strings.Join(remedy, " "))}
}

// misled are what is wrong with a calico-node that is told that, and what
// `kubectl set env` wants to mend it.
func misled(p plan.Plan, told map[string]string) (problems, remedy []string) {
	if why := detection(p, told); why != "" {
		problems = append(problems, why)
		remedy = append(remedy, "IP=autodetect", "IP_AUTODETECTION_METHOD="+method(p.Spec))
	}
	for _, r := range refusals() {
		// The pool is there already, and is joinsvc's to keep.
		if strings.Contains(r.name, "POOL") {
			continue
		}
		if value, there := told[r.name]; there && r.bad(value) {
			problems = append(problems, fmt.Sprintf("env %s is %q: %s", r.name, value, r.why))
			remedy = append(remedy, r.name+"-")
		}
	}
	return problems, remedy
}

// detection is why calico-node may write another address over a node's own. It
// does not where it detects none, or by the subnets of all racks, or takes what
// kubelet was told (--node-ip).
func detection(p plan.Plan, told map[string]string) string {
	switch ip := told["IP"]; ip {
	case "", "none":
		return ""
	case "autodetect":
	default:
		return fmt.Sprintf("env IP is %q: every node would have that address", ip)
	}
	how := told["IP_AUTODETECTION_METHOD"]
	by, ok := strings.CutPrefix(how, "cidr=")
	detected := strings.Split(by, ",")
	lacks := func(subnet string) bool { return !slices.Contains(detected, subnet) }
	switch {
	case how == "kubernetes-internal-ip", ok && !slices.ContainsFunc(subnets(p.Spec), lacks):
		return ""
	case ok:
		return fmt.Sprintf("env IP_AUTODETECTION_METHOD is %q, in which not every rack's subnet is: on the others' hosts no address is found, and a Node's may be taken away", how)
	}
	return fmt.Sprintf("env IP_AUTODETECTION_METHOD is %q: on a host with several interfaces another address is written over the node's, once a minute, and its sessions end", how)
}
