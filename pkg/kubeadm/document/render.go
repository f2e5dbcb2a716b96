// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Placeholders returns what stands in a rendered join document for what joinsvc
// makes when a node joins. kubeadm refuses both by their form, so that nobody
// joins with them by mistake (bootstraptoken/v1, pubkeypin).
func Placeholders() Discovery {
	return Discovery{Token: "<minted-when-the-node-joins>", CACertHash: "<hash-of-the-cluster-CA>"}
}

// Render returns the documents that joinsvc hands out to the plan's nodes, or to
// the one that is named, in short or in full; "" names all. They are for
// reading: a join's token is a placeholder.
func Render(p plan.Plan, node string) ([]byte, error) {
	hosts := p.HostPlans()
	if node != "" {
		h, err := p.HostPlan(node)
		if err != nil {
			return nil, err
		}
		hosts = []plan.HostPlan{h}
	}
	var text bytes.Buffer
	for i, h := range hosts {
		if i > 0 {
			text.WriteString("---\n")
		}
		if err := render(&text, p, h); err != nil {
			return nil, fmt.Errorf("rendering the documents of %s: %w", h.Name, err)
		}
	}
	return text.Bytes(), nil
}

func render(text *bytes.Buffer, p plan.Plan, h plan.HostPlan) error {
	if h.Role == plan.ControlPlane {
		return renderInit(text, p, h)
	}
	docs, err := Join(p, h, Placeholders())
	comment(text, h.Name+": kubeadm join\n"+
		"The token and the hash of the cluster's CA are placeholders, which kubeadm\n"+
		"refuses. joinsvc mints a token for this node alone when it joins.")
	text.WriteString(docs)
	return err
}

func renderInit(text *bytes.Buffer, p plan.Plan, h plan.HostPlan) error {
	docs, err := Init(p, h)
	patches, errPatches := Patches(p)
	if err := errors.Join(err, errPatches); err != nil {
		return err
	}
	comment(text, h.Name+": kubeadm init")
	for _, name := range slices.Sorted(maps.Keys(patches)) {
		comment(text, "\nwith the patch "+joinapi.PatchesDir+"/"+name+":")
		for line := range bytes.Lines([]byte(patches[name])) {
			comment(text, "  "+string(bytes.TrimRight(line, "\n")))
		}
	}
	text.WriteString(docs)
	return nil
}

// comment writes lines of YAML comment.
func comment(text *bytes.Buffer, lines string) {
	for line := range bytes.Lines([]byte(lines + "\n")) {
		text.WriteString("#")
		if len(line) > 1 {
			text.WriteString(" ")
		}
		text.Write(line)
	}
}
