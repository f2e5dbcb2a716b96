// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// printed is what lldpd 1.0 prints of neighbours, of which it knows the port
// descriptions. With one it leaves out the list.
func printed(ports ...[2]string) string {
	var members []string
	for _, p := range ports {
		members = append(members, fmt.Sprintf(`{
      %q: {
        "via": "LLDP",
        "rid": "1",
        "age": "0 day, 00:10:11",
        "chassis": {
          "leaf": {
            "id": {"type": "mac", "value": "00:00:5e:00:53:c9"},
            "descr": "topology/pod-1/node-101",
            "capability": [{"type": "Bridge", "enabled": true}, {"type": "Router", "enabled": true}]
          }
        },
        "port": {
          "id": {"type": "ifname", "value": "Eth1/3"},
          "descr": %q,
          "ttl": "120"
        }
      }
    }`, p[0], p[1]))
	}
	if len(members) == 1 {
		return fmt.Sprintf(`{"lldp": {"interface": %s}}`, members[0])
	}
	return fmt.Sprintf(`{"lldp": {"interface": [%s]}}`, strings.Join(members, ", "))
}

func TestReadLLDP(t *testing.T) {
	const leaf101, leaf102 = "topology/pod-1/paths-101/pathep-[eth1/3]", "topology/pod-1/paths-102/pathep-[eth1/33]"
	for name, test := range map[string]struct {
		files map[string]string
		want  Cabling
		err   string
	}{
		"nothing": {nil, Cabling{}, ""},
		"a list": {
			map[string]string{"m0.json": printed([2]string{"eno1", leaf101}, [2]string{"eno2", leaf102})},
			Cabling{"m0": {"eno1": {1, 101, "1/3"}, "eno2": {1, 102, "1/33"}}},
			"",
		},
		"an object": {
			map[string]string{"m0.json": printed([2]string{"eno1", leaf101}), "README": "not a report"},
			Cabling{"m0": {"eno1": {1, 101, "1/3"}}},
			"",
		},
		"an object of two": {
			map[string]string{"m0.json": `{"lldp": {"interface": {"a": {"port": {"descr": "` + leaf101 + `"}}, "b": {"port": {"descr": "` + leaf102 + `"}}}}}`},
			Cabling{"m0": {"a": {1, 101, "1/3"}, "b": {1, 102, "1/33"}}},
			"",
		},
		"no neighbour": {map[string]string{"m0.json": `{"lldp": {}}`}, Cabling{"m0": {}}, ""},
		"other neighbours": {
			map[string]string{"m0.json": printed(
				[2]string{"eno1", "Ethernet1/3"},
				[2]string{"eno1", leaf101}, // the card's firmware answers as well
				[2]string{"eno2", "topology/pod-1/paths-101/extpaths-105/pathep-[eth1/3]"},
				[2]string{"eno3", "topology/pod-300/paths-101/pathep-[eth1/3]"},
			)},
			Cabling{"m0": {"eno1": {1, 101, "1/3"}}},
			"",
		},
		"one leaf twice on one interface": {
			map[string]string{"m0.json": printed([2]string{"eno1", leaf101}, [2]string{"eno1", leaf101})},
			Cabling{"m0": {"eno1": {1, 101, "1/3"}}},
			"",
		},
		"the last of pods and nodes": {
			map[string]string{"m0.json": printed([2]string{"eno1", "topology/pod-255/paths-4000/pathep-[eth1/3]"}, [2]string{"eno2", "topology/pod-256/paths-4000/pathep-[eth1/3]"})},
			Cabling{"m0": {"eno1": {255, 4000, "1/3"}}},
			"",
		},
		"the largest report": {map[string]string{"m0.json": `{"lldp": {}}` + strings.Repeat(" ", maxReport-12)}, Cabling{"m0": {}}, ""},
		"an object with a number in it": {
			map[string]string{"m0.json": `{"lldp": {"interface": {"eno1": 3}}}`},
			nil,
			"reading the LLDP report m0.json: decoding what lldpctl -f json prints: json: cannot unmarshal number into Go struct field .lldp.interface of type aci.neighbour",
		},
		"two leaves on one interface": {
			map[string]string{"m0.json": printed([2]string{"eno1", leaf101}, [2]string{"eno1", leaf102})},
			nil,
			"reading the LLDP report m0.json: eno1 sees two leaf ports, " + leaf101 + " and " + leaf102 + "; what is between them must not forward LLDP",
		},
		"every file's problem": {
			map[string]string{"a.json": "[]", "b.json": `{}`, "c.json": `{"lldp": {"interface": 3}}`, "d.json": strings.Repeat(" ", maxReport+1)},
			nil,
			"reading the LLDP report a.json: decoding what lldpctl -f json prints: json: cannot unmarshal array into Go value of type aci.report\n" +
				"reading the LLDP report b.json: has no \"lldp\"; write it with lldpctl -f json\n" +
				"reading the LLDP report c.json: decoding what lldpctl -f json prints: json: cannot unmarshal number into Go struct field .lldp.interface of type []map[string]aci.neighbour\n" +
				"reading the LLDP report d.json: has 1048577 bytes, want at most 1048576; write it with lldpctl -f json",
		},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, text := range test.files {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			got, err := ReadLLDP(fsys)
			if message := fmt.Sprint(err); err != nil && message != test.err || err == nil && test.err != "" {
				t.Errorf("the error is\n%v, want\n%s", err, test.err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Where the plan says nothing of a leg, LLDP does, and the tree is the same.
func TestLLDPStandsForPorts(t *testing.T) {
	want := tree(t, edited(t, small), nil)
	for name, test := range map[string]struct {
		ports   string
		cabling Cabling
	}{
		"both legs":      {"[]", Cabling{"m0": {"eno1": {1, 101, "1/1"}, "eno2": {1, 102, "1/1"}}}},
		"the second leg": {`["leaf101:1/1"]`, Cabling{"m0.labs.example.com": {"eno2": {1, 102, "1/1"}}}},
		"agreement":      {`["leaf101:1/1", "leaf102:1/1"]`, Cabling{"m0": {"eno1": {1, 101, "1/1"}, "eno9": {1, 109, "1/1"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := tree(t, edited(t, small, `["leaf101:1/1", "leaf102:1/1"]`, test.ports), test.cabling)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzReadLLDP(f *testing.F) {
	f.Add([]byte(printed([2]string{"eno1", "topology/pod-1/paths-101/pathep-[eth1/3]"})))
	f.Add([]byte(printed([2]string{"eno1", "topology/pod-1/paths-101/pathep-[eth1/3]"}, [2]string{"eno2", "x"})))
	f.Add([]byte(`{"lldp": {"interface": null}}`))
	f.Add([]byte(`{"lldp": {"interface": [{}, {"a": {"port": null}}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		cabling, err := ReadLLDP(fstest.MapFS{"m0.json": {Data: data}})
		if (cabling == nil) != (err != nil) {
			t.Fatalf("the cabling is %v, the error %v", cabling, err)
		}
		for name, port := range cabling["m0"] {
			if again, ok := parseLeafPort(port.String()); !ok || again != port || port.Node < 100 {
				t.Errorf("%s leads to %s, which is read as %s", name, port, again)
			}
		}
	})
}
