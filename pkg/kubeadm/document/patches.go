// SPDX-License-Identifier: Apache-2.0

package document

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// etcdCPU is etcd's share of a busy control plane. kubeadm's 100m make a cgroup
// weight of 4 where the API server's 250m make 10: on processors that are all
// taken, etcd waits most of its time, its answers come too late for the API
// server's probes, and kubelet restarts the API server, which takes more
// processor time than anything else on the host.
const etcdCPU = "500m"

// Patches returns the files that Init's document has kubeadm apply to the static
// pods it writes, by name.
func Patches() (map[string]string, error) {
	patch, err := encode(&corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "etcd",
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(etcdCPU)},
			},
		}}},
	})
	return map[string]string{"etcd.yaml": patch}, err
}
