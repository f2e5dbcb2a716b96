// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"context"
	"maps"
	"slices"
)

// observe reads what the APIC has of ours, and of the wanted objects those that
// somebody else made.
func (c *Client) observe(ctx context.Context, w wanted) (map[string]object, error) {
	have := map[string]object{}
	for _, class := range c.toAsk(w) {
		found, err := c.owned(ctx, class)
		if unknownClass(err) && !w.has(class) {
			continue // an older release than the plan that made such objects
		}
		if err != nil {
			return nil, err
		}
		collect(have, found)
	}
	for _, dn := range w.branches() {
		if err := c.observeBranch(ctx, w, dn, have); err != nil {
			return nil, err
		}
	}
	return have, nil
}

func collect(have map[string]object, found []object) {
	for _, o := range found {
		have[o.dn] = o
	}
}

// toAsk are the classes that objects of ours can be of.
func (c *Client) toAsk(w wanted) []string {
	all := map[string]bool{}
	for _, class := range classes() {
		all[class] = true
	}
	for _, o := range w.objects {
		if o.Owned() {
			all[o.Class] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func (w wanted) has(class string) bool {
	for _, o := range w.objects {
		if o.Class == class {
			return true
		}
	}
	return false
}

// branches are the children of uni that wanted objects are below.
func (w wanted) branches() []string {
	var all []string
	for _, dn := range w.order {
		if parent(dn) == "uni" {
			all = append(all, dn)
		}
	}
	return all
}

// observeBranch looks for wanted objects that are not ours, by class: one
// question for each class of which something is missing.
func (c *Client) observeBranch(ctx context.Context, w wanted, dn string, have map[string]object) error {
	top := w.objects[dn]
	missing := w.missing(dn, have)
	if top.Owned() && missing[top.Class] {
		found, err := c.ofClass(ctx, dn, top.Class)
		if err != nil {
			return err
		}
		collect(have, found)
		delete(missing, top.Class)
		if _, exists := have[dn]; !exists {
			return nil // and so there is nothing below it
		}
	}
	for _, class := range slices.Sorted(maps.Keys(missing)) {
		found, err := c.ofClass(ctx, dn, class)
		if err != nil {
			return err
		}
		collect(have, found)
	}
	return nil
}

// missing are the classes of the wanted objects of a branch that have not been
// found.
func (w wanted) missing(of string, have map[string]object) map[string]bool {
	classes := map[string]bool{}
	for dn, o := range w.objects {
		if _, found := have[dn]; !found && o.Owned() && branch(dn) == of {
			classes[o.Class] = true
		}
	}
	return classes
}
