// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// relaxed are the least that the probes of a manifest's containers get in a
// plan of pace slow, in seconds and times, as for the control plane's own
// (docs/adr/0014). Each look at calico-node starts a program in its container,
// which takes an emulated processor seconds: two in every ten, as its makers
// have it, fill the processor, come later than the ten seconds that they may
// take, and have a calico-node killed that nothing is wrong with.
func relaxed() map[string]map[string]int {
	return map[string]map[string]int{
		"startupProbe":   {"timeoutSeconds": 60, "failureThreshold": 60},
		"livenessProbe":  {"initialDelaySeconds": 60, "timeoutSeconds": 60, "periodSeconds": 60, "failureThreshold": 10},
		"readinessProbe": {"timeoutSeconds": 60, "periodSeconds": 60},
	}
}

// relax raises the probes of every workload's containers to relaxed; a probe
// that is not there stays away, and a number that is larger stays.
func relax(docs []*yaml.Node) {
	for _, doc := range docs {
		containers := at(doc.Content[0], "spec", "template", "spec", "containers")
		if containers == nil {
			continue
		}
		for _, c := range containers.Content {
			for name, least := range relaxed() {
				if probe := at(c, name); probe != nil && probe.Kind == yaml.MappingNode {
					raise(probe, least)
				}
			}
		}
	}
}

func raise(probe *yaml.Node, least map[string]int) {
	for _, key := range []string{"initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold"} {
		want, ok := least[key]
		if n, err := strconv.Atoi(text(probe, key)); !ok || err == nil && n >= want {
			continue
		}
		value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(want)}
		if old := at(probe, key); old != nil {
			old.Kind, old.Tag, old.Value, old.Style = value.Kind, value.Tag, value.Value, 0
			continue
		}
		probe.Content = append(probe.Content, scalar(key), value)
	}
}
