// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// etcdCPU is etcd's share of a busy control plane. kubeadm's 100m make a cgroup
// weight of 4 where the API server's 250m make 10: on processors that are all
// taken, etcd waits most of its time, its answers come too late for the API
// server's probes, and kubelet restarts the API server, which takes more
// processor time than anything else on the host.
const etcdCPU = "500m"

// Patches returns the files that Init's document has kubeadm apply to what it
// writes, by name: target and ".yaml".
func Patches(p plan.Plan) (map[string]string, error) {
	etcd := corev1.Container{Name: "etcd", Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(etcdCPU)},
	}}
	targets := map[string]runtime.Object{"etcd": pod(etcd)}
	if p.Spec.Kubernetes.Pace == plan.Slow {
		targets["etcd"] = pod(patient(etcd))
		for _, name := range []string{"kube-controller-manager", "kube-scheduler"} {
			targets[name] = pod(patient(corev1.Container{Name: name}))
		}
		targets["kube-apiserver"] = pod(seldomReady(patient(corev1.Container{Name: "kube-apiserver"})))
		// kubeadm 1.31 does not know this one, and passes over it with a word.
		targets["corednsdeployment"] = coreDNS()
	}
	files := map[string]string{}
	for name, object := range targets {
		text, err := encode(object)
		if err != nil {
			return nil, fmt.Errorf("writing kubeadm's patch of %s: %w", name, err)
		}
		files[name+".yaml"] = text
	}
	return files, nil
}

func pod(c corev1.Container) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		Spec:     corev1.PodSpec{Containers: []corev1.Container{c}},
	}
}

// patient gives a static pod's probes a minute to answer in place of 15 s, and
// has kubelet restart it after ten minutes of no answer in place of 80 s: a
// start costs what every other part of the host needs to answer.
//
// The patch merges into the probes that kubeadm wrote, whose start-up threshold
// follows from the documents' own time-out. It names only those that every
// release writes: a probe without a handler makes kubelet refuse the pod.
func patient(c corev1.Container) corev1.Container {
	c.StartupProbe = &corev1.Probe{TimeoutSeconds: 60}
	c.LivenessProbe = &corev1.Probe{TimeoutSeconds: 60, PeriodSeconds: 30, FailureThreshold: 20}
	return c
}

// seldomReady spares a container kubeadm's probe of readiness every second, for
// nobody who would wait for it. kube-controller-manager has none (1.37), and
// etcd's and kube-scheduler's came late.
func seldomReady(c corev1.Container) corev1.Container {
	c.ReadinessProbe = &corev1.Probe{TimeoutSeconds: 60, PeriodSeconds: 15}
	return c
}

// coreDNS does not always answer within its five seconds, or for readiness one,
// while its node starts everything else; after 50 s kubelet starts it anew.
func coreDNS() *appsv1.Deployment {
	c := seldomReady(patient(corev1.Container{Name: "coredns"}))
	c.StartupProbe = nil // it has none, and half of one would be refused
	return &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		Spec:     appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{c}}}},
	}
}
