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
)

// patient is a manifest whose probes suit an emulated host: as many, further
// apart, with more time.
func patient(manifest []byte) ([]byte, error) {
	if !probeInterval.Match(manifest) || !probeTimeout.Match(manifest) {
		return nil, fmt.Errorf("calico's manifest has no probes of ten seconds: its makers have changed them, see to lab/rack/probes.go")
	}
	manifest = probeInterval.ReplaceAll(manifest, []byte("${1}120"))
	return probeTimeout.ReplaceAll(manifest, []byte("${1}60")), nil
}
