// SPDX-License-Identifier: Apache-2.0

// Package metallb writes what MetalLB's controller reads to give addresses of
// the plan's range to services of type LoadBalancer. It writes nothing that
// announces them: Calico does that, from every node, and a second speaker would
// compete with it (metallb.io, "Issues with Calico", the easy way).
package metallb

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"

	"go.yaml.in/yaml/v3"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

const (
	namespace = "metallb-system"
	poolName  = "default"
)

const head = `# The addresses that MetalLB %s gives to services of type LoadBalancer.
# kubectl apply -f - when its controller runs. Calico announces them, so there is
# nothing here that does, and MetalLB's own speaker stays away
# (Helm: speaker.enabled=false, frrk8s.enabled=false).
`

// Render returns the plan's range as YAML for kubectl: an IPAddressPool, or
// below MetalLB 0.13 the ConfigMap "config". The error says everything that
// keeps MetalLB from having it.
func Render(p plan.Plan) ([]byte, error) {
	lb := p.Spec.LoadBalancers
	v, err := claim(lb)
	if err != nil {
		return nil, err
	}
	object, err := pool(v, lb.Subnet)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, head, lb.MetalLB.Version)
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(object), enc.Close()); err != nil {
		return nil, fmt.Errorf("rendering MetalLB's pool: %w", err)
	}
	return text.Bytes(), nil
}

// claim says whether the plan gives the range to MetalLB, and to which release.
func claim(lb plan.LoadBalancers) (release, error) {
	if lb == (plan.LoadBalancers{}) {
		return release{}, errors.New("spec.loadBalancers: is missing, so MetalLB has no range to give addresses from")
	}
	var problems []error
	add := func(path, format string, args ...any) {
		problems = append(problems, fmt.Errorf("spec.loadBalancers."+path+": "+format, args...))
	}
	if !lb.Subnet.IsValid() {
		add("subnet", "is missing; want the range that MetalLB gives addresses from")
	}
	if lb.MetalLB.Speaker {
		add("metallb.speaker", "MetalLB's speaker would announce what Calico announces; take it away")
	}
	v, err := parseRelease(lb.MetalLB.Version)
	switch {
	case lb.MetalLB.Version == "":
		add("metallb.version", "is missing; want MetalLB's release, such as 0.16.1: what it reads differs")
	case err != nil:
		add("metallb.version", "%w", err)
	}
	return v, errors.Join(problems...)
}

// pool is the object that this release reads.
func pool(v release, subnet netip.Prefix) (map[string]any, error) {
	switch {
	case v.before(release{0, 13, 0}):
		return configMap(subnet)
	case v.before(release{0, 13, 4}):
		ranges, err := sound(subnet)
		return addressPool(map[string]any{"addresses": ranges}), err
	}
	return addressPool(map[string]any{"addresses": []string{subnet.String()}, "avoidBuggyIPs": true}), nil
}

func addressPool(spec map[string]any) map[string]any {
	return map[string]any{
		"apiVersion": "metallb.io/v1beta1",
		"kind":       "IPAddressPool",
		"metadata":   map[string]any{"name": poolName, "namespace": namespace},
		"spec":       spec,
	}
}

// configMap is all of the configuration below 0.13. A pool has to name a
// protocol; without a list of peers no speaker announces it.
func configMap(subnet netip.Prefix) (map[string]any, error) {
	var config bytes.Buffer
	enc := yaml.NewEncoder(&config)
	enc.SetIndent(2)
	err := enc.Encode(map[string]any{"address-pools": []any{map[string]any{
		"name": poolName, "protocol": "bgp", "avoid-buggy-ips": true, "addresses": []string{subnet.String()},
	}}})
	if err := errors.Join(err, enc.Close()); err != nil {
		return nil, fmt.Errorf("rendering MetalLB's configuration: %w", err)
	}
	return map[string]any{
		"apiVersion": "v1",
		"kind":       "ConfigMap",
		"metadata":   map[string]any{"name": "config", "namespace": namespace},
		"data":       map[string]any{"config": config.String()},
	}, nil
}

// largest is the length of the largest range that sound takes apart: its text
// has to fit into one object of etcd, 1.5 MiB.
const largest = 10

// sound are the addresses of a range that do not end in 0 or 255, which some
// customer equipment takes for broadcasts: what avoidBuggyIPs says in releases
// that have it (0.13 did without up to 0.13.3).
func sound(subnet netip.Prefix) ([]string, error) {
	if subnet.Bits() < largest {
		return nil, fmt.Errorf("spec.loadBalancers.subnet: %s is larger than /%d, too large for MetalLB below 0.13.4, which knows no avoidBuggyIPs", subnet, largest)
	}
	var ranges []string
	for a := subnet.Masked().Addr(); subnet.Contains(a); {
		first, last := a.As4(), a.As4()
		last[3] |= byte(255 >> max(0, subnet.Bits()-24))
		a = netip.AddrFrom4(last).Next()
		first[3], last[3] = max(first[3], 1), min(last[3], 254)
		if first[3] <= last[3] {
			ranges = append(ranges, netip.AddrFrom4(first).String()+"-"+netip.AddrFrom4(last).String())
		}
	}
	if len(ranges) == 0 {
		return nil, fmt.Errorf("spec.loadBalancers.subnet: %s holds no address that does not end in 0 or 255", subnet)
	}
	return ranges, nil
}
