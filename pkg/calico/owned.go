// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// managers returns who owns which of an object's spec's own fields, by name of
// field manager (kubernetes.io, "Server-Side Apply", managedFields). joinsvc is
// an owner only by applying: an update under its name is somebody else's.
func managers(o *unstructured.Unstructured) map[string][]string {
	owners := map[string][]string{}
	entries, _, _ := unstructured.NestedSlice(o.Object, "metadata", "managedFields")
	for _, e := range entries {
		entry, ok := e.(map[string]any)
		if !ok {
			continue
		}
		name, _, _ := unstructured.NestedString(entry, "manager")
		operation, _, _ := unstructured.NestedString(entry, "operation")
		if name == fieldManager && operation != string(metav1.ManagedFieldsOperationApply) {
			name += " (" + operation + ")"
		}
		fields, _, _ := unstructured.NestedMap(entry, "fieldsV1", "f:spec")
		for field := range fields {
			if field, ok := strings.CutPrefix(field, "f:"); ok {
				owners[name] = append(owners[name], field)
			}
		}
	}
	return owners
}

// ours says whether joinsvc made an object and nobody else has a part in it: it
// bears the mark, and joinsvc alone owns fields of its spec. Either by itself is
// not enough, for a label is copied with the YAML that it stands in, and a field
// manager's name is whatever its client says.
func ours(o *unstructured.Unstructured) bool {
	owners := managers(o)
	return o.GetLabels()[managedBy] == fieldManager && len(owners) == 1 && len(owners[fieldManager]) > 0
}

// shared are the others that own fields of an object's spec beside joinsvc.
func shared(o *unstructured.Unstructured) []string {
	owners := managers(o)
	if _, mine := owners[fieldManager]; !mine {
		return nil
	}
	delete(owners, fieldManager)
	return slices.Sorted(maps.Keys(owners))
}

// drift names the fields in which an object is not as it was settled; none means
// that there is nothing to write. What joinsvc once applied and wants no more
// is drift too.
func drift(is, want *unstructured.Unstructured) []string {
	var fields []string
	have, _, _ := unstructured.NestedMap(is.Object, "spec")
	spec, _, _ := unstructured.NestedMap(want.Object, "spec")
	for field, value := range spec {
		if got, there := have[field]; !there || !equality.Semantic.DeepEqual(got, value) {
			fields = append(fields, field)
		}
	}
	mine := managers(is)[fieldManager]
	for _, field := range mine {
		if _, wanted := spec[field]; !wanted {
			fields = append(fields, field)
		}
	}
	if len(mine) == 0 || is.GetLabels()[managedBy] != fieldManager {
		fields = append(fields, "its mark")
	}
	slices.Sort(fields)
	return fields
}
