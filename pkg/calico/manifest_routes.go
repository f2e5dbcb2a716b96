// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A refusal is a variable of calico-node that decides over routes, and that is
// the operator's to take away, because it says that another network was meant.
type refusal struct {
	name string
	bad  func(value string) bool
	why  string
}

func yes(value string) bool {
	return slices.Contains([]string{"true", "1", "yes", "y", "t", "on", "enabled"}, strings.ToLower(value))
}

func whatever(string) bool { return true }

func not(good ...string) func(string) bool {
	return func(value string) bool { return !slices.Contains(good, value) }
}

// refusals are in the order in which they are told
// (node/pkg/lifecycle/startup/startup.go; felix/config/config_params.go).
func refusals() []refusal {
	return []refusal{
		{"AS", whatever, "it gives every node the same number and overwrites the leased one"},
		{"NO_DEFAULT_POOLS", whatever, "calico-node does not start with it beside CALICO_IPV4POOL_CIDR"},
		{"NODENAME", whatever, "every node would be the same one; take it from fieldRef spec.nodeName"},
		{"USE_POD_CIDR", yes, "pods would get addresses of the range that Kubernetes gives the node, and BIRD would announce that instead of Calico's blocks"},
		{"CALICO_IPV4POOL_DISABLE_BGP_EXPORT", yes, "the leaves would never hear of the pods"},
		{"CALICO_IPV4POOL_NODE_SELECTOR", not("", "all()"), "nodes that it leaves out would get no block"},
		{"CALICO_ROUTER_ID", not("", "hash"), "every node would have the same BGP identifier, and a leaf takes one session of it (RFC 4271 section 4.2)"},
		{"FELIX_IPINIPENABLED", yes, "pods are routed as they are, without a tunnel"},
		{"FELIX_VXLANENABLED", yes, "pods are routed as they are, without a tunnel"},
		{"FELIX_WIREGUARDENABLED", yes, "pods would go from node to node in a tunnel, past the leaves' routes"},
		{"FELIX_ROUTESYNCDISABLED", yes, "Felix would write no route to a node's own pods"},
		{"FELIX_PROGRAMCLUSTERROUTES", yes, "Felix would write routes between the nodes, which are the leaves' to tell"},
	}
}

// refuse reports every variable that decides over routes otherwise than the plan.
func (e *editor) refuse(container *yaml.Node) {
	for _, r := range refusals() {
		value, there, readable := e.variable(container, r.name)
		switch {
		case !there:
		case !readable:
			e.problem(daemonSet, "env %s: its value is not in this manifest; write it out, or remove it: %s", r.name, r.why)
		case r.bad(value):
			e.problem(daemonSet, "env %s: is %q, remove it; %s", r.name, value, r.why)
		}
	}
}

// variable is what a container's variable is, wherever it comes from. One that
// is taken from a field of the pod is not the same on every node, and is not
// there for our purposes.
func (e *editor) variable(container *yaml.Node, name string) (value string, there, readable bool) {
	if env := at(container, "env"); env != nil {
		if v := variable(env, name); v != nil {
			if at(v, "valueFrom", "fieldRef") != nil {
				return "", false, true
			}
			return e.value(v)
		}
	}
	from := at(container, "envFrom")
	if from == nil {
		return "", false, true
	}
	for _, source := range from.Content {
		object := e.lookup("ConfigMap", text(source, "configMapRef", "name"))
		if object == nil {
			continue
		}
		if v := at(object, "data", strings.TrimPrefix(name, text(source, "prefix"))); v != nil {
			return v.Value, true, true
		}
	}
	return "", false, true
}

// value resolves one entry of a container's list.
func (e *editor) value(v *yaml.Node) (value string, there, readable bool) {
	key := text(v, "valueFrom", "configMapKeyRef", "key")
	switch {
	case at(v, "valueFrom") == nil:
		return text(v, "value"), true, true
	case key == "":
		return "", true, false
	}
	object := e.lookup("ConfigMap", text(v, "valueFrom", "configMapKeyRef", "name"))
	if object == nil || at(object, "data", key) == nil {
		return "", true, false
	}
	return text(object, "data", key), true, true
}

// lookup is an object of the manifest's own namespace, nil for none.
func (e *editor) lookup(kind, name string) *yaml.Node {
	for _, doc := range e.docs {
		if o := doc.Content[0]; name != "" && text(o, "kind") == kind && text(o, "metadata", "name") == name {
			return o
		}
	}
	return nil
}

// ipam reports an address management that is not Calico's: only its blocks are
// announced (confd's bird_aggr).
func (e *editor) ipam() {
	const path = daemonSet + ": install-cni's CNI_NETWORK_CONFIG"
	installer := e.container("initContainers", "install-cni")
	if installer == nil {
		e.problem(daemonSet, "has no init container install-cni, so it cannot be told whose IPAM gives pods their addresses; want calico-ipam")
		return
	}
	config, there, readable := e.variable(installer, "CNI_NETWORK_CONFIG")
	if !there || !readable {
		e.problem(path, "is not in this manifest, so it cannot be told whose IPAM gives pods their addresses; want calico-ipam")
		return
	}
	plugin, err := calicoPlugin(config)
	if err != nil {
		e.problem(path, "%v", err)
		return
	}
	if t := plugin.IPAM.Type; t != "calico-ipam" {
		e.problem(path, "ipam.type is %q, want calico-ipam; %s", t, otherIPAM(t))
	}
	if plugin.IPAM.AssignIPv4 == "false" {
		e.problem(path, "ipam.assign_ipv4 is false, remove it; pods would get no address of the plan's range")
	}
	for _, pool := range plugin.IPAM.IPv4Pools {
		if pool != poolName && pool != e.pods {
			e.problem(path, "ipam.ipv4_pools names %q, want %s or none; the plan has no such pool", pool, poolName)
		}
	}
}

func otherIPAM(kind string) string {
	if kind == "host-local" {
		return "host-local gives addresses of the node's podCIDR, of which Calico has no block and announces nothing"
	}
	return "Calico announces the blocks of its own IPAM alone"
}

// plugin is what a CNI configuration says of one plugin.
type plugin struct {
	Type string
	IPAM struct {
		Type       string
		AssignIPv4 string   `json:"assign_ipv4"`
		IPv4Pools  []string `json:"ipv4_pools"`
	}
}

// placeholder is what install-cni replaces; some stand where a number belongs.
var placeholder = regexp.MustCompile(`__[A-Z0-9_]+__`)

// calicoPlugin finds Calico's part of a CNI configuration, in a list or alone.
func calicoPlugin(config string) (plugin, error) {
	var list struct {
		plugin
		Plugins []plugin
	}
	if err := json.Unmarshal([]byte(placeholder.ReplaceAllString(config, "0")), &list); err != nil {
		return plugin{}, fmt.Errorf("is no CNI configuration: %w", err)
	}
	for _, p := range append(list.Plugins, list.plugin) {
		if p.Type == "calico" {
			return p, nil
		}
	}
	return plugin{}, errors.New("has no plugin of type calico, so pods are not Calico's")
}

// routeSync is what turns Felix's routes to a node's own pods off.
const routeSync = "routeSyncDisabled"

// felixRoutes are the switches of a FelixConfiguration that make other routes than
// the leaves', or none.
func felixRoutes() []string {
	return []string{"ipipEnabled", "vxlanEnabled", "wireguardEnabled", routeSync, "programClusterRoutes"}
}

// resources reports what the manifest itself brings of Calico's own objects, where
// it would contend with the plan's.
func (e *editor) resources() {
	for _, doc := range e.docs {
		o := doc.Content[0]
		if !strings.Contains(text(o, "apiVersion"), "projectcalico.org/") {
			continue
		}
		kind, name := text(o, "kind"), text(o, "metadata", "name")
		path := kind + " " + name
		switch kind {
		case "IPPool", "BGPConfiguration", "BGPPeer", "BGPFilter":
			e.problem(path, "take it out of the manifest; joinsvc makes these objects by the plan, and two owners would contend")
		case "FelixConfiguration":
			for _, field := range felixRoutes() {
				if value := text(o, "spec", field); yes(value) {
					e.problem(path, "spec.%s is %s, remove it; pods are routed by the leaves, without a tunnel", field, value)
				}
			}
		case "IPAMConfig", "IPAMConfiguration":
			if text(o, "spec", "autoAllocateBlocks") == "false" {
				e.problem(path, "spec.autoAllocateBlocks is false, remove it; no node would get a block to announce")
			}
		}
	}
}
