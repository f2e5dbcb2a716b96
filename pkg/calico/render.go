// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// head begins what Render writes. It stands within the first document: a
// document of comments alone is refused by calicoctl (v3.32, "unknown resource
// type").
const head = `Calico's side of cluster %s, for:  calicoctl apply -f -

joinsvc applies the same while it serves; this is for looking, and for clusters
without it. The nodes have to be in the cluster before, since Calico keeps its
Node in Kubernetes' own; what Calico keeps there of a tunnel that is in use,
calicoctl takes away. Nodes have what they have leased, where joinsvc told it, and
else the AS numbers that the plan prefers.

`

// Render returns the plan's side of Calico as YAML for calicoctl: what the
// reconciler applies, with Calico's Node resources in place of the annotations
// that they are kept in.
func Render(p plan.Plan) ([]byte, error) {
	r := renderer{plan: p}
	r.add(Pool(Native, p), fmt.Sprintf(head, p.Metadata.Name)+
		"The pods' range, in blocks of /%d: routed as it is, without tunnel and NAT.", p.Spec.Pods.BlockSize)
	r.add(Configuration(Native, p), "%s", configurationComment(p))
	asns := p.Spec.ASNs()
	for i, n := range p.Spec.Nodes {
		rack, ok := p.Spec.RackOf(n)
		if !ok {
			return nil, fmt.Errorf("rendering Calico's objects of %s: the plan has no rack %q", n.Name, n.Rack)
		}
		r.node(rack, Node{Name: p.FQDN(n), Address: n.Address, ASN: asns[i]})
	}
	if r.err != nil {
		return nil, fmt.Errorf("rendering Calico's objects: %w", r.err)
	}
	return r.text.Bytes(), nil
}

func configurationComment(p plan.Plan) string {
	const mesh = "No mesh: the leaves are every node's only neighbours."
	if !p.Spec.LoadBalancers.Subnet.IsValid() {
		return mesh
	}
	return mesh + "\nEvery node announces the range of services of type LoadBalancer."
}

// A renderer writes documents one after another, up to the first that cannot be.
type renderer struct {
	plan plan.Plan
	text bytes.Buffer
	err  error
}

func (r *renderer) node(rack plan.Rack, n Node) {
	where := ""
	if rack.Name != "" {
		where = " in rack " + rack.Name
	}
	r.add(resource(n), "%s%s", n.Name, where)
	for i, peer := range Peers(Native, r.plan, rack, n) {
		r.add(peer, "%s to %s", n.Name, rack.Leaves[i].Name)
	}
}

// resource is a node as Calico's API has it; see Annotations.
func resource(n Node) *unstructured.Unstructured {
	return Native.object("Node", n.Name, map[string]any{"bgp": map[string]any{
		"ipv4Address": n.Address.String(),
		"asNumber":    int64(n.ASN),
	}})
}

// add writes an object below a comment.
func (r *renderer) add(o *unstructured.Unstructured, format string, args ...any) {
	if r.err != nil {
		return
	}
	if r.text.Len() > 0 {
		r.text.WriteString("---\n")
	}
	for line := range bytes.Lines(fmt.Appendf(nil, format+"\n", args...)) {
		r.text.WriteString("#")
		if len(line) > 1 {
			r.text.WriteString(" ")
		}
		r.text.Write(line)
	}
	enc := yaml.NewEncoder(&r.text)
	enc.SetIndent(2)
	if r.err = enc.Encode(o.Object); r.err == nil {
		r.err = enc.Close()
	}
}
