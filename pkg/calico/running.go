// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"cmp"
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

// running names what is told to calico-node and Felix in the cluster otherwise than
// the plan wants it: by a hand, by a release's own manifest that was applied over
// the plan's, or because the plan has a rack more since. None of it is joinsvc's to
// set back.
func (e *era) running(ctx context.Context) map[string]string {
	found := map[string]string{}
	told, err := e.environment(ctx)
	if text := e.aboutNode(told, err); text != "" {
		found["running calico-node"] = text
	}
	if group := told["CALICO_API_GROUP"]; group != "" && group != string(e.api) {
		found["running group"] = fmt.Sprintf("%s in the cluster reads Calico's objects in %s, and joinsvc writes them in %s, as spec.calico.api has it: Calico sees none of them", daemonSet, group, e.api)
	}
	felix, failed := e.felix(ctx)
	if text := e.aboutFelix(felix, failed); text != "" {
		found["running felix"] = text
	}
	if known(err) { // else what was known last holds
		e.spoil("calico-node", spoiledByNode(told))
	}
	if known(failed) {
		e.spoil("Felix", spoiledByFelix(felix[routeSync]))
	}
	return found
}

// known says whether err is an answer: that there is none is one.
func known(err error) bool { return err == nil || apierrors.IsNotFound(err) }

// aboutNode is what there is to say of calico-node's environment.
func (e *era) aboutNode(told map[string]string, err error) string {
	problems, remedy := misled(e.Plan, told)
	switch {
	case apierrors.IsNotFound(err): // not there yet, or another installation's
		return ""
	case err != nil:
		return fmt.Sprintf("cannot see what calico-node is told (%s): %v", daemonSet, err)
	case len(problems) == 0:
		return ""
	}
	return fmt.Sprintf("%s in the cluster is not as the plan wants it: %s; kubectl -n kube-system set env daemonset/calico-node %s",
		daemonSet, strings.Join(problems, "; "), strings.Join(remedy, " "))
}

// aboutFelix is what there is to say of Felix's own configuration.
func (e *era) aboutFelix(felix map[string]any, err error) string {
	set := tunnels(felix)
	switch {
	case apierrors.IsNotFound(err): // calico-node makes it at its first start
		return ""
	case apierrors.IsForbidden(err):
		return "cannot see what Felix is told (FelixConfiguration default): joinsvc's rights in this cluster are of an older joinsvc; they come with its access when that is renewed (docs/operations.md)"
	case err != nil:
		return fmt.Sprintf("cannot see what Felix is told (FelixConfiguration default): %v", err)
	case len(set) == 0:
		return ""
	}
	return fmt.Sprintf("FelixConfiguration default has %s, and the leaves route pods as they are, without a tunnel: take that out, kubectl edit %s.%s default",
		strings.Join(set, ", "), felixConfigurations, e.api.resource("").Group)
}

// felix is what FelixConfiguration default says, field by field.
func (e *era) felix(ctx context.Context) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	o, err := e.Client.Resource(e.api.resource(felixConfigurations)).Get(ctx, "default", metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	spec, _, _ := unstructured.NestedMap(o.Object, "spec")
	return spec, nil
}

// tunnels are what of it makes other routes than the leaves'.
func tunnels(felix map[string]any) []string {
	var set []string
	for _, name := range felixRoutes() {
		if value, there := felix[name]; there && yes(fmt.Sprint(value)) {
			set = append(set, name)
		}
	}
	return set
}

// spoiledByNode is what of calico-node's environment keeps every node's pods from
// being reached, whatever their sessions are; empty for nothing.
func spoiledByNode(told map[string]string) string {
	if yes(told["USE_POD_CIDR"]) {
		return "calico-node is told USE_POD_CIDR, and announces the range that Kubernetes gives the node in place of its block"
	}
	return spoiledByFelix(told["FELIX_ROUTESYNCDISABLED"])
}

// spoiledByFelix is the same of the one field of Felix's that does.
func spoiledByFelix(routeSyncDisabled any) string {
	if yes(fmt.Sprint(routeSyncDisabled)) {
		return "Felix is told routeSyncDisabled, and writes no route to the node's own pods"
	}
	return ""
}

// spoil keeps what the last look at one of them said of all nodes.
func (e *era) spoil(by, why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spoilt[by] = why
}

func (e *era) spoiled() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return cmp.Or(e.spoilt["calico-node"], e.spoilt["Felix"])
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
