// SPDX-License-Identifier: Apache-2.0

// Package yamldoc decodes one YAML document into typed Go values and reports
// every problem at once, each with its path.
//
// The decoders of the YAML libraries stop at the first wrong value or tell a
// line instead of a path; an operator who mends a plan needs the whole list.
package yamldoc

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Problem is one thing wrong with a document.
type Problem struct {
	Path    string `json:"path"` // "spec.nodes[2].address"
	Message string `json:"message"`
}

// String returns "path: message".
func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// Decode fills the struct that into points to from exactly one YAML document.
// Fields are named by their json tags; unknown and repeated fields, values of
// the wrong kind and a second document are problems. What has a problem keeps
// its zero value. Sources: YAML 1.2.
func Decode(data []byte, into any) []Problem {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, rest yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return []Problem{{Message: "the document is empty"}}
	case err != nil:
		return []Problem{{Message: err.Error()}}
	}
	d := decoder{}
	switch err := dec.Decode(&rest); {
	case err == nil:
		d.add("", "a second document follows; one file holds one document")
	case !errors.Is(err, io.EOF):
		d.add("", "%v", err)
	}
	d.value("", doc.Content[0], reflect.ValueOf(into).Elem())
	return d.problems
}

type decoder struct{ problems []Problem }

func (d *decoder) add(path, format string, args ...any) {
	d.problems = append(d.problems, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (d *decoder) value(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		// An alias can name a node that contains it; plans have no use for them.
		d.add(path, "aliases (*%s) are not supported: write the value out", n.Value)
		return
	}
	if n.Tag == "!!null" {
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(path, n, u)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(path, n, v)
	case reflect.Slice:
		d.sequence(path, n, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(path, n, v.Elem())
	default:
		d.scalar(path, n, v)
	}
}

func (d *decoder) text(path string, n *yaml.Node, u encoding.TextUnmarshaler) {
	if n.Kind != yaml.ScalarNode {
		d.add(path, "is %s, want a single value", kindName(n))
		return
	}
	if err := u.UnmarshalText([]byte(n.Value)); err != nil {
		d.add(path, "%s: %v", n.Value, err)
	}
}

func (d *decoder) mapping(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.add(path, "is %s, want a mapping", kindName(n))
		return
	}
	fields := fieldsOf(v.Type())
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		at := join(path, key)
		index, known := fields[key]
		switch {
		case !known:
			d.add(at, "unknown field; known here: %s", strings.Join(names(fields), ", "))
		case seen[key]:
			d.add(at, "given twice")
		default:
			d.value(at, n.Content[i+1], v.Field(index))
		}
		seen[key] = true
	}
}

func (d *decoder) sequence(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.add(path, "is %s, want a list", kindName(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
	}
}

func (d *decoder) scalar(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.add(path, "is %s, want a single value", kindName(n))
		return
	}
	if err := setScalar(v, n.Value); err != nil {
		d.add(path, "%q %v", n.Value, err)
	}
}

func setScalar(v reflect.Value, text string) error {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		t, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("is not a duration such as 1s or 2400ms")
		}
		v.SetInt(int64(t))
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			return errors.New("is neither true nor false")
		}
		v.SetBool(text == "true")
	case v.CanInt():
		i, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return errors.New("is not a whole number that fits")
		}
		v.SetInt(i)
	case v.CanUint():
		u, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("is not a whole number from 0 to %d", uint64(1)<<v.Type().Bits()-1)
		}
		v.SetUint(u)
	default:
		panic("yamldoc: unsupported type " + v.Type().String())
	}
	return nil
}

func fieldsOf(t reflect.Type) map[string]int {
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			fields[name] = i
		}
	}
	return fields
}

func names(fields map[string]int) []string {
	out := make([]string, 0, len(fields))
	for name := range fields {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return fmt.Sprintf("%q", n.Value)
	}
}
