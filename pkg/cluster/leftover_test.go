// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

func nodeThatIs(status corev1.ConditionStatus) *corev1.Node {
	return &corev1.Node{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
		ObjectMeta: metav1.ObjectMeta{Name: "n1", ResourceVersion: "7", Annotations: map[string]string{"example.com/mine": "stays"}},
		Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{
			{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionTrue, Reason: "Full"},
			{Type: corev1.NodeReady, Status: status, Reason: "KubeletReady"},
		}},
	}
}

func holding(t *testing.T, objects ...runtime.Object) (*Cluster, *fake.FakeDynamicClient) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	client := fake.NewSimpleDynamicClient(scheme, objects...)
	return &Cluster{Dynamic: client}, client
}

// read is a Node's conditions, by type.
func read(t *testing.T, client *fake.FakeDynamicClient) map[corev1.NodeConditionType]corev1.NodeCondition {
	t.Helper()
	o, err := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"}).Get(t.Context(), "n1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var n corev1.Node
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &n); err != nil {
		t.Fatal(err)
	}
	found := map[corev1.NodeConditionType]corev1.NodeCondition{}
	for _, c := range n.Status.Conditions {
		found[c.Type] = c
	}
	return found
}

func TestMarkNotReady(t *testing.T) {
	c, client := holding(t, nodeThatIs(corev1.ConditionTrue))
	if was, err := c.MarkNotReady(t.Context(), "n1"); !was || err != nil {
		t.Errorf("it was ready: %v, %v", was, err)
	}
	got := read(t, client)
	if ready := got[corev1.NodeReady]; ready.Status != corev1.ConditionUnknown || ready.Reason != "HostJoinsAnew" || ready.LastTransitionTime.IsZero() {
		t.Errorf("ready is %+v", ready)
	}
	if got[corev1.NodeMemoryPressure].Status != corev1.ConditionTrue {
		t.Errorf("what else it says is %+v", got)
	}
	if was, err := c.MarkNotReady(t.Context(), "n1"); was || err != nil {
		t.Errorf("twice: %v, %v", was, err)
	}
	if was, err := c.MarkNotReady(t.Context(), "n2"); was || err != nil {
		t.Errorf("of no Node: %v, %v", was, err)
	}
}

// A kubelet that lives has the last word: its Node is another than was read.
func TestMarkNotReadyGoesByWhatWasRead(t *testing.T) {
	c, client := holding(t, nodeThatIs(corev1.ConditionTrue))
	nodes := schema.GroupResource{Resource: "nodes"}
	answers := []error{apierrors.NewConflict(nodes, "n1", errors.New("changed")), apierrors.NewForbidden(nodes, "n1", errors.New("no right"))}
	var patches []string
	client.PrependReactor("patch", "nodes", func(a clienttesting.Action) (bool, runtime.Object, error) {
		patch, _ := a.(clienttesting.PatchAction)
		patches = append(patches, a.GetSubresource()+" "+string(patch.GetPatch()))
		return true, nil, answers[len(patches)-1]
	})
	if was, err := c.MarkNotReady(t.Context(), "n1"); was || err != nil {
		t.Errorf("written meanwhile: %v, %v", was, err)
	}
	if _, err := c.MarkNotReady(t.Context(), "n1"); !apierrors.IsForbidden(err) {
		t.Errorf("without the right: %v", err)
	}
	const want = `status {"metadata":{"resourceVersion":"7"},`
	if len(patches[0]) < len(want) || patches[0][:len(want)] != want {
		t.Errorf("the patch is %s", patches[0])
	}
}
