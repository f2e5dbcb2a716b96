// SPDX-License-Identifier: Apache-2.0

package imported

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	type read struct {
		Name, Value string
		Line        int
		Error       string
	}
	tests := []struct {
		name, text string
		want       []read
	}{
		{"plain", "A=1\n\n# a comment\n  B=two # and one\nC=\n", []read{{"A", "1", 1, ""}, {"B", "two", 4, ""}, {"C", "", 5, ""}}},
		{"quotes", `A="a b"c'd $e "f'` + "\nB='' # x", []read{{"A", `a bcd $e "f`, 1, ""}, {"B", "", 2, ""}}},
		{"escapes", `A=a\ b\"` + "\n" + `B="\"\$\x\\"`, []read{{"A", `a b"`, 1, ""}, {"B", `"$\x\`, 2, ""}}},
		{"over lines", "A=\"one\ntwo\"\nB=a\\\nb\nC=3", []read{{"A", "one\ntwo", 1, ""}, {"B", "ab", 3, ""}, {"C", "3", 5, ""}}},
		{"many in a line", "export A=1; B=2\tC=a#b\r\n", []read{{"A", "1", 1, ""}, {"B", "2", 1, ""}, {"C", "a#b", 1, ""}}},
		{"no assignment", "A=1\nmodprobe bonding\nB=2", []read{{"A", "1", 1, ""}, {"", "", 2, "is no assignment such as MTU=9000"}, {"B", "2", 3, ""}}},
		{"expansion", "A=$B\nC=`x`\nD=\"$e\"\nE=1", []read{
			{"A", "", 1, "A: needs a shell to expand it; write out what it stands for"},
			{"C", "", 2, "C: needs a shell to expand it; write out what it stands for"},
			{"D", "", 3, "D: needs a shell to expand it; write out what it stands for"},
			{"E", "1", 4, ""},
		}},
		{"no end", "A='x", []read{{"A", "", 1, "A: has a ' without its end"}}},
		{"no end either", `A="x`, []read{{"A", "", 1, `A: has a " without its end`}}},
		{"nothing to escape", `A=\`, []read{{"A", "", 1, `A: has a \ at its end`}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []read
			w := words{text: tt.text, line: 1}
			for {
				v, ok, err := w.next()
				if !ok {
					break
				}
				r := read{v.name, v.value, v.line, ""}
				if err != nil {
					r.Error = err.Error()
				}
				got = append(got, r)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
