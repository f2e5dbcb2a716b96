// SPDX-License-Identifier: Apache-2.0

package imported

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// object is one Kubernetes object as YAML, with the lines of its fields.
type object struct {
	file string
	root *yaml.Node
	line int // what lines of root are to be added to
}

// readObjects reads every document of a file. Those that only hold comments,
// as files for calicoctl begin with, are none.
func (c *collector) readObjects(f File) {
	known := false
	dec := yaml.NewDecoder(bytes.NewReader(f.Content))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			c.problem(Place{File: f.Name}, "reading YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
			return
		}
		for _, o := range items(object{file: f.Name, root: doc.Content[0]}) {
			known = c.object(o) || known
		}
	}
	if !known {
		c.unused = append(c.unused, f.Name)
	}
}

// items are the objects of a list, such as `calicoctl get -o yaml` prints, or
// the object itself.
func items(o object) []object {
	list := o.node("items")
	if list == nil || list.Kind != yaml.SequenceNode {
		return []object{o}
	}
	var out []object
	for _, n := range list.Content {
		out = append(out, object{o.file, n, o.line})
	}
	return out
}

// object takes what a plan has of an object; false says that this is nothing.
func (c *collector) object(o object) bool {
	api, _ := o.text("apiVersion")
	kind, _ := o.text("kind")
	group, _, _ := strings.Cut(api, "/")
	switch {
	case strings.HasSuffix(group, "projectcalico.org"):
		return c.calicoObject(kind, o)
	case group == "metallb.io" && kind == "IPAddressPool":
		c.metalLBPool(o)
	case api == "v1" && kind == "ConfigMap":
		return c.metalLBConfig(o)
	default:
		return false
	}
	return true
}

func (c *collector) calicoObject(kind string, o object) bool {
	switch kind {
	case "IPPool":
		c.ipPool(o)
	case "BGPConfiguration":
		c.bgpConfiguration(o)
	case "Node":
		c.calicoNode(o)
	case "BGPPeer":
		c.bgpPeer(o)
	default:
		return false
	}
	return true
}

// node is the value at a path of keys, nil if there is none.
func (o object) node(path ...string) *yaml.Node {
	n := resolved(o.root)
	for _, key := range path {
		n = field(n, key)
	}
	return n
}

func field(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return resolved(n.Content[i+1])
		}
	}
	return nil
}

func resolved(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// text is the scalar at a path of keys with its place, empty if there is none.
func (o object) text(path ...string) (string, Place) { return o.scalar(o.node(path...)) }

func (o object) scalar(n *yaml.Node) (string, Place) {
	at := o.at(n)
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", at
	}
	return n.Value, at
}

// at is a value's place, that of the object for a value that is not there.
func (o object) at(n *yaml.Node) Place {
	if n == nil {
		n = o.root
	}
	return Place{o.file, o.line + n.Line}
}

// list are the members of the list at a path of keys.
func (o object) list(path ...string) []object {
	n := o.node(path...)
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	var out []object
	for _, item := range n.Content {
		out = append(out, object{o.file, item, o.line})
	}
	return out
}
