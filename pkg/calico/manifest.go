// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

const (
	configMap = "ConfigMap kube-system/calico-config"
	daemonSet = "DaemonSet kube-system/calico-node"
)

// ManifestError is everything that is wrong with a manifest.
type ManifestError struct{ Problems []string }

// Error lists every problem on a line of its own.
func (e *ManifestError) Error() string {
	return fmt.Sprintf("the Calico manifest has %d problem(s):\n  %s", len(e.Problems), strings.Join(e.Problems, "\n  "))
}

// setting is an environment variable of calico-node.
type setting struct{ name, value string }

// settings are those by which calico-node comes up as the plan wants it.
//
// The address has to be found again the same: at every start and once a minute
// calico-node detects it and overwrites the annotation (node/pkg/lifecycle/
// startup/startup.go, configureIPsAndSubnets and MonitorIPAddressSubnets), and
// the manifest's default takes the first interface that there is, which may be
// the provisioning NIC. Leaving IP unset or "none" keeps an annotation, but
// takes the first interface, or none at all, when calico-node is up before
// joinsvc has written it. Detection by the racks' node subnets, of which a host
// is in one, gives the planned address before and after, and fails, instead of
// guessing, on a host without.
//
// The pool is set too, because calico-node makes it when it starts before
// joinsvc gets to it, and its range cannot be changed afterwards.
func settings(p plan.Plan) []setting {
	s := p.Spec
	return []setting{
		{"IP", "autodetect"},
		{"IP_AUTODETECTION_METHOD", method(s)},
		{"CALICO_IPV4POOL_CIDR", s.Pods.Subnet.String()},
		{"CALICO_IPV4POOL_BLOCK_SIZE", strconv.Itoa(s.Pods.BlockSize)},
		{"CALICO_IPV4POOL_IPIP", "Never"},
		{"CALICO_IPV4POOL_VXLAN", "Never"},
		{"CALICO_IPV4POOL_NAT_OUTGOING", "false"},
	}
}

// method is how calico-node finds its node's address.
func method(s plan.Spec) string { return "cidr=" + strings.Join(subnets(s), ",") }

// subnets are those of the racks' nodes, each once.
func subnets(s plan.Spec) []string {
	var all []string
	for _, r := range s.AllRacks() {
		if subnet := r.NodeNetwork.Subnet.String(); !slices.Contains(all, subnet) {
			all = append(all, subnet)
		}
	}
	return all
}

// Manifest checks an operator's calico.yaml and returns it with calico-node's
// settings as the plan wants them, and the API server's own address for its
// containers, and probes that wait in a plan of pace slow; everything else
// stays as it was, comments included. Any error is a *ManifestError.
func Manifest(data []byte, p plan.Plan) (string, error) {
	docs, err := documents(data)
	if err != nil {
		return "", &ManifestError{[]string{err.Error()}}
	}
	e := editor{docs: docs, pods: p.Spec.Pods.Subnet.String()}
	if container := e.node(); container != nil {
		env := at(container, "env")
		e.check(env)
		e.refuse(container)
		e.ipam()
		for _, s := range settings(p) {
			set(env, s)
		}
	}
	e.resources()
	if len(e.problems) > 0 {
		return "", &ManifestError{e.problems}
	}
	if p.Spec.Kubernetes.Pace == plan.Slow {
		relax(docs)
	}
	if docs, err = withEndpoint(docs, p); err != nil {
		return "", &ManifestError{[]string{err.Error()}}
	}
	return encode(docs)
}

func documents(data []byte) ([]*yaml.Node, error) {
	var docs []*yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", len(docs)+1, err)
		}
		if len(doc.Content) > 0 && doc.Content[0].Tag != "!!null" {
			docs = append(docs, &doc) // else nothing but comments
		}
	}
}

func encode(docs []*yaml.Node) (string, error) {
	var text strings.Builder
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	for _, doc := range docs {
		if err := enc.Encode(doc); err != nil {
			return "", fmt.Errorf("writing the Calico manifest: %w", err)
		}
	}
	if err := enc.Close(); err != nil {
		return "", fmt.Errorf("writing the Calico manifest: %w", err)
	}
	return text.String(), nil
}

type editor struct {
	docs     []*yaml.Node
	pods     string // the plan's range
	problems []string
}

func (e *editor) problem(path, format string, args ...any) {
	e.problems = append(e.problems, path+": "+fmt.Sprintf(format, args...))
}

// find returns the one object of that kind and name, or reports why not.
func (e *editor) find(path string) *yaml.Node {
	kind, rest, _ := strings.Cut(path, " ")
	namespace, name, _ := strings.Cut(rest, "/")
	var found []*yaml.Node
	for _, doc := range e.docs {
		o := doc.Content[0]
		if text(o, "kind") == kind && text(o, "metadata", "name") == name && text(o, "metadata", "namespace") == namespace {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		e.problem(path, "is there %d times, want once", len(found))
		return nil
	}
	return found[0]
}

// node returns calico-node's container, which has a list of variables.
func (e *editor) node() *yaml.Node {
	object := e.find(daemonSet)
	if object == nil {
		return nil
	}
	if at(object, "spec", "template", "spec", "containers") == nil {
		e.problem(daemonSet, "has no spec.template.spec.containers")
		return nil
	}
	container := e.container("containers", "calico-node")
	if container == nil {
		e.problem(daemonSet, "has no container calico-node")
		return nil
	}
	if env := at(container, "env"); env == nil || env.Kind != yaml.SequenceNode {
		e.problem(daemonSet, "container calico-node has no list env")
		return nil
	}
	return container
}

// container is one of the DaemonSet's, by its list and name; nil for none.
func (e *editor) container(list, name string) *yaml.Node {
	for _, doc := range e.docs {
		o := doc.Content[0]
		containers := at(o, "spec", "template", "spec", list)
		if text(o, "kind") != "DaemonSet" || text(o, "metadata", "name") != "calico-node" || containers == nil {
			continue
		}
		for _, c := range containers.Content {
			if text(c, "name") == name {
				return c
			}
		}
	}
	return nil
}

// check reports settings that contradict the plan and that are not ours to
// change, because they say that this is another kind of installation.
func (e *editor) check(env *yaml.Node) {
	e.want(env, "DATASTORE_TYPE", "kubernetes", "joinsvc reaches Calico through the Kubernetes API")
	e.want(env, "CALICO_NETWORKING_BACKEND", "bird", "only BIRD speaks BGP to the leaves")
}

func (e *editor) want(env *yaml.Node, name, value, why string) {
	v := variable(env, name)
	if v == nil {
		e.problem(daemonSet, "env %s: is missing, want %s; %s", name, value, why)
		return
	}
	path, got := fmt.Sprintf("%s: env %s", daemonSet, name), text(v, "value")
	if key := text(v, "valueFrom", "configMapKeyRef", "key"); key != "" {
		object := e.find(configMap)
		if object == nil {
			return
		}
		path, got = configMap+": data."+key, text(object, "data", key)
	}
	if got != value {
		e.problem(path, "is %q, want %s; %s", got, value, why)
	}
}

func variable(env *yaml.Node, name string) *yaml.Node {
	for _, v := range env.Content {
		if text(v, "name") == name {
			return v
		}
	}
	return nil
}

// set makes the variable that value, wherever it came from before.
func set(env *yaml.Node, s setting) {
	value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s.value, Style: yaml.DoubleQuotedStyle}
	v := variable(env, s.name)
	if v == nil {
		v = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("name"), scalar(s.name)}}
		env.Content = append(env.Content, v)
	}
	for i := 0; i+1 < len(v.Content); i += 2 {
		switch v.Content[i].Value {
		case "value":
			v.Content[i+1] = value
			return
		case "valueFrom":
			v.Content = slices.Delete(v.Content, i, i+2)
			i -= 2
		}
	}
	v.Content = append(v.Content, scalar("value"), value)
}

func scalar(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// at follows keys through mappings; nil where there is none.
func at(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		if n = child(n, key); n == nil {
			return nil
		}
	}
	return n
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func text(n *yaml.Node, keys ...string) string {
	if n = at(n, keys...); n == nil {
		return ""
	}
	return n.Value
}
