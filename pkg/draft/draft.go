// SPDX-License-Identifier: Apache-2.0

// Package draft writes plans for people: as YAML in the order of the plan's
// fields, with comments that say what a field is for or where its value comes
// from, and with a mark where somebody has still to fill in one.
package draft

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A Draft is a plan in the making: what is known of it, and what is to be said
// beside it. It is written as it stands; Parse fills in defaults and judges.
type Draft struct {
	Plan  plan.Plan
	Title []string // lines of comment before the document
	notes map[string]note
	asked map[string]bool // fields that are written without a value, and what holds them
}

// A note belongs to one field.
type note struct {
	above  []string // lines of comment before the field
	beside string   // a comment on the field's line
	todo   bool     // the field is written although it has no value
}

// Above has a comment written before the field at path, such as
// "spec.nodeNetwork" or "spec.nodes[2].address". A field that is not written
// has no comments either.
func (d *Draft) Above(path string, lines ...string) {
	d.edit(path, func(n *note) { n.above = append(n.above, lines...) })
}

// Beside has a comment written on the line of the field at path.
func (d *Draft) Beside(path, comment string) {
	d.edit(path, func(n *note) { n.beside = comment })
}

// Todo has the field at path written without a value, with what it wants.
func (d *Draft) Todo(path, want string) {
	d.edit(path, func(n *note) { n.beside, n.todo = "TODO "+want, true })
	if d.asked == nil {
		d.asked = map[string]bool{}
	}
	d.asked[path] = true
	for end := len(path) - 1; end > 0; end-- {
		if path[end] == '.' || path[end] == '[' {
			d.asked[path[:end]] = true
		}
	}
}

func (d *Draft) edit(path string, change func(*note)) {
	if d.notes == nil {
		d.notes = map[string]note{}
	}
	n := d.notes[path]
	change(&n)
	d.notes[path] = n
}

// YAML is the document.
func (d Draft) YAML() (string, error) {
	root, err := d.tree()
	if err != nil {
		return "", err
	}
	doc := &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{root}, HeadComment: comment(d.Title)}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return "", fmt.Errorf("writing the plan: %w", err)
	}
	return tidy(b.String()), nil
}

// tidy takes off the blanks that the encoder indents empty lines with.
func tidy(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// Values is a plan as maps, lists and scalars with the names and forms that the
// document has: what a program reads, and Parse takes.
func Values(p plan.Plan) (map[string]any, error) {
	root, err := Draft{Plan: p}.tree()
	if err != nil {
		return nil, err
	}
	values, _ := plain(root).(map[string]any)
	return values, nil
}

// comment makes comment lines of text, whatever bytes a file name in it has.
// The empty string at the beginning stands for an empty line before it.
func comment(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		if line != "" {
			b.WriteString("# " + Printable(line))
		}
	}
	return b.String()
}

// Printable is text in which no byte moves a cursor, ends a line or is no
// character: a question mark stands in their places. What was read from
// somebody's files is printed so.
func Printable(text string) string { return strings.Map(printable, strings.ToValidUTF8(text, "?")) }

func printable(r rune) rune {
	if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == '\ufffd' {
		return '?'
	}
	return r
}
