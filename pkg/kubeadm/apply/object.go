// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// object is one document of a manifest: what is sent, as it stands there, and
// what of it says where to.
type object struct {
	text       []byte
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name      string `yaml:"name"`
		Namespace string `yaml:"namespace"`
	} `yaml:"metadata"`
	// Spec is read of a CustomResourceDefinition alone.
	Spec struct {
		Group string `yaml:"group"`
		Names struct {
			Kind string `yaml:"kind"`
		} `yaml:"names"`
	} `yaml:"spec"`
	Items []yaml.Node `yaml:"items"`
}

// String is the object as people name it: "DaemonSet kube-system/calico-node".
func (o object) String() string {
	name := o.Metadata.Name
	if o.Metadata.Namespace != "" {
		name = o.Metadata.Namespace + "/" + name
	}
	return o.Kind + " " + name
}

func (o object) definition() bool {
	return o.Kind == "CustomResourceDefinition" && strings.HasPrefix(o.APIVersion, "apiextensions.k8s.io/")
}

// defines tells whether o is the definition of what p is.
func (o object) defines(p object) bool {
	group, _, _ := strings.Cut(p.APIVersion, "/")
	return o.Spec.Group == group && o.Spec.Names.Kind == p.Kind
}

// parse splits a manifest into its objects: namespaces first, since whatever is
// in them needs them, then definitions, and all else in its order. It names everything that is
// wrong, before anything is sent.
func parse(manifest string) ([]object, error) {
	var objects []object
	var errs []error
	for i, text := range documents(manifest) {
		found, err := decode(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("document %d: %w", i+1, err))
		}
		objects = append(objects, found...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	slices.SortStableFunc(objects, func(a, b object) int { return a.rank() - b.rank() })
	return objects, nil
}

// rank orders what others need before them.
func (o object) rank() int {
	switch {
	case o.Kind == "Namespace" && o.APIVersion == "v1":
		return 0
	case o.definition():
		return 1
	}
	return 2
}

// documents splits at YAML's markers, "---" and "..." (YAML 1.2, 9.1.2), and
// keeps the text: a scalar that is written anew may be another to the server,
// which reads YAML 1.1. What follows a marker in its line belongs to the next
// document; kubectl drops it.
func documents(manifest string) [][]byte {
	var docs [][]byte
	var doc bytes.Buffer
	for line := range strings.Lines(strings.TrimPrefix(manifest, "\ufeff")) {
		if marker(line) {
			docs = append(docs, bytes.Clone(doc.Bytes()))
			doc.Reset()
			if line = line[3:]; strings.TrimSpace(line) == "" {
				continue
			}
		}
		doc.WriteString(line)
	}
	return append(docs, doc.Bytes())
}

func marker(line string) bool {
	return (strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...")) && (len(line) == 3 || strings.ContainsRune(" \t\r\n", rune(line[3])))
}

// decode reads one document: no object where there are only comments, several
// where it is a List.
func decode(text []byte) ([]object, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return nil, err
	}
	if node.Kind == 0 || node.Content[0].Tag == "!!null" {
		return nil, nil
	}
	o := object{text: text}
	if err := node.Decode(&o); err != nil {
		return nil, err
	}
	var all any // a key that is twice anywhere, which the server would refuse when others are applied
	if err := node.Decode(&all); err != nil {
		return nil, err
	}
	// Lists of one kind as well, RoleBindingList, as an export has them.
	if strings.HasSuffix(o.Kind, "List") && (o.Kind == "List" || o.Items != nil) {
		return items(o)
	}
	return []object{o}, o.check()
}

func items(list object) ([]object, error) {
	var objects []object
	var errs []error
	for i := range list.Items {
		text, err := yaml.Marshal(&list.Items[i])
		if err != nil {
			return nil, err
		}
		found, err := decode(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("items[%d]: %w", i, err))
		}
		objects = append(objects, found...)
	}
	return objects, errors.Join(errs...)
}

func (o object) check() error {
	var missing []string
	for what, value := range map[string]string{"apiVersion": o.APIVersion, "kind": o.Kind, "metadata.name": o.Metadata.Name} {
		if value == "" {
			missing = append(missing, what)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("%s without %s", strings.TrimSpace("an object "+strings.TrimSpace(o.String())), strings.Join(missing, ", "))
}
