// SPDX-License-Identifier: Apache-2.0

package apictest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// A posted object is what a POST carries: the class is the only key.
type posted map[string]struct {
	Attributes map[string]string `json:"attributes"`
	Children   []posted          `json:"children"`
}

// post takes all of a body or nothing.
func (s *store) post(dn string, body []byte) *refusal {
	var p posted
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return refused(codeBody, "invalid request body: %v", err)
	}
	above, rn := split(dn)
	return s.transaction(func() *refusal { return s.put(above, rn, p) })
}

// delete is a transaction as well.
func (s *store) delete(dn string) *refusal {
	return s.transaction(func() *refusal { return s.remove(dn) })
}

func (s *store) transaction(do func() *refusal) *refusal {
	s.begin()
	r := do()
	if r == nil {
		r = s.check()
	}
	if r != nil {
		s.rollback()
	}
	return r
}

// put makes or changes one object, and then those below it. The name is known
// for the outermost only; the others say it, or have it made of attributes.
func (s *store) put(above, rn string, p posted) *refusal {
	if len(p) != 1 {
		return refused(codeBody, "an object of %d classes", len(p))
	}
	for class, body := range p {
		c, known := s.table[class]
		if !known {
			return refused(codeUnknownClass, "unknown managed object class %s", class)
		}
		dn, attributes, r := s.identify(above, rn, c, body.Attributes)
		if r == nil {
			r = s.place(above, dn, c)
		}
		if r == nil {
			r = s.write(dn, c, attributes, body.Attributes["status"])
		}
		if r != nil {
			return r
		}
		for _, child := range body.Children {
			if r := s.put(dn, "", child); r != nil {
				return r
			}
		}
	}
	return nil
}

// identify finds an object's distinguished name, and wants every spelling of it
// to agree: that of the request, dn, rn and the naming attributes.
func (s *store) identify(above, rn string, c class, given map[string]string) (string, map[string]string, *refusal) {
	attributes := maps.Clone(given)
	if attributes == nil {
		attributes = map[string]string{}
	}
	saidRN, saidDN := attributes["rn"], attributes["dn"]
	for _, name := range []string{"rn", "dn", "status"} {
		delete(attributes, name)
	}
	if rn == "" {
		rn = saidRN
	}
	if rn == "" {
		rn = c.nameOf(attributes)
	}
	named, ok := c.parse(rn)
	if !ok {
		return "", nil, refused(codeDN, "%s is no name of class %s, which is %s", rn, c.name, c.rn)
	}
	for name, value := range named {
		if said, ok := attributes[name]; ok && said != value {
			return "", nil, refused(codeDN, "the name %s does not agree with %s=%s", rn, name, said)
		}
		attributes[name] = value
	}
	dn := rn
	if above != "" {
		dn = above + "/" + rn
	}
	if saidRN != "" && saidRN != rn || saidDN != "" && saidDN != dn {
		return "", nil, refused(codeDN, "%s does not agree with dn=%s rn=%s", dn, saidDN, saidRN)
	}
	return dn, attributes, nil
}

// place wants the object above to be there, and of a class that has such below.
func (s *store) place(above, dn string, c class) *refusal {
	if above == "" && c.name == "polUni" {
		return nil
	}
	parent, ok := s.objects[above]
	if !ok {
		return refused(codeNotFound, "configured object ((Dn0)) not found Dn0=%s, ", above)
	}
	if !slices.Contains(c.in, parent.class) {
		return refused(codeDN, "%s: class %s is not found below %s", dn, c.name, parent.class)
	}
	return nil
}

// write makes or changes one object.
func (s *store) write(dn string, c class, attributes map[string]string, status string) *refusal {
	old, exists := s.objects[dn]
	switch {
	case !slices.Contains([]string{"", "created", "modified", "created,modified", "deleted"}, status):
		return refused(codeValue, "unknown property value %s, name status, class %s", status, c.name)
	case status == "deleted":
		return s.remove(dn)
	case status == "created" && exists:
		return refused(codeExists, "Cannot create %s (%s); object %s already exists.", c.name, c.name, dn)
	case status == "modified" && !exists:
		return refused(codeNotFound, "configured object ((Dn0)) not found Dn0=%s, ", dn)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		kind, known := c.attributes[name]
		if !known {
			return refused(codeAttribute, "unknown attribute %s of class %s", name, c.name)
		}
		if !kind.valid(attributes[name]) {
			return refused(codeValue, "property %s of %s failed validation for value '%s'", name, dn, attributes[name])
		}
	}
	if len(attributes) == 0 && exists {
		return nil // named as the parent of others
	}
	if !exists {
		s.make(dn, c, attributes, userID)
		return nil
	}
	merged := maps.Clone(old.attributes)
	maps.Copy(merged, attributes)
	merged["uid"] = userID
	s.set(dn, &stored{old.class, merged})
	return nil
}
