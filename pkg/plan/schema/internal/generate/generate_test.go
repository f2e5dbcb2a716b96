// SPDX-License-Identifier: Apache-2.0

package generate

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func planSchema(t *testing.T) *Schema {
	t.Helper()
	s, err := New("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// each calls visit for every property of s and below.
func each(path string, s *Schema, visit func(path string, s *Schema)) {
	s = innermost(s)
	for _, property := range s.Properties {
		at := join(path, property.Name)
		visit(at, property.Schema)
		each(at, property.Schema, visit)
	}
}

// A default is written down once more, in the comment of its field.
func TestCommentsTellTheDefaults(t *testing.T) {
	each("", planSchema(t), func(path string, s *Schema) {
		_, boolean := s.Default.(bool)
		if s.Default != nil && !boolean && !strings.Contains(s.Description, fmt.Sprint(s.Default)) {
			t.Errorf("%s has the default %v; its comment says %q", path, s.Default, s.Description)
		}
	})
}

func TestDefaults(t *testing.T) {
	got := map[string]any{}
	each("", planSchema(t), func(path string, s *Schema) {
		if s.Default != nil && s.Default != false {
			got[path] = s.Default
		}
	})
	want := map[string]any{
		"spec.nodeNetwork.gatewayMetric": uint64(50),
		"spec.bond.name":                 "bond0",
		"spec.bond.mode":                 "802.3ad",
		"spec.bond.miimon":               "100ms",
		"spec.bond.minLinks":             int64(1),
		"spec.bond.mtu":                  int64(9000),
		"spec.fabric.timers.keepalive":   "60s",
		"spec.fabric.timers.hold":        "180s",
		"spec.fabric.bfd.multiplier":     int64(3),
		"spec.fabric.maxPrefixes":        int64(500),
		"spec.fabric.aci.pod":            uint64(1),
		"spec.asn.model":                 "node",
		"spec.pods.blockSize":            int64(26),
		"spec.runtime.name":              "containerd",
		"spec.host.selinux":              "permissive",
		"spec.kubernetes.pace":           "normal",
		"spec.calico.api":                "auto",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestEveryObjectIsClosed(t *testing.T) {
	visit := func(path string, s *Schema) {
		if s = innermost(s); s.Type == "object" && (s.AdditionalProperties == nil || *s.AdditionalProperties) {
			t.Errorf("%s takes unknown fields", path)
		}
	}
	s := planSchema(t)
	visit("", s)
	each("", s, visit)
}

func TestFieldsThatCannotBe(t *testing.T) {
	b := builder{source: source{comments: map[string]string{}}}
	for _, tt := range []struct {
		name string
		of   any
		want string
	}{
		{"no comment", struct {
			A string `json:"a"`
		}{}, ".A: has no comment, which readers of the plan's reference would see"},
		{"a tag that means nothing", struct {
			A string `json:"a" schema:"lable"`
		}{}, `.A: tag "lable" means nothing`},
		{"limits of words", struct {
			A int `json:"a" schema:"one..2"`
		}{}, `.A: reading the limits "one..2": strconv.ParseInt: parsing "one": invalid syntax`},
		{"no kind of value", struct {
			A float64 `json:"a"`
		}{}, ".A: float64 has no schema"},
		{"in a list", struct {
			A []chan int `json:"a"`
		}{}, ".A: chan int has no schema"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := b.object("", reflect.TypeOf(tt.of))
			if err == nil || err.Error() != tt.want {
				t.Errorf("error is %v, want %s", err, tt.want)
			}
		})
	}
}

func TestNoSource(t *testing.T) {
	if _, err := New(t.TempDir()); err == nil {
		t.Error("a folder without Go files has types")
	}
}
