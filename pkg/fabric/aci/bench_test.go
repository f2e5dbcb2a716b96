// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// The plan that is measured: a hundred racks of fifty hosts.
const (
	racks        = 100
	hostsPerRack = 50
)

// largePlan has a /24 and a pair of leaves for each rack.
func largePlan() string {
	var b strings.Builder
	b.WriteString(`apiVersion: nodeprep.dev/v1alpha1
kind: ClusterPlan
metadata: {name: big}
spec:
  domain: labs.example.com
  bond: {legs: [eno1, eno2]}
  fabric:
    asn: 64512
    internalASN: 65000
    defaultRoute: true
    aci: {tenant: TEN_BIG, vrf: VRF_BIG, l3out: L3O_BIG}
  asn: {first: 1000000, last: 1009999, owned: true}
  pods: {subnet: 10.128.0.0/9}
  services: {subnet: 172.28.0.0/16}
  kubernetes: {version: 1.37.2, apiEndpoint: "10.0.0.1:6443"}
  racks:
`)
	for i := range racks {
		fmt.Fprintf(&b, `    - name: r%[1]d
      nodeNetwork: {subnet: 10.0.%[1]d.0/24, vlan: %[4]d, gateway: 10.0.%[1]d.254}
      leaves:
        - {name: leaf%[2]d, address: 10.0.%[1]d.252, routerID: 10.255.%[1]d.1, node: %[2]d}
        - {name: leaf%[3]d, address: 10.0.%[1]d.253, routerID: 10.255.%[1]d.2, node: %[3]d}
`, i, 201+2*i, 202+2*i, 1500+i)
	}
	b.WriteString("  nodes:\n")
	for i := range racks {
		for j := range hostsPerRack {
			role := "worker"
			if i+j == 0 {
				role = "control-plane"
			}
			fmt.Fprintf(&b, "    - {name: r%[1]dh%[2]d, role: %[3]s, rack: r%[1]d, address: 10.0.%[1]d.%[2]d/24, ports: [\"leaf%[4]d:1/%[2]d\", \"leaf%[5]d:1/%[2]d\"]}\n",
				i, j+1, role, 201+2*i, 202+2*i)
		}
	}
	return b.String()
}

// large is the plan's values. Parse is not measured here.
func large(tb testing.TB) plan.Plan {
	tb.Helper()
	p, _ := plan.Parse([]byte(largePlan()))
	if got, want := len(p.Spec.Nodes), racks*hostsPerRack; got != want {
		tb.Fatalf("the large plan has %d nodes, want %d", got, want)
	}
	return p
}

// The memory is that of one run, in bytes that were ever allocated.
func TestLargePlanNeedsLittleMemory(t *testing.T) {
	p := large(t)
	for name, emit := range map[string]func(*Object) ([]byte, error){"JSON": JSON, "Terraform": Terraform} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := emit(tree(t, p, nil)); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 200 {
			t.Errorf("%s of %d hosts took %d MiB, want at most 200", name, len(p.Spec.Nodes), used)
		}
	}
}

func BenchmarkTreeJSON(b *testing.B) { benchmark(b, JSON) }

func BenchmarkTreeTerraform(b *testing.B) { benchmark(b, Terraform) }

func benchmark(b *testing.B, emit func(*Object) ([]byte, error)) {
	p := large(b)
	b.ReportAllocs()
	for b.Loop() {
		root, err := Tree(p, nil)
		if err != nil {
			b.Fatal(err)
		}
		text, err := emit(root)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(text)))
	}
}

func BenchmarkTree(b *testing.B) {
	p := large(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Tree(p, nil); err != nil {
			b.Fatal(err)
		}
	}
}
