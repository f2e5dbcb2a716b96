// SPDX-License-Identifier: Apache-2.0

// Package kickstart writes what a host's kickstart file needs for nodeprep. The
// one source is nodeprep.ks.tmpl; packaging/kickstart/nodeprep.ks, which the
// package ships, is what it makes of a plan that names no hosts.
package kickstart

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"text/template"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

//go:embed nodeprep.ks.tmpl
var source string

// plain is what the shell, a URL and dnf's "id,URL" take as it stands.
var plain = regexp.MustCompile(`^[A-Za-z0-9/._+-]*$`)

// fields are what the template takes from a plan.
type fields struct {
	Node   string   // the one that is named, in short
	Host   *host    // of that node
	Nodes  []string // all, where none is named
	Legs   string
	Folder string
}

type host struct{ Name, What string }

// Render returns the sections for all hosts of a plan, or with the name of the
// one node, in short or in full, that they are for; "" names none. Where the
// plan has no hardware address of a host, that one needs a file of its own: it
// is known by its name then. The enrolment line's token is a placeholder, which
// nodeprep refuses.
func Render(p plan.Plan, node string) ([]byte, error) {
	f, err := fieldsOf(p, node)
	if err != nil {
		return nil, err
	}
	t, err := template.New("nodeprep.ks").Parse(source)
	if err != nil {
		return nil, fmt.Errorf("reading the kickstart template: %w", err)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, f); err != nil {
		return nil, fmt.Errorf("rendering the kickstart sections: %w", err)
	}
	return text.Bytes(), nil
}

func fieldsOf(p plan.Plan, node string) (fields, error) {
	f := fields{Legs: strings.Join(p.Spec.Bond.Legs, " and "), Folder: strings.TrimRight(p.Spec.Packages.Folder, "/")}
	if !plain.MatchString(f.Folder) {
		return fields{}, fmt.Errorf("spec.packages.folder: %q has characters that a kickstart line would need quoted; want letters, digits and / . _ + -", f.Folder)
	}
	for _, n := range p.Spec.Nodes {
		fqdn := p.FQDN(n)
		switch node {
		case "":
			f.Nodes = append(f.Nodes, listed(n))
		case n.Name, fqdn:
			f.Node, f.Host = n.Name, &host{Name: fqdn, What: describe(n)}
			return f, nil
		}
	}
	if node != "" {
		return fields{}, p.NoNode(node)
	}
	return f, nil
}

// listed is a node among others.
func listed(n plan.Node) string {
	if len(n.MACs) == 0 {
		return describe(n) + ": known by its name alone, it needs a file of its own (--node)"
	}
	return describe(n)
}

func describe(n plan.Node) string {
	words := []string{n.Name, string(n.Role), n.Address.String()}
	if n.Rack != "" {
		words = append(words, "rack "+n.Rack)
	}
	for _, mac := range n.MACs {
		words = append(words, string(mac))
	}
	return strings.Join(words, ", ")
}
