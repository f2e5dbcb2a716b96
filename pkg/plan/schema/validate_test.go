// SPDX-License-Identifier: Apache-2.0

package schema_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/plantest"
	"github.com/nodeprep/nodeprep/pkg/plan/schema"
	"github.com/nodeprep/nodeprep/pkg/plan/schema/internal/generate"
)

const examples = "../../../docs/examples"

// A validator is the published schema under a library that is not ours.
type validator struct {
	compiled *jsonschema.Schema
	shape    *generate.Schema
}

func newValidator(t testing.TB) validator {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.JSON()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("clusterplan.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("clusterplan.json") // against the metaschema, too
	if err != nil {
		t.Fatal(err)
	}
	shape, err := generate.New("..")
	if err != nil {
		t.Fatal(err)
	}
	return validator{compiled, shape}
}

// validate holds a plan as joinsvc reads it against the schema.
func (v validator) validate(text []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return err
	}
	if len(doc.Content) == 0 {
		return errors.New("the document is empty")
	}
	return v.compiled.Validate(asRead(doc.Content[0], v.shape))
}

// asRead is the value of a node by the two rules that docs/plan.md gives: the
// field decides how a text is read, and what is empty is as good as left out
// where that may be. A nil schema is that of an unknown field.
func asRead(n *yaml.Node, s *generate.Schema) any {
	switch {
	case n.Tag == "!!null":
		return nil
	case n.Kind == yaml.MappingNode:
		return fieldsAsRead(n, s)
	case n.Kind == yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			var items *generate.Schema
			if s != nil {
				items = s.Items
			}
			list = append(list, asRead(item, items))
		}
		return list
	case s != nil && s.Type == "integer":
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return i
		}
	case s != nil && s.Type == "boolean" && (n.Value == "true" || n.Value == "false"):
		return n.Value == "true"
	}
	return n.Value
}

func fieldsAsRead(n *yaml.Node, s *generate.Schema) any {
	fields := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		var field *generate.Schema
		required := false
		if s != nil {
			field = s.Properties.Of(name)
			required = strings.Contains("\n"+strings.Join(s.Required, "\n")+"\n", "\n"+name+"\n")
		}
		value := asRead(n.Content[i+1], field)
		if field == nil || required || !empty(value) {
			fields[name] = value
		}
	}
	return fields
}

func empty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case int64:
		return value == 0
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return false
}

// shipped are the texts of all example plans, by name.
func shipped(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(examples + "/*.yaml")
	if err != nil || len(paths) < 3 {
		t.Fatalf("examples are %v, %v", paths, err)
	}
	out := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(path)] = text
	}
	return out
}

func TestGoodPlans(t *testing.T) {
	v := newValidator(t)
	good := shipped(t)
	good["100 hosts, listed"], good["100 hosts, pooled"] = plantest.Large(100, 4), plantest.Pooled(100, 4)
	for name, text := range good {
		if _, report := plan.Parse(text); report.Err() != nil {
			t.Errorf("%s: %v", name, report.Err())
		}
		if err := v.validate(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// As an editor sees it, by YAML's own types.
		var doc any
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		if err := v.compiled.Validate(doc); err != nil {
			t.Errorf("%s in an editor: %v", name, err)
		}
	}
}

// Every example, the page's own ones too, names a schema that is there.
func TestEditorsFindTheSchema(t *testing.T) {
	modeline := regexp.MustCompile(`^# yaml-language-server: \$schema=(\S+)\n`)
	for name, text := range shipped(t) {
		m := modeline.FindSubmatch(text)
		if m == nil {
			t.Errorf("the first line of %s names no schema", name)
			continue
		}
		if _, err := os.Stat(filepath.Join(examples, string(m[1]))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadPlans(t *testing.T) {
	v := newValidator(t)
	base := shipped(t)["k8c1.yaml"]
	for _, tt := range []struct{ name, old, new, path string }{
		{"an unknown field", "  domain:", "  colour: red\n  domain:", "spec.colour"},
		{"an unknown field of an item", "role: control-plane", "role: control-plane\n      slot: 7", "spec.nodes[0].slot"},
		{"another version", "apiVersion: nodeprep.dev/v1alpha1", "apiVersion: nodeprep.dev/v9", "apiVersion"},
		{"another kind", "kind: ClusterPlan", "kind: Cluster", "kind"},
		{"VLAN 4095", "vlan: 1500", "vlan: 4095", "spec.nodeNetwork.vlan"},
		{"VLAN of words", "vlan: 1500", "vlan: fifteen", "spec.nodeNetwork.vlan"},
		{"a negative VLAN", "vlan: 1500", "vlan: -1", "spec.nodeNetwork.vlan"},
		{"MTU", "    mtu: 9000", "    mtu: 9217", "spec.bond.mtu"},
		{"a role", "role: worker", "role: slave", "spec.nodes[1].role"},
		{"a model", "model: node", "model: rack", "spec.asn.model"},
		{"a mode of SELinux", "selinux: permissive", "selinux: disabled", "spec.host.selinux"},
		{"a bond's mode", "mode: 802.3ad", "mode: active-backup", "spec.bond.mode"},
		{"no version", "    version: 1.37.2\n", "", "spec.kubernetes.version"},
		{"no legs", "    legs: [eno1, eno2]\n", "", "spec.bond.legs"},
		{"an empty list of legs", "legs: [eno1, eno2]", "legs: []", "spec.bond.legs"},
		{"no services", "  services:\n    subnet: 172.28.0.0/16\n", "", "spec.services.subnet"},
		{"a list for a mapping", "  host:\n    selinux: permissive", "  host: [permissive]", "spec.host"},
		{"a word for a list", "legs: [eno1, eno2]", "legs: eno1", "spec.bond.legs"},
		{"neither true nor false", "defaultRoute: true", "defaultRoute: yes", "spec.fabric.defaultRoute"},
		{"an address of a spreadsheet", "192.168.9.204", "192.168.9.304", "spec.fabric.leaves[0].address"},
		{"an IPv6 subnet", "172.27.0.0/16", "2001:db8::/48", "spec.pods.subnet"},
		{"a subnet without its length", "172.28.0.0/16", "172.28.0.0", "spec.services.subnet"},
		{"a length of 33", "172.29.0.0/16", "172.29.0.0/33", "spec.loadBalancers.subnet"},
		{"a name in capitals", "name: k8c1s1", "name: K8C1S1", "spec.nodes[1].name"},
		{"a duration without its unit", "miimon: 1s", "miimon: 1000", "spec.bond.miimon"},
		{"a short MAC", "00:00:5e:00:53:11", "00:00:5e:00:53", "spec.nodes[1].macs[0]"},
		{"a port without its module", "leaf201:1/4", "leaf201:4", "spec.nodes[1].ports[0]"},
		{"an endpoint without its port", "192.168.9.193:6443", "192.168.9.193", "spec.kubernetes.apiEndpoint"},
		{"an AS number that Calico does not store", "first: 63551", "first: 4200000000", "spec.asn.first"},
		{"a space in an ACI name", "tenant: TEN_K8_C1", "tenant: TEN K8", "spec.fabric.aci.tenant"},
		{"port 0", "ports: [80]", "ports: [0]", "spec.fabric.aci.applications[0].ports[0]"},
		{"an empty item", "dns: [192.168.178.246, 8.8.8.8]", "dns: [192.168.178.246, ~]", "spec.nodeNetwork.dns[1]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(string(base), tt.old) {
				t.Fatalf("the example has no %q to edit", tt.old)
			}
			text := []byte(strings.Replace(string(base), tt.old, tt.new, 1))
			if v.validate(text) == nil {
				t.Error("the schema takes it")
			}
			_, report := plan.Parse(text)
			for _, p := range report.Errors() {
				if p.Path == tt.path {
					return
				}
			}
			t.Errorf("plan.Parse reports nothing at %s: %v", tt.path, report.Err())
		})
	}
}
