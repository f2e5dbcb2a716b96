// SPDX-License-Identifier: Apache-2.0

// Package document writes the configuration documents that `kubeadm init` and
// `kubeadm join` read, from a plan, as the API types of kubeadm, kubelet and
// kube-proxy themselves (kubeadm.k8s.io/v1beta4; docs/adr says why that
// version). It is joinsvc's half of package kubeadm; a host only stores what
// it is handed.
package document

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	proxyv1alpha1 "k8s.io/kube-proxy/config/v1alpha1"
	kubeletv1beta1 "k8s.io/kubelet/config/v1beta1"
	bootstraptokenv1 "k8s.io/kubernetes/cmd/kubeadm/app/apis/bootstraptoken/v1"
	"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/v1beta4"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// criSocket is where containerd's packages have it listen; named so that
// kubeadm does not search, and does not stop at a second runtime.
const criSocket = "unix:///run/containerd/containerd.sock"

// dnsDomain is kubeadm's own default, written down because the documents are
// the record of what the cluster is.
const dnsDomain = "cluster.local"

// Discovery is how a joining node recognises the cluster, and is recognised.
type Discovery struct {
	Token      string // bootstrap token "abcdef.0123456789abcdef"
	CACertHash string // "sha256:<hex>" of the cluster CA's public key (RFC 7469 section 2.4)
}

// Init returns the documents for `kubeadm init --config` on host h, YAML.
func Init(p plan.Plan, h plan.HostPlan) (string, error) {
	return encode(clusterConfiguration(p), initConfiguration(p, h), kubeletConfiguration(p), proxyConfiguration(p))
}

// Join returns the document for `kubeadm join --config` on host h, YAML. It
// holds the token, and so belongs into a file of mode 0600.
func Join(p plan.Plan, h plan.HostPlan, d Discovery) (string, error) {
	if d.Token == "" || d.CACertHash == "" {
		return "", fmt.Errorf("the join document of %s needs a bootstrap token and the hash of the cluster's CA", h.Name)
	}
	return encode(&v1beta4.JoinConfiguration{
		TypeMeta:         kubeadmType("JoinConfiguration"),
		NodeRegistration: registration(h),
		Discovery: v1beta4.Discovery{
			BootstrapToken: &v1beta4.BootstrapTokenDiscovery{
				Token:             d.Token,
				APIServerEndpoint: p.Spec.Kubernetes.APIEndpoint.String(),
				CACertHashes:      []string{d.CACertHash},
			},
			TLSBootstrapToken: d.Token,
		},
		Timeouts: timeouts(p.Spec.Kubernetes.Pace),
	})
}

func kubeadmType(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: v1beta4.SchemeGroupVersion.String(), Kind: kind}
}

func clusterConfiguration(p plan.Plan) *v1beta4.ClusterConfiguration {
	s := p.Spec
	return &v1beta4.ClusterConfiguration{
		TypeMeta:             kubeadmType("ClusterConfiguration"),
		ClusterName:          p.Metadata.Name,
		KubernetesVersion:    "v" + s.Kubernetes.Version,
		ControlPlaneEndpoint: s.Kubernetes.APIEndpoint.String(),
		Networking: v1beta4.Networking{
			PodSubnet:     s.Pods.Subnet.String(),
			ServiceSubnet: s.Services.Subnet.String(),
			DNSDomain:     dnsDomain,
		},
		Etcd:              etcd(s.Kubernetes),
		APIServer:         apiServer(p),
		ControllerManager: controllerManager(p),
		Scheduler:         v1beta4.ControlPlaneComponent{ExtraArgs: patientLeader(p)},
		// An RSA-2048 handshake, kubeadm's default, costs a server some fifty
		// times the work; kubelet's probes alone are several a second.
		EncryptionAlgorithm: v1beta4.EncryptionAlgorithmECDSAP256,
	}
}

func initConfiguration(p plan.Plan, h plan.HostPlan) *v1beta4.InitConfiguration {
	return &v1beta4.InitConfiguration{
		TypeMeta:         kubeadmType("InitConfiguration"),
		NodeRegistration: registration(h),
		LocalAPIEndpoint: v1beta4.APIEndpoint{
			AdvertiseAddress: h.Address.Addr().String(),
			BindPort:         int32(h.Kubernetes.APIEndpoint.Port()),
		},
		BootstrapTokens: []bootstraptokenv1.BootstrapToken{harmlessToken()},
		Patches:         &v1beta4.Patches{Directory: joinapi.PatchesDir},
		Timeouts:        timeouts(p.Spec.Kubernetes.Pace),
	}
}

// nobody is a group of bootstrap tokens that no role is bound to. kubeadm wants
// one of that form, and fills in its own joiners' for none.
const nobody = "system:bootstrappers:nodeprep:nobody"

// harmlessToken stands where kubeadm would put one that lets anybody join for
// 24 hours: it fills an empty list (v1beta4/defaults.go, SetDefaults_
// BootstrapTokens). The phase that makes the tokens cannot be skipped, because
// it also makes the RBAC and the cluster-info that every join needs. This one
// has no rights, since kubeadm binds them to another group; it does not sign
// cluster-info, without which no join begins; and it is gone after a minute.
// kubeadm makes up its value.
func harmlessToken() bootstraptokenv1.BootstrapToken {
	return bootstraptokenv1.BootstrapToken{
		Description: "cannot be used to join; kubeadm init wants one",
		TTL:         &metav1.Duration{Duration: time.Minute},
		Usages:      []string{"authentication"},
		Groups:      []string{nobody},
	}
}

func registration(h plan.HostPlan) v1beta4.NodeRegistrationOptions {
	return v1beta4.NodeRegistrationOptions{
		Name:            h.Name,
		CRISocket:       criSocket,
		ImagePullPolicy: corev1.PullIfNotPresent,
		// Without node-ip kubelet takes the address of the default route's
		// interface, which is the provisioning NIC's while that is up.
		KubeletExtraArgs: []v1beta4.Arg{{Name: "node-ip", Value: h.Address.Addr().String()}},
	}
}

func kubeletConfiguration(p plan.Plan) *kubeletv1beta1.KubeletConfiguration {
	k := &kubeletv1beta1.KubeletConfiguration{
		TypeMeta: metav1.TypeMeta{APIVersion: kubeletv1beta1.SchemeGroupVersion.String(), Kind: "KubeletConfiguration"},
		// systemd owns the tree on every host that nodeprep prepares; two
		// owners of one tree lead to instability under memory pressure
		// (kubernetes.io, "Container Runtimes", cgroup drivers).
		CgroupDriver: "systemd",
	}
	if p.Spec.Kubernetes.Pace == plan.Slow {
		relax(k)
	}
	return k
}

// proxyConfiguration keeps kube-proxy with iptables. Its nftables mode, stable
// since 1.33, wants a Calico whose felix programs nftables too, which came with
// Calico 3.29 (FelixConfiguration nftablesMode); felix 3.28 and older beside it
// would order their chains without regard for each other.
func proxyConfiguration(p plan.Plan) *proxyv1alpha1.KubeProxyConfiguration {
	return &proxyv1alpha1.KubeProxyConfiguration{
		TypeMeta:    metav1.TypeMeta{APIVersion: proxyv1alpha1.SchemeGroupVersion.String(), Kind: "KubeProxyConfiguration"},
		Mode:        "iptables",
		ClusterCIDR: p.Spec.Pods.Subnet.String(),
	}
}
