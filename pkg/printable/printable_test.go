// SPDX-License-Identifier: Apache-2.0

package printable_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/printable"
)

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"bond0 runs on one leg: eno2":       "bond0 runs on one leg: eno2",
		"Größe 漢字 ✓ …":                      "Größe 漢字 ✓ …",
		`C:\x "quoted"`:                     `C:\x "quoted"`,
		"\x1b[2J\x1b]0;owned\a":             `\u001b[2J\u001b]0;owned\u0007`,
		"a\nb\tc\rd\x00\x7f":                `a\u000ab\u0009c\u000dd\u0000\u007f`,
		"\u009b31m":                         `\u009b31m`, // C1, which xterm takes for ESC [
		"to \u202emoor\u202c \u2066x\u2069": `to \u202emoor\u202c \u2066x\u2069`,
		"zero\u200bwidth\ufeff":             `zero\u200bwidth\ufeff`,
		"line\u2028separator":               `line\u2028separator`,
		"tag \U000e0041":                    `tag \udb40\udc41`,
		"\uffff \U000e0001":                 `\uffff \udb40\udc01`,
		"\x9b31m\xff":                       "\ufffd31m\ufffd",
	} {
		if got := printable.Line(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestWriterKeepsTheLayout(t *testing.T) {
	var out bytes.Buffer
	if _, err := fmt.Fprint(printable.NewWriter(&out), "NAME\tREASON\nk8c1s1\tred \x1b[31m\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "NAME\tREASON\nk8c1s1\tred \\u001b[31m\\u000d\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// However a text is cut, what is written is the same.
func TestWriterPutsCharactersTogether(t *testing.T) {
	const text = "漢 \u009b \u202e ✓ \U0001f600 \U000e0041 é"
	want := printable.Line(text)
	for size := 1; size < 9; size++ {
		var out bytes.Buffer
		w := printable.NewWriter(&out)
		for rest := []byte(text); len(rest) > 0; {
			n := min(size, len(rest))
			if got, err := w.Write(rest[:n]); err != nil || got != n {
				t.Fatalf("wrote %d, %v", got, err)
			}
			rest = rest[n:]
		}
		if out.String() != want {
			t.Errorf("by %d: %q, want %q", size, out.String(), want)
		}
	}
}

// full is a disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWriterTellsOfADiskThatIsFull(t *testing.T) {
	if n, err := printable.NewWriter(full{}).Write([]byte("text")); err == nil || n != 0 {
		t.Errorf("wrote %d, %v", n, err)
	}
}

// JSON stays JSON, and says the same.
func TestWriterKeepsJSON(t *testing.T) {
	said := map[string]string{"message": "\x1b[31m \u009b \u202e \U000e0041 \u2028 漢"}
	var out bytes.Buffer
	if err := json.NewEncoder(printable.NewWriter(&out)).Encode(said); err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{"\x1b", "\u009b", "\u202e", "\U000e0041"} {
		if bytes.Contains(out.Bytes(), []byte(raw)) {
			t.Errorf("%q is raw in %q", raw, out.String())
		}
	}
	var got map[string]string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got["message"] != said["message"] {
		t.Errorf("came back as %q, %v", got, err)
	}
}
