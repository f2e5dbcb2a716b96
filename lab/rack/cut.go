// SPDX-License-Identifier: Apache-2.0

package rack

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// ErrNodes says that a plan cannot be cut to the number of nodes asked for.
var ErrNodes = errors.New("cannot cut the plan")

// Cut returns a plan document with only its first n nodes. Every other byte,
// comments included, stays: what the rack runs is the document that is
// shipped, not a copy of it that a program wrote.
func Cut(document []byte, n int) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(document, &doc); err != nil {
		return nil, fmt.Errorf("cutting the plan: %w", err)
	}
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("%w: the document is empty", ErrNodes)
	}
	spec, _ := field(doc.Content[0], "spec")
	nodes, after := field(spec, "nodes")
	if nodes == nil || nodes.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("%w: it has no list spec.nodes", ErrNodes)
	}
	if n < 1 || n > len(nodes.Content) {
		return nil, fmt.Errorf("%w: want %d nodes, it has %d", ErrNodes, n, len(nodes.Content))
	}
	if n == len(nodes.Content) {
		return document, nil
	}
	return without(document, nodes.Content[n].Line, after), nil
}

// Slow returns a plan document with kubernetes.pace slow, which emulated hosts
// need; one that says a pace keeps it. Every other byte stays.
func Slow(document []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(document, &doc); err != nil {
		return nil, fmt.Errorf("slowing the plan: %w", err)
	}
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("slowing the plan: %w: the document is empty", ErrNodes)
	}
	spec, _ := field(doc.Content[0], "spec")
	kubernetes, _ := field(spec, "kubernetes")
	if kubernetes == nil || kubernetes.Kind != yaml.MappingNode || kubernetes.Style&yaml.FlowStyle != 0 || len(kubernetes.Content) == 0 {
		return nil, errors.New("slowing the plan: it has no block spec.kubernetes")
	}
	if pace, _ := field(kubernetes, "pace"); pace != nil {
		return document, nil
	}
	first := kubernetes.Content[0]
	lines := bytes.SplitAfter(document, []byte("\n"))
	line := fmt.Sprintf("%*space: slow\n", first.Column-1, "")
	return bytes.Join(slices.Insert(lines, first.Line-1, []byte(line)), nil), nil
}

// field is the value of a mapping's key and the line of the key after it, or
// 0 when it is the last.
func field(mapping *yaml.Node, key string) (value *yaml.Node, after int) {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil, 0
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value != key {
			continue
		}
		if i+2 < len(mapping.Content) {
			after = mapping.Content[i+2].Line
		}
		return mapping.Content[i+1], after
	}
	return nil, 0
}

// without drops the lines from first up to, not including, after; both count
// from 1, and after 0 means to the end.
func without(document []byte, first, after int) []byte {
	lines := bytes.SplitAfter(document, []byte("\n"))
	kept := bytes.Join(lines[:first-1], nil)
	if after == 0 {
		return kept
	}
	return append(kept, bytes.Join(lines[after-1:], nil)...)
}
