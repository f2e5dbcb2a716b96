// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

const endpointMap = "kubernetes-services-endpoint"

// withEndpoint puts the ConfigMap before the manifest that its containers read
// (envFrom, optional) to reach the API server by its own address; one that the
// operator has put there stays. Without it they use the service's, which leads
// nowhere until kube-proxy has written its rules: on a slow host the CNI's
// installer then gives up ("network is unreachable") and is started again ever
// more rarely
// (docs.tigera.io, "Configure Calico to talk directly to the API server").
func withEndpoint(docs []*yaml.Node, p plan.Plan) ([]*yaml.Node, error) {
	for _, doc := range docs {
		o := doc.Content[0]
		if text(o, "kind") == "ConfigMap" && text(o, "metadata", "name") == endpointMap {
			return docs, nil
		}
	}
	server := p.Spec.Kubernetes.APIEndpoint
	object := map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": endpointMap, "namespace": "kube-system"},
		"data": map[string]any{
			"KUBERNETES_SERVICE_HOST": server.Addr().String(),
			"KUBERNETES_SERVICE_PORT": strconv.Itoa(int(server.Port())),
		},
	}
	var content yaml.Node
	if err := content.Encode(object); err != nil {
		return nil, fmt.Errorf("writing ConfigMap %s: %w", endpointMap, err)
	}
	doc := &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{&content}}
	return append([]*yaml.Node{doc}, docs...), nil
}
