// SPDX-License-Identifier: Apache-2.0

// Package generate derives the plan's JSON Schema and reference page from the
// Go types of package plan: their json tags, their comments, and the constraints
// in their schema tags.
//
// A schema tag is a list of words:
//
//	1..4094    the least and the greatest number; either may be left out
//	=802.3ad   the only text
//	nonempty   a list of at least one item
//	label      a kind of text, see formatNamed
//
// In a list, all but nonempty are about its items.
package generate

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// New is the schema of the document that package plan, whose source is in dir,
// decodes. An error says which field lacks a comment or has a tag that means
// nothing.
func New(dir string) (*Schema, error) {
	src, err := read(dir)
	if err != nil {
		return nil, err
	}
	defaults, err := defaultsOf(probes())
	if err != nil {
		return nil, err
	}
	b := builder{src, defaults}
	root, err := b.object("", reflect.TypeFor[plan.Plan]())
	if err != nil {
		return nil, err
	}
	root.Dialect = "https://json-schema.org/draft/2020-12/schema"
	root.ID = "https://" + plan.APIVersion + "/clusterplan.schema.json"
	root.Title = plan.Kind + ", " + plan.APIVersion
	root.Description = root.about
	root.Properties.Of("apiVersion").Const = plan.APIVersion
	root.Properties.Of("kind").Const = plan.Kind
	return root, nil
}

type builder struct {
	source
	defaults map[string]any // by path
}

// object is the schema of a struct. Fields that may be left out say so by
// omitempty or omitzero.
func (b builder) object(path string, t reflect.Type) (*Schema, error) {
	closed := false
	s := &Schema{Type: "object", AdditionalProperties: &closed, origin: t.Name(), about: b.comments[t.Name()]}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		property, err := b.property(join(path, name), name, t, field)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t.Name(), field.Name, err)
		}
		s.Properties = append(s.Properties, Property{name, property})
		if options == "" {
			s.Required = append(s.Required, name)
		}
	}
	return s, nil
}

func (b builder) property(path, name string, t reflect.Type, field reflect.StructField) (*Schema, error) {
	s, err := b.value(path, field.Type)
	if err != nil {
		return nil, err
	}
	if err := constrain(s, field.Tag.Get("schema")); err != nil {
		return nil, err
	}
	s.Default = b.defaults[path]
	s.Description = b.comments[t.Name()+"."+field.Name]
	if s.Description == "" {
		s.Description = innermost(s).about
	}
	if s.Description == "" {
		return nil, errors.New("has no comment, which readers of the plan's reference would see")
	}
	s.Description = renamed(s.Description, field.Name, name)
	return s, nil
}

// renamed begins a comment with the name that the document has for the field.
func renamed(comment, goName, name string) string {
	if rest, ok := strings.CutPrefix(comment, goName+" "); ok {
		return name + " " + rest
	}
	return comment
}

// innermost is what the lists of s are of in the end.
func innermost(s *Schema) *Schema {
	for s.Items != nil {
		s = s.Items
	}
	return s
}

func (b builder) value(path string, t reflect.Type) (*Schema, error) {
	if f, ok := formatOf(t); ok {
		return f.schema(), nil
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return b.enum(t)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return b.value(path, t.Elem())
	case reflect.Struct:
		return b.object(path, t)
	case reflect.Slice:
		return b.list(path, t)
	case reflect.String:
		return &Schema{Type: "string", kind: "text"}, nil
	case reflect.Bool:
		return &Schema{Type: "boolean", kind: "true or false"}, nil
	default:
		return integer(t)
	}
}

func (b builder) list(path string, t reflect.Type) (*Schema, error) {
	items, err := b.value(path+"[]", t.Elem())
	if err != nil {
		return nil, err
	}
	items.Description = items.about
	return &Schema{Type: "array", Items: items}, nil
}

// enum has the values that a type's constants name.
func (b builder) enum(t reflect.Type) (*Schema, error) {
	values := b.values[t.Name()]
	if len(values) == 0 {
		return nil, fmt.Errorf("%s is read from text, but has neither constants nor a format", t)
	}
	return &Schema{Type: "string", Enum: values, about: b.comments[t.Name()]}, nil
}

func integer(t reflect.Type) (*Schema, error) {
	s := &Schema{Type: "integer", kind: "number"}
	v := reflect.Zero(t)
	switch {
	case v.CanUint():
		greatest := int64(1)<<t.Bits() - 1
		s.Minimum, s.Maximum = new(int64(0)), &greatest
	case !v.CanInt():
		return nil, fmt.Errorf("%s has no schema", t)
	}
	return s, nil
}

// constrain narrows a schema by a field's tag.
func constrain(s *Schema, tag string) error {
	if tag == "" {
		return nil
	}
	inner := innermost(s)
	for word := range strings.SplitSeq(tag, ",") {
		switch {
		case word == "nonempty":
			s.MinItems = 1
		case strings.HasPrefix(word, "="):
			inner.Const = word[1:]
		case strings.Contains(word, ".."):
			if err := limit(inner, word); err != nil {
				return err
			}
		default:
			f, ok := formatNamed(word)
			if !ok {
				return fmt.Errorf("tag %q means nothing", word)
			}
			inner.Pattern, inner.kind = f.schema().Pattern, f.Kind
		}
	}
	return nil
}

// limit reads "1..4094" and "1..".
func limit(s *Schema, word string) error {
	least, greatest, _ := strings.Cut(word, "..")
	for _, end := range []struct {
		text  string
		limit **int64
	}{{least, &s.Minimum}, {greatest, &s.Maximum}} {
		if end.text == "" {
			continue
		}
		n, err := strconv.ParseInt(end.text, 10, 64)
		if err != nil {
			return fmt.Errorf("reading the limits %q: %w", word, err)
		}
		*end.limit = &n
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
