// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Board shows on a terminal how far a run is: a line for each stage, redrawn,
// and one below them for what is being waited for. Where there is no terminal
// it prints what is said and nothing else: who has no terminal reads a log, in
// which every event has its line.
type Board struct {
	mu     sync.Mutex
	w      io.Writer
	width  func() int // in columns; 0: no terminal
	rows   []row
	note   string
	height int // lines on the terminal that the next drawing replaces
}

type row struct{ name, text string }

// NewBoard shows on a file, with the stages in order.
func NewBoard(f *os.File) *Board { return &Board{w: f, width: func() int { return columns(f) }} }

// columns is a terminal's width, 0 for what is none (ioctl_tty(2), TIOCGWINSZ).
func columns(f *os.File) int {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	switch {
	case err != nil:
		return 0
	case size.Col == 0:
		return 80 // a terminal that does not say, as under some programs
	}
	return int(size.Col)
}

// Terminal tells whether lines are redrawn.
func (b *Board) Terminal() bool { return b.width() > 0 }

// Stage sets the line of a stage, which is added when it is new.
func (b *Board) Stage(name, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.rows {
		if b.rows[i].name == name {
			if b.rows[i].text != text {
				b.rows[i].text = text
				b.draw()
			}
			return
		}
	}
	b.rows = append(b.rows, row{name, text})
	b.draw()
}

// Note sets the line below the stages.
func (b *Board) Note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.note != text {
		b.note = text
		b.draw()
	}
}

// Say prints a line that stays, above the stages.
func (b *Board) Say(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.erase()
	fmt.Fprintln(b.w, text)
	b.draw()
}

// Close leaves the stages as they are, without the note; what is printed next
// stands below.
func (b *Board) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note = ""
	b.draw()
	b.rows, b.height = nil, 0
}

func (b *Board) line(r row) string { return fmt.Sprintf("  %-16s %s", r.name, r.text) }

// draw shows everything anew.
func (b *Board) draw() {
	width := b.width()
	if width == 0 {
		return
	}
	b.erase()
	lines := make([]string, 0, len(b.rows)+1)
	for _, r := range b.rows {
		lines = append(lines, b.line(r))
	}
	if b.note != "" {
		lines = append(lines, "  "+b.note)
	}
	for _, l := range lines {
		fmt.Fprintln(b.w, clip(l, width-1)) // a line that wraps would be two to erase
	}
	b.height = len(lines)
}

// erase goes up over what was drawn and clears from there (ECMA-48, CUU and ED).
func (b *Board) erase() {
	if b.height > 0 {
		fmt.Fprintf(b.w, "\x1b[%dA\r\x1b[J", b.height)
		b.height = 0
	}
}

// clip cuts a line to so many characters, and to what moves no cursor: notes are
// what hosts said.
func clip(line string, width int) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, line)
	runes := []rune(clean)
	if len(runes) > width {
		return string(runes[:max(0, width-1)]) + "…"
	}
	return clean
}
