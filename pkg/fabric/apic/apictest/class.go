// SPDX-License-Identifier: Apache-2.0

package apictest

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A class is what is known of one class of managed objects.
type class struct {
	name       string
	in         []string // the classes that it is found below
	rn         string   // how its name comes of its attributes: "tn-{name}"
	attributes map[string]value
	// target is the class that a relation leads to, by tDn or by name; several
	// are alternatives.
	target []string
	// permanent says that the object is made and deleted with its parent only.
	permanent bool
	// defaults are what the APIC puts where nothing was said.
	defaults map[string]string
	// makes are the classes of objects that the APIC makes along with it.
	makes []string
}

// attrs is a short name for many literals.
type attrs = map[string]value

// common are the attributes that all configurable classes have.
func common() attrs {
	return attrs{
		"annotation": matching(annotation, 128),
		"descr":      matching(text, 128),
		"nameAlias":  {valid: func(s string) bool { return len(s) <= 63 }},
		"ownerKey":   matching(text, 128),
		"ownerTag":   matching(text, 64),
		"userdom":    matching(annotation, 1024),
	}
}

// table is all classes by name.
func table() map[string]class {
	all := map[string]class{}
	for _, c := range system() {
		all[c.name] = c
	}
	for _, c := range slices.Concat(access(), tenant(), policies(), l3out(), interfaces()) {
		known := common()
		maps.Copy(known, c.attributes)
		c.attributes = known
		all[c.name] = c
	}
	return all
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// naming are the attributes that a class's objects are named by.
func (c class) naming() []string {
	var all []string
	for _, m := range placeholder.FindAllStringSubmatch(c.rn, -1) {
		all = append(all, m[1])
	}
	return all
}

// nameOf is the name that attributes make.
func (c class) nameOf(attributes map[string]string) string {
	return placeholder.ReplaceAllStringFunc(c.rn, func(p string) string { return attributes[p[1:len(p)-1]] })
}

// parse are the attributes that a name is made of; false says that the name is
// none of the class.
func (c class) parse(rn string) (map[string]string, bool) {
	pattern := "^"
	rest := c.rn
	for _, m := range placeholder.FindAllString(c.rn, -1) {
		before, after, _ := strings.Cut(rest, m)
		pattern += regexp.QuoteMeta(before) + "(.+)"
		rest = after
	}
	m := regexp.MustCompile(pattern + regexp.QuoteMeta(rest) + "$").FindStringSubmatch(rn)
	if m == nil {
		return nil, false
	}
	attributes := map[string]string{}
	for i, name := range c.naming() {
		attributes[name] = m[i+1]
	}
	return attributes, true
}
