// SPDX-License-Identifier: Apache-2.0

package phase

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// arrange returns the phases in an order in which each comes after all that it
// needs, and as they are listed otherwise. It names every name that is twice
// there, every need that no phase has, and each circle.
func arrange(phases []Phase) ([]Phase, error) {
	g := graph{index: map[string]int{}, phases: phases, seen: map[string]mark{}}
	for i, p := range phases {
		if _, twice := g.index[p.Name]; twice {
			g.problems = append(g.problems, fmt.Errorf("two phases are called %q", p.Name))
		}
		g.index[p.Name] = i
	}
	for _, p := range phases {
		g.visit(p.Name, nil)
	}
	if err := errors.Join(g.problems...); err != nil {
		return nil, fmt.Errorf("putting the phases in order: %w", err)
	}
	return g.ordered, nil
}

// mark is how far a phase is in the depth-first search.
type mark int

const (
	open mark = iota + 1 // what it needs is being visited
	placed
)

type graph struct {
	phases   []Phase
	index    map[string]int
	seen     map[string]mark
	ordered  []Phase
	problems []error
}

// visit places a phase behind what it needs. path is how it was come by.
func (g *graph) visit(name string, path []string) {
	switch g.seen[name] {
	case placed:
		return
	case open:
		circle := append(path[slices.Index(path, name):], name)
		g.problems = append(g.problems, fmt.Errorf("phases need one another: %s", strings.Join(circle, " needs ")))
		return
	}
	g.seen[name] = open
	p := g.phases[g.index[name]]
	for _, need := range p.Needs {
		if _, there := g.index[need]; !there {
			g.problems = append(g.problems, fmt.Errorf("phase %q needs %q, which no phase is called", name, need))
			continue
		}
		g.visit(need, append(slices.Clone(path), name))
	}
	g.seen[name] = placed
	g.ordered = append(g.ordered, p)
}
