// SPDX-License-Identifier: Apache-2.0

package leaf

import (
	"bytes"
	"fmt"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// All prints every leaf of a plan by one emitter, in the order of racks and
// leaves, each under a line that names it behind the platform's comment sign.
func All(p plan.Plan, emit func(plan.Plan, string) ([]byte, error), comment string) ([]byte, error) {
	var all bytes.Buffer
	err := each(p, func(p plan.Plan, leaf string) error {
		text, err := emit(p, leaf)
		if err != nil {
			return err
		}
		if all.Len() > 0 {
			all.WriteByte('\n')
		}
		fmt.Fprintf(&all, "%s %s\n", comment, leaf)
		all.Write(text)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all.Bytes(), nil
}

// AllSONiC is one JSON object with the tables of every leaf under its name.
func AllSONiC(p plan.Plan) ([]byte, error) {
	all := map[string]configDB{}
	err := each(p, func(p plan.Plan, leaf string) error {
		tables, err := sonic(p, leaf)
		all[leaf] = tables
		return err
	})
	if err != nil {
		return nil, err
	}
	return indented(all)
}

// each calls do for every leaf with a plan of the leaf's rack alone, so that a
// leaf does not cost a walk over the nodes of all racks.
func each(p plan.Plan, do func(plan.Plan, string) error) error {
	nodes, asns := map[string][]plan.Node{}, p.Spec.ASNs()
	for i, n := range p.Spec.Nodes {
		n.ASN = asns[i]
		nodes[n.Rack] = append(nodes[n.Rack], n)
	}
	named := len(p.Spec.Racks) > 0
	for _, rack := range p.Spec.AllRacks() {
		p.Spec.Nodes = nodes[rack.Name]
		if named {
			p.Spec.Racks = []plan.Rack{rack}
		}
		for _, l := range rack.Leaves {
			if err := do(p, l.Name); err != nil {
				return err
			}
		}
	}
	return nil
}
