// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// probes are plans that leave out what has a default. What plan.Parse puts there
// is a default if every probe gets the same. What depends on other fields, as a
// leaf's router ID on its address, is told by the field's comment; each such
// other field differs in two probes.
func probes() []string {
	return []string{
		fmt.Sprintf(oneRack, "10.0.0.251"), fmt.Sprintf(oneRack, "10.0.0.252"),
		fmt.Sprintf(twoRacks, 20, 70, 1500, 65001), fmt.Sprintf(twoRacks, 30, 80, 1600, 65002),
	}
}

// Probes are JSON, so that what was left out of them can be read again; JSON is
// YAML.
const (
	oneRack = `{"apiVersion": "nodeprep.dev/v1alpha1", "kind": "ClusterPlan", "metadata": {"name": "a"}, "spec": {
		"domain": "a.example.net",
		"nodeNetwork": {"subnet": "10.0.0.0/24", "vlan": 10, "gateway": "10.0.0.254"},
		"bond": {"legs": ["eno1"]},
		"fabric": {"asn": 65000, "leaves": [{"name": "leaf1", "address": "%s"}]},
		"asn": {"first": 65101, "last": 65199},
		"pods": {"subnet": "172.20.0.0/16"},
		"services": {"subnet": "172.21.0.0/16"},
		"kubernetes": {"version": "1.37.0", "apiEndpoint": "10.0.0.1:6443"},
		"nodes": [{"name": "a1", "role": "control-plane", "address": "10.0.0.1/24"}]}}`
	twoRacks = `{"apiVersion": "nodeprep.dev/v1alpha1", "kind": "ClusterPlan", "metadata": {"name": "b"}, "spec": {
		"domain": "b.example.net",
		"nodeNetwork": {"vlan": %d, "gatewayMetric": %d},
		"bond": {"legs": ["eno1"], "mtu": %d},
		"fabric": {"asn": %d, "timers": {}, "bfd": {"interval": "300ms"},
			"aci": {"tenant": "T", "vrf": "V", "l3out": "L"}},
		"asn": {"first": 65101, "last": 65199},
		"pods": {"subnet": "172.20.0.0/16"},
		"services": {"subnet": "172.21.0.0/16"},
		"loadBalancers": {"subnet": "172.22.0.0/16", "metallb": {"version": "0.16.1"}},
		"kubernetes": {"version": "1.37.0", "apiEndpoint": "10.0.0.1:6443"},
		"runtime": {}, "host": {},
		"racks": [
			{"name": "r1", "nodeNetwork": {"subnet": "10.0.0.0/24", "gateway": "10.0.0.254"},
				"leaves": [{"name": "leaf1", "address": "10.0.0.252", "node": 101}]},
			{"name": "r2", "nodeNetwork": {"subnet": "10.0.1.0/24", "vlan": 4000, "gateway": "10.0.1.254"},
				"leaves": [{"name": "leaf2", "address": "10.0.1.252", "node": 102}]}],
		"nodes": [{"name": "a1", "role": "control-plane", "rack": "r1", "address": "10.0.0.1/24"}]}}`
)

// defaultsOf are the values that plan.Parse puts where a probe says nothing, by
// path.
func defaultsOf(probes []string) (map[string]any, error) {
	d := defaults{value: map[string]any{}, varies: map[string]bool{}}
	for _, text := range probes {
		p, report := plan.Parse([]byte(text))
		if err := report.Err(); err != nil {
			return nil, fmt.Errorf("probing for defaults: %w", err)
		}
		var doc any
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			return nil, fmt.Errorf("probing for defaults: %w", err)
		}
		d.compare("", doc, reflect.ValueOf(p))
	}
	for path := range d.varies {
		delete(d.value, path)
	}
	return d.value, nil
}

type defaults struct {
	value  map[string]any
	varies map[string]bool
}

// compare holds what was decoded against what was written.
func (d defaults) compare(path string, written any, got reflect.Value) {
	switch written := written.(type) {
	case map[string]any:
		d.fields(path, written, reflect.Indirect(got))
	case []any:
		for i, item := range written {
			d.compare(path+"[]", item, got.Index(i))
		}
	}
}

// fields visits those of a struct. written is nil if all of it is left out: a
// field that is then zero may still have a default beside others.
func (d defaults) fields(path string, written map[string]any, got reflect.Value) {
	for i := range got.NumField() {
		name, _, _ := strings.Cut(got.Type().Field(i).Tag.Get("json"), ",")
		at, v := join(path, name), got.Field(i)
		value, ok := written[name]
		_, text := formatOf(v.Type())
		switch {
		case ok:
			d.compare(at, value, v)
		case v.Kind() == reflect.Struct && !text:
			d.fields(at, nil, v)
		case written != nil || !v.IsZero():
			d.note(at, v)
		}
	}
}

func (d defaults) note(path string, v reflect.Value) {
	value := plain(reflect.Indirect(v))
	if before, ok := d.value[path]; ok && before != value {
		d.varies[path] = true
	}
	d.value[path] = value
}

// plain is a value as JSON has it, nil for none.
func plain(v reflect.Value) any {
	if v.IsValid() && v.Kind() == reflect.Bool {
		return v.Bool()
	}
	if !v.IsValid() || v.IsZero() || v.Kind() == reflect.Slice {
		return nil
	}
	switch value := v.Interface().(type) {
	case time.Duration:
		return duration(value)
	case fmt.Stringer:
		return value.String()
	}
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	}
	return v.String()
}

// duration is one as people write it: 60s, not 1m0s.
func duration(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}
