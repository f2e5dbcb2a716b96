// SPDX-License-Identifier: Apache-2.0

// Package change tells what a changed plan does to the nodes, the leaves and
// the cluster that the plan before it described.
package change

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Severity is what a change costs those that it touches.
type Severity string

// The severities, from the cheapest. None touches no session, no host's
// network and no installation; Impossible is what a running cluster, or its
// joinsvc, refuses.
const (
	None       Severity = "none"
	Reset      Severity = "sessions reset"
	Rebuild    Severity = "host network rebuilt"
	Reinstall  Severity = "needs reinstall"
	Impossible Severity = "impossible"
)

// Worse reports whether s costs more than t.
func (s Severity) Worse(t Severity) bool { return s.rank() > t.rank() }

func (s Severity) rank() int {
	return slices.Index([]Severity{None, Reset, Rebuild, Reinstall, Impossible}, s)
}

// Scope is what a change is of.
type Scope string

// The scopes, in the order in which changes are told.
const (
	Cluster Scope = "cluster"
	Nodes   Scope = "nodes"
	Leaves  Scope = "leaves"
)

// What nodes and leaves do as a whole; anything else that a Change is of is a
// field of theirs.
const (
	Added   = "added"
	Removed = "removed"
	Renamed = "renamed"
)

// A Change is one thing that happens to the cluster, or in the same way to a
// number of nodes or leaves.
type Change struct {
	Scope       Scope    `json:"scope"`
	What        string   `json:"what"` // Added, Removed, Renamed, or a field: "bond.mtu"
	Severity    Severity `json:"severity"`
	Consequence string   `json:"consequence"`
	// Members are the nodes or leaves that it happens to; for the cluster one
	// without a name.
	Members []Member `json:"members"`
}

// A Member is one node or leaf with what its field was and becomes; one that is
// added or removed has its address there, and one that is renamed its names.
type Member struct {
	Name string `json:"name,omitempty"` // of a node without the domain, of a leaf with its rack: "r1/leaf201"
	From string `json:"from,omitempty"` // empty for nothing
	To   string `json:"to,omitempty"`
}

// Values are From and To if all members have the same.
func (c Change) Values() (from, to string, same bool) {
	for _, m := range c.Members[1:] {
		if m.From != c.Members[0].From || m.To != c.Members[0].To {
			return "", "", false
		}
	}
	return c.Members[0].From, c.Members[0].To, true
}

// Between lists what becomes of what old described when updated takes its
// place: the cluster's own changes, then its nodes', then its leaves'.
func Between(old, updated plan.Plan) []Change {
	var l list
	m := modelsOf(old, updated)
	compare(&l, Cluster, clusterRules(m), "", old, updated)
	l.nodes(nodeRules(m), nodesOf(old), nodesOf(updated))
	l.leaves(leavesOf(old), leavesOf(updated))
	return l.changes
}

// Worst is the most expensive severity of changes, None for no changes.
func Worst(changes []Change) Severity {
	worst := None
	for _, c := range changes {
		if c.Severity.Worse(worst) {
			worst = c.Severity
		}
	}
	return worst
}

// A rule says what it means that one value derived from a plan changes.
type rule[T any] struct {
	what        string
	get         func(T) any
	severity    Severity
	consequence string
	// each says that every member has a value of its own, so that changes are
	// grouped whatever the values are.
	each bool
}

// list collects changes, and members of one change under it.
type list struct {
	changes []Change
	at      map[string]int // places in changes
}

// compare applies the rules to one member.
func compare[T any](l *list, scope Scope, rules []rule[T], name string, old, updated T) {
	for _, r := range rules {
		m := Member{Name: name, From: text(r.get(old)), To: text(r.get(updated))}
		if m.From == m.To {
			continue
		}
		key := m.From + "\x00" + m.To
		if r.each {
			key = ""
		}
		l.add(key, Change{Scope: scope, What: r.what, Severity: r.severity, Consequence: r.consequence}, m)
	}
}

// add puts m under the change of the same scope, field and key.
func (l *list) add(key string, c Change, m Member) {
	if l.at == nil {
		l.at = map[string]int{}
	}
	key = string(c.Scope) + "\x00" + c.What + "\x00" + key
	i, ok := l.at[key]
	if !ok {
		i = len(l.changes)
		l.at[key] = i
		l.changes = append(l.changes, c)
	}
	l.changes[i].Members = append(l.changes[i].Members, m)
}

// text is a value as a plan has it, empty for one that is left out; a list's
// members stand in a row.
func text(value any) string {
	v := reflect.ValueOf(value)
	switch {
	case !v.IsValid() || v.IsZero() && v.Kind() != reflect.Bool:
		return ""
	case v.Kind() == reflect.Slice:
		words := make([]string, v.Len())
		for i := range words {
			words[i] = text(v.Index(i).Interface())
		}
		return strings.Join(words, ", ")
	}
	return fmt.Sprint(reflect.Indirect(v).Interface())
}
