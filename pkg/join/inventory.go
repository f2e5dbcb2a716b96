// SPDX-License-Identifier: Apache-2.0

package join

import (
	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// An inventory is the plan, looked up by what a host comes with. It is made
// once: to scan a plan of 5,000 hosts takes longer than all else of a request.
type inventory struct {
	hosts     []plan.HostPlan     // with the numbers that they prefer
	names     map[string]int      // short and fully qualified name → place in Spec.Nodes
	macs      map[joinapi.MAC]int // hardware address → place in Spec.Nodes
	preferred map[uint32]bool     // the numbers that some planned node prefers
}

func newInventory(p plan.Plan) *inventory {
	v := &inventory{
		hosts:     p.HostPlans(),
		names:     make(map[string]int, 2*len(p.Spec.Nodes)),
		macs:      make(map[joinapi.MAC]int, 2*len(p.Spec.Nodes)),
		preferred: make(map[uint32]bool, len(p.Spec.Nodes)),
	}
	for i, n := range p.Spec.Nodes {
		v.names[n.Name], v.names[v.hosts[i].Name] = i, i
		v.preferred[v.hosts[i].ASN] = true
		for _, m := range plannedMACs(n) {
			v.macs[m] = i
		}
	}
	return v
}

// inventory is made when it is first wanted; the plan of a coordinator does
// not change.
func (c *Coordinator) inventory() *inventory {
	c.once.Do(func() { c.index = newInventory(c.Plan) })
	return c.index
}

// host is what the node called name (short or fully qualified) needs, with the
// number that it prefers.
func (v *inventory) host(name string) (plan.HostPlan, bool) {
	i, ok := v.names[name]
	if !ok {
		return plan.HostPlan{}, false
	}
	return v.hosts[i], true
}
