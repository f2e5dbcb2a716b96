// SPDX-License-Identifier: Apache-2.0

package document

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeletv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/v1beta4"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// What a plan of pace slow has kubeadm write (docs/adr/0014). Where nothing is
// said here, Kubernetes' own defaults stand.

// timeouts replaces kubeadm's own of 1, 4 and 5 minutes (timeoututils.go). They
// bound a failure and cost a success nothing; several hosts that boot at once
// on slow disks have been seen to need more than half of them.
//
// The time of slow is below the half hour for which a bootstrap token is good,
// and above an API server's own five minutes (its poststarthook that makes the
// priority levels, with no flag to it): one that ends itself there is started
// again by kubelet, three times.
func timeouts(pace plan.Pace) *v1beta4.Timeouts {
	d := &metav1.Duration{Duration: 10 * time.Minute}
	t := &v1beta4.Timeouts{}
	if pace == plan.Slow {
		d = &metav1.Duration{Duration: 25 * time.Minute}
		t.EtcdAPICall, t.UpgradeManifests = d, d
	}
	t.ControlPlaneComponentHealthCheck = d // kubeadm makes the start-up probes' thresholds of it too
	t.KubeletHealthCheck = d
	t.TLSBootstrap = d
	t.Discovery = d
	// Its minute is how long the first call to a starting API server may
	// be tried (EnsureAdminClusterRoleBinding); on slow hosts it was not
	// enough, and failed the init.
	t.KubernetesAPICall = d
	return t
}

// patientLeader keeps the one instance of a controller at work while its API
// server is slow. With the defaults (15 s, 10 s, 2 s) it ends itself after ten
// seconds without an answer, starts again, and reads everything anew from the
// server that was slow already, all for a rival that a plan with one control
// plane does not have. Election itself stays on: a second may come.
func patientLeader(p plan.Plan) []v1beta4.Arg {
	switch slow, alone := p.Spec.Kubernetes.Pace == plan.Slow, controlPlanes(p) < 2; {
	case slow && alone:
		return election(4*time.Minute, 3*time.Minute, 20*time.Second)
	case slow || alone:
		return election(2*time.Minute, 90*time.Second, 10*time.Second)
	}
	return nil
}

// managerLeader is patientLeader for kube-controller-manager, which on a slow host
// cannot have a lease for as long: as soon as it has one it gives /healthz ten
// seconds, with no flag to it (1.37, cmd/kube-controller-manager, WaitForAPIServer),
// and ends itself while the API server is still making its roles, as that does for
// minutes there. Its next instance waits for the whole of the lease that the last
// one left, and until then no DaemonSet has a pod: in the rack Calico came four
// minutes after its manifest.
func managerLeader(p plan.Plan) []v1beta4.Arg {
	if p.Spec.Kubernetes.Pace == plan.Slow {
		return election(80*time.Second, time.Minute, 10*time.Second)
	}
	return patientLeader(p)
}

func controlPlanes(p plan.Plan) int {
	planes := 0
	for _, n := range p.Spec.Nodes {
		if n.Role == plan.ControlPlane {
			planes++
		}
	}
	return planes
}

func election(lease, renew, retry time.Duration) []v1beta4.Arg {
	return []v1beta4.Arg{
		{Name: "leader-elect-lease-duration", Value: lease.String()},
		{Name: "leader-elect-renew-deadline", Value: renew.String()},
		{Name: "leader-elect-retry-period", Value: retry.String()},
	}
}

// kubelet's lease and kube-controller-manager's patience with it belong
// together: a lease that lives longer than the manager waits would have healthy
// nodes taken for lost between two renewals, of which there is one in a quarter
// of the lease's duration.
const (
	nodeLease = 160 * time.Second // kubelet's default: 40 s
	nodeGrace = 6 * time.Minute   // kube-controller-manager's default: 50 s
)

func controllerManager(p plan.Plan) v1beta4.ControlPlaneComponent {
	args := managerLeader(p)
	if p.Spec.Kubernetes.Pace == plan.Slow {
		args = append(args, v1beta4.Arg{Name: "node-monitor-grace-period", Value: nodeGrace.String()})
	}
	return v1beta4.ControlPlaneComponent{ExtraArgs: args}
}

// apiServer on slow gives etcd longer than two seconds to be healthy, which is
// what /livez and /readyz say, and with them kubelet's probes; and a request
// that etcd is slow with longer than a minute, after which the client sends the
// same work again.
func apiServer(p plan.Plan) v1beta4.APIServer {
	s := v1beta4.APIServer{CertSANs: []string{p.Spec.Kubernetes.APIEndpoint.Addr().String()}}
	if p.Spec.Kubernetes.Pace == plan.Slow {
		s.ExtraArgs = []v1beta4.Arg{
			{Name: "etcd-healthcheck-timeout", Value: "30s"},
			{Name: "etcd-readycheck-timeout", Value: "30s"},
			{Name: "request-timeout", Value: "3m0s"}, // package apply waits a little longer
		}
	}
	return s
}

// etcd on slow beats once a second and elects after ten without a beat, ten
// times the default and a fifth of the most that it takes. A member alone is
// its own leader at once and waits for neither, but gives up a request after
// 5 s and twice the election's (etcd 3.5 to 3.7, server/config, ReqTimeout):
// 25 s instead of 7.
//
// Each of the API server's watches, one for a kind, is told how far etcd is once a
// minute, and not every five seconds as kubeadm has it: of a control plane with
// nothing to do that was half of etcd's work and a third of the API server's. Who
// lists what may be newer does not wait for it: the API server then asks
// (1.37, storage/cacher/progress).
func etcd(k plan.Kubernetes) v1beta4.Etcd {
	if k.Pace != plan.Slow {
		return v1beta4.Etcd{}
	}
	return v1beta4.Etcd{Local: &v1beta4.LocalEtcd{ExtraArgs: []v1beta4.Arg{
		{Name: "election-timeout", Value: "10000"}, // both in milliseconds
		{Name: "heartbeat-interval", Value: "1000"},
		{Name: progressFlag(k), Value: "1m0s"},
	}}}
}

// progressFlag is the name that kubeadm of that release has for it, which is that
// of its etcd: 3.6 from 1.34 on (app/phases/etcd/local.go).
func progressFlag(k plan.Kubernetes) string {
	const flag = "watch-progress-notify-interval"
	if k.Since(34) {
		return flag
	}
	return "experimental-" + flag
}

// relax has kubelet on slow report less and wait longer for its runtime, which
// starts a sandbox in minutes when all hosts start theirs. The report's
// frequency has to be said: left out it becomes the update's (kubelet 1.37,
// config/v1beta1/defaults.go), which is more than the five minutes of normal.
func relax(k *kubeletv1beta1.KubeletConfiguration) {
	k.NodeLeaseDurationSeconds = int32(nodeLease.Seconds())
	k.NodeStatusUpdateFrequency = metav1.Duration{Duration: 20 * time.Second}
	k.NodeStatusReportFrequency = metav1.Duration{Duration: 5 * time.Minute}
	k.RuntimeRequestTimeout = metav1.Duration{Duration: 10 * time.Minute}
}
