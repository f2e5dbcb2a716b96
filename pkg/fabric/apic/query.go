// SPDX-License-Identifier: Apache-2.0

package apic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// maxObjects bounds what one query may find. Five thousand hosts have some ten
// thousand objects of their most frequent class.
const maxObjects = 500_000

// errUnstable says that the pages of one answer do not fit together.
var errUnstable = errors.New("objects came or went while they were read; ask again")

// owned are the objects of a class, wherever in the fabric, that carry our
// annotation.
func (c *Client) owned(ctx context.Context, class string) ([]object, error) {
	return c.query(ctx, "/api/class/"+class+".json", url.Values{
		"query-target-filter": {fmt.Sprintf("eq(%s.annotation,%q)", class, c.owner)},
		"order-by":            {class + ".dn"},
	})
}

// ofClass are the objects of a class at and below a distinguished name.
func (c *Client) ofClass(ctx context.Context, dn, class string) ([]object, error) {
	return c.query(ctx, moPath(dn), url.Values{
		"query-target":         {"subtree"},
		"target-subtree-class": {class},
		"order-by":             {class + ".dn"},
	})
}

// subtree is everything at and below a distinguished name, of any class and so
// in no promised order.
func (c *Client) subtree(ctx context.Context, dn string) ([]object, error) {
	return c.query(ctx, moPath(dn), url.Values{"query-target": {"subtree"}})
}

// query reads all pages of an answer. An APIC refuses to answer in one page
// what has too many objects. A page's objects are counted from the query's
// order at its own time, so that an object which comes or goes in between
// shifts the others: some would be read twice and as many never. Then the
// whole answer is refused, for what is missed might be taken for absent.
func (c *Client) query(ctx context.Context, path string, q url.Values) ([]object, error) {
	var all []object
	seen := map[string]bool{}
	q.Set("page-size", strconv.Itoa(c.pageSize))
	for page, total := 0, 0; page == 0 || len(all) < total; page++ {
		q.Set("page", strconv.Itoa(page))
		a, err := c.ask(ctx, request{method: http.MethodGet, path: path, query: q})
		if err != nil {
			return nil, err
		}
		found, n, err := a.page()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if page == 0 {
			total = n
		}
		all = append(all, found...)
		if n != total || len(all) > total || len(found) == 0 && len(all) < total || !distinct(seen, found) {
			return nil, fmt.Errorf("%s: %w", path, errUnstable)
		}
	}
	return all, nil
}

// page is what one page holds, and how many objects all pages together have.
func (a answer) page() ([]object, int, error) {
	total, err := a.total()
	if err != nil {
		return nil, 0, err
	}
	if total > maxObjects {
		return nil, 0, fmt.Errorf("the APIC has found %d objects, want at most %d", total, maxObjects)
	}
	found, err := a.objects()
	return found, total, err
}

// distinct adds objects to those seen, and says whether all were new.
func distinct(seen map[string]bool, found []object) bool {
	for _, o := range found {
		if seen[o.dn] {
			return false
		}
		seen[o.dn] = true
	}
	return true
}
