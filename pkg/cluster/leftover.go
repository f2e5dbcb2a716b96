// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// MarkNotReady takes back that a Node is ready, whose host is about to join anew,
// and reports whether it had to. kubeadm joins nobody under the name of a Node
// that is ready (kubeadm 1.37, cmd/kubeadm/app/cmd/phases/join/kubelet.go), and one that its host
// has left without a word is so until kube-controller-manager's grace period is
// over: 50 s, six minutes in a plan of pace slow. No Node of that name, and one
// that somebody else writes meanwhile, are left as they are.
func (c *Cluster) MarkNotReady(ctx context.Context, node string) (was bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	nodes := c.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"})
	is, err := nodes.Get(ctx, node, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking for Node %s: %w", node, err)
	}
	conditions, was := notReady(is)
	if !was {
		return false, nil
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": is.GetResourceVersion()},
		"status":   map[string]any{"conditions": conditions},
	})
	if err != nil {
		return false, fmt.Errorf("encoding the conditions of Node %s: %w", node, err)
	}
	options := metav1.PatchOptions{FieldManager: "joinsvc"}
	_, err = nodes.Patch(ctx, node, types.MergePatchType, patch, options, "status")
	switch {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("marking Node %s as not ready: %w", node, err)
	}
	return true, nil
}

// notReady returns a Node's conditions without its being ready, and whether it was.
func notReady(node *unstructured.Unstructured) (conditions []any, was bool) {
	// What is no list of conditions says nothing of being ready.
	conditions, _, _ = unstructured.NestedSlice(node.Object, "status", "conditions")
	for _, c := range conditions {
		condition, ok := c.(map[string]any)
		if ok && condition["type"] == string(corev1.NodeReady) && condition["status"] == string(corev1.ConditionTrue) {
			condition["status"] = string(corev1.ConditionUnknown)
			condition["reason"], condition["message"] = "HostJoinsAnew", "joinsvc has told this node's host to join the cluster anew"
			condition["lastTransitionTime"] = time.Now().UTC().Format(time.RFC3339)
			was = true
		}
	}
	return conditions, was
}
