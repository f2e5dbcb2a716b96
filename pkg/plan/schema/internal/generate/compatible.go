// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Incompatible lists what keeps a plan that was written for the published schema
// from meaning the same under the next one, each with its path: a field that is
// gone or now required, a value that is refused now, another default.
func Incompatible(published, next []byte) ([]string, error) {
	var old, now Schema
	if err := json.Unmarshal(published, &old); err != nil {
		return nil, fmt.Errorf("reading the published schema: %w", err)
	}
	if err := json.Unmarshal(next, &now); err != nil {
		return nil, fmt.Errorf("reading the next schema: %w", err)
	}
	var c comparison
	c.schema("", &old, &now)
	return c.found, nil
}

type comparison struct{ found []string }

func (c *comparison) add(path, format string, args ...any) {
	c.found = append(c.found, path+": "+fmt.Sprintf(format, args...))
}

func (c *comparison) schema(path string, old, now *Schema) {
	if old.Type != now.Type {
		c.add(path, "was of type %s, is of type %s", old.Type, now.Type)
		return
	}
	c.values(path, old, now)
	c.limits(path, old, now)
	if !reflect.DeepEqual(old.Default, now.Default) {
		c.add(path, "had the default %v, has %v", old.Default, now.Default)
	}
	if old.Items != nil {
		c.schema(path+"[]", old.Items, now.Items)
	}
	c.fields(path, old, now)
}

// values are those that are listed, or that a pattern describes.
func (c *comparison) values(path string, old, now *Schema) {
	before, after := listed(old), listed(now)
	switch {
	case after == nil:
	case before == nil:
		c.add(path, "took any value, takes %s", strings.Join(after, ", "))
	default:
		for _, value := range before {
			if !slices.Contains(after, value) {
				c.add(path, "takes no %s any more", value)
			}
		}
	}
	// Whether one pattern takes all that another does cannot be told; that an
	// alternative was added can.
	if now.Pattern != "" && now.Pattern != old.Pattern && (old.Pattern == "" || !strings.HasPrefix(now.Pattern, old.Pattern+"|")) {
		c.add(path, "had the pattern %s, has %s, which is not the old one with |alternatives", old.Pattern, now.Pattern)
	}
}

// listed are the values that a schema takes, nil for any.
func listed(s *Schema) []string {
	if s.Const != "" {
		return []string{s.Const}
	}
	return s.Enum
}

func (c *comparison) limits(path string, old, now *Schema) {
	if now.Minimum != nil && (old.Minimum == nil || *now.Minimum > *old.Minimum) {
		c.add(path, "takes nothing below %d any more", *now.Minimum)
	}
	if now.Maximum != nil && (old.Maximum == nil || *now.Maximum < *old.Maximum) {
		c.add(path, "takes nothing above %d any more", *now.Maximum)
	}
	if now.MinItems > old.MinItems {
		c.add(path, "wants at least %d items", now.MinItems)
	}
}

func (c *comparison) fields(path string, old, now *Schema) {
	for _, property := range old.Properties {
		at := join(path, property.Name)
		if field := now.Properties.Of(property.Name); field != nil {
			c.schema(at, property.Schema, field)
			continue
		}
		c.add(at, "is gone")
	}
	for _, name := range now.Required {
		if !slices.Contains(old.Required, name) {
			c.add(join(path, name), "is required now")
		}
	}
}
