// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"fmt"
	"regexp"
)

// Calico's probes start a program in the container every ten seconds, and give
// it ten seconds. An emulated processor spends several on each start: the
// probes of one node fill it, come late, and have calico-node killed for that.
var (
	probeInterval = regexp.MustCompile(`(?m)^( +(?:periodSeconds|initialDelaySeconds): )10$`)
	probeTimeout  = regexp.MustCompile(`(?m)^( +timeoutSeconds: )10$`)
	controllers   = regexp.MustCompile(`(?m)^( +replicas: )1$`)
)

// patient is a manifest that suits an emulated host: as many probes, further
// apart, with more time; and no calico-kube-controllers, which clean up after
// nodes that have left and have no part in a route.
func patient(manifest []byte) ([]byte, error) {
	if !probeInterval.Match(manifest) || !probeTimeout.Match(manifest) || !controllers.Match(manifest) {
		return nil, fmt.Errorf("calico's manifest has no probes of ten seconds or no deployment of one replica: its makers have changed them, see to lab/rack/probes.go")
	}
	manifest = controllers.ReplaceAll(manifest, []byte("${1}0"))
	manifest = probeInterval.ReplaceAll(manifest, []byte("${1}120"))
	return probeTimeout.ReplaceAll(manifest, []byte("${1}60")), nil
}
