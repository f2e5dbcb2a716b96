// SPDX-License-Identifier: Apache-2.0

package schema_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// What the schema refuses, plan.Parse refuses too: an editor never complains of
// a plan that joinsvc would take.
func TestTheSchemaRefusesNothingThatParseTakes(t *testing.T) {
	v := newValidator(t)
	for _, file := range frozen(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, uint64(len(text))))
			refused := 0
			const rounds = 500
			for range rounds {
				mutant := mutated(t, text, r)
				wrong := v.validate(mutant)
				if wrong == nil {
					continue
				}
				refused++
				if _, report := plan.Parse(mutant); report.Err() == nil {
					t.Fatalf("plan.Parse takes what the schema refuses, %v:\n%s", wrong, mutant)
				}
			}
			if refused < rounds/4 || refused > rounds*95/100 {
				t.Errorf("the schema refuses %d of %d mutants: that proves little", refused, rounds)
			}
		})
	}
}

// mutated changes a plan in one place, every third in two.
func mutated(t *testing.T, text []byte, r *rand.Rand) []byte {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for range 1 + r.IntN(3)/2 {
		places := nodesOf(doc.Content[0])
		mutate(places[r.IntN(len(places))], places, r)
	}
	out, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func nodesOf(n *yaml.Node) []*yaml.Node {
	out := []*yaml.Node{n}
	for _, child := range n.Content {
		out = append(out, nodesOf(child)...)
	}
	return out
}

// mutate drops or repeats a part of n, gives it a part of another place, or
// makes it a word.
func mutate(n *yaml.Node, places []*yaml.Node, r *rand.Rand) {
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2 // a key and its value
	}
	at := 0
	if len(n.Content) > 0 {
		at = r.IntN(len(n.Content)/step) * step
	}
	switch choice := r.IntN(6); {
	case choice == 0 && len(n.Content) > 0:
		n.Content = slices.Delete(n.Content, at, at+step)
	case choice == 1 && len(n.Content) > 0:
		n.Content[at+step-1] = copyOf(places[r.IntN(len(places))])
	case choice == 2 && n.Kind == yaml.SequenceNode:
		n.Content = append(n.Content, word(r))
	case choice == 3 && n.Kind == yaml.MappingNode:
		n.Content = append(n.Content, word(r), word(r))
	default:
		*n = *word(r)
	}
}

func copyOf(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = nil
	for _, child := range n.Content {
		c.Content = append(c.Content, copyOf(child))
	}
	return &c
}

// word is a text that somebody might write somewhere.
func word(r *rand.Rand) *yaml.Node {
	words := []string{
		"", "~", "0", "1", "2", "9", "26", "64", "101", "1280", "4094", "4095", "9216", "9217", "65535", "65536", "2147483648", "4294967295", "4294967296",
		"-1", "+1", "1.5", "1e3", "0x10", "007", "true", "false", "yes", "a", "A", "a.b", "a b", "-a", "a_b", "eno1", "sixteen-letters-", "é",
		"0s", "1s", "300ms", "1h", "-1s", "+1s", "1m30s", ".5s", "1.s", "2400us", "1 s",
		"10.0.0.1", "10.0.0.01", "10.0.0.256", "0.0.0.0", "::1", "2001:db8::1", "fe80::1%eth0", "::ffff:10.0.0.1",
		"10.0.0.0/8", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/08", "2001:db8::/32", "10.0.0.1:6443", "10.0.0.1:0", "10.0.0.1:06443", "[::1]:6443",
		"10.0.0.1-10.0.0.9", "10.0.0.9-10.0.0.1", "1-2", "2-1", "01-2", "n{1..3}", "n{3..1}", "{1..2}{1..2}", "n{a..b}",
		"leaf201:1/3", "leaf201:1/0", "leaf201:101/1/3", ":1/1", "1/48", "1/048", "00:00:5e:00:53:01", "00-00-5E-00-53-01", "0000.5e00.5301", "00:00:5e-00:53:01",
		"1.37.2", "1.37", "v1.37.2", "1.037.2", "0.16.1", "/srv", "srv", "node", "cluster", "v1", "docker", "worker", "802.3ad",
		"leave", "leaf201", "name", "subnet", "colour",
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: words[r.IntN(len(words))]}
}
