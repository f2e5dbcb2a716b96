// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A Schema is one JSON Schema (draft 2020-12) of the few keywords that a plan
// needs. Nothing is referred to: each schema stands where it applies, so that
// readers, editors and Incompatible see one tree.
type Schema struct {
	Dialect     string `json:"$schema,omitempty"`
	ID          string `json:"$id,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`

	Type    string   `json:"type"`
	Const   string   `json:"const,omitempty"`
	Enum    []string `json:"enum,omitempty"`
	Pattern string   `json:"pattern,omitempty"`
	Minimum *int64   `json:"minimum,omitempty"`
	Maximum *int64   `json:"maximum,omitempty"`
	Default any      `json:"default,omitempty"`

	MinItems int     `json:"minItems,omitempty"`
	Items    *Schema `json:"items,omitempty"`

	Properties Properties `json:"properties,omitempty"`
	Required   []string   `json:"required,omitempty"`
	// AdditionalProperties is false in every object: the decoder is strict.
	AdditionalProperties *bool `json:"additionalProperties,omitempty"`

	origin string // name of the Go type of an object
	about  string // its comment
	kind   string // what people call such a value: "IPv4 prefix"
}

// Properties are an object's, in the order of the document.
type Properties []Property

// A Property is one field of an object.
type Property struct {
	Name   string
	Schema *Schema
}

// Of is the schema of a field; nil says that there is none of that name.
func (p Properties) Of(name string) *Schema {
	for _, property := range p {
		if property.Name == name {
			return property.Schema
		}
	}
	return nil
}

// MarshalJSON writes an object whose keys are in order.
func (p Properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, property := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:", property.Name)
		value, err := plainJSON(property.Schema)
		if err != nil {
			return nil, err
		}
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads an object; the order of its keys is that of the alphabet.
func (p *Properties) UnmarshalJSON(data []byte) error {
	var fields map[string]*Schema
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	for name, schema := range fields {
		*p = append(*p, Property{name, schema})
	}
	slices.SortFunc(*p, func(a, b Property) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// Text is the schema as a file.
func (s *Schema) Text() ([]byte, error) {
	data, err := plainJSON(s)
	if err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return b.Bytes(), nil
}

// plainJSON leaves < and > in descriptions as they are.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}
