// SPDX-License-Identifier: Apache-2.0

package metallb

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

func withRange(version string) plan.Plan {
	var p plan.Plan
	p.Spec.LoadBalancers = plan.LoadBalancers{
		Subnet:  netip.MustParsePrefix("172.29.0.0/16"),
		MetalLB: plan.MetalLB{Version: version},
	}
	return p
}

func rendered(t *testing.T, p plan.Plan) map[string]any {
	t.Helper()
	text, err := Render(p)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := yaml.Unmarshal(text, &object); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return object
}

func decode(t *testing.T, text string) any {
	t.Helper()
	var object any
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

const addressPoolText = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: default, namespace: metallb-system}
spec: {addresses: [172.29.0.0/16], avoidBuggyIPs: true}
`

func TestAddressPool(t *testing.T) {
	for _, version := range []string{"0.13.4", "0.16.1", "v0.16.1", "1.0.0"} {
		if diff := cmp.Diff(decode(t, addressPoolText), any(rendered(t, withRange(version)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", version, diff)
		}
	}
}

// What the cluster of docs/examples was given by hand, with MetalLB 0.9.6.
const configText = `
address-pools:
- {name: default, protocol: bgp, avoid-buggy-ips: true, addresses: [172.29.0.0/16]}
`

func TestConfigMap(t *testing.T) {
	for _, version := range []string{"0.9.6", "0.12.1"} {
		object := rendered(t, withRange(version))
		data, _ := object["data"].(map[string]any)
		config, _ := data["config"].(string)
		if diff := cmp.Diff(decode(t, configText), decode(t, config)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", version, diff)
		}
		delete(object, "data")
		want := decode(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: config, namespace: metallb-system}}")
		if diff := cmp.Diff(want, any(object)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", version, diff)
		}
	}
}

// The first releases with an IPAddressPool have no avoidBuggyIPs in it.
func TestRangesInPlaceOfAvoidBuggyIPs(t *testing.T) {
	for _, tc := range []struct {
		subnet string
		count  int
		ends   string // the first range and the last
	}{
		{"172.29.0.0/16", 256, "172.29.0.1-172.29.0.254 172.29.255.1-172.29.255.254"},
		{"172.29.0.0/24", 1, "172.29.0.1-172.29.0.254 172.29.0.1-172.29.0.254"},
		{"172.29.0.0/28", 1, "172.29.0.1-172.29.0.15 172.29.0.1-172.29.0.15"},
		{"172.29.0.16/28", 1, "172.29.0.16-172.29.0.31 172.29.0.16-172.29.0.31"},
		{"172.29.0.240/28", 1, "172.29.0.240-172.29.0.254 172.29.0.240-172.29.0.254"},
		{"172.29.0.6/32", 1, "172.29.0.6-172.29.0.6 172.29.0.6-172.29.0.6"},
		{"255.255.255.0/24", 1, "255.255.255.1-255.255.255.254 255.255.255.1-255.255.255.254"},
		{"172.16.0.0/12", 4096, "172.16.0.1-172.16.0.254 172.31.255.1-172.31.255.254"},
		{"10.64.0.0/10", 16384, "10.64.0.1-10.64.0.254 10.127.255.1-10.127.255.254"},
	} {
		for _, version := range []string{"0.13.0", "0.13.2", "0.13.3"} {
			p := withRange(version)
			p.Spec.LoadBalancers.Subnet = netip.MustParsePrefix(tc.subnet)
			spec, _ := rendered(t, p)["spec"].(map[string]any)
			ranges, _ := spec["addresses"].([]any)
			if len(spec) != 1 || len(ranges) != tc.count {
				t.Fatalf("%s of %s: %d fields, %d ranges", version, tc.subnet, len(spec), len(ranges))
			}
			if got := ranges[0].(string) + " " + ranges[tc.count-1].(string); got != tc.ends {
				t.Errorf("%s of %s: %s, want %s", version, tc.subnet, got, tc.ends)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	set := func(edit func(*plan.LoadBalancers)) plan.Plan {
		p := withRange("0.16.1")
		edit(&p.Spec.LoadBalancers)
		return p
	}
	for name, tc := range map[string]struct {
		plan plan.Plan
		want string
	}{
		"no range": {plan.Plan{}, "spec.loadBalancers: is missing, so MetalLB has no range to give addresses from"},
		"no MetalLB": {
			set(func(lb *plan.LoadBalancers) { lb.MetalLB = plan.MetalLB{} }),
			"spec.loadBalancers.metallb.version: is missing; want MetalLB's release, such as 0.16.1: what it reads differs",
		},
		"everything at once": {
			set(func(lb *plan.LoadBalancers) {
				*lb = plan.LoadBalancers{MetalLB: plan.MetalLB{Version: "latest", Speaker: true}}
			}),
			`spec.loadBalancers.subnet: is missing; want the range that MetalLB gives addresses from
spec.loadBalancers.metallb.speaker: MetalLB's speaker would announce what Calico announces; take it away
spec.loadBalancers.metallb.version: "latest" is no release; want one such as 0.16.1`,
		},
		"too large": {
			set(func(lb *plan.LoadBalancers) {
				lb.Subnet, lb.MetalLB.Version = netip.MustParsePrefix("10.0.0.0/9"), "0.13.2"
			}),
			"spec.loadBalancers.subnet: 10.0.0.0/9 is larger than /10, too large for MetalLB below 0.13.4, which knows no avoidBuggyIPs",
		},
		"nothing sound": {
			set(func(lb *plan.LoadBalancers) {
				lb.Subnet, lb.MetalLB.Version = netip.MustParsePrefix("172.29.0.255/32"), "0.13.2"
			}),
			"spec.loadBalancers.subnet: 172.29.0.255/32 holds no address that does not end in 0 or 255",
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := Render(tc.plan)
			if err == nil || text != nil {
				t.Fatalf("error is %v, text %q", err, text)
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// Whoever reads the text later sees from the top for which release it is, and that
// the speaker has to stay away.
func TestHeadNamesTheRelease(t *testing.T) {
	text, err := Render(withRange("0.16.1"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "# The addresses that MetalLB 0.16.1 gives ") || !strings.Contains(string(text), "speaker.enabled=false") {
		t.Errorf("the text begins otherwise:\n%s", text)
	}
}

// Calico announces; nothing here may.
func TestNothingAnnounces(t *testing.T) {
	for _, version := range []string{"0.9.6", "0.13.2", "0.16.1"} {
		text, err := Render(withRange(version))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"Advertisement", "BGPPeer", "peers:", "---"} {
			if strings.Contains(string(text), word) {
				t.Errorf("%s: %s in\n%s", version, word, text)
			}
		}
	}
}
