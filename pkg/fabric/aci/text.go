// SPDX-License-Identifier: Apache-2.0

package aci

import "fmt"

// checkText refuses a tree with text that an emitter cannot write as it is: it
// would put something in its place, and the object would be another.
func checkText(root *Object, valid func(string) bool) error {
	var err error
	root.each(func(o *Object) {
		if err == nil && !hasText(o, valid) {
			err = fmt.Errorf("writing the object %q of class %q: its text is no normalized UTF-8", o.RN, o.Class)
		}
	})
	return err
}

func hasText(o *Object, valid func(string) bool) bool {
	for name, value := range o.Attributes {
		if !valid(name) || !valid(value) {
			return false
		}
	}
	return valid(o.Class) && valid(o.RN)
}

// isPlain says whether a string is printable ASCII without a character that has
// a meaning inside the quotes of JSON or HCL, so that it can stand there as it
// is.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c > '~', c == '"', c == '\\', c == '$', c == '%':
			return false
		}
	}
	return true
}
