// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// JSON is a tree as one can POST it, whole, to /api/mo/uni.json: indented, the
// attributes in the order of their names, the children as the tree has them.
// The error names an object with text that JSON cannot hold.
func JSON(root *Object) ([]byte, error) {
	if err := checkText(root, utf8.ValidString); err != nil {
		return nil, err
	}
	w := jsonWriter{buf: make([]byte, 0, jsonSize(root))}
	w.object(root, true)
	return append(w.buf, '\n'), nil
}

// jsonSize is about the length of a tree's JSON: growing a buffer step by step
// to tens of megabytes would take several times as much memory.
func jsonSize(root *Object) int {
	const line, indent = 8, 40 // punctuation, and blanks at a usual depth
	size := 0
	root.each(func(o *Object) {
		size += len(o.Class) + len(o.RN) + 6*(line+indent)
		for name, value := range o.Attributes {
			size += len(name) + len(value) + line + indent
		}
	})
	return size
}

// A jsonWriter writes what json.MarshalIndent would of nested maps, but for the
// order of the children. For a hundred thousand objects the maps and their
// second copy would be most of the time and of the memory.
type jsonWriter struct {
	buf   []byte
	depth int
}

func (w *jsonWriter) object(o *Object, root bool) {
	w.open('{')
	w.member(o.Class, true)
	w.open('{')
	w.member("attributes", true)
	w.attributes(o, root)
	if len(o.Children) > 0 {
		w.member("children", false)
		w.open('[')
		for i, child := range o.Children {
			w.item(i == 0)
			w.object(child, false)
		}
		w.close(']')
	}
	w.close('}')
	w.close('}')
}

// attributes writes an object's attributes and, but for the root, which the
// address of the request names, its RN.
func (w *jsonWriter) attributes(o *Object, root bool) {
	names := make([]string, 0, len(o.Attributes)+1)
	for name := range o.Attributes {
		names = append(names, name)
	}
	if !root {
		names = append(names, "rn")
	}
	if len(names) == 0 {
		w.buf = append(w.buf, "{}"...)
		return
	}
	slices.Sort(names)
	w.open('{')
	for i, name := range names {
		value := o.Attributes[name]
		if name == "rn" {
			value = o.RN
		}
		w.member(name, i == 0)
		w.text(value)
	}
	w.close('}')
}

func (w *jsonWriter) open(bracket byte) {
	w.buf = append(w.buf, bracket)
	w.depth++
}

func (w *jsonWriter) close(bracket byte) {
	w.depth--
	w.newline()
	w.buf = append(w.buf, bracket)
}

func (w *jsonWriter) item(first bool) {
	if !first {
		w.buf = append(w.buf, ',')
	}
	w.newline()
}

func (w *jsonWriter) member(name string, first bool) {
	w.item(first)
	w.text(name)
	w.buf = append(w.buf, ": "...)
}

func (w *jsonWriter) newline() {
	w.buf = append(w.buf, '\n')
	for range w.depth {
		w.buf = append(w.buf, "  "...)
	}
}

// text writes a string. Most need no escaping, and no copy.
func (w *jsonWriter) text(s string) {
	if isPlain(s) {
		w.buf = append(append(append(w.buf, '"'), s...), '"')
		return
	}
	quoted, _ := json.Marshal(s) // a string is always possible
	w.buf = append(w.buf, quoted...)
}
