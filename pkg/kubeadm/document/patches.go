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

// apiServerCPU is the API server's share on a slow host, etcd's half processor: by
// kubeadm's 250m kube-controller-manager and kube-scheduler together had more,
// which do nothing but wait for it. It ends itself when its first look at the
// services' addresses takes longer than a minute, with no flag to it.
const apiServerCPU = etcdCPU

// Patches returns the files that Init's document has kubeadm apply to what it
// writes, by name: target and ".yaml".
func Patches(p plan.Plan) (map[string]string, error) {
	files := map[string]string{}
	for name, object := range targets(p) {
		text, err := encode(object)
		if err != nil {
			return nil, fmt.Errorf("writing kubeadm's patch of %s: %w", name, err)
		}
		files[name+".yaml"] = text
	}
	return files, nil
}

// targets are what is patched, by kubeadm's own names.
func targets(p plan.Plan) map[string]runtime.Object {
	etcd := weighty("etcd", etcdCPU)
	if p.Spec.Kubernetes.Pace != plan.Slow {
		return map[string]runtime.Object{"etcd": pod(etcd)}
	}
	scheduler := patient(corev1.Container{Name: "kube-scheduler"})
	if p.Spec.Kubernetes.Since(firstReadyScheduler) {
		scheduler = seldomReady(scheduler)
	}
	return map[string]runtime.Object{
		"etcd":                    pod(seldomReady(patient(etcd))),
		"kube-apiserver":          pod(seldomReady(patient(weighty("kube-apiserver", apiServerCPU)))),
		"kube-controller-manager": pod(patient(corev1.Container{Name: "kube-controller-manager"})),
		"kube-scheduler":          pod(scheduler),
		// kubeadm 1.31 does not know this one, and passes over it with a word.
		"corednsdeployment": coreDNS(),
	}
}

// weighty is a container with that share of its node's processors.
func weighty(name, cpu string) corev1.Container {
	return corev1.Container{Name: name, Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)},
	}}
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

// firstReadyScheduler is the first release, by its second number, whose kubeadm
// gives kube-scheduler a probe of readiness; etcd's is in all that the plan takes,
// and kube-controller-manager has none (1.31 to 1.37).
const firstReadyScheduler = 32

// seldomReady spares a container kubeadm's probe of readiness every second, for
// nobody who would wait for it. Each is a TLS handshake with a key of RSA, and
// kube-scheduler's fails, with an event each time, as long as the API server has
// not made its role: emulated, that had cost it half of what the API server took.
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
