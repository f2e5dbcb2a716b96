// SPDX-License-Identifier: Apache-2.0

package imported

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var assignment = regexp.MustCompile(`^(export\s+)?[A-Za-z_][A-Za-z0-9_]*=`)

// A variable is one assignment of a file that the shell would source.
type variable struct {
	name, value string
	line        int
}

// words reads the assignments of such a file as sh does (POSIX XCU 2.2
// Quoting), and nothing else of its language: what would need a shell to run is
// an error of its line.
type words struct {
	text string
	line int
}

// next returns the next assignment; false says that there is none any more.
// After an error it goes on with the next line.
func (w *words) next() (v variable, ok bool, err error) {
	if !w.skip() {
		return variable{}, false, nil
	}
	v.line = w.line
	head := assignment.FindString(w.text)
	if head == "" {
		return v, true, w.fail(errors.New("is no assignment such as MTU=9000"))
	}
	v.name = strings.TrimSpace(strings.TrimPrefix(strings.TrimSuffix(head, "="), "export"))
	w.take(len(head))
	if v.value, err = w.word(); err != nil {
		return v, true, w.fail(fmt.Errorf("%s: %w", v.name, err))
	}
	return v, true, nil
}

// skip leaves blanks, empty lines and comments behind; false is the end.
func (w *words) skip() bool {
	for w.text != "" {
		switch w.text[0] {
		case ' ', '\t', '\r', '\n', ';':
			w.take(1)
		case '#':
			w.restOfLine()
		default:
			return true
		}
	}
	return false
}

func (w *words) restOfLine() {
	end := strings.IndexByte(w.text, '\n')
	if end < 0 {
		end = len(w.text)
	}
	w.take(end)
}

func (w *words) fail(err error) error {
	w.restOfLine()
	return err
}

// take removes n bytes from the beginning, and counts their lines.
func (w *words) take(n int) string {
	taken := w.text[:n]
	w.line += strings.Count(taken, "\n")
	w.text = w.text[n:]
	return taken
}

// word reads a value up to the blank, line end or semicolon that ends it.
func (w *words) word() (string, error) {
	var b strings.Builder
	for w.text != "" && !strings.ContainsRune(" \t\r\n;", rune(w.text[0])) {
		part, err := w.part()
		if err != nil {
			return "", err
		}
		b.WriteString(part)
	}
	return b.String(), nil
}

var errExpansion = errors.New("needs a shell to expand it; write out what it stands for")

// part reads one character, escape or quotation of a word.
func (w *words) part() (string, error) {
	switch w.text[0] {
	case '\'':
		w.take(1)
		end := strings.IndexByte(w.text, '\'')
		if end < 0 {
			return "", errors.New("has a ' without its end")
		}
		text := w.take(end)
		w.take(1)
		return text, nil
	case '"':
		w.take(1)
		return w.doubleQuoted()
	case '\\':
		return w.escape("")
	case '$', '`', '&', '|', '(', ')', '<', '>':
		return "", errExpansion
	}
	return w.take(1), nil
}

// doubleQuoted reads up to the closing quote.
func (w *words) doubleQuoted() (string, error) {
	var b strings.Builder
	for w.text != "" {
		switch w.text[0] {
		case '"':
			w.take(1)
			return b.String(), nil
		case '$', '`':
			return "", errExpansion
		case '\\':
			text, err := w.escape("\"\\$`\n")
			if err != nil {
				return "", err
			}
			b.WriteString(text)
		default:
			b.WriteString(w.take(1))
		}
	}
	return "", errors.New(`has a " without its end`)
}

// escape reads a backslash with what follows. Inside of quotes it is one only
// before some characters; before a line's end it takes the line's end away.
func (w *words) escape(special string) (string, error) {
	w.take(1)
	if w.text == "" {
		return "", errors.New(`has a \ at its end`)
	}
	next := w.take(1)
	switch {
	case next == "\n":
		return "", nil
	case special != "" && !strings.Contains(special, next):
		return `\` + next, nil
	}
	return next, nil
}
