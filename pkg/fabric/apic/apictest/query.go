// SPDX-License-Identifier: Apache-2.0

package apictest

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var equals = regexp.MustCompile(`^eq\((\w+)\.(\w+),"([^"]*)"\)$`)

// A query is what a GET asks for.
type query struct {
	dns    []string // what it starts from, with all that it reaches
	values url.Values
}

// known are the options that a query may have.
func (q query) known() *refusal {
	for name, values := range q.values {
		if !slices.Contains([]string{"query-target", "target-subtree-class", "query-target-filter", "order-by", "page", "page-size"}, name) {
			return refused(codeBody, "unknown query option %s", name)
		}
		if len(values) != 1 {
			return refused(codeBody, "the query option %s twice", name)
		}
	}
	return nil
}

// ofClass are the objects of one class in the whole fabric.
func (s *store) ofClass(class string, values url.Values) ([]string, *refusal) {
	if _, ok := s.table[class]; !ok {
		return nil, refused(codeUnknownQuery, "Unknown class %s", class)
	}
	return s.filter(query{s.only(s.below("uni"), class), values})
}

// at are the objects at a distinguished name, with those below it when asked.
func (s *store) at(dn string, values url.Values) ([]string, *refusal) {
	var found []string
	switch target := values.Get("query-target"); target {
	case "", "self":
		if _, ok := s.objects[dn]; ok {
			found = []string{dn}
		}
	case "subtree":
		found = s.below(dn)
	case "children":
		found = slices.DeleteFunc(s.below(dn), func(name string) bool {
			above, _ := split(name)
			return above != dn
		})
	default:
		return nil, refused(codeBody, "unknown query-target %s", target)
	}
	if class := values.Get("target-subtree-class"); class != "" {
		if _, ok := s.table[class]; !ok {
			return nil, refused(codeUnknownQuery, "Unknown class %s", class)
		}
		found = s.only(found, class)
	}
	return s.filter(query{found, values})
}

func (s *store) only(dns []string, class string) []string {
	return slices.DeleteFunc(dns, func(dn string) bool { return s.objects[dn].class != class })
}

// filter takes those that the filter is for, in the order that is asked for.
func (s *store) filter(q query) ([]string, *refusal) {
	if r := q.known(); r != nil {
		return nil, r
	}
	found := q.dns
	if filter := q.values.Get("query-target-filter"); filter != "" {
		m := equals.FindStringSubmatch(filter)
		if m == nil {
			return nil, refused(codeDN, "the filter %s is none", filter)
		}
		found = slices.DeleteFunc(found, func(dn string) bool {
			o := s.objects[dn]
			return o.class != m[1] || o.attributes[m[2]] != m[3]
		})
	}
	if order := q.values.Get("order-by"); order != "" {
		class, attribute, _ := strings.Cut(order, ".")
		if _, ok := s.table[class]; !ok || attribute != "dn" {
			return nil, refused(codeDN, "the order %s is of no class's dn", order)
		}
	}
	return found, nil
}

// page is one page of what was found. An APIC refuses to answer at once with
// more than it can.
func page(found []string, values url.Values, most int) ([]string, *refusal) {
	if !values.Has("page-size") {
		if len(found) > most {
			return nil, refused("1", "Unable to process the query, result dataset is too big")
		}
		return found, nil
	}
	size, err := strconv.Atoi(values.Get("page-size"))
	if err != nil || size < 1 || size > most {
		return nil, refused(codeDN, "page-size %s is not from 1 to %d", values.Get("page-size"), most)
	}
	number, err := strconv.Atoi(fmt.Sprint("0", values.Get("page")))
	if err != nil {
		return nil, refused(codeDN, "page %s is no number", values.Get("page"))
	}
	from := min(number*size, len(found))
	return found[from:min(from+size, len(found))], nil
}
