// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/pkg/joinapi"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// What a newer joinsvc says: all that this nodeprep knows, and more.
const fromANewerJoinsvc = `{
 "cluster": "k8c1", "rack": "r2", "name": "k8c1s2.example", "domain": "example", "role": "worker",
 "address": "192.168.10.195/28", "asn": 63553, "mood": "good",
 "network": {"subnet": "192.168.10.192/28", "vlan": 1600, "gateway": "192.168.10.206", "gatewayMetric": 70, "dns": ["10.0.0.53"], "ntp": []},
 "bond": {"name": "bond0", "legs": ["eno1", "eno2"], "mode": "802.3ad", "miimonMilliseconds": 1000, "updelayMilliseconds": 2400, "minLinks": 1, "mtu": 9000},
 "leaves": [{"name": "leaf301", "address": "192.168.10.204", "asn": 63501, "vendor": "x"}],
 "kubernetes": {"version": "1.37.2", "apiEndpoint": "192.168.9.193:6443"},
 "packageFolder": "/srv/packages", "selinux": "permissive"
}`

func told(t *testing.T, text string) joinapi.HostPlan {
	t.Helper()
	var w joinapi.HostPlan
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestHostPlanFromTheWire(t *testing.T) {
	got, err := HostPlan(told(t, fromANewerJoinsvc))
	metric := uint32(70)
	want := plan.HostPlan{
		Cluster: "k8c1", Rack: "r2", Name: "k8c1s2.example", Role: plan.Worker, Domain: "example",
		Address: netip.MustParsePrefix("192.168.10.195/28"), ASN: 63553,
		NodeNetwork: plan.NodeNetwork{
			Subnet: netip.MustParsePrefix("192.168.10.192/28"), VLAN: 1600, Gateway: netip.MustParseAddr("192.168.10.206"),
			GatewayMetric: &metric, DNS: []netip.Addr{netip.MustParseAddr("10.0.0.53")},
		},
		Bond:       plan.Bond{Name: "bond0", Legs: []string{"eno1", "eno2"}, Mode: "802.3ad", MIIMon: time.Second, UpDelay: 2400 * time.Millisecond, MinLinks: 1, MTU: 9000},
		Fabric:     plan.Fabric{ASN: 63501, Leaves: []plan.Leaf{{Name: "leaf301", Address: netip.MustParseAddr("192.168.10.204")}}},
		Kubernetes: plan.Kubernetes{Version: "1.37.2", APIEndpoint: netip.MustParseAddrPort("192.168.9.193:6443")},
		Packages:   plan.Packages{Folder: "/srv/packages"},
		Host:       plan.Host{SELinux: plan.Permissive},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

// What this nodeprep does not know is never guessed at.
func TestAnOlderNodeprepSaysSo(t *testing.T) {
	text := strings.NewReplacer(`"worker"`, `"witness"`, `"permissive"`, `"audit"`).Replace(fromANewerJoinsvc)
	_, err := HostPlan(told(t, text))
	for _, part := range []string{`role "witness"`, `selinux "audit"`, "update nodeprep"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want it to say %s", err, part)
		}
	}
}
