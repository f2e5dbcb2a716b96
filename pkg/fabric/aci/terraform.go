// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/text/unicode/norm"
)

// identifier is the part of HCL's identifiers that attributes' names are of.
var identifier = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]*$`)

// terraformHeader names the provider. Since 2.13 its aci_rest_managed takes the
// annotation beside the content, and no longer in it.
const terraformHeader = `terraform {
  required_providers {
    aci = {
      source  = "CiscoDevNet/aci"
      version = ">= 2.13.0"
    }
  }
}
`

// Terraform is a tree as a configuration for Cisco's provider: a resource
// aci_rest_managed for each object that has an owner. Each names its parent's
// dn, so that Terraform makes parents first and removes them last, and a
// renamed parent takes its children along.
//
// It is written as `terraform fmt` would have it. The error names an object
// with text that Terraform would not keep: it normalizes all text to NFC.
func Terraform(root *Object) ([]byte, error) {
	normal := func(s string) bool { return isPlain(s) || utf8.ValidString(s) && norm.NFC.IsNormalString(s) }
	if err := checkText(root, normal); err != nil {
		return nil, err
	}
	w := hclWriter{buf: make([]byte, 0, hclSize(root))}
	w.add(terraformHeader)
	w.object(root, root.RN, escape(root.RN))
	return w.buf, nil
}

// hclSize is about the length of a tree's configuration; see jsonSize.
func hclSize(root *Object) int {
	const resource, line = 210, 14
	size := len(terraformHeader)
	root.each(func(o *Object) {
		size += len(o.Class) + 2*len(o.RN) + resource
		for name, value := range o.Attributes {
			size += len(name) + len(value) + line
		}
	})
	return size
}

// A hclWriter writes text: hclwrite keeps a tree of tokens, which for a hundred
// thousand resources takes gigabytes. What is between quotes is hclwrite's.
type hclWriter struct{ buf []byte }

func (w *hclWriter) add(parts ...string) {
	for _, part := range parts {
		w.buf = append(w.buf, part...)
	}
}

// object writes the objects from o down. The text of its dn, between quotes, is
// a reference to the parent's and its own RN.
func (w *hclWriter) object(o *Object, dn, text string) {
	if o.Owned() {
		name := resourceName(dn, o.RN)
		w.resource(o, name, text)
		text = "${aci_rest_managed." + name + ".dn}"
	}
	for _, child := range o.Children {
		w.object(child, dn+"/"+child.RN, text+"/"+escape(child.RN))
	}
}

func (w *hclWriter) resource(o *Object, name, dn string) {
	w.add("\nresource \"aci_rest_managed\" \"", name, "\" {\n")
	w.add("  dn         = \"", dn, "\"\n")
	w.add("  class_name = \"", escape(o.Class), "\"\n")
	w.add("  annotation = \"", escape(o.Attributes["annotation"]), "\"\n")
	w.content(o)
	w.add("}\n")
}

// content writes the attributes but the annotation, in the order of their names
// and with the equal signs in one column.
func (w *hclWriter) content(o *Object) {
	width := 0
	names := make([]string, 0, len(o.Attributes))
	for name := range o.Attributes {
		if name != "annotation" {
			names = append(names, name)
			width = max(width, len(key(name)))
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	w.add("  content = {\n")
	for _, name := range names {
		k := key(name)
		w.add("    ", k, strings.Repeat(" ", width-len(k)), " = \"", escape(o.Attributes[name]), "\"\n")
	}
	w.add("  }\n")
}

// key is a name as a key of an object: in quotes where it is no word, or where
// it would begin an expression.
func key(name string) string {
	if identifier.MatchString(name) && name != "for" {
		return name
	}
	return `"` + escape(name) + `"`
}

// escape is a text as it stands between quotes, where ${ and %{ would begin a
// template.
func escape(s string) string {
	if isPlain(s) {
		return s
	}
	quoted := hclwrite.TokensForValue(cty.StringVal(s)).Bytes()
	return string(quoted[1 : len(quoted)-1])
}

// resourceName is the name of the resource of an object: its RN, for people, and
// a hash of its DN, so that no two objects have one name. It stays as long as
// the DN does.
func resourceName(dn, rn string) string {
	words := strings.FieldsFunc(rn, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	sum := sha256.Sum256([]byte(dn))
	name := strings.Join(append(words, hex.EncodeToString(sum[:8])), "_")
	if name[0] <= '9' {
		return "_" + name // a name begins with a letter or an underscore
	}
	return name
}
