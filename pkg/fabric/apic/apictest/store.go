// SPDX-License-Identifier: Apache-2.0

package apictest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// userID is that of whoever logs in: the one that real APICs give their admin.
// What an APIC makes by itself has 0.
const userID = "15374"

// A stored object is one at a distinguished name.
type stored struct {
	class      string
	attributes map[string]string
}

// A refusal is an answer that is an error.
type refusal struct {
	status int
	code   string
	text   string
}

func (r *refusal) Error() string { return r.code + " " + r.text }

// refused is a refusal of what was asked.
func refused(code, format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// The codes of refusals. Those from "invalid" on are only this package's own.
const (
	codeUnknownQuery = "12"  // of a query's class
	codeNotFound     = "102" // of an object to modify, or of a parent
	codeExists       = "103"
	codeDN           = "107" // a name, or an object that cannot be deleted
	codeUnknownClass = "122"
	codeAttribute    = "invalid-attribute"
	codeValue        = "801"
	codeTarget       = "dangling-target"
	codeRule         = "validation"
	codeBody         = "invalid-body"
)

// A store is the objects, and what each had before the transaction that is
// under way.
type store struct {
	table   map[string]class
	rules   map[string]objectRule
	asn     int   // of the fabric, 0 for any
	nodes   []int // of the leaves, for topology
	objects map[string]*stored
	before  map[string]*stored // nil for what was not there
}

func newStore(o Options) *store {
	s := &store{table: table(), rules: objectRules(), asn: o.ASN, nodes: o.Leaves, objects: map[string]*stored{}}
	s.begin()
	for dn, class := range map[string]string{
		"uni": "polUni", "uni/infra": "infraInfra", "uni/infra/funcprof": "infraFuncP",
		"uni/fabric": "fabricInst", "uni/fabric/protpol": "fabricProtPol",
	} {
		s.set(dn, &stored{class, map[string]string{}})
	}
	s.make("uni/tn-common", s.table["fvTenant"], map[string]string{"name": "common"}, "0")
	for _, pair := range o.Pairs {
		dn := fmt.Sprintf("uni/fabric/protpol/expgep-VPC_%d_%d", pair[0], pair[1])
		s.set(dn, &stored{"fabricExplicitGEp", map[string]string{"id": fmt.Sprint(pair[0])}})
		for _, node := range pair {
			s.set(fmt.Sprintf("%s/nodepep-%d", dn, node), &stored{"fabricNodePEp", map[string]string{"id": fmt.Sprint(node)}})
		}
	}
	return s
}

func (s *store) begin() { s.before = map[string]*stored{} }

func (s *store) rollback() {
	for dn, old := range s.before {
		if old == nil {
			delete(s.objects, dn)
		} else {
			s.objects[dn] = old
		}
	}
}

// set puts an object in place, or takes it away when it is nil.
func (s *store) set(dn string, o *stored) {
	if _, touched := s.before[dn]; !touched {
		s.before[dn] = s.objects[dn]
	}
	if o == nil {
		delete(s.objects, dn)
	} else {
		s.objects[dn] = o
	}
}

// make puts a new object in place, and with it those that the APIC makes.
func (s *store) make(dn string, c class, attributes map[string]string, uid string) {
	all := map[string]string{"annotation": "", "descr": "", "uid": uid}
	maps.Copy(all, c.defaults)
	maps.Copy(all, attributes)
	s.set(dn, &stored{c.name, all})
	for _, made := range c.makes {
		child := s.table[made]
		empty := map[string]string{}
		for name := range child.attributes {
			if strings.HasPrefix(name, "tn") {
				empty[name] = ""
			}
		}
		s.make(dn+"/"+child.rn, child, empty, "0")
	}
}

// remove takes away an object with all below it.
func (s *store) remove(dn string) *refusal {
	o, ok := s.objects[dn]
	if !ok {
		return nil // an APIC answers that with success
	}
	c := s.table[o.class]
	if c.permanent || slices.ContainsFunc(system(), func(c class) bool { return c.name == o.class }) {
		return refused(codeDN, "%s (%s) cannot be deleted", dn, o.class)
	}
	for _, below := range s.below(dn) {
		s.set(below, nil)
	}
	return nil
}

// below are the names of an object and of all below it, in order.
func (s *store) below(dn string) []string {
	var all []string
	for name := range s.objects {
		if name == dn || strings.HasPrefix(name, dn+"/") {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// dump is a line for each object, with its attributes in order.
func (s *store) dump() string {
	var b strings.Builder
	for _, dn := range slices.Sorted(maps.Keys(s.objects)) {
		o := s.objects[dn]
		fmt.Fprintf(&b, "%s %s", o.class, dn)
		for _, name := range slices.Sorted(maps.Keys(o.attributes)) {
			fmt.Fprintf(&b, " %s=%q", name, o.attributes[name])
		}
		b.WriteString("\n")
	}
	return b.String()
}

// answer are the attributes of an object as an APIC shows them.
func (s *store) answer(dn string) map[string]string {
	o := s.objects[dn]
	c := s.table[o.class]
	shown := map[string]string{"dn": dn, "status": "", "childAction": "", "lcOwn": "local"}
	for name, v := range o.attributes {
		kind := c.attributes[name]
		switch {
		case kind.secret:
		case kind.answer != nil:
			shown[name] = kind.answer(v)
		default:
			shown[name] = v
		}
	}
	return shown
}

// split cuts a distinguished name before its last part. Slashes within brackets
// belong to that.
func split(dn string) (above, rn string) {
	depth := 0
	for i := len(dn) - 1; i >= 0; i-- {
		switch dn[i] {
		case ']':
			depth++
		case '[':
			depth--
		case '/':
			if depth == 0 {
				return dn[:i], dn[i+1:]
			}
		}
	}
	return "", dn
}
