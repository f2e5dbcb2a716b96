// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

const example = "../../docs/examples/k8c1.yaml"

// exampleWarnings are what is to be said of the shipped example: the
// reference cluster has its slips.
func exampleWarnings() []string {
	return []string{
		"warning: spec.bond.updelay: 2.4s is not a multiple of miimon 1s; the kernel rounds it down to 2s",
		"warning: spec.fabric.asn: 63500 is public; set spec.asn.owned: true if it is registered to you, or use 64512–65534 (RFC 6996)",
		"warning: spec.fabric.leaves[0].routerID: 2.0.0.1 is a public address that somebody may own; want a private one, or none: it is then the leaf's address",
		"warning: spec.fabric.leaves[1].routerID: 2.0.0.2 is a public address that somebody may own; want a private one, or none: it is then the leaf's address",
		"warning: spec.asn: 63551–63562 is public; set spec.asn.owned: true if it is registered to you, or use 64512–65534 (RFC 6996)",
		"warning: spec.pods.outside: is not set: pods keep their addresses, which nothing translates, and have no path beyond the fabric, so that CoreDNS does not reach 192.168.178.246; set it to true and route spec.pods.subnet back to the fabric",
	}
}

// An edit replaces the first occurrence of old in the example.
type edit struct{ old, new string }

func edited(t *testing.T, edits ...edit) []byte {
	t.Helper()
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, e := range edits {
		if !strings.Contains(text, e.old) {
			t.Fatalf("the example holds no %q to edit", e.old)
		}
		text = strings.Replace(text, e.old, e.new, 1)
	}
	return []byte(text)
}

func lines(r plan.Report) []string {
	var out []string
	for _, p := range r {
		out = append(out, p.String())
	}
	return out
}

type reportTest struct {
	name  string
	edits []edit
	want  []string // beside what the example gets
}

func (tt reportTest) run(t *testing.T) {
	_, report := plan.Parse(edited(t, tt.edits...))
	var got []string
	for _, line := range lines(report) {
		if !slices.Contains(exampleWarnings(), line) {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(tt.want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestHeader(t *testing.T) {
	for _, tt := range []reportTest{
		{"another version", []edit{{"nodeprep.dev/v1alpha1", "nodeprep.dev/v2"}}, []string{
			`error: apiVersion: is "nodeprep.dev/v2", want nodeprep.dev/v1alpha1`,
		}},
		{"another kind", []edit{{"kind: ClusterPlan", "kind: Cluster"}}, []string{
			`error: kind: is "Cluster", want ClusterPlan`,
		}},
		{"no name", []edit{{"name: k8c1\n", "name: K8_c1\n"}}, []string{
			`error: metadata.name: "K8_c1" is no DNS label (lower-case letters, digits, dashes)`,
		}},
		{"names of more than 63 characters", []edit{{"domain: labs.haystacknetworks.com", "domain: k8c1.a-label-that-is-long.a-label-that-is-long.haystacknetworks.com"}}, []string{
			"error: spec.domain: makes the node's name k8c1m0.k8c1.a-label-that-is-long.a-label-that-is-long.haystacknetworks.com of 74 characters; want at most 63, which Kubernetes takes as the value of a label",
		}},
		{"no domain", []edit{{"domain: labs.haystacknetworks.com", "domain: labs..com"}}, []string{
			`error: spec.domain: "labs..com" is no DNS domain`,
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestNodeNetwork(t *testing.T) {
	for _, tt := range []reportTest{
		{"subnet with host bits", []edit{{"subnet: 192.168.9.192/28", "subnet: 192.168.9.193/28"}}, []string{
			"error: spec.nodeNetwork.subnet: 192.168.9.193/28 has host bits set; the subnet is 192.168.9.192/28",
		}},
		{"VLAN 0", []edit{{"vlan: 1500", "vlan: 0"}}, []string{"error: spec.nodeNetwork.vlan: 0 is not in 1–4094"}},
		{"VLAN 4095", []edit{{"vlan: 1500", "vlan: 4095"}}, []string{"error: spec.nodeNetwork.vlan: 4095 is not in 1–4094"}},
		{"gateway outside", []edit{{"gateway: 192.168.9.206", "gateway: 192.168.9.190"}}, []string{
			"error: spec.nodeNetwork.gateway: 192.168.9.190 is outside 192.168.9.192/28",
		}},
		{"gateway is the network", []edit{{"gateway: 192.168.9.206", "gateway: 192.168.9.192"}}, []string{
			"error: spec.nodeNetwork.gateway: 192.168.9.192 is the network address of 192.168.9.192/28",
		}},
		{"gateway is the broadcast", []edit{{"gateway: 192.168.9.206", "gateway: 192.168.9.207"}}, []string{
			"error: spec.nodeNetwork.gateway: 192.168.9.207 is the broadcast address of 192.168.9.192/28",
		}},
		{"more name servers than a resolver reads", []edit{{"dns: [192.168.178.246, 8.8.8.8]", "dns: [192.168.178.246, 8.8.8.8, 8.8.4.4, 192.168.178.247]"}}, []string{
			"error: spec.nodeNetwork.dns: has 4 servers; a host's resolver reads 3",
		}},
		{"the cluster's own name server, and none", []edit{{"dns: [192.168.178.246, 8.8.8.8]", "dns: [172.28.0.10, 172.27.0.3, 0.0.0.0]"}, {"blockSize: 26", "blockSize: 26\n    outside: true"}}, []string{
			"error: spec.nodeNetwork.dns[0]: 172.28.0.10 is in 172.28.0.0/16 of spec.services.subnet, where nothing answers until the cluster runs; want a server outside of it",
			"error: spec.nodeNetwork.dns[1]: 172.27.0.3 is in 172.27.0.0/16 of spec.pods.subnet, where nothing answers until the cluster runs; want a server outside of it",
			"error: spec.nodeNetwork.dns[2]: 0.0.0.0 is the address of no server",
		}},
		{"an IPv6 subnet and gateway", []edit{{"subnet: 192.168.9.192/28", "subnet: 2001:db8::/64"}, {"gateway: 192.168.9.206", "gateway: 2001:db8::1"}}, []string{
			"error: spec.nodeNetwork.subnet: 2001:db8::/64 is not IPv4",
			"error: spec.fabric.leaves[0].address: 192.168.9.204 is outside 2001:db8::/64",
			"error: spec.fabric.leaves[1].address: 192.168.9.205 is outside 2001:db8::/64",
			"error: spec.nodes[0].address: 192.168.9.193/28 is outside 2001:db8::/64",
			"error: spec.nodes[1].address: 192.168.9.194/28 is outside 2001:db8::/64",
			"error: spec.nodes[2].address: 192.168.9.195/28 is outside 2001:db8::/64",
		}},
		{"no gateway and no subnet", []edit{{"    gateway: 192.168.9.206\n", ""}, {"    subnet: 192.168.9.192/28\n", ""}}, []string{
			"error: spec.nodeNetwork.subnet: is missing; want a subnet such as 192.168.9.192/28",
			"error: spec.nodeNetwork.gateway: is missing; want an address in the nodes' subnet",
		}},
		{"no gateway", []edit{{"    gateway: 192.168.9.206\n", ""}}, []string{
			"error: spec.nodeNetwork.gateway: is missing; want an address in 192.168.9.192/28",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

// Whose address the API server's is cannot be told of a node without a role, which
// is said already; nor does a plan without racks know one.
func TestNodesThatCannotBeTold(t *testing.T) {
	for _, tt := range []reportTest{
		{"no role", []edit{{"role: control-plane\n", "asn: 63551\n"}, {"apiEndpoint: 192.168.9.193", "apiEndpoint: 192.168.9.199"}}, []string{
			"error: spec.nodes[0].role: is missing; want control-plane or worker",
		}},
		{"a rack of no plan", []edit{{"role: control-plane\n", "role: control-plane\n      rack: r1\n"}}, []string{
			`error: spec.nodes[0].rack: "r1" is no rack of the plan, which has none`,
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

// As many blocks as nodes are enough.
func TestAsManyBlocksAsNodes(t *testing.T) {
	text, _, ok := strings.Cut(string(edited(t, edit{"172.27.0.0/16", "172.27.0.0/24"}, edit{"blockSize: 26", "blockSize: 25"})), "    - name: k8c1s2")
	p, report := plan.Parse([]byte(text))
	if err := report.Err(); !ok || err != nil || len(p.Spec.Nodes) != 2 {
		t.Errorf("%d nodes: %v", len(p.Spec.Nodes), err)
	}
}

func TestBond(t *testing.T) {
	for _, tt := range []reportTest{
		{"another mode", []edit{{"mode: 802.3ad", "mode: active-backup"}}, []string{
			`error: spec.bond.mode: "active-backup": a leaf pair answers LACP only; want 802.3ad`,
		}},
		{"no interface name", []edit{{"name: bond0", "name: bond 0"}}, []string{
			`error: spec.bond.name: "bond 0" is no interface name (at most 15 letters, digits, dots, dashes)`,
		}},
		{"no room for the VLAN", []edit{{"name: bond0", "name: fabric-bond"}}, []string{
			`error: spec.bond.name: "fabric-bond" makes the VLAN link fabric-bond.1500, longer than the 15 bytes of an interface name`,
		}},
		{"a bond that is no mapping", []edit{{"  bond:\n    name: bond0\n    legs: [eno1, eno2]\n    mode: 802.3ad\n    miimon: 1s\n    updelay: 2400ms # the kernel makes 2 s of it: whole multiples of miimon\n    minLinks: 1\n    mtu: 9000\n", "  bond: [eno1, eno2]\n"}}, []string{
			"error: spec.bond: is a list, want a mapping",
		}},
		{"no legs", []edit{{"legs: [eno1, eno2]", "legs: []"}}, []string{
			"error: spec.bond.legs: is empty; want the interfaces that lead to the leaves",
		}},
		{"one leg twice", []edit{{"legs: [eno1, eno2]", "legs: [eno1, eno1]"}}, []string{
			"error: spec.bond.legs[1]: eno1 is spec.bond.legs[0] already",
		}},
		{"the bond in itself", []edit{{"legs: [eno1, eno2]", "legs: [eno1, bond0]"}}, []string{
			"error: spec.bond.legs[1]: bond0 is the bond itself; want an interface that is part of it",
		}},
		{"the VLAN link in the bond", []edit{{"legs: [eno1, eno2]", "legs: [eno1, bond0.1500]"}}, []string{
			"error: spec.bond.legs[1]: bond0.1500 is the VLAN link on the bond; want an interface that is part of the bond",
		}},
		{"names of the kernel's", []edit{{"name: bond0", "name: all"}, {"legs: [eno1, eno2]", "legs: [lo, eno2]"}}, []string{
			`error: spec.bond.name: "all" is a name that the kernel keeps for itself; want another`,
			`error: spec.bond.legs[0]: "lo" is a name that the kernel keeps for itself; want another`,
		}},
		{"no leg's name", []edit{{"legs: [eno1, eno2]", "legs: [eno1, leg/two]"}}, []string{
			`error: spec.bond.legs[1]: "leg/two" is no interface name`,
		}},
		{"more links than legs", []edit{{"minLinks: 1", "minLinks: 3"}}, []string{
			"error: spec.bond.minLinks: 3 is not in 1–2, the number of legs",
		}},
		{"MTU", []edit{{"mtu: 9000", "mtu: 90000"}, {"    mtu: 9000\n    defaultRoute", "    defaultRoute"}}, []string{
			"error: spec.bond.mtu: 90000 is not in 1280–9216",
			"error: spec.fabric.mtu: 90000 is not in 1280–9216",
		}},
		{"another MTU than the leaves'", []edit{{"mtu: 9000", "mtu: 1500"}}, []string{
			"warning: spec.fabric.mtu: 9000 is not spec.bond.mtu 1500: packets that one side may send are too large for the other; want the same on both",
		}},
		{"negative miimon", []edit{{"miimon: 1s", "miimon: -1s"}}, []string{
			"error: spec.bond.miimon: -1s is not a positive number of whole milliseconds",
		}},
		{"split milliseconds", []edit{{"updelay: 2400ms", "updelay: 2400us"}}, []string{
			"error: spec.bond.updelay: 2.4ms is not a number of whole milliseconds",
		}},
		{"duration without a unit", []edit{{"miimon: 1s", "miimon: 1000"}}, []string{
			`error: spec.bond.miimon: "1000" is not a duration such as 1s or 2400ms`,
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestFabric(t *testing.T) {
	for _, tt := range []reportTest{
		{"no AS", []edit{{"    asn: 63500 # what the nodes see, by local-as\n", ""}}, []string{
			"error: spec.fabric.asn: is missing or 0, which no speaker may use (RFC 7607)",
		}},
		{"leaf and gateway share an address", []edit{{"address: 192.168.9.204", "address: 192.168.9.206"}}, []string{
			"error: spec.fabric.leaves[0].address: 192.168.9.206 is taken by spec.nodeNetwork.gateway",
		}},
		{"one leaf twice", []edit{{"name: leaf202", "name: leaf201"}, {"192.168.9.205", "192.168.9.204"}}, []string{
			"error: spec.fabric.leaves[1].name: leaf201 is taken by spec.fabric.leaves[0].name",
			"error: spec.fabric.leaves[1].address: 192.168.9.204 is taken by spec.fabric.leaves[0].address",
			"error: spec.nodes[0].ports[1]: leaf202:1/3 is on no leaf of the node's rack",
			"error: spec.nodes[1].ports[1]: leaf202:1/4 is on no leaf of the node's rack",
			"error: spec.nodes[2].ports[1]: leaf202:1/5 is on no leaf of the node's rack",
		}},
		{"leaf outside", []edit{{"192.168.9.205", "192.168.9.221"}}, []string{
			"error: spec.fabric.leaves[1].address: 192.168.9.221 is outside 192.168.9.192/28",
		}},
		{"leaves without addresses", []edit{
			{"        address: 192.168.9.204\n", ""}, {"        address: 192.168.9.205\n", ""}, {"    gateway: 192.168.9.206\n", ""},
		}, []string{
			"error: spec.nodeNetwork.gateway: is missing; want an address in 192.168.9.192/28",
			"error: spec.fabric.leaves[0].address: is missing; want an address in 192.168.9.192/28",
			"error: spec.fabric.leaves[1].address: is missing; want an address in 192.168.9.192/28",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestASN(t *testing.T) {
	first := func(n string) edit { return edit{"first: 63551", "first: " + n} }
	owned := edit{"model: node", "model: node\n    owned: true"}
	last := func(n string) edit { return edit{"last: 63562", "last: " + n} }
	for _, tt := range []reportTest{
		{"private numbers", []edit{{"asn: 63500", "asn: 64512"}, first("65001"), last("65003")}, nil},
		{"documentation", []edit{first("65536"), last("65551")}, []string{
			"warning: spec.asn: 65536–65551 is for documentation only (RFC 5398)",
		}},
		{"documentation's last and private ones", []edit{first("64511"), last("64520")}, []string{
			"warning: spec.asn: 64511–64520 is public; set spec.asn.owned: true if it is registered to you, or use 64512–65534 (RFC 6996)",
		}},
		{"no range", []edit{{"    first: 63551\n    last: 63562\n", ""}, {"role: control-plane", "role: control-plane\n      asn: 63551"}}, []string{
			"error: spec.asn.first: is missing or 0, which no speaker may use (RFC 7607)",
			"error: spec.asn.last: is missing or 0, which no speaker may use (RFC 7607)",
		}},
		{"upside down", []edit{last("63550"), {"role: control-plane", "role: control-plane\n      asn: 63551"}}, []string{"error: spec.asn.last: 63550 is below spec.asn.first 63551"}},
		{"AS_TRANS", []edit{first("23456")}, []string{"error: spec.asn.first: 23456 is AS_TRANS (RFC 6793)"}},
		{"the last of 16 bits", []edit{last("65535")}, []string{"error: spec.asn.last: 65535 is reserved (RFC 7300)"}},
		{"the last of 32 bits", []edit{last("4294967295")}, []string{"error: spec.asn.last: 4294967295 is reserved (RFC 7300)"}},
		{"more than Calico stores", []edit{last("4200000000")}, []string{
			"error: spec.asn.last: 4200000000 is above 2147483647, the largest that Calico's BGPPeer stores",
		}},
		{"more than 32 bits", []edit{last("4294967296")}, []string{
			`error: spec.asn.last: "4294967296" is not a whole number from 0 to 4294967295`,
		}},
		{"the fabric's within", []edit{owned, first("63500")}, []string{
			"error: spec.asn: 63500–63562 holds spec.fabric.asn 63500; eBGP needs two numbers",
		}},
		{"too few", []edit{owned, last("63552")}, []string{
			"error: spec.asn: 63551–63552 holds 2 numbers, too few for 3 nodes",
		}},
		{"a node's own outside", []edit{{"role: control-plane", "role: control-plane\n      asn: 63600"}}, []string{
			"error: spec.nodes[0].asn: 63600 is outside spec.asn 63551–63562",
		}},
		{"a node's own is another's", []edit{{"role: control-plane", "role: control-plane\n      asn: 63552"}}, []string{
			"error: spec.nodes[1].asn: 63552 is taken by spec.nodes[0].asn",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestRanges(t *testing.T) {
	for _, tt := range []reportTest{
		{"no pods", []edit{{"    subnet: 172.27.0.0/16\n", ""}}, []string{
			"error: spec.pods.subnet: is missing; want a subnet such as 192.168.9.192/28",
		}},
		{"more services than the API server takes", []edit{{"172.28.0.0/16", "10.0.0.0/11"}}, []string{
			"error: spec.services.subnet: 10.0.0.0/11 is not between a /12 and a /28, the ranges that kubeadm init takes",
		}},
		{"too few services", []edit{{"172.28.0.0/16", "172.28.0.0/29"}}, []string{
			"error: spec.services.subnet: 172.28.0.0/29 is not between a /12 and a /28, the ranges that kubeadm init takes",
		}},
		{"fewer pods than kubeadm takes", []edit{{"172.27.0.0/16", "172.27.0.0/25"}, {"blockSize: 26", "blockSize: 28"}}, []string{
			"error: spec.pods.subnet: 172.27.0.0/25 is not between a /8 and a /24, the ranges that kubeadm init takes",
		}},
		{"IPv6 pods", []edit{{"172.27.0.0/16", "2001:db8::/48"}}, []string{"error: spec.pods.subnet: 2001:db8::/48 is not IPv4"}},
		{"block size out of range", []edit{{"blockSize: 26", "blockSize: 16"}}, []string{
			"error: spec.pods.blockSize: 16 is not in 20–32",
		}},
		{"block larger than the range", []edit{{"172.27.0.0/16", "172.27.0.0/24"}, {"blockSize: 26", "blockSize: 23"}}, []string{
			"error: spec.pods.blockSize: /23 is larger than the range 172.27.0.0/24",
		}},
		{"fewer blocks than nodes", []edit{{"172.27.0.0/16", "172.27.0.0/24"}, {"blockSize: 26", "blockSize: 25"}}, []string{
			"error: spec.pods.blockSize: 172.27.0.0/24 holds 2 blocks of /25, too few for 3 nodes; want a range of /23, or smaller blocks",
		}},
		{"no services", []edit{{"  services:\n    subnet: 172.28.0.0/16\n", ""}}, []string{
			"error: spec.services.subnet: is missing; want a subnet such as 192.168.9.192/28",
		}},
		{"load balancers may be left out", []edit{
			{"  loadBalancers:\n    subnet: 172.29.0.0/16\n    metallb:\n      version: 0.16.1\n", ""},
			{"addresses: [172.29.0.6/32]", "addresses: [172.27.9.6/32]"},
			{"addresses: [172.29.0.7/32]", "addresses: [172.30.0.7/32]"},
		}, []string{
			"warning: spec.fabric.aci.applications[0].addresses[0]: 172.27.9.6/32 is a pod's, which gets another whenever it is made anew; want an address of spec.loadBalancers",
			"error: spec.fabric.aci.applications[1].addresses[0]: 172.30.0.7/32 is in no range that nodes announce: the plan has no spec.loadBalancers",
		}},
		{"load balancers with host bits", []edit{{"172.29.0.0/16", "172.29.0.1/16"}}, []string{
			"error: spec.loadBalancers.subnet: 172.29.0.1/16 has host bits set; the subnet is 172.29.0.0/16",
		}},
		{"overlap", []edit{{"172.28.0.0/16", "172.27.128.0/17"}}, []string{
			"error: spec.services.subnet: 172.27.128.0/17 overlaps 172.27.0.0/16 of spec.pods.subnet",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestKubernetes(t *testing.T) {
	for _, tt := range []reportTest{
		{"no release", []edit{{"1.37.2", "v1.37"}}, []string{
			`error: spec.kubernetes.version: "v1.37" is no release; want one such as 1.37.2`,
		}},
		{"too old", []edit{{"1.37.2", "1.30.9"}}, []string{
			"error: spec.kubernetes.version: 1.30.9 is older than 1.31, the first release that reads kubeadm.k8s.io/v1beta4",
		}},
		{"the oldest", []edit{{"1.37.2", "1.31.0"}}, nil},
		{"relative folder", []edit{{"/srv/packages", "srv/packages"}}, []string{
			`error: spec.packages.folder: "srv/packages" is not an absolute path`,
		}},
		{"a folder that is two for dnf", []edit{{"/srv/packages", "/srv/my packages"}}, []string{
			`error: spec.packages.folder: "/srv/my packages" has characters that dnf's baseurl and a kickstart line would take otherwise; want letters, digits and / . _ + -`,
		}},
		{"endpoint without a port", []edit{{"192.168.9.193:6443", "192.168.9.193"}}, []string{
			"error: spec.kubernetes.apiEndpoint: 192.168.9.193: want an address and a port, such as 192.168.9.193:6443",
		}},
		{"no port to listen on", []edit{{"192.168.9.193:6443", "192.168.9.193:0"}}, []string{
			"error: spec.kubernetes.apiEndpoint: 192.168.9.193:0 has no port that one can listen on; want one such as 6443",
		}},
		{"another port", []edit{{"192.168.9.193:6443", "192.168.9.193:443"}}, nil},
		{"no endpoint", []edit{{"    apiEndpoint: 192.168.9.193:6443\n", ""}}, []string{
			"error: spec.kubernetes.apiEndpoint: is missing; want an address and port such as 192.168.9.193:6443",
		}},
		{"a worker's endpoint", []edit{{"192.168.9.193:6443", "192.168.9.194:6443"}}, []string{
			"error: spec.kubernetes.apiEndpoint: 192.168.9.194 is the address of no control plane; want 192.168.9.193",
		}},
		{"pace", []edit{{"version: 1.37.2\n", "version: 1.37.2\n    pace: fast\n"}}, []string{
			"error: spec.kubernetes.pace: fast: want normal or slow",
		}},
		{"no manifest of Calico", []edit{{"  calico:\n    manifest: /etc/joinsvc/calico.yaml\n", ""}}, []string{
			"warning: spec.calico.manifest: is missing; `joinsvc serve` does not start without it: want the file of Calico's manifest on joinsvc's machine, such as /etc/joinsvc/calico.yaml",
		}},
		{"a manifest beside the plan", []edit{{"manifest: /etc/joinsvc/calico.yaml", "manifest: calico.yaml"}}, []string{
			`warning: spec.calico.manifest: "calico.yaml" is not an absolute path; ` + "`joinsvc serve` looks for it in the folder that it is started in, which under systemd is /",
		}},
		{"Calico's API", []edit{{"manifest: /etc/joinsvc/calico.yaml", "manifest: /etc/joinsvc/calico.yaml\n    api: v3"}}, []string{
			"error: spec.calico.api: v3: want auto, crd or native",
		}},
		{"SELinux", []edit{{"selinux: permissive", "selinux: disabled"}}, []string{
			"error: spec.host.selinux: disabled: want permissive, enforcing or leave",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestNodes(t *testing.T) {
	for _, tt := range []reportTest{
		{"another subnet's length", []edit{{"192.168.9.194/28", "192.168.9.194/24"}}, []string{
			"error: spec.nodes[1].address: 192.168.9.194/24 has length /24, the subnet 192.168.9.192/28 has /28",
		}},
		{"the broadcast address", []edit{{"192.168.9.194/28", "192.168.9.207/28"}}, []string{
			"error: spec.nodes[1].address: 192.168.9.207 is the broadcast address of 192.168.9.192/28",
		}},
		{"a leaf's address", []edit{{"192.168.9.194/28", "192.168.9.205/28"}}, []string{
			"error: spec.nodes[1].address: 192.168.9.205 is taken by spec.fabric.leaves[1].address",
		}},
		{"another node's address", []edit{{"192.168.9.194/28", "192.168.9.193/28"}}, []string{
			"error: spec.nodes[1].address: 192.168.9.193 is taken by spec.nodes[0].address",
		}},
		{"no length", []edit{{"192.168.9.194/28", "192.168.9.194"}}, []string{
			`error: spec.nodes[1].address: 192.168.9.194: want an address with a length, such as 192.168.9.193/28`,
		}},
		{"no address", []edit{{"      address: 192.168.9.194/28\n", ""}}, []string{
			"error: spec.nodes[1].address: is missing; want an address such as 192.168.9.193/28",
		}},
		{"no role", []edit{{"      role: control-plane\n", ""}}, []string{
			"error: spec.nodes[0].role: is missing; want control-plane or worker",
		}},
		{"another role", []edit{{"role: control-plane", "role: master"}}, []string{
			"error: spec.nodes[0].role: master: want control-plane or worker",
		}},
		{"two control planes", []edit{{"role: worker", "role: control-plane"}}, []string{
			"error: spec.nodes: 2 nodes have the role control-plane; this version joins clusters of exactly one",
		}},
		{"one MAC in two hosts, however it is written", []edit{{"00:00:5e:00:53:11", "00-00-5E-00-53-01"}}, []string{
			"error: spec.nodes[1].macs[0]: 00:00:5e:00:53:01 is taken by spec.nodes[0].macs[0]",
		}},
		{"an InfiniBand address", []edit{{"00:00:5e:00:53:11", "00:00:5e:00:53:11:00:01"}}, []string{
			"error: spec.nodes[1].macs[0]: 00:00:5e:00:53:11:00:01: want six bytes such as 00:00:5e:00:53:01",
		}},
		{"a name with its domain", []edit{{"name: k8c1s1", "name: k8c1s1.labs"}}, []string{
			`error: spec.nodes[1].name: "k8c1s1.labs" is no DNS label (lower-case letters, digits, dashes)`,
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestEveryProblemAtOnce(t *testing.T) {
	_, report := plan.Parse(edited(
		t,
		edit{"vlan: 1500", "vlan: fifteen"},
		edit{"192.168.9.194/28", "192.168.9.211/28"},
		edit{"name: k8c1s2", "name: k8c1s1\n      slot: 7"},
	))
	want := []string{
		`error: spec.nodeNetwork.vlan: "fifteen" is not a whole number from 0 to 65535`,
		"error: spec.nodes[2].slot: unknown field; known here: address, asn, macs, name, ports, rack, role",
		"error: spec.nodes[1].address: 192.168.9.211/28 is outside 192.168.9.192/28",
		"error: spec.nodes[2].name: k8c1s1 is taken by spec.nodes[1].name",
	}
	if diff := cmp.Diff(want, lines(report.Errors())); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(exampleWarnings(), lines(report.Warnings())); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range append(want, exampleWarnings()[0]) {
		if !strings.Contains(string(readme), "\n"+line+"\n") {
			t.Errorf("the README shows this plan without %q", line)
		}
	}
	var invalid *plan.InvalidError
	err = report.Err()
	if !errors.As(err, &invalid) || len(invalid.Report) != 4 {
		t.Fatalf("error is %v, want an InvalidError of the four errors", err)
	}
	wantText := "the plan has 4 error(s):"
	for _, line := range want {
		wantText += "\n  " + strings.TrimPrefix(line, "error: ")
	}
	if diff := cmp.Diff(wantText, err.Error()); diff != "" {
		t.Errorf("error's text (-want +got):\n%s", diff)
	}
}

// A document of which nothing could be read gets one line, not one for every
// field that it does not have.
func TestUnreadable(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"empty":  {"", "error: the document is empty"},
		"a list": {"- spec", "error: is a list, want a mapping"},
		"broken": {"spec: [", "error: yaml: line 1: did not find expected node content"},
	} {
		t.Run(name, func(t *testing.T) {
			_, report := plan.Parse([]byte(tt.text))
			if diff := cmp.Diff([]string{tt.want}, lines(report)); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}
