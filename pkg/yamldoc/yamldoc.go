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
	"net/netip"
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
	d := decoder{fields: map[reflect.Type]map[string]int{}}
	switch err := dec.Decode(&rest); {
	case err == nil:
		d.add("a second document follows; one file holds one document")
	case !errors.Is(err, io.EOF):
		d.add("%v", err)
	}
	d.value(doc.Content[0], reflect.ValueOf(into).Elem())
	return d.problems
}

type decoder struct {
	problems []Problem
	at       []step                          // from the top of the document to where the decoder is
	fields   map[reflect.Type]map[string]int // of the structs met so far, see fieldsOf
}

// A step leads into a field, or into an item of a list. A path is put together
// from steps only when there is something to say: most documents have thousands
// of places and no problem.
type step struct {
	field string
	index int // -1 in a mapping
}

func (d *decoder) enter(s step) { d.at = append(d.at, s) }
func (d *decoder) leave()       { d.at = d.at[:len(d.at)-1] }

func (d *decoder) add(format string, args ...any) {
	d.problems = append(d.problems, Problem{Path: pathOf(d.at), Message: fmt.Sprintf(format, args...)})
}

func pathOf(steps []step) string {
	var b strings.Builder
	for i, s := range steps {
		switch {
		case s.index >= 0:
			fmt.Fprintf(&b, "[%d]", s.index)
		case i > 0:
			b.WriteString("." + s.field)
		default:
			b.WriteString(s.field)
		}
	}
	return b.String()
}

func (d *decoder) value(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		// An alias can name a node that contains it; plans have no use for them.
		d.add("aliases (*%s) are not supported: write the value out", n.Value)
		return
	}
	if n.Tag == "!!null" {
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(n, u)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(n, v)
	case reflect.Slice:
		d.sequence(n, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem())
	default:
		d.scalar(n, v)
	}
}

func (d *decoder) text(n *yaml.Node, u encoding.TextUnmarshaler) {
	if n.Kind != yaml.ScalarNode {
		d.add("is %s, want a single value", kindName(n))
		return
	}
	if err := u.UnmarshalText([]byte(n.Value)); err != nil {
		d.add("%s: %v", n.Value, wanted(u, err))
	}
}

// wanted says what would be right of values whose parser, in the standard
// library, says what it stumbled over.
func wanted(u encoding.TextUnmarshaler, err error) error {
	switch u.(type) {
	case *netip.Addr:
		return errors.New("want an address such as 192.168.9.204")
	case *netip.Prefix:
		return errors.New("want an address with a length, such as 192.168.9.193/28")
	case *netip.AddrPort:
		return errors.New("want an address and a port, such as 192.168.9.193:6443")
	}
	return err
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.add("is %s, want a mapping", kindName(n))
		return
	}
	fields := d.fieldsOf(v.Type())
	seen := make([]bool, v.NumField())
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		d.enter(step{key, -1})
		index, known := fields[key]
		switch {
		case !known:
			d.add("unknown field; known here: %s", strings.Join(names(fields), ", "))
		case seen[index]:
			d.add("given twice")
		default:
			seen[index] = true
			d.value(n.Content[i+1], v.Field(index))
		}
		d.leave()
	}
}

func (d *decoder) sequence(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.add("is %s, want a list", kindName(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.enter(step{index: i})
		if item.Kind == yaml.ScalarNode && (item.Tag == "!!null" || item.Value == "") {
			d.add("is empty; want a value, or no item")
		} else {
			d.value(item, v.Index(i))
		}
		d.leave()
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.add("is %s, want a single value", kindName(n))
		return
	}
	if err := setScalar(v, n.Value); err != nil {
		d.add("%q %v", n.Value, err)
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

// fieldsOf are the places of a struct's fields by their names in documents.
func (d *decoder) fieldsOf(t reflect.Type) map[string]int {
	if fields, ok := d.fields[t]; ok {
		return fields
	}
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			fields[name] = i
		}
	}
	d.fields[t] = fields
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
