// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A slip was made once, by hand, between a text and its files. Either a plan
// can hold it, and then the report has lines for it, or it cannot.
type slip struct {
	what  string
	edits []edit
	want  []string // beside what the example gets; exact
	// inExample says that the reference plan holds the slip: want is then among
	// what the example gets.
	inExample bool
	cannot    string // why no plan can hold it
}

func slips() []slip {
	return []slip{
		{what: "the node subnet mistyped: 192.168.5.192 for 192.168.9.192", edits: []edit{
			{"subnet: 192.168.9.192/28", "subnet: 192.168.5.192/28"},
		}, want: []string{
			"error: spec.nodeNetwork.gateway: 192.168.9.206 is outside 192.168.5.192/28",
			"error: spec.fabric.leaves[0].address: 192.168.9.204 is outside 192.168.5.192/28",
			"error: spec.fabric.leaves[1].address: 192.168.9.205 is outside 192.168.5.192/28",
			"error: spec.nodes[0].address: 192.168.9.193/28 is outside 192.168.5.192/28",
			"error: spec.nodes[1].address: 192.168.9.194/28 is outside 192.168.5.192/28",
			"error: spec.nodes[2].address: 192.168.9.195/28 is outside 192.168.5.192/28",
		}},
		{what: "the third node with /24, the others with /28", edits: []edit{
			{"192.168.9.195/28", "192.168.9.195/24"},
		}, want: []string{
			"error: spec.nodes[2].address: 192.168.9.195/24 has length /24, the subnet 192.168.9.192/28 has /28",
		}},
		{what: "the API server joined at an address of no network", edits: []edit{
			{"192.168.9.193:6443", "172.20.0.10:6443"},
		}, want: []string{
			"error: spec.kubernetes.apiEndpoint: 172.20.0.10 is in no network of the plan, and not in the API server's certificate; want the control plane's 192.168.9.193",
		}},
		{what: "a leaf as .250 for .205", edits: []edit{
			{"192.168.9.205", "192.168.9.250"},
		}, want: []string{
			"error: spec.fabric.leaves[1].address: 192.168.9.250 is outside 192.168.9.192/28",
		}},
		{what: "a service's address as 172.16.0.6 for 172.29.0.6", edits: []edit{
			{"172.29.0.6/32", "172.16.0.6/32"},
		}, want: []string{
			"error: spec.fabric.aci.applications[0].addresses[0]: 172.16.0.6/32 is outside spec.loadBalancers 172.29.0.0/16",
		}},
		{what: "docker's bridge over a range that the leaves announce", cannot: "hosts are prepared with containerd, which makes no bridge of its own"},
		{what: "the API server as .132 for .193, in a policy that opens the way to it", edits: []edit{
			{"192.168.9.193:6443", "192.168.9.132:6443"},
		}, want: []string{
			"error: spec.kubernetes.apiEndpoint: 192.168.9.132 is in no network of the plan, and not in the API server's certificate; want the control plane's 192.168.9.193",
		}},
		{what: "calicoctl of another release than Calico", cannot: "no calicoctl is used: joinsvc applies Calico's objects itself, to whichever API the cluster serves"},
		{what: "tunnels on and an address that is guessed in Calico's manifest, off and given in its objects", cannot: "joinsvc sets the manifest by the plan before it applies it"},
		{what: "MetalLB's speaker beside Calico", edits: []edit{
			{"version: 0.16.1\n", "version: 0.16.1\n      speaker: true\n"},
		}, want: []string{
			"error: spec.loadBalancers.metallb.speaker: makes MetalLB and Calico announce 172.29.0.0/16, both to the same leaves; want false: Calico announces",
		}},
		{what: "other addresses in the output than in the text", cannot: "the plan names an application's addresses once; what a service really got is asked of the cluster"},
		{what: "the default route alone is said to be announced, three ranges are", cannot: "the leaf side is rendered from spec.fabric.defaultRoute and advertised, and announces those only"},
		{what: "the fabric's own AS is not said", edits: []edit{
			{"    internalASN: 65000 # of the fabric's route reflectors\n", ""},
		}, want: []string{
			"warning: spec.fabric.internalASN: is missing: ACI's route reflectors have an AS of their own, and it is in the path of all that nodes receive; without it, 63500 has to be that number",
		}},
		{what: "router ids that are other people's addresses", inExample: true, want: []string{
			"warning: spec.fabric.leaves[0].routerID: 2.0.0.1 is a public address that somebody may own; want a private one, or none: it is then the leaf's address",
			"warning: spec.fabric.leaves[1].routerID: 2.0.0.2 is a public address that somebody may own; want a private one, or none: it is then the leaf's address",
		}},
		{what: "a static default route that BGP's cannot replace", edits: []edit{
			{"    gateway: 192.168.9.206\n", "    gateway: 192.168.9.206\n    gatewayMetric: 0\n"},
		}, want: []string{
			"warning: spec.nodeNetwork.gatewayMetric: 0 lets the static default route shadow the one that the leaves announce (spec.fabric.defaultRoute), which BIRD installs with metric 0 too; leave it out, it is then 50",
		}},
		{what: "sessions said to be direct, shown as multihop", cannot: "both ends are rendered from one plan; Calico's BIRD always says multihop, which a leaf in the same subnet does not notice"},
		{what: "updelay that is no multiple of miimon", inExample: true, want: []string{
			"warning: spec.bond.updelay: 2.4s is not a multiple of miimon 1s; the kernel rounds it down to 2s",
		}},
		{what: "pods without NAT and without a path outside", inExample: true, want: []string{
			"warning: spec.pods.outside: is not set: pods keep their addresses, which nothing translates, and have no path beyond the fabric, so that CoreDNS does not reach 192.168.178.246; set it to true and route spec.pods.subnet back to the fabric",
		}},
		{what: "typographic quotes, as a word processor makes them", edits: []edit{
			{"selinux: permissive", "selinux: ‘permissive’"},
		}, want: []string{
			"error: spec.host.selinux: ‘permissive’: want permissive, enforcing or leave",
		}},
		{what: "one thing, two names: slave and worker", edits: []edit{
			{"role: worker", "role: slave"},
		}, want: []string{
			"error: spec.nodes[1].role: slave: want control-plane or worker",
		}},
		{what: "a subnet for fewer hosts than there are: a /29 beside two leaves and their shared address", edits: []edit{
			{"subnet: 192.168.9.192/28", "subnet: 192.168.9.192/29"},
			{"gateway: 192.168.9.206", "gateway: 192.168.9.198"},
			{"192.168.9.204", "192.168.9.196"},
			{"192.168.9.205", "192.168.9.197"},
			{"192.168.9.193/28", "192.168.9.193/29"},
			{"192.168.9.194/28", "192.168.9.194/29"},
			{"192.168.9.195/28", "192.168.9.195/29\n    - {name: k8c1s3, role: worker, address: 192.168.9.199/29}\n    - name: k8c1s4\n      role: worker\n      address: 192.168.9.200/29"},
		}, want: []string{
			"error: spec.nodeNetwork.subnet: 192.168.9.192/29 has room for 3 hosts beside 3 addresses of the leaves, the plan has 5; want a /28, which has room for 11",
			"error: spec.nodes[3].address: 192.168.9.199 is the broadcast address of 192.168.9.192/29",
			"error: spec.nodes[4].address: 192.168.9.200/29 is outside 192.168.9.192/29",
		}},
		{what: "AS numbers that are registered to others, used as if they were private", inExample: true, want: []string{
			"warning: spec.fabric.asn: 63500 is public; set spec.asn.owned: true if it is registered to you, or use 64512–65534 (RFC 6996)",
			"warning: spec.asn: 63551–63562 is public; set spec.asn.owned: true if it is registered to you, or use 64512–65534 (RFC 6996)",
		}},
	}
}

func TestSlips(t *testing.T) {
	for _, s := range slips() {
		if s.cannot == "" {
			t.Run(s.what, s.run)
		}
	}
}

func (s slip) run(t *testing.T) {
	if !s.inExample {
		reportTest{edits: s.edits, want: s.want}.run(t)
		return
	}
	_, report := plan.Parse(edited(t))
	for _, line := range s.want {
		if !strings.Contains(strings.Join(lines(report), "\n"), line) {
			t.Errorf("the example's report has no line %q", line)
		}
	}
}

// The page is this table.
func TestSlipsPage(t *testing.T) { golden.Check(t, "../../docs/slips.md", slipsPage()) }

func slipsPage() string {
	var b strings.Builder
	b.WriteString(`# Slips, and the line that each gets

<!-- Made by go test ./pkg/plan -run SlipsPage -update; edit pkg/plan/slips_test.go. -->

A cluster behind leaves is built from one design by many hands and many files. These are slips that were really made while the
reference cluster was built by hand. A test holds each against the reference plan ` + "(`docs/examples/k8c1.yaml`)" + ` and wants
exactly these lines of ` + "`joinsvc plan check`" + `; what the example itself gets is marked.

| # | The slip | What the report says |
|---|---|---|
`)
	for i, s := range slips() {
		fmt.Fprintf(&b, "| %d | %s | %s |\n", i+1, s.what, s.cell())
	}
	return b.String()
}

func (s slip) cell() string {
	if s.cannot != "" {
		return "A plan cannot hold it: " + s.cannot + "."
	}
	var quoted []string
	for _, line := range s.want {
		quoted = append(quoted, "`"+line+"`")
	}
	cell := strings.Join(quoted, "<br>")
	if s.inExample {
		cell += "<br>(the example gets this)"
	}
	return cell
}
