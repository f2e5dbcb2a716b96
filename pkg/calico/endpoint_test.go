// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"strings"
	"testing"
)

func TestManifestLeavesTheOperatorsEndpoint(t *testing.T) {
	const own = `apiVersion: v1
kind: ConfigMap
metadata:
  name: kubernetes-services-endpoint
  namespace: kube-system
data:
  KUBERNETES_SERVICE_HOST: api.example.net
  KUBERNETES_SERVICE_PORT: "443"
---
`
	got, err := Manifest([]byte(own+testdata(t, "calico.yaml")), reference(t))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(got, "KUBERNETES_SERVICE_HOST: "); n != 1 || !strings.Contains(got, "api.example.net") {
		t.Errorf("the operator's endpoint is there %d times and not alone", n)
	}
}
