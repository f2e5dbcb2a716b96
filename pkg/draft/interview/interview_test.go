// SPDX-License-Identifier: Apache-2.0

package interview_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/draft/interview"
	"github.com/nodeprep/nodeprep/pkg/plan"
)

// parse is the plan of answers, which has to be without errors and warnings.
func parse(t *testing.T, a interview.Answers) plan.Plan {
	t.Helper()
	text, err := a.Draft().YAML()
	if err != nil {
		t.Fatal(err)
	}
	p, report := plan.Parse([]byte(text))
	if len(report) > 0 {
		t.Fatalf("%v\n%s", report, text)
	}
	return p
}

func TestSuggested(t *testing.T) {
	tests := []struct {
		name  string
		given map[string]string
		want  []string // name, address
	}{
		{"all of it", nil, []string{
			"leaf201 192.168.9.204", "leaf202 192.168.9.205", "gateway 192.168.9.206",
			"k8c1m0 192.168.9.193/28", "k8c1s1 192.168.9.194/28", "k8c1s2 192.168.9.195/28", "api 192.168.9.193:6443",
		}},
		{"another subnet", map[string]string{"subnet": "10.0.0.0/29", "cluster": "x"}, []string{
			"leaf201 10.0.0.4", "leaf202 10.0.0.5", "gateway 10.0.0.6",
			"xm0 10.0.0.1/29", "xs1 10.0.0.2/29", "xs2 10.0.0.3/29", "api 10.0.0.1:6443",
		}},
		{"a subnet of two hosts", map[string]string{"subnet": "10.0.0.0/29", "leaves": "a,b,c"}, []string{
			"a 10.0.0.3", "b 10.0.0.4", "c 10.0.0.5", "gateway 10.0.0.6",
			"k8c1m0 10.0.0.1/29", "k8c1s1 10.0.0.2/29", "api 10.0.0.1:6443",
		}},
		{"leaves at the beginning", map[string]string{"leaves": "a=192.168.9.193 b=192.168.9.195", "gateway": "192.168.9.194", "hosts": "2", "api-port": "443"}, []string{
			"a 192.168.9.193", "b 192.168.9.195", "gateway 192.168.9.194",
			"k8c1m0 192.168.9.196/28", "k8c1s1 192.168.9.197/28", "api 192.168.9.196:443",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := interview.Suggested(tt.given)
			if err != nil {
				t.Fatal(err)
			}
			s := parse(t, a).Spec
			var got []string
			for _, l := range s.Fabric.Leaves {
				got = append(got, l.Name+" "+l.Address.String())
			}
			got = append(got, "gateway "+s.NodeNetwork.Gateway.String())
			for _, n := range s.Nodes {
				got = append(got, n.Name+" "+n.Address.String())
			}
			got = append(got, "api "+s.Kubernetes.APIEndpoint.String())
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Ranges are suggested that nothing else has.
func TestSuggestedRanges(t *testing.T) {
	a, err := interview.Suggested(map[string]string{"subnet": "172.28.1.0/24", "pods": "172.29.0.0/16", "fabric-asn": "64600", "asn-model": "cluster"})
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t, a).Spec
	got := []string{s.Services.Subnet.String(), s.LoadBalancers.Subnet.String()}
	if diff := cmp.Diff([]string{"172.27.0.0/16", "172.30.0.0/16"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s.ASN.First != 64601 || s.ASN.Last != 64601 || s.ASN.Model != plan.PerCluster {
		t.Errorf("AS numbers are %+v, want 64601 for the cluster", s.ASN)
	}
}

func TestSuggestedRangesBesideALargeSubnet(t *testing.T) {
	a, err := interview.Suggested(map[string]string{"subnet": "172.16.0.0/12"})
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t, a).Spec
	got := []string{s.Pods.Subnet.String(), s.Services.Subnet.String(), s.LoadBalancers.Subnet.String()}
	if diff := cmp.Diff([]string{"10.27.0.0/16", "10.28.0.0/16", "10.29.0.0/16"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCheckNamesEverything(t *testing.T) {
	tests := []struct {
		name  string
		given map[string]string
		want  []string
	}{
		{"forms", map[string]string{"subnet": "192.168.9.193/28", "vlan": "4095", "gateway": "x", "dns": "8.8.8.8,y", "leaves": "a=z", "fabric-asn": "0", "asn-model": "both", "node-asns": "9-1", "hosts": "0", "api-port": "70000", "pods": "::/64", "load-balancers": "no"}, []string{
			`--subnet: 192.168.9.193/28 has host bits set; the subnet is 192.168.9.192/28`,
			`--vlan: "4095" is not a number from 1 to 4094`,
			`--gateway: "x" is no IPv4 address such as 192.168.9.206`,
			`--dns: "y" is no IPv4 address such as 192.168.9.206`,
			`--leaves: a=z: "z" is no IPv4 address such as 192.168.9.206; want leaves such as leaf201=192.168.9.204,leaf202=192.168.9.205`,
			`--fabric-asn: "0" is not a number from 1 to 4294967295`,
			`--asn-model: want node or cluster`,
			`--node-asns: want two AS numbers, the lower first, such as 63560-63563`,
			`--hosts: "0" is not a number from 1 to 5000`,
			`--api-port: "70000" is not a number from 1 to 65535`,
			`--pods: "::/64" is no IPv4 subnet such as 192.168.9.192/28`,
			`--load-balancers: "no" is no IPv4 subnet such as 192.168.9.192/28`,
		}},
		{"together", map[string]string{"hosts": "12"}, []string{
			`--hosts: 192.168.9.192/28 has room for 11 hosts beside the leaves and the gateway`,
		}},
		{"as a plan", map[string]string{"domain": "a..b", "gateway": "10.0.0.1", "leaves": "A", "legs": "eno1,eno1"}, []string{
			`--domain: spec.domain: "a..b" is no DNS domain`,
			`--gateway: spec.nodeNetwork.gateway: 10.0.0.1 is outside 192.168.9.192/28`,
			`--legs: spec.bond.legs[1]: eno1 is spec.bond.legs[0] already`,
			`--leaves: spec.fabric.leaves[0].name: "A" is no DNS label (lower-case letters, digits, dashes)`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := interview.Check(tt.given)
			if err == nil {
				t.Fatal("nothing is wrong")
			}
			if diff := cmp.Diff(tt.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What people read: the questions with what is suggested, and the plan that comes
// of the suggestions with its comments.
func TestAsPeopleReadIt(t *testing.T) {
	suggested := interview.Suggestions()
	var questions strings.Builder
	for _, q := range interview.Questions() {
		fmt.Fprintf(&questions, "--%s: %s [%s]\n", q.Flag, q.Text, suggested[q.Flag])
	}
	golden.Check(t, filepath.Join("testdata", "questions.txt"), questions.String())
	for file, given := range map[string]map[string]string{
		"suggested.yaml": nil,
		"other.yaml": {
			"cluster": "x", "domain": "a.b", "kubernetes-version": "v1.36.0", "vlan": "7", "dns": "8.8.8.8\t8.8.4.4", "legs": "a, b", "asn-model": "cluster", "node-asns": "65001",
			"hosts": "1", "api-port": "443", "pods": "10.1.0.0/16", "services": "10.2.0.0/16", "load-balancers": "none",
		},
	} {
		a, err := interview.Suggested(given)
		if err != nil {
			t.Fatal(err)
		}
		text, err := a.Draft().YAML()
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, filepath.Join("testdata", file), text)
	}
}

// What a plan refuses is said of the question whose answer it is.
func TestWhoseProblemItIs(t *testing.T) {
	for name, text := range map[string]string{
		"cluster": "K8", "domain": "a..b", "kubernetes-version": "2.0.0", "gateway": "10.0.0.1", "dns": "0.0.0.0", "legs": "eno1,eno1",
		"leaves": "A", "fabric-asn": "23456", "node-asns": "23456-23457", "api-port": "0", "pods": "10.0.0.0/7", "services": "10.0.0.0/8", "load-balancers": "192.168.0.0/16",
	} {
		if err := interview.Check(map[string]string{name: text}); err == nil || !strings.HasPrefix(err.Error(), "--"+name+": ") {
			t.Errorf("--%s %s: %v", name, text, err)
		}
	}
	if err := interview.Check(map[string]string{"subnet": "192.168.9.192/31"}); err == nil || !strings.Contains(err.Error(), "--") {
		t.Errorf("a subnet for nobody: %v", err)
	}
}

// The first and the last of what a number may be, and what is beyond.
func TestLimits(t *testing.T) {
	large := map[string]string{"subnet": "10.64.0.0/12", "pods": "10.128.0.0/12", "node-asns": "100000-200000"}
	for name, values := range map[string]map[string]bool{
		"vlan":       {"0": false, "1": true, "4094": true, "4095": false, "x": false},
		"api-port":   {"1": true, "65535": true, "65536": false},
		"fabric-asn": {"1": true, "4294967296": false},
		"hosts":      {"1": true, "5000": true, "5001": false, "-1": false, "x": false},
		"leaves":     {",": false, "a": true},
		"gateway":    {"2001:db8::1": false},
	} {
		for text, want := range values {
			given := maps.Clone(large)
			given[name] = text
			if err := interview.Check(given); (err == nil) != want {
				t.Errorf("--%s %s: %v", name, text, err)
			}
		}
	}
}

// The nodes' numbers are private ones, and none is the leaves'.
func TestSuggestedNumbers(t *testing.T) {
	for fabric, want := range map[string]string{"64512": "64513-65534", "64513": "64514-65534", "65533": "65534-65534", "65534": "64513-65534", "63500": "64513-65534"} {
		a, err := interview.Hold(nil, func(q interview.Question, suggestion, _ string) (string, error) {
			switch q.Flag {
			case "fabric-asn":
				return fabric, nil
			case "node-asns":
				if suggestion != want {
					t.Errorf("beside %s, %s is suggested, want %s", fabric, suggestion, want)
				}
				return "", errEnough
			}
			return suggestion, nil
		})
		if !errors.Is(err, errEnough) {
			t.Errorf("%+v, %v", a, err)
		}
	}
}

var errEnough = errors.New("enough")

// A wrong answer is told at once, and asked for again.
func TestHold(t *testing.T) {
	replies := map[string][]string{
		"cluster": {"K8", "k9"},
		"gateway": {"10.0.0.1", "192.168.9.193"},
		"leaves":  {"leaf1=192.168.9.193,leaf2=192.168.9.195", "leaf1,leaf2"},
		"hosts":   {"many", "12", "4"},
		"pods":    {"192.168.0.0/16", "172.27.0.0/16"},
	}
	var complaints []string
	a, err := interview.Hold(map[string]string{"vlan": "7"}, func(q interview.Question, suggestion, complaint string) (string, error) {
		if q.Flag == "vlan" {
			t.Error("the VLAN is asked for although it is given")
		}
		if complaint != "" {
			complaints = append(complaints, q.Flag+": "+complaint)
		}
		if len(replies[q.Flag]) == 0 {
			return suggestion, nil
		}
		reply := replies[q.Flag][0]
		replies[q.Flag] = replies[q.Flag][1:]
		return reply, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`cluster: "K8" is no DNS label (lower-case letters, digits, dashes)`,
		`gateway: 10.0.0.1 is outside 192.168.9.192/28`,
		`leaves: 192.168.9.193 is taken by spec.nodeNetwork.gateway`,
		`hosts: "many" is not a number from 1 to 5000`,
		`hosts: 192.168.9.192/28 has room for 11 hosts beside the leaves and the gateway`,
		`pods: 192.168.0.0/16 overlaps 192.168.9.192/28 of spec.nodeNetwork.subnet`,
	}
	if diff := cmp.Diff(want, complaints); diff != "" {
		t.Errorf("complaints (-want +got):\n%s", diff)
	}
	s := parse(t, a).Spec
	if s.NodeNetwork.VLAN != 7 || len(s.Nodes) != 4 || s.Nodes[0].Name != "k9m0" || s.Nodes[0].Address.String() != "192.168.9.194/28" {
		t.Errorf("%+v, %+v", s.NodeNetwork, s.Nodes)
	}
}

func TestHoldEndsWithItsAnswers(t *testing.T) {
	over := errors.New("over")
	_, err := interview.Hold(nil, func(q interview.Question, suggestion, _ string) (string, error) {
		if q.Flag == "dns" {
			return "", over
		}
		return suggestion, nil
	})
	if !errors.Is(err, over) || !strings.Contains(err.Error(), "--dns") {
		t.Errorf("error is %v, want one of --dns", err)
	}
}

// The release that is suggested is the one whose kubeadm is linked.
func TestRelease(t *testing.T) {
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`k8s.io/kubernetes v(\S+)`).FindSubmatch(mod); m == nil || string(m[1]) != interview.Release {
		t.Errorf("go.mod has %s, suggested is %s", m, interview.Release)
	}
}
