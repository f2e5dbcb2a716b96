// SPDX-License-Identifier: Apache-2.0

package joinhttp

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
)

// decode reads one JSON value of at most limit bytes without unknown fields.
func decode[T any](r *http.Request, limit int64) (T, error) {
	var value T
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return value, joinapi.Errorf(joinapi.CodeTooLarge, "the request's body is larger than %d bytes", large.Limit)
	case err != nil:
		return value, joinapi.Errorf(joinapi.CodeInvalid, "the request's body: %v", err)
	}
	err = unmarshal(body, "", "the request's body", &value)
	return value, err
}

// unmarshal decodes all of text, which the request has at path. What is wrong
// with it is told all at once, each at its place.
func unmarshal(text []byte, path, name string, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			return joinapi.Errorf(joinapi.CodeInvalid, "%s: something follows its one value", name)
		}
		return nil
	}
	var f faults
	if json.Valid(text) {
		f.look(path, reflect.TypeOf(into).Elem(), text)
	}
	if len(f.problems) == 0 {
		return joinapi.Errorf(joinapi.CodeInvalid, "%s: %v", name, err)
	}
	return joinapi.Invalid(f.problems...)
}

// An answer names maxProblems, and of a name that the request invents maxName
// bytes: it is written to the log, too.
const (
	maxProblems = 16
	maxName     = 64
)

// faults are the places at which a JSON value is not of a type. encoding/json
// stops at the first, and names a wrong text (encoding.TextUnmarshaler) without
// its place.
type faults struct{ problems []joinapi.FieldProblem }

func (f *faults) add(path, format string, args ...any) {
	if len(f.problems) < maxProblems {
		f.problems = append(f.problems, joinapi.FieldProblem{Path: path, Detail: fmt.Sprintf(format, args...)})
	}
}

func (f *faults) look(path string, t reflect.Type, text json.RawMessage) {
	switch {
	case readsItself(t):
		f.leaf(path, t, text)
	case t.Kind() == reflect.Struct:
		f.object(path, t, text)
	case t.Kind() == reflect.Slice:
		var items []json.RawMessage
		if json.Unmarshal(text, &items) != nil {
			f.leaf(path, t, text)
		}
		for i, item := range items {
			f.look(fmt.Sprintf("%s[%d]", path, i), t.Elem(), item)
		}
	default:
		f.leaf(path, t, text)
	}
}

func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func (f *faults) object(path string, t reflect.Type, text json.RawMessage) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		f.leaf(path, t, text)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		at := strings.TrimPrefix(path+"."+shortened(name, maxName), ".")
		if field, ok := fieldOf(t, name); ok {
			f.look(at, field, members[name])
		} else {
			f.add(at, "there is no such field")
		}
	}
}

// fieldOf finds a field as encoding/json does, which takes upper case for lower.
func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if strings.EqualFold(tag, name) {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

func (f *faults) leaf(path string, t reflect.Type, text json.RawMessage) {
	err := json.Unmarshal(text, reflect.New(t).Interface())
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		f.add(path, "it is a JSON %s, want %s", kind.Value, kindOf(t))
	case err != nil:
		f.add(path, "%s", shortened(err.Error(), 2*maxName))
	}
}

// kindOf is a type in JSON's words.
func kindOf(t reflect.Type) string {
	switch {
	case readsItself(t), t.Kind() == reflect.String:
		return "string"
	case t.Kind() == reflect.Struct:
		return "object"
	case t.Kind() == reflect.Slice:
		return "array"
	case t.Kind() == reflect.Bool:
		return "true or false"
	default:
		return "whole number in its range"
	}
}

// shortened leaves at most n bytes of what a sender chose.
func shortened(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
