// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// A ConflictError says why nothing was pushed: objects of somebody else's are
// not as the plan has them.
type ConflictError struct{ Conflicts []Conflict }

// Error names each object with what is theirs and what would be ours.
func (e *ConflictError) Error() string {
	said := make([]string, len(e.Conflicts))
	for i, c := range e.Conflicts {
		said[i] = c.String()
	}
	return "nothing was changed, for others have made what the plan wants otherwise; make the plan agree with it, or have its owner change it:\n  " +
		strings.Join(said, "\n  ")
}

// Push makes the changes that Diff has found, and tells of each as it is made.
// The first refusal ends it; what was made stays, and another Diff and Push go
// on from there.
//
// The order: first goes what holds something that a fabric takes once only,
// then comes what is new, the used before its users, then changes what is
// different, and last goes the rest, so that nothing is without a policy for
// longer than it must.
func (c *Client) Push(ctx context.Context, changes Changes, tell func(string)) error {
	if len(changes.Conflicts) > 0 {
		return &ConflictError{changes.Conflicts}
	}
	if err := c.delete(ctx, changes.Delete, true, tell); err != nil {
		return err
	}
	for _, u := range units(changes.Create) {
		tell(fmt.Sprintf("+ %s (%d objects)", u.root.DN, u.size()))
		if err := c.post(ctx, u.root.DN, u.body()); err != nil {
			return err
		}
	}
	for _, m := range changes.Change {
		tell("~ " + m.DN)
		if err := c.post(ctx, m.DN, m.body()); err != nil {
			return err
		}
	}
	return c.delete(ctx, changes.Delete, false, tell)
}

// A post is what a POST carries: the object's class is the only key.
type post map[string]body

type body struct {
	Attributes map[string]string `json:"attributes"`
	Children   []post            `json:"children,omitempty"`
}

// post sends one transaction: the APIC takes all of it or nothing.
func (c *Client) post(ctx context.Context, dn string, p post) error {
	_, err := c.ask(ctx, request{method: http.MethodPost, path: moPath(dn), body: p, dn: dn})
	return err
}

// body changes what is different and nothing else; "modified" has the APIC
// refuse it when the object is gone meanwhile.
func (m Modification) body() post {
	attributes := map[string]string{"dn": m.DN, "status": "modified"}
	for _, a := range m.Attributes {
		attributes[a.Name] = a.To
	}
	return post{m.Class: {Attributes: attributes}}
}

// delete makes the deletions of one kind.
func (c *Client) delete(ctx context.Context, deletions []Deletion, exclusive bool, tell func(string)) error {
	for _, d := range deletions {
		if d.exclusive != exclusive {
			continue
		}
		tell("- " + d.DN)
		_, err := c.ask(ctx, request{method: http.MethodDelete, path: moPath(d.DN), dn: d.DN})
		if undeletable(err) && relation(d.Class) {
			err = c.post(ctx, d.DN, d.empty())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// empty takes the targets out of a relation that goes with its parent only: an
// interface policy group always has one to each kind of policy.
func (d Deletion) empty() post {
	attributes := map[string]string{"dn": d.DN, "status": "modified"}
	for _, name := range d.object.targets() {
		attributes[name] = ""
	}
	return post{d.Class: {Attributes: attributes}}
}
