// SPDX-License-Identifier: Apache-2.0

package document

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime"
)

// encode writes one YAML document per object, in order.
func encode(objects ...runtime.Object) (string, error) {
	docs := make([]string, 0, len(objects))
	for _, o := range objects {
		doc, err := encodeOne(o)
		if err != nil {
			return "", fmt.Errorf("encoding %s: %w", o.GetObjectKind().GroupVersionKind().Kind, err)
		}
		docs = append(docs, doc)
	}
	return strings.Join(docs, "---\n"), nil
}

// encodeOne leaves out what is at its zero value: the component types mark
// few fields omitempty, and a zero there means "take the default" in any case
// (kubelet's and kube-proxy's defaults.go). An explicit zero, possible behind
// a pointer only, would be lost; these documents set none.
func encodeOne(o runtime.Object) (string, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return "", err
	}
	prune(fields)
	var text strings.Builder
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	err = errors.Join(enc.Encode(fields), enc.Close())
	return text.String(), err
}

func prune(fields map[string]any) {
	for key, value := range fields {
		pruneBelow(value)
		if empty(value) {
			delete(fields, key)
		}
	}
}

func pruneBelow(value any) {
	switch v := value.(type) {
	case map[string]any:
		prune(v)
	case []any:
		for _, item := range v {
			pruneBelow(item)
		}
	}
}

func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == "" || v == "0s" || v == "0" // the latter two: metav1.Duration, resource.Quantity
	case bool:
		return !v
	case int64:
		return v == 0
	case float64:
		return v == 0
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}
