// SPDX-License-Identifier: Apache-2.0

package interview

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// Release is the Kubernetes release that is suggested: the one whose kubeadm
// types go.mod has, which the rack is tested with.
const Release = "1.37.2"

// maxHosts bounds what one interview makes; larger clusters have racks and
// pools, for which nobody wants to be asked.
const maxHosts = 5000

// Questions are all of them, in the order in which they are asked: a
// suggestion looks only at the answers before it.
func Questions() []Question {
	var all []Question
	for _, group := range [][]Question{naming(), network(), peering(), cluster()} {
		all = append(all, group...)
	}
	return all
}

func always(text string) func(Answers) string { return func(Answers) string { return text } }

func naming() []Question {
	return []Question{
		{
			Flag: "cluster", Text: "Name of the cluster, with which its nodes' names begin", suggest: always("k8c1"),
			set:   func(a *Answers, text string) error { a.Cluster = text; return nil },
			paths: []string{"metadata.name"},
		},
		{
			Flag: "domain", Text: "DNS domain of the nodes", suggest: always("example.net"),
			set:   func(a *Answers, text string) error { a.Domain = text; return nil },
			paths: []string{"spec.domain"},
		},
		{
			Flag: "kubernetes-version", Text: "Release of Kubernetes", suggest: always(Release),
			set:   func(a *Answers, text string) error { a.Release = strings.TrimPrefix(text, "v"); return nil },
			paths: []string{"spec.kubernetes.version"},
		},
	}
}

func network() []Question {
	return []Question{
		{
			Flag: "subnet", Text: "Subnet that nodes and leaves share", suggest: always("192.168.9.192/28"),
			set:   func(a *Answers, text string) error { return setPrefix(&a.Subnet, text) },
			paths: []string{"spec.nodeNetwork.subnet"},
		},
		{
			Flag: "vlan", Text: "VLAN of that subnet", suggest: always("1500"),
			set:   func(a *Answers, text string) error { return setNumber(&a.VLAN, text, 4094) },
			paths: []string{"spec.nodeNetwork.vlan"},
		},
		{
			Flag: "gateway", Text: "Gateway: the leaves' shared address", suggest: func(a Answers) string { return a.fromLast(1) },
			set:   func(a *Answers, text string) error { return setAddr(&a.Gateway, text) },
			paths: []string{"spec.nodeNetwork.gateway"},
		},
		{
			Flag: "dns", Text: "DNS servers, with commas; none is an answer", suggest: always("none"),
			set:   setDNS,
			paths: []string{"spec.nodeNetwork.dns"},
		},
		{
			Flag: "legs", Text: "Interfaces of a host that lead to the leaves", suggest: always("eno1,eno2"),
			set:   func(a *Answers, text string) error { a.Legs = words(text); return nil },
			paths: []string{"spec.bond"},
		},
	}
}

func peering() []Question {
	return []Question{
		{
			Flag: "leaves", Text: "Leaves with their addresses", suggest: suggestLeaves, set: setLeaves,
			paths: []string{"spec.fabric.leaves"},
		},
		{
			Flag: "fabric-asn", Text: "AS number that the leaves show to the nodes", suggest: always("64512"),
			set:   func(a *Answers, text string) error { return setNumber(&a.FabricASN, text, 1<<32-1) },
			paths: []string{"spec.fabric.asn"},
		},
		{
			Flag: "asn-model", Text: "AS numbers: one for each node, or one for the cluster (node, cluster)", suggest: always(string(plan.PerNode)),
			set:   func(a *Answers, text string) error { return a.Model.UnmarshalText([]byte(text)) },
			paths: []string{"spec.asn.model"},
		},
		{
			Flag: "node-asns", Text: "AS numbers of the nodes", suggest: suggestASNs, set: setASNs,
			paths: []string{"spec.asn"},
		},
	}
}

func cluster() []Question {
	return []Question{
		{
			Flag: "hosts", Text: "Number of hosts, of which the first is the control plane", suggest: suggestHosts, set: setHosts,
			paths: []string{"spec.nodes"},
		},
		{
			Flag: "api-port", Text: "Port of the API server on the control plane", suggest: always("6443"),
			set:   func(a *Answers, text string) error { return setNumber(&a.APIPort, text, 65535) },
			paths: []string{"spec.kubernetes.apiEndpoint"},
		},
		{
			Flag: "pods", Text: "Range of the pods", suggest: suggestRange,
			set:   func(a *Answers, text string) error { return setPrefix(&a.Pods, text) },
			paths: []string{"spec.pods"},
		},
		{
			Flag: "services", Text: "Range of the services", suggest: suggestRange,
			set:   func(a *Answers, text string) error { return setPrefix(&a.Services, text) },
			paths: []string{"spec.services"},
		},
		{
			Flag: "load-balancers", Text: "Range of load balancers; none is an answer", suggest: suggestRange, set: setLoadBalancers,
			paths: []string{"spec.loadBalancers"},
		},
	}
}

func setPrefix(p *netip.Prefix, text string) error {
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil || !prefix.Addr().Is4():
		return fmt.Errorf("%q is no IPv4 subnet such as 192.168.9.192/28", text)
	case prefix != prefix.Masked():
		return fmt.Errorf("%s has host bits set; the subnet is %s", prefix, prefix.Masked())
	}
	*p = prefix
	return nil
}

func setAddr(a *netip.Addr, text string) error {
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() {
		return fmt.Errorf("%q is no IPv4 address such as 192.168.9.206", text)
	}
	*a = addr
	return nil
}

func setNumber[T uint16 | uint32](n *T, text string, highest uint64) error {
	number, err := strconv.ParseUint(text, 10, 32)
	if err != nil || number < 1 || number > highest {
		return fmt.Errorf("%q is not a number from 1 to %d", text, highest)
	}
	*n = T(number)
	return nil
}

// words are the parts of a list, whether with commas or blanks.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
}

func setDNS(a *Answers, text string) error {
	a.DNS = nil
	if text == "none" {
		return nil
	}
	for _, word := range words(text) {
		var server netip.Addr
		if err := setAddr(&server, word); err != nil {
			return err
		}
		a.DNS = append(a.DNS, server)
	}
	return nil
}

// setLeaves reads names with addresses; a name without one gets the address
// that would be suggested for its place.
func setLeaves(a *Answers, text string) error {
	list := words(text)
	var leaves []plan.Leaf
	for i, word := range list {
		name, address, ok := strings.Cut(word, "=")
		if !ok {
			address = a.fromLast(len(list) - i + 1)
		}
		leaf := plan.Leaf{Name: name}
		if err := setAddr(&leaf.Address, address); err != nil {
			return fmt.Errorf("%s: %w; want leaves such as leaf201=192.168.9.204,leaf202=192.168.9.205", word, err)
		}
		leaves = append(leaves, leaf)
	}
	if len(leaves) == 0 {
		return errors.New("want at least one leaf, such as leaf201=192.168.9.204")
	}
	a.Leaves = leaves
	return nil
}

// suggestLeaves gives two leaves the last addresses before the gateway's.
func suggestLeaves(a Answers) string {
	return "leaf201=" + a.fromLast(3) + ",leaf202=" + a.fromLast(2)
}

// suggestASNs takes private numbers (RFC 6996): the 32-bit ones above
// 4200000000 do not fit what Calico stores for a peer.
func suggestASNs(a Answers) string {
	first := uint32(64513)
	if a.FabricASN >= first && a.FabricASN < 65534 {
		first = a.FabricASN + 1
	}
	if a.Model == plan.PerCluster {
		return strconv.FormatUint(uint64(first), 10)
	}
	return plan.ASNRange{First: first, Last: 65534}.String()
}

func setASNs(a *Answers, text string) error {
	if !strings.Contains(text, "-") {
		text += "-" + text
	}
	return a.ASNs.UnmarshalText([]byte(text))
}

func suggestHosts(a Answers) string { return strconv.Itoa(min(3, max(a.room(), 1))) }

func setHosts(a *Answers, text string) error {
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 1 || n > maxHosts:
		return fmt.Errorf("%q is not a number from 1 to %d", text, maxHosts)
	case a.Subnet.IsValid() && n > a.room():
		return fmt.Errorf("%s has room for %d hosts beside the leaves and the gateway", a.Subnet, a.room())
	}
	a.Hosts = n
	return nil
}

// suggestRange is the first of some private ranges that nothing before it has.
func suggestRange(a Answers) string {
	for _, first := range []byte{172, 10} {
		for second := byte(27); second < 32; second++ {
			candidate := netip.PrefixFrom(netip.AddrFrom4([4]byte{first, second, 0, 0}), 16)
			if !overlaps(candidate, a.Subnet, a.Pods, a.Services) {
				return candidate.String()
			}
		}
	}
	return "" // only if all of both are taken
}

func overlaps(p netip.Prefix, others ...netip.Prefix) bool {
	for _, other := range others {
		if other.IsValid() && p.Overlaps(other) {
			return true
		}
	}
	return false
}

func setLoadBalancers(a *Answers, text string) error {
	a.LoadBalancers = netip.Prefix{}
	if text == "none" {
		return nil
	}
	return setPrefix(&a.LoadBalancers, text)
}
