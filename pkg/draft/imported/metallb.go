// SPDX-License-Identifier: Apache-2.0

package imported

import (
	"net/netip"
	"strings"

	"go.yaml.in/yaml/v3"
)

// metalLBPool is MetalLB's own object from 0.13 on.
func (c *collector) metalLBPool(o object) { c.metalLBAddresses(o.list("spec", "addresses")) }

// metalLBConfig is its ConfigMap before that, which holds a document in a text.
func (c *collector) metalLBConfig(o object) bool {
	text := o.node("data", "config")
	if text == nil || text.Kind != yaml.ScalarNode || !strings.Contains(text.Value, "address-pools") {
		return false
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text.Value), &doc); err != nil {
		c.problem(o.at(text), "reading data.config: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return true
	}
	if len(doc.Content) == 0 {
		return true
	}
	// A block's text begins on the line after its "|".
	config := object{o.file, doc.Content[0], o.line + text.Line}
	for _, pool := range config.list("address-pools") {
		c.metalLBAddresses(pool.list("addresses"))
	}
	return true
}

// metalLBAddresses have to be the range that Calico announces.
func (c *collector) metalLBAddresses(addresses []object) {
	for _, address := range addresses {
		text, at := address.text()
		prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			c.problem(at, "%q is no range such as 172.29.0.0/16, which is what Calico announces", text)
			continue
		}
		if prefix.Addr().Is4() {
			learn(c, &c.loadBalancers, "the range of load balancers", prefix, at)
		}
	}
}
