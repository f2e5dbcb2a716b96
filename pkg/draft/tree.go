// SPDX-License-Identifier: Apache-2.0

package draft

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The kinds of scalars that a plan has (YAML 1.2, core schema).
const (
	tagString = "!!str"
	tagInt    = "!!int"
	tagBool   = "!!bool"
	tagNull   = "!!null"
)

func (d Draft) tree() (*yaml.Node, error) {
	return d.node("", reflect.ValueOf(d.Plan))
}

func (d Draft) node(path string, v reflect.Value) (*yaml.Node, error) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if n, ok, err := scalar(v); ok || err != nil {
		return n, err
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.mapping(path, v)
	case reflect.Slice:
		return d.sequence(path, v)
	default:
		return nil, fmt.Errorf("writing %s: no form for a %s", path, v.Type())
	}
}

// scalar is a single value in the form that Parse reads.
func scalar(v reflect.Value) (n *yaml.Node, ok bool, err error) {
	switch value := v.Interface().(type) {
	case time.Duration:
		return leaf(tagString, value.String()), true, nil
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		return leaf(tagString, string(text)), true, err
	}
	switch {
	case v.Kind() == reflect.String:
		// YAML has no form for what is no character; Parse refuses the rest.
		return leaf(tagString, strings.ToValidUTF8(v.String(), "?")), true, nil
	case v.Kind() == reflect.Bool:
		return leaf(tagBool, strconv.FormatBool(v.Bool())), true, nil
	case v.CanInt():
		return leaf(tagInt, strconv.FormatInt(v.Int(), 10)), true, nil
	case v.CanUint():
		return leaf(tagInt, strconv.FormatUint(v.Uint(), 10)), true, nil
	}
	return nil, false, nil
}

func leaf(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// mapping has the fields that have a value or a note that asks for one.
func (d Draft) mapping(path string, v reflect.Value) (*yaml.Node, error) {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		at := join(path, name)
		if v.Field(i).IsZero() && !d.asked[at] {
			continue
		}
		value, err := d.value(at, v.Field(i))
		if err != nil {
			return nil, err
		}
		key := leaf(tagString, name)
		d.annotate(at, key, value)
		m.Content = append(m.Content, key, value)
	}
	return m, nil
}

func (d Draft) value(path string, v reflect.Value) (*yaml.Node, error) {
	if v.IsZero() && d.notes[path].todo {
		return leaf(tagNull, ""), nil
	}
	return d.node(path, v)
}

// annotate hangs the notes of a field where the encoder writes them: before its
// name, and after its value, or its name if the value takes lines of its own.
func (d Draft) annotate(path string, key, value *yaml.Node) {
	n, ok := d.notes[path]
	if !ok {
		return
	}
	key.HeadComment = comment(n.above)
	if n.beside == "" {
		return
	}
	if value.Kind == yaml.ScalarNode || value.Style&yaml.FlowStyle != 0 {
		value.LineComment = comment([]string{n.beside})
		return
	}
	key.LineComment = comment([]string{n.beside})
}

// sequence writes scalars in one line and anything larger in lines of its own.
func (d Draft) sequence(path string, v reflect.Value) (*yaml.Node, error) {
	s := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range v.Len() {
		at := fmt.Sprintf("%s[%d]", path, i)
		item, err := d.node(at, v.Index(i))
		if err != nil {
			return nil, err
		}
		if item.Kind == yaml.ScalarNode {
			s.Style = yaml.FlowStyle
			quote(item)
		} else if n, ok := d.notes[at]; ok {
			item.HeadComment = comment(n.above)
		}
		s.Content = append(s.Content, item)
	}
	return s, nil
}

// quote marks what older readers of YAML take for a number of base 60 or for a
// mapping: hardware addresses and ports with a colon.
func quote(item *yaml.Node) {
	if strings.Contains(item.Value, ":") {
		item.Style = yaml.DoubleQuotedStyle
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// plain is a node as Go has it. Numbers stay the text that they are.
func plain(n *yaml.Node) any {
	switch {
	case n.Kind == yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return m
	case n.Kind == yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = plain(item)
		}
		return list
	case n.Tag == tagInt:
		return json.Number(n.Value)
	case n.Tag == tagBool:
		return n.Value == "true"
	}
	return n.Value
}
