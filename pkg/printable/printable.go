// SPDX-License-Identifier: Apache-2.0

// Package printable keeps what came over a network from steering the terminal
// that shows it. Host names, messages and reasons are their senders' words: an
// escape sequence in one could clear the screen, retitle the window or, with
// an override of the direction of writing, say the opposite of what it says.
package printable

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Line is text as one line: what is no printable character (strconv.IsPrint;
// controls, ESC, C1, line ends and tabs, marks of direction, bytes that are no
// UTF-8) is written as its number, \u001b.
func Line(text string) string {
	return escape(text, func(rune) bool { return false })
}

// escape writes what is neither printable nor let through as \uXXXX, in the
// form of JSON (RFC 8259 section 7), so that a document stays one.
func escape(text string, through func(rune) bool) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == utf8.RuneError: // or a byte that is none
			b.WriteRune(utf8.RuneError)
		case strconv.IsPrint(r) || through(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// A Writer passes text on with line ends and tabs as they are, and everything
// else as Line has it.
type Writer struct {
	to   io.Writer
	part []byte // of a character whose end is yet to come
}

// NewWriter is a Writer to the given one.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

// Write passes text on in one piece.
func (w *Writer) Write(text []byte) (int, error) {
	whole := append(w.part, text...)
	cut := len(whole)
	for back := 1; back < utf8.UTFMax && back <= len(whole); back++ {
		if at := len(whole) - back; utf8.RuneStart(whole[at]) {
			if !utf8.FullRune(whole[at:]) {
				cut = at
			}
			break
		}
	}
	w.part = append([]byte(nil), whole[cut:]...)
	layout := func(r rune) bool { return r == '\n' || r == '\t' }
	if _, err := io.WriteString(w.to, escape(string(whole[:cut]), layout)); err != nil {
		return 0, err
	}
	return len(text), nil
}
