// SPDX-License-Identifier: Apache-2.0

//go:build staging

package document

// k8s.io/kubernetes asks for its staging modules at v0.0.0 and replaces them by
// folders of its own repository. Who imports it has to name each at a version
// that exists, or everything that reads the whole module graph fails (`go list
// -m all`, vulnerability scanners, licence tools). go.mod keeps only modules of
// which a package is imported; these are packages that import next to nothing,
// behind a tag that no build sets. A replace or exclude would do as well, but
// `go install` refuses modules that have one (docs/adr/0007).
import (
	_ "k8s.io/apiextensions-apiserver/examples/client-go/pkg/apis/cr"
	_ "k8s.io/apiserver"
	_ "k8s.io/cli-runtime"
	_ "k8s.io/cloud-provider/api"
	_ "k8s.io/component-helpers/node/util/sysctl"
	_ "k8s.io/controller-manager/controller"
	_ "k8s.io/cri-api/pkg/errors"
	_ "k8s.io/cri-client/pkg/fake"
	_ "k8s.io/cri-streaming/pkg/streaming/portforward"
	_ "k8s.io/csi-translation-lib"
	_ "k8s.io/dynamic-resource-allocation/resourceclaim/metrics"
	_ "k8s.io/endpointslice/trafficdist"
	_ "k8s.io/externaljwt/apis/v1"
	_ "k8s.io/kms/apis/v1beta1"
	_ "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	_ "k8s.io/kube-controller-manager/config/v1alpha1"
	_ "k8s.io/kube-scheduler/extender/v1"
	_ "k8s.io/kubectl/pkg/cmd/util/editor/crlf"
	_ "k8s.io/metrics/pkg/apis/metrics"
	_ "k8s.io/mount-utils"
	_ "k8s.io/pod-security-admission/cmd/webhook/server/options"
	_ "k8s.io/sample-apiserver/pkg/registry"
)
