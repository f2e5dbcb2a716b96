// SPDX-License-Identifier: Apache-2.0

package join

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// wholePlan is a host's with a value in every field that a host is told.
func wholePlan() plan.HostPlan {
	metric := uint32(70)
	h := plan.HostPlan{
		Cluster: "k8c1", Rack: "r2", Name: "k8c1s2.example", Role: plan.Worker, Domain: "example",
		Address: netip.MustParsePrefix("192.168.10.195/28"), ASN: 63553,
		NodeNetwork: plan.NodeNetwork{
			Subnet: netip.MustParsePrefix("192.168.10.192/28"), VLAN: 1600, Gateway: netip.MustParseAddr("192.168.10.206"),
			GatewayMetric: &metric, DNS: []netip.Addr{netip.MustParseAddr("10.0.0.53")},
		},
		Bond:       plan.Bond{Name: "bond0", Legs: []string{"eno1", "eno2"}, Mode: "802.3ad", MIIMon: time.Second, UpDelay: 2400 * time.Millisecond, MinLinks: 1, MTU: 9000},
		Fabric:     plan.Fabric{ASN: 63501, Leaves: []plan.Leaf{{Name: "leaf301", Address: netip.MustParseAddr("192.168.10.204"), Node: 301}}},
		Kubernetes: plan.Kubernetes{Version: "1.37.2", APIEndpoint: netip.MustParseAddrPort("192.168.9.193:6443")},
		Packages:   plan.Packages{Folder: "/srv/packages"},
		Host:       plan.Host{SELinux: plan.Permissive},
	}
	return h
}

// The document that hosts read. A change here is a change of the API.
const wholeDocument = `{
 "cluster": "k8c1",
 "rack": "r2",
 "name": "k8c1s2.example",
 "domain": "example",
 "role": "worker",
 "address": "192.168.10.195/28",
 "asn": 63553,
 "network": {
  "subnet": "192.168.10.192/28",
  "vlan": 1600,
  "gateway": "192.168.10.206",
  "gatewayMetric": 70,
  "dns": [
   "10.0.0.53"
  ]
 },
 "bond": {
  "name": "bond0",
  "legs": [
   "eno1",
   "eno2"
  ],
  "mode": "802.3ad",
  "miimonMilliseconds": 1000,
  "updelayMilliseconds": 2400,
  "minLinks": 1,
  "mtu": 9000
 },
 "leaves": [
  {
   "name": "leaf301",
   "address": "192.168.10.204",
   "asn": 63501
  }
 ],
 "kubernetes": {
  "version": "1.37.2",
  "apiEndpoint": "192.168.9.193:6443"
 },
 "packageFolder": "/srv/packages",
 "selinux": "permissive"
}`

func TestTheWholePlanOfAHostTravels(t *testing.T) {
	wire := onWire(wholePlan())
	text, err := json.MarshalIndent(wire, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(wholeDocument, "\n"), strings.Split(string(text), "\n")); diff != "" {
		t.Errorf("the document (-want +got):\n%s", diff)
	}
	unset(t, "plan", reflect.ValueOf(wire))
}

// unset names every field of the document that onWire leaves out.
func unset(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch {
	case v.IsZero():
		t.Errorf("%s is not set by onWire, or not in wholePlan", path)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			unset(t, path+"[]", v.Index(i))
		}
	case v.Kind() == reflect.Struct && v.Type().PkgPath() != "net/netip":
		for i := range v.NumField() {
			unset(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	}
}
