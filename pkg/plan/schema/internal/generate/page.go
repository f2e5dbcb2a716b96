// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"bytes"
	_ "embed" // the page's own words
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

//go:embed page.md.tmpl
var pageText string

// Page is the reference of the plan in Markdown, with two example plans.
func Page(s *Schema, minimal, racks []byte) ([]byte, error) {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("reading the page's template: %w", err)
	}
	p := page{written: map[string]string{}}
	p.section("", s)
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"Minimal": shown(minimal), "Racks": shown(racks),
		"Version": plan.APIVersion, "Kinds": kinds(), "Sections": p.sections,
	})
	if err != nil {
		return nil, fmt.Errorf("writing the page: %w", err)
	}
	return b.Bytes(), nil
}

// shown is an example without the line for editors, whose path is not the page's.
func shown(example []byte) string {
	text := string(example)
	if first, rest, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "# yaml-language-server:") {
		text = rest
	}
	return strings.TrimSpace(text)
}

// A section is one object of the document.
type section struct {
	Path  string
	About string
	Rows  []row
}

// A row is one field.
type row struct{ Name, Kind, Default, Description string }

type page struct {
	sections []*section
	written  map[string]string // by Go type, the path of its section
}

// section adds that of an object and those of the objects in it, in the order of
// the document. A type that stands in two places has one section.
func (p *page) section(path string, s *Schema) {
	if _, ok := p.written[s.origin]; ok {
		return
	}
	p.written[s.origin] = path
	sec := &section{Path: path, About: s.about}
	p.sections = append(p.sections, sec)
	for _, property := range s.Properties {
		at, inner := join(path, property.Name), property.Schema
		for ; inner.Items != nil; inner = inner.Items {
			at += "[]"
		}
		if inner.Type == "object" {
			p.section(at, inner)
		}
		sec.Rows = append(sec.Rows, p.row(s, property))
	}
}

func (p *page) row(parent *Schema, property Property) row {
	r := row{Name: property.Name, Kind: p.kind(property.Schema), Description: property.Schema.Description}
	if rest, ok := strings.CutPrefix(r.Description, property.Name+" "); ok {
		r.Description = "`" + property.Name + "` " + rest
	}
	r.Description = strings.ReplaceAll(r.Description, "|", `\|`)
	switch {
	case slices.Contains(parent.Required, property.Name):
		r.Default = "**required**"
	case property.Schema.Default != nil:
		r.Default = fmt.Sprintf("`%v`", property.Schema.Default)
	}
	return r
}

func (p *page) kind(s *Schema) string {
	switch {
	case s.Items != nil && s.Items.Type == "object":
		return "list of " + p.link(s.Items)
	case s.Items != nil:
		return "list: " + p.kind(s.Items)
	case s.Type == "object":
		return p.link(s)
	case listed(s) != nil:
		return "`" + strings.Join(listed(s), "`, `") + "`"
	case s.Type == "integer":
		return interval(s)
	}
	return s.kind
}

func (p *page) link(s *Schema) string {
	path := p.written[s.origin]
	return fmt.Sprintf("[%s](#%s)", path, anchor(path))
}

// anchor is what GitHub makes of a heading.
func anchor(path string) string {
	return strings.ToLower(strings.NewReplacer(".", "", "[", "", "]", "").Replace(path))
}

// interval leaves out the ends that only come from the size of an integer.
func interval(s *Schema) string {
	whole := s.Minimum != nil && *s.Minimum == 0 && s.Maximum != nil && (*s.Maximum == math.MaxUint32 || *s.Maximum == math.MaxUint16)
	switch {
	case whole || s.Minimum == nil:
		return "number"
	case s.Maximum == nil:
		return fmt.Sprintf("number from %d", *s.Minimum)
	}
	return fmt.Sprintf("number, %d–%d", *s.Minimum, *s.Maximum)
}

// kinds are the formats whose looks have to be shown.
func kinds() []format {
	var out []format
	for _, t := range []reflect.Type{
		reflect.TypeFor[netip.Prefix](), reflect.TypeFor[plan.AddrRange](), reflect.TypeFor[plan.ASNRange](),
		reflect.TypeFor[plan.Pattern](), reflect.TypeFor[plan.Port](), reflect.TypeFor[plan.MAC](), reflect.TypeFor[time.Duration](),
	} {
		f, _ := formatOf(t)
		out = append(out, f)
	}
	return out
}
