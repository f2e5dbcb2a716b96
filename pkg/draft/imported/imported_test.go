// SPDX-License-Identifier: Apache-2.0

package imported_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/draft/imported"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// byHand are the files of the reference cluster as somebody has written them,
// with a slip: k8c1s2 has a /24.
func byHand(t testing.TB) []imported.File {
	t.Helper()
	var files []imported.File
	for _, pattern := range []string{"*/ifcfg-*", "*.yaml"} {
		names, err := filepath.Glob(filepath.Join("testdata/hand", pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s matches nothing (error %v)", pattern, err)
		}
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			short, _ := strings.CutPrefix(filepath.ToSlash(name), "testdata/hand/")
			files = append(files, imported.File{Name: short, Content: content})
		}
	}
	return files
}

func hints() imported.Hints {
	return imported.Hints{
		ControlPlanes: []string{"k8c1m0"},
		APIEndpoint:   netip.MustParseAddrPort("192.168.9.193:6443"),
		Release:       "1.37.2",
		Services:      netip.MustParsePrefix("172.28.0.0/16"),
		MACs:          map[string][]plan.MAC{"k8c1s1": {"00:00:5e:00:53:11"}},
	}
}

func text(t testing.TB, r imported.Result) string {
	t.Helper()
	out, err := r.Draft.YAML()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func problems(r imported.Result) []string {
	var out []string
	for _, p := range r.Problems {
		out = append(out, p.String())
	}
	return out
}

// With the hints, the reference cluster's files are its plan.
func TestPlan(t *testing.T) {
	r := imported.Plan(byHand(t), hints())
	out := text(t, r)
	golden.Check(t, filepath.Join("testdata", "plan.yaml"), out)
	if len(r.Gaps) > 0 {
		t.Errorf("gaps: %v", r.Gaps)
	}
	slip := "node-k8c1s2.yaml:11: k8c1s2 has 192.168.9.195/24, but the subnet is 192.168.9.192/28 (k8c1m0/ifcfg-bond0.1500:7); /28 is taken"
	if diff := cmp.Diff([]string{slip}, problems(r)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	got, report := plan.Parse([]byte(out))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	want, report := plan.Parse(reference(t))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]any{
		"network":  {want.Spec.NodeNetwork, got.Spec.NodeNetwork},
		"bond":     {want.Spec.Bond, got.Spec.Bond},
		"pods":     {want.Spec.Pods, got.Spec.Pods},
		"services": {want.Spec.Services, got.Spec.Services},
		"API":      {want.Spec.Kubernetes, got.Spec.Kubernetes},
		"numbers":  {want.Spec.ASNs(), got.Spec.ASNs()},
		"balancer": {want.Spec.LoadBalancers.Subnet, got.Spec.LoadBalancers.Subnet},
		"fabric":   {want.Spec.Fabric.ASN, got.Spec.Fabric.ASN},
		"leaf":     {want.Spec.Fabric.Leaves[1].Address, got.Spec.Fabric.Leaves[1].Address},
		"node":     {want.Spec.Nodes[2].Address, got.Spec.Nodes[2].Address},
		"names":    {want.FQDN(want.Spec.Nodes[0]), got.FQDN(got.Spec.Nodes[0])},
		"role":     {want.Spec.Nodes[0].Role, got.Spec.Nodes[0].Role},
	} {
		if diff := cmp.Diff(pair[0], pair[1], cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Errorf("%s (-reference +imported):\n%s", name, diff)
		}
	}
}

func reference(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("../../../docs/examples/k8c1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Without the hints, the plan says where it has gaps.
func TestGaps(t *testing.T) {
	r := imported.Plan(byHand(t), imported.Hints{})
	golden.Check(t, filepath.Join("testdata", "gaps.yaml"), text(t, r))
	var paths []string
	for _, g := range r.Gaps {
		paths = append(paths, g.Path)
	}
	want := []string{"spec.services.subnet", "spec.nodes[].role", "spec.kubernetes.version", "spec.kubernetes.apiEndpoint"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var nothing []string
	for _, g := range imported.Plan(nil, imported.Hints{}).Gaps {
		nothing = append(nothing, g.Path)
	}
	want = []string{
		"spec.nodeNetwork.subnet", "spec.nodeNetwork.vlan", "spec.nodeNetwork.gateway", "spec.domain", "spec.bond.legs",
		"spec.fabric.asn", "spec.fabric.leaves", "spec.pods.subnet", "spec.services.subnet", "spec.asn", "spec.nodes",
		"spec.kubernetes.version", "spec.kubernetes.apiEndpoint", "metadata.name",
	}
	if diff := cmp.Diff(want, nothing); diff != "" {
		t.Errorf("of no files (-want +got):\n%s", diff)
	}
}

func TestContradictions(t *testing.T) {
	tests := []struct {
		name, file, from, to string
		want                 string // among the problems
	}{
		{
			"the leaves' numbers differ", "node-k8c1m0.yaml", "peerIP: 192.168.9.205\n  asNumber: 63500", "peerIP: 192.168.9.205\n  asNumber: 65000",
			"node-k8c1m0.yaml:31: the leaves' AS number (of leaf202-k8c1m0) is 65000 here, but 63500 in node-k8c1m0.yaml:21; the latter is taken",
		},
		{
			"a leaf's address is mistyped", "node-k8c1s1.yaml", "192.168.9.205", "192.168.9.250",
			"node-k8c1s1.yaml:30: leaf202 is 192.168.9.250 here, but 192.168.9.205 in node-k8c1m0.yaml:30; the latter is taken",
		},
		{
			"a leaf is elsewhere", "node-k8c1m0.yaml", "192.168.9.204", "192.168.5.204",
			"node-k8c1m0.yaml:20: leaf201 has 192.168.5.204, which is outside of 192.168.9.192/28 (k8c1m0/ifcfg-bond0.1500:7)",
		},
		{
			"a peer is missing", "node-k8c1s1.yaml", "kind: BGPPeer\nmetadata:\n  name: leaf202", "kind: Nothing\nmetadata:\n  name: leaf202",
			"node-k8c1s1.yaml:8: k8c1s1.labs.haystacknetworks.com has no BGPPeer to leaf202 (192.168.9.205)",
		},
		{
			"a peer of nobody", "node-k8c1s1.yaml", "asNumber: 63500\n  node: k8c1s1", "asNumber: 63500\n  node: k8c1s9",
			"node-k8c1s1.yaml:20: BGPPeer leaf201-k8c1s1 is of k8c1s9.labs.haystacknetworks.com, of which there is no Node",
		},
		{
			"a node twice", "node-k8c1s2.yaml", "name: k8c1s2.labs", "name: k8c1s1.labs",
			"node-k8c1s2.yaml:8: k8c1s1.labs.haystacknetworks.com is a Node in node-k8c1s1.yaml:8 already; that one is taken",
		},
		{
			"a number twice", "node-k8c1s2.yaml", "63553", "63552",
			"node-k8c1s2.yaml:8: k8c1s2 has AS number 63552, which is k8c1s1's",
		},
		{
			"a node elsewhere", "node-k8c1s1.yaml", "192.168.9.194/28", "172.20.0.10/28",
			"node-k8c1s1.yaml:11: k8c1s1 has 172.20.0.10/28, which is outside of 192.168.9.192/28 (k8c1m0/ifcfg-bond0.1500:7)",
		},
		{
			"a host of no node", "k8c1m0/ifcfg-bond0.1500", "192.168.9.193", "192.168.9.196",
			"k8c1m0/ifcfg-bond0.1500:6: 192.168.9.196/28 is the address of no Node",
		},
		{
			"two domains", "node-k8c1s1.yaml", "k8c1s1.labs.haystacknetworks.com", "k8c1s1.example.net",
			"node-k8c1s1.yaml:8: the domain is example.net here, but labs.haystacknetworks.com in k8c1m0/ifcfg-bond0.1500:11; the latter is taken",
		},
		{
			"two MTUs", "k8c1m0/ifcfg-eno2", "9000", "1500",
			"k8c1m0/ifcfg-eno2:9: the MTU is 1500 here, but 9000 in k8c1m0/ifcfg-bond0:6; the latter is taken",
		},
		{
			"MetalLB gives out what Calico does not announce", "metallb.yaml", "172.29.0.0/16", "172.16.0.0/16",
			"metallb.yaml:14: the range of load balancers is 172.16.0.0/16 here, but 172.29.0.0/16 in bgp.yaml:9; the latter is taken",
		},
		{
			"the mesh", "bgp.yaml", "  nodeToNodeMeshEnabled: false\n", "",
			"bgp.yaml:1: nodeToNodeMeshEnabled is not false: a plan's nodes peer with the leaves alone",
		},
		{
			"a tunnel", "pool.yaml", "ipipMode: Never", "ipipMode: Always",
			"pool.yaml:8: ipipMode is Always: a plan's pods are routed as they are, without a tunnel",
		},
		{
			"NAT", "pool.yaml", "natOutgoing: false", "natOutgoing: true",
			"pool.yaml:10: natOutgoing is true: a plan's pods keep their own addresses outside",
		},
		{
			"another bond", "k8c1m0/ifcfg-bond0", "mode=4", "mode=1 lacp_rate=1",
			"k8c1m0/ifcfg-bond0:8: lacp_rate=1: a plan has no such option",
		},
		{
			"DHCP", "k8c1m0/ifcfg-bond0.1500", "IPADDR=192.168.9.193\n", "",
			`k8c1m0/ifcfg-bond0.1500: has no IPADDR (BOOTPROTO is "none"); a node's address cannot come from elsewhere`,
		},
		{
			"no number", "node-k8c1s1.yaml", "asNumber: 63552", "asNumber: many",
			`node-k8c1s1.yaml:12: asNumber: "many" is no AS number`,
		},
		{
			"no YAML", "pool.yaml", "spec:", "spec: [",
			"pool.yaml: reading YAML: line 4: did not find expected ',' or ']'",
		},
		{
			"no shell", "k8c1m0/ifcfg-eno1", "MTU=9000", "MTU=$(cat mtu)",
			"k8c1m0/ifcfg-eno1:9: MTU: needs a shell to expand it; write out what it stands for",
		},
		{
			"no VLAN link", "k8c1m0/ifcfg-bond0.1500", "DEVICE=bond0.1500\nVLAN=yes", "DEVICE=eno7\nVLAN=no",
			"k8c1m0/ifcfg-bond0: neither this file nor one beside it is of a VLAN link such as bond0.1500, which has a node's address",
		},
		{
			"a length that is none", "k8c1m0/ifcfg-bond0.1500", "PREFIX=28", "PREFIX=33",
			`k8c1m0/ifcfg-bond0.1500:7: PREFIX: "33" is not a number from 0 to 32`,
		},
		{
			"a length below 0", "k8c1m0/ifcfg-bond0.1500", "PREFIX=28", "PREFIX=-1",
			`k8c1m0/ifcfg-bond0.1500:7: PREFIX: "-1" is not a number from 0 to 32`,
		},
		{
			"a length in words", "k8c1m0/ifcfg-bond0.1500", "PREFIX=28", "PREFIX=many",
			`k8c1m0/ifcfg-bond0.1500:7: PREFIX: "many" is not a number from 0 to 32`,
		},
		{
			"no length", "k8c1m0/ifcfg-bond0.1500", "PREFIX=28\n", "",
			"k8c1m0/ifcfg-bond0.1500: has neither PREFIX nor NETMASK, without which the subnet is unknown",
		},
		{
			"a netmask with a gap", "k8c1m0/ifcfg-bond0.1500", "PREFIX=28", "NETMASK=255.0.255.0",
			`k8c1m0/ifcfg-bond0.1500:7: NETMASK: "255.0.255.0" is no netmask`,
		},
		{
			"a netmask in words", "k8c1m0/ifcfg-bond0.1500", "PREFIX=28", "NETMASK=many",
			`k8c1m0/ifcfg-bond0.1500:7: NETMASK: "many" is no netmask`,
		},
		{
			"an address in words", "k8c1m0/ifcfg-bond0.1500", "IPADDR=192.168.9.193", "IPADDR=many",
			`k8c1m0/ifcfg-bond0.1500:6: IPADDR: "many" is no IPv4 address`,
		},
		{
			"an IPv6 gateway", "k8c1m0/ifcfg-bond0.1500", "GATEWAY=192.168.9.206", "GATEWAY=2001:db8::1",
			`k8c1m0/ifcfg-bond0.1500:8: GATEWAY: "2001:db8::1" is no IPv4 address`,
		},
		{
			"an MTU of the VLAN's own", "k8c1m0/ifcfg-bond0.1500", "IPADDR=", "MTU=1500\nIPADDR=",
			"k8c1m0/ifcfg-bond0:6: the MTU is 9000 here, but 1500 in k8c1m0/ifcfg-bond0.1500:6; the latter is taken",
		},
		{
			"an MTU in words", "k8c1m0/ifcfg-eno1", "MTU=9000", "MTU=jumbo",
			`k8c1m0/ifcfg-eno1:9: MTU: "jumbo" is no number of bytes`,
		},
		{
			"a card's address", "k8c1m0/ifcfg-eno1", "MTU=9000", "HWADDR=eno1",
			`k8c1m0/ifcfg-eno1:9: HWADDR: "eno1": want six bytes such as 00:00:5e:00:53:01`,
		},
		{
			"another mode", "k8c1m0/ifcfg-bond0", "mode=4", "mode=1",
			"k8c1m0/ifcfg-bond0:8: mode=1: a leaf pair answers LACP only, so the plan has 802.3ad",
		},
		{
			"a negative check", "k8c1m0/ifcfg-bond0", "miimon=1000", "miimon=-1",
			`k8c1m0/ifcfg-bond0:8: miimon: "-1" is no number`,
		},
		{
			"a check in words", "k8c1m0/ifcfg-bond0", "miimon=1000", "miimon=1s",
			`k8c1m0/ifcfg-bond0:8: miimon: "1s" is no number`,
		},
		{
			"a peer without a number", "node-k8c1s1.yaml", "  asNumber: 63500\n  node", "  node",
			"node-k8c1s1.yaml:20: BGPPeer leaf201-k8c1s1 has no spec.asNumber",
		},
		{
			"a Node without a name", "node-k8c1s1.yaml", "metadata:\n  name: k8c1s1.labs.haystacknetworks.com\n", "metadata: {}\n",
			"node-k8c1s1.yaml:5: a Node without metadata.name",
		},
		{
			"a Node without an address", "node-k8c1s1.yaml", "    ipv4Address: 192.168.9.194/28\n", "",
			"node-k8c1s1.yaml:8: k8c1s1.labs.haystacknetworks.com has no spec.bgp.ipv4Address",
		},
		{
			"a Node with an address that is none", "node-k8c1s1.yaml", "192.168.9.194/28", "many",
			`node-k8c1s1.yaml:11: ipv4Address: "many" is no address with its length, such as 192.168.9.193/28`,
		},
		{
			"a configuration in a configuration that is none", "metallb.yaml", "      - name: default", "      - [",
			"metallb.yaml:8: reading data.config: line 1: did not find expected ',' or ']'",
		},
		{
			"no VLAN", "k8c1m0/ifcfg-bond0.1500", "DEVICE=bond0.1500", "DEVICE=bond0.x",
			`k8c1m0/ifcfg-bond0.1500:1: "x" is no VLAN ID; want a DEVICE such as bond0.1500, or VLAN_ID`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := byHand(t)
			for i := range files {
				if files[i].Name == tt.file {
					edited := strings.Replace(string(files[i].Content), tt.from, tt.to, 1)
					if edited == string(files[i].Content) {
						t.Fatalf("%s has no %q", tt.file, tt.from)
					}
					files[i].Content = []byte(edited)
				}
			}
			got := strings.Join(problems(imported.Plan(files, hints())), "\n")
			if !strings.Contains(got+"\n", tt.want+"\n") {
				t.Errorf("no problem\n%s\namong\n%s", tt.want, got)
			}
		})
	}
}

// One number for all nodes, peers for all nodes, an IPAddressPool, netmasks,
// the hosts' cards, and what `calicoctl get -o yaml` prints.
func TestOtherForms(t *testing.T) {
	files := []imported.File{
		{Name: "a/ifcfg-vlan7", Content: []byte("VLAN=yes\nPHYSDEV=bond1\nVLAN_ID=7\nIPADDR0=10.0.0.1\nNETMASK0=255.255.255.0\nGATEWAY0=10.0.0.254\n")},
		{Name: "a/ifcfg-bond1", Content: []byte("TYPE=Bond\nBONDING_OPTS='mode=802.3ad miimon=100'\n")},
		{Name: "a/ifcfg-eno10", Content: []byte("MASTER=bond1\nHWADDR=00:00:5E:00:53:02\n")},
		{Name: "a/ifcfg-eno2", Content: []byte("MASTER=bond1\nHWADDR=00:00:5E:00:53:01\n")},
		{Name: "a/ifcfg-lo", Content: []byte("DEVICE=lo\n")},
		{Name: "all.yaml", Content: []byte(`apiVersion: projectcalico.org/v3
kind: NodeList
items:
- {apiVersion: projectcalico.org/v3, kind: Node, metadata: {name: a.example.net, labels: {node-role.kubernetes.io/control-plane: ""}}, spec: {bgp: {ipv4Address: 10.0.0.1/24}}}
- {apiVersion: projectcalico.org/v3, kind: Node, metadata: {name: b.example.net}, spec: {bgp: {ipv4Address: 10.0.0.2/24}}}
---
apiVersion: crd.projectcalico.org/v1
kind: BGPConfiguration
metadata: {name: default}
spec: {nodeToNodeMeshEnabled: false, asNumber: 64520, serviceClusterIPs: [{cidr: 172.28.0.0/16}]}
---
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {name: tor1}
spec: {peerIP: 10.0.0.252, asNumber: 64512, nodeSelector: all()}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: default}
spec: {addresses: [172.29.0.0/16, 10.9.0.1-10.9.0.9]}
---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: from-before}
spec: {cidr: 172.26.0.0/16, disabled: true}
`)},
		{Name: "deployment.yaml", Content: []byte("apiVersion: apps/v1\nkind: Deployment\n")},
	}
	h := hints()
	h.ControlPlanes, h.MACs, h.Services = nil, nil, netip.Prefix{}
	h.Cluster, h.APIEndpoint = "other", netip.MustParseAddrPort("10.0.0.1:6443")
	r := imported.Plan(files, h)
	golden.Check(t, filepath.Join("testdata", "other.yaml"), text(t, r))
	want := []string{`all.yaml:20: "10.9.0.1-10.9.0.9" is no range such as 172.29.0.0/16, which is what Calico announces`}
	if diff := cmp.Diff(want, problems(r)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if len(r.Gaps) != 1 || r.Gaps[0].Path != "spec.pods.subnet" {
		t.Errorf("gaps: %v, want the pods' range", r.Gaps)
	}
}

// A cluster is called what all of its nodes' names begin with, less the dash.
func TestGuessedName(t *testing.T) {
	node := func(name string) imported.File {
		return imported.File{Name: name + ".yaml", Content: []byte("apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: " + name + "}\n")}
	}
	r := imported.Plan([]imported.File{node("west-m0"), node("west-s1")}, imported.Hints{})
	if got := r.Draft.Plan.Metadata.Name; got != "west" {
		t.Errorf("the cluster is called %q, want west", got)
	}
}

func TestHintsOfStrangers(t *testing.T) {
	h := hints()
	h.ControlPlanes, h.MACs = []string{"k8c1m0.labs.haystacknetworks.com", "k8c1m9"}, map[string][]plan.MAC{"k8c1s9": nil}
	got := slices.DeleteFunc(problems(imported.Plan(byHand(t), h)), func(p string) bool { return !strings.HasPrefix(p, "--") })
	want := []string{"--control-plane: there is no Node k8c1m9", "--mac: there is no Node k8c1s9"} // k8c1m0 is one by either name
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is wrong in one place is said there, and nothing else is of it; what says
// nothing that a plan has is passed over.
func TestNoProblems(t *testing.T) {
	for name, edit := range map[string][3]string{ // file, from, to
		"the other word for the mode":      {"k8c1m0/ifcfg-bond0", "mode=4", "mode=802.3ad"},
		"a check of nothing":               {"k8c1m0/ifcfg-bond0", "updelay=2400", "updelay=0"},
		"a netmask":                        {"k8c1m0/ifcfg-bond0.1500", "PREFIX=28", "NETMASK=255.255.255.240"},
		"a prefix and another netmask":     {"k8c1m0/ifcfg-bond0.1500", "PREFIX=28", "PREFIX=28\nNETMASK=255.255.0.0"},
		"a VLAN by its name alone":         {"k8c1m0/ifcfg-bond0.1500", "VLAN=yes\n", ""},
		"a range of IPv6":                  {"bgp.yaml", "- cidr: 172.29.0.0/16", "- cidr: 172.29.0.0/16\n    - cidr: 2001:db8::/64"},
		"a pool of IPv6":                   {"metallb.yaml", "- 172.29.0.0/16", "- 172.29.0.0/16\n          - 2001:db8::/64"},
		"a ConfigMap of something else":    {"metallb.yaml", "address-pools", "something"},
		"a label of the former name":       {"node-k8c1m0.yaml", "metadata:\n", "metadata:\n  labels: {node-role.kubernetes.io/master: ''}\n"},
		"an empty line and comment before": {"k8c1m0/ifcfg-bond0", "DEVICE=bond0", "\n# the bond\nDEVICE=bond0"},
	} {
		t.Run(name, func(t *testing.T) {
			files := byHand(t)
			for i, f := range files {
				if f.Name == edit[0] {
					files[i].Content = []byte(strings.Replace(string(f.Content), edit[1], edit[2], 1))
				}
				if f.Name == "node-k8c1s2.yaml" {
					files[i].Content = []byte(strings.Replace(string(f.Content), "/24", "/28", 1))
				}
			}
			r := imported.Plan(files, hints())
			if got := problems(r); len(got) > 0 || len(r.Gaps) > 0 {
				t.Errorf("problems %q, gaps %v", got, r.Gaps)
			}
		})
	}
}

// A node whose address nothing tells is a gap of its own, and no reason to take
// another's subnet; the subnet that most have is taken where no host says one.
func TestGuessedSubnet(t *testing.T) {
	node := func(name, spec string) string {
		return "---\napiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: " + name + "}\nspec: {bgp: {" + spec + "}}\n"
	}
	text := node("x0", "asNumber: 1") + node("x1", "ipv4Address: 10.9.0.1/24") + node("x2", "ipv4Address: 10.0.0.2/24") + node("x3", "ipv4Address: 10.0.0.3/24")
	r := imported.Plan([]imported.File{{Name: "all.yaml", Content: []byte(text)}}, imported.Hints{})
	if got := r.Draft.Plan.Spec.NodeNetwork.Subnet.String(); got != "10.0.0.0/24" {
		t.Errorf("the subnet is %s", got)
	}
	want := map[string]bool{"spec.nodes[0].address": true, "spec.nodes[1].address": false, "spec.nodeNetwork.subnet": false}
	for _, g := range r.Gaps {
		if missing, known := want[g.Path]; known && !missing {
			t.Errorf("a gap at %s", g.Path)
		}
		delete(want, g.Path)
	}
	if want["spec.nodes[0].address"] {
		t.Errorf("no gap of the node without an address: %v", r.Gaps)
	}
}

// BenchmarkPlan is a cluster of 2,000 nodes.
func BenchmarkPlan(b *testing.B) {
	var doc strings.Builder
	for i := range 2000 {
		name := fmt.Sprintf("n%d", i)
		fmt.Fprintf(&doc, "---\napiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: %s}\nspec: {bgp: {ipv4Address: 10.0.%d.%d/16, asNumber: %d}}\n", name, i/250, i%250+1, 100000+i)
		for leaf := range 2 {
			fmt.Fprintf(&doc, "---\napiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: leaf%d-%s}\nspec: {peerIP: 10.0.255.%d, asNumber: 64512, node: %s}\n", leaf, name, leaf+1, name)
		}
	}
	files := []imported.File{{Name: "all.yaml", Content: []byte(doc.String())}}
	b.ReportAllocs()
	for b.Loop() {
		r := imported.Plan(files, imported.Hints{})
		if len(r.Problems) > 0 {
			b.Fatal(r.Problems)
		}
		text(b, r)
	}
}
