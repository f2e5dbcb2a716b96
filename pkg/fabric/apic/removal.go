// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// removal says how objects of ours go. An APIC deletes what is below an object
// with it, so the outermost are enough, and none of them may have anything of
// somebody else's below it.
func (c *Client) removal(ctx context.Context, surplus map[string]object) ([]Deletion, []Kept, error) {
	held := map[string]string{} // by the name of ours, the name of theirs
	for _, dn := range outermost(surplus, held) {
		below, err := c.subtree(ctx, dn)
		if err != nil {
			return nil, nil, fmt.Errorf("looking for what others have below %s: %w", dn, err)
		}
		for _, o := range below {
			if c.foreign(o) {
				hold(held, surplus, o.dn)
			}
		}
	}
	deletions := outermost(surplus, held)
	fate := make([]Deletion, len(deletions))
	lets := exclusives(surplus, deletions)
	for i, dn := range deletions {
		fate[i] = Deletion{dn, surplus[dn].class, surplus[dn], lets[dn]}
	}
	kept := []Kept{}
	for _, dn := range slices.Sorted(maps.Keys(held)) {
		kept = append(kept, Kept{dn, surplus[dn].class, held[dn]})
	}
	return fate, kept, nil
}

// hold marks all of ours that an object of theirs is below.
func hold(held map[string]string, surplus map[string]object, theirs string) {
	for above := range ancestors(theirs) {
		if _, ours := surplus[above]; ours && held[above] == "" {
			held[above] = theirs
		}
	}
}

// outermost are the objects that are neither held nor below one that goes.
func outermost(surplus map[string]object, held map[string]string) []string {
	goes := func(dn string) bool {
		_, ours := surplus[dn]
		return ours && held[dn] == ""
	}
	var all []string
	for _, dn := range slices.Sorted(maps.Keys(surplus)) {
		if goes(dn) && !slices.ContainsFunc(slices.Collect(ancestors(dn)), goes) {
			all = append(all, dn)
		}
	}
	return all
}

// exclusives are the deletions that let go of what the fabric takes once only.
func exclusives(surplus map[string]object, deletions []string) map[string]bool {
	lets := map[string]bool{}
	for _, dn := range deletions {
		lets[dn] = exclusive(surplus[dn].class)
	}
	for dn, o := range surplus {
		for above := range ancestors(dn) {
			if _, deleted := lets[above]; deleted && exclusive(o.class) {
				lets[above] = true
			}
		}
	}
	return lets
}
