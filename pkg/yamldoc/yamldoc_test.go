// SPDX-License-Identifier: Apache-2.0

package yamldoc_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/yamldoc"
)

// rack has one field of every kind that a document can hold.
type rack struct {
	Name   string        `json:"name"`
	Height int           `json:"height,omitempty"`
	VLAN   uint16        `json:"vlan"`
	Serial uint64        `json:"serial"`
	Owned  bool          `json:"owned"`
	Delay  time.Duration `json:"delay"`
	DNS    []netip.Addr  `json:"dns"`
	Hosts  []host        `json:"hosts"`
	Spare  *host         `json:"spare"`
	Hidden string        `json:"-"`
	Bare   string
}

type host struct {
	Name    string       `json:"name"`
	Address netip.Prefix `json:"address"`
}

func TestDecode(t *testing.T) {
	const text = `
name: r1
height: -2
vlan: 1500
serial: 18446744073709551615
owned: true
delay: 2400ms
dns: [192.168.178.246, "2001:db8::1"]
hosts:
  - name: 42 # a name, though it looks like a number
    address: 192.168.9.193/28
  - {name: second}
spare: {name: third}
`
	var got rack
	if problems := yamldoc.Decode([]byte(text), &got); len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	want := rack{
		Name: "r1", Height: -2, VLAN: 1500, Serial: 1<<64 - 1, Owned: true, Delay: 2400 * time.Millisecond,
		DNS:   []netip.Addr{netip.MustParseAddr("192.168.178.246"), netip.MustParseAddr("2001:db8::1")},
		Hosts: []host{{"42", netip.MustParsePrefix("192.168.9.193/28")}, {Name: "second"}},
		Spare: &host{Name: "third"},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

func TestProblems(t *testing.T) {
	const known = "unknown field; known here: delay, dns, height, hosts, name, owned, serial, spare, vlan"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{"the document is empty"}},
		{"only a comment", "# nothing\n", []string{"the document is empty"}},
		{"no YAML", "name: [", []string{"yaml: line 1: did not find expected node content"}},
		{"a list at the top", "- a\n", []string{"is a list, want a mapping"}},
		{"a word at the top", "hello", []string{`is "hello", want a mapping`}},
		{"second document", "name: a\n---\nname: b\n", []string{"a second document follows; one file holds one document"}},
		{"trailing rubbish", "{name: a}\n}\n", []string{"yaml: line 1: did not find expected <document start>"}},

		{"unknown field", "nam: a", []string{"nam: " + known}},
		{"unknown field of an item", "hosts: [{nam: a}]", []string{"hosts[0].nam: unknown field; known here: address, name"}},
		{"a field without a name in documents", "Hidden: a\nBare: b\n", []string{"Hidden: " + known, "Bare: " + known}},
		{"names have one spelling", "Name: a", []string{"Name: " + known}},
		{"merge key", "<<: {name: a}", []string{"<<: " + known}},
		{"given twice", "name: a\nvlan: 1\nname: b\n", []string{"name: given twice"}},

		{"a mapping for a word", "name: {a: b}", []string{"name: is a mapping, want a single value"}},
		{"a list for a word", "name: [a]", []string{"name: is a list, want a single value"}},
		{"a word for a list", "hosts: a", []string{`hosts: is "a", want a list`}},
		{"a mapping for a list", "hosts: {name: a}", []string{"hosts: is a mapping, want a list"}},
		{"a word for a mapping", "spare: a", []string{`spare: is "a", want a mapping`}},
		{"nothing for an item", "dns: [192.0.2.1, ~, '']\nhosts:\n  -\n", []string{
			"dns[1]: is empty; want a value, or no item", "dns[2]: is empty; want a value, or no item",
			"hosts[0]: is empty; want a value, or no item",
		}},
		{"a list for an address", "dns: [[192.0.2.1]]", []string{"dns[0]: is a list, want a single value"}},

		{"alias", "name: &n a\nspare: {name: *n}\n", []string{"spare.name: aliases (*n) are not supported: write the value out"}},
		{"alias to its own parent", "hosts: &h [*h]\n", []string{"hosts[0]: aliases (*h) are not supported: write the value out"}},

		{"neither true nor false", "owned: yes", []string{`owned: "yes" is neither true nor false`}},
		{"1 is no truth", "owned: 1", []string{`owned: "1" is neither true nor false`}},
		{"above the range", "vlan: 65536", []string{`vlan: "65536" is not a whole number from 0 to 65535`}},
		{"below the range", "vlan: -1", []string{`vlan: "-1" is not a whole number from 0 to 65535`}},
		{"above 64 bits", "serial: 18446744073709551616", []string{`serial: "18446744073709551616" is not a whole number from 0 to 18446744073709551615`}},
		{"not whole", "height: 1.5", []string{`height: "1.5" is not a whole number that fits`}},
		{"a duration without its unit", "delay: 100", []string{`delay: "100" is not a duration such as 1s or 2400ms`}},
		{"an address of a spreadsheet", "dns: [192.168.9.300]", []string{`dns[0]: 192.168.9.300: want an address such as 192.168.9.204`}},

		{
			"every problem at once",
			"vlan: x\nhosts:\n  - address: 192.168.9.193\n  - nam: b\n    address: [a]\n",
			[]string{
				`vlan: "x" is not a whole number from 0 to 65535`,
				`hosts[0].address: 192.168.9.193: want an address with a length, such as 192.168.9.193/28`,
				"hosts[1].nam: unknown field; known here: address, name",
				"hosts[1].address: is a list, want a single value",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var into rack
			var got []string
			for _, p := range yamldoc.Decode([]byte(tt.text), &into) {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems of %q (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

// word is a text that takes one word.
type word string

func (w *word) UnmarshalText(text []byte) error {
	if strings.Contains(string(text), " ") {
		return errors.New("want one word")
	}
	*w = word(text)
	return nil
}

// What a value's own type says is wrong is said; what no is, and how a number is
// written, is the document's.
func TestEachType(t *testing.T) {
	type shelf struct {
		API   netip.AddrPort `json:"api"`
		Label word           `json:"label"`
		Owned bool           `json:"owned"`
		Size  int            `json:"size"`
	}
	for text, want := range map[string]string{
		"api: 192.168.9.193:6443":   "",
		"api: 192.168.9.193":        "api: 192.168.9.193: want an address and a port, such as 192.168.9.193:6443",
		"label: one":                "",
		"label: two words":          "label: two words: want one word",
		"owned: false":              "",
		"size: 010":                 "",
		"size: 0x10":                `size: "0x10" is not a whole number that fits`,
		"size: 1a":                  `size: "1a" is not a whole number that fits`,
		"size: 9223372036854775808": `size: "9223372036854775808" is not a whole number that fits`,
	} {
		got := shelf{Owned: true}
		problems := yamldoc.Decode([]byte(text), &got)
		switch {
		case want == "" && len(problems) > 0, want != "" && (len(problems) != 1 || problems[0].String() != want):
			t.Errorf("%s: %v, want %q", text, problems, want)
		case text == "owned: false" && got.Owned, text == "size: 010" && got.Size != 10:
			t.Errorf("%s is read as %+v", text, got)
		}
	}
}

func TestWhatHasAProblemStaysZero(t *testing.T) {
	var got rack
	if problems := yamldoc.Decode([]byte("name: r1\nvlan: x\ndelay: soon\nheight: ~\n"), &got); len(problems) != 2 {
		t.Errorf("problems: %v, want two", problems)
	}
	if diff := cmp.Diff(rack{Name: "r1"}, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

// Whatever the bytes, Decode returns, the same each time, and every problem
// says something.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "name: r1\nhosts: [{name: a, address: 192.168.9.193/28}]\n", "a: &a [*a]", "? [a]\n: b", "<<: *x",
		"delay: 2400ms\ndns: [::1]\nowned: true\n", "---\n---\n", "name: !!binary aGk=", "spare: ~", "%YAML 1.2\n---\nname: a",
		"name: &a b\nspare: *a\n<<: *a\n", "hosts: &h\n  - name: x\n  - *h\n", "name: >-\n  folded\n", "dns: [~, '']\n",
		strings.Repeat("- ", 200), strings.Repeat("{a: ", 200), "hosts: " + strings.Repeat("[", 200), strings.Repeat("? ", 200),
		strings.Repeat("k", 5000) + ": 1", "? " + strings.Repeat("k", 5000) + "\n: 1\n", "name: \"" + strings.Repeat("\\u0041", 500) + "\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var first, second rack
		problems := yamldoc.Decode([]byte(text), &first)
		for _, p := range problems {
			if p.Message == "" {
				t.Errorf("%q: a problem at %q without words", text, p.Path)
			}
		}
		if diff := cmp.Diff(problems, yamldoc.Decode([]byte(text), &second)); diff != "" {
			t.Errorf("%q: problems differ the second time (-first +second):\n%s", text, diff)
		}
	})
}
