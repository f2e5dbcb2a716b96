// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"
)

// GatewayMetric is what a default route through the gateway has where the plan
// says nothing: below NetworkManager's 100 for another card, above BIRD's 0.
const GatewayMetric = 50

func (p *Plan) setDefaults() {
	s := &p.Spec
	s.Bond.setDefaults()
	s.Fabric.setDefaults(s.Bond.MTU)
	setDefault(&s.ASN.Model, PerNode)
	setDefault(&s.Pods.BlockSize, 26)
	setDefault(&s.Host.SELinux, Permissive)
	setDefault(&s.Kubernetes.Pace, Normal)
	setDefault(&s.Calico.API, CalicoAuto)
	setDefault(&s.Runtime.Name, Containerd)
	s.NodeNetwork.setDefaults()
	for i := range s.Racks {
		s.Racks[i].setDefaults(*s)
	}
}

func (b *Bond) setDefaults() {
	setDefault(&b.Name, "bond0")
	setDefault(&b.Mode, "802.3ad")
	setDefault(&b.MIIMon, 100*time.Millisecond)
	setDefault(&b.MinLinks, 1)
	setDefault(&b.MTU, 9000)
}

func (f *Fabric) setDefaults(mtu int) {
	setDefault(&f.MTU, mtu)
	setDefault(&f.Timers.Hold, 180*time.Second)
	setDefault(&f.Timers.Keepalive, max(f.Timers.Hold/3, time.Second).Truncate(time.Second)) // RFC 4271 section 10
	setDefault(&f.MaxPrefixes, 500)
	if f.BFD.Interval != 0 {
		setDefault(&f.BFD.Multiplier, 3)
	}
	if f.ACI != nil {
		setDefault(&f.ACI.Pod, 1)
	}
	setRouterIDs(f.Leaves)
}

func setRouterIDs(leaves []Leaf) {
	for i := range leaves {
		setDefault(&leaves[i].RouterID, leaves[i].Address)
	}
}

func (n *NodeNetwork) setDefaults() {
	if n.GatewayMetric == nil {
		n.GatewayMetric = new(uint32(GatewayMetric))
	}
}

// setDefaults gives a rack what it leaves to the plan.
func (r *Rack) setDefaults(s Spec) {
	n := &r.NodeNetwork
	setDefault(&n.VLAN, s.NodeNetwork.VLAN)
	if n.GatewayMetric == nil {
		n.GatewayMetric = s.NodeNetwork.GatewayMetric
	}
	if n.DNS == nil {
		n.DNS = s.NodeNetwork.DNS
	}
	setDefault(&r.LeafASN, s.Fabric.ASN)
	setRouterIDs(r.Leaves)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
