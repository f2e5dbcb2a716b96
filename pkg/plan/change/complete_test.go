// SPDX-License-Identifier: Apache-2.0

package change_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodeprep/nodeprep/internal/golden"
	"github.com/nodeprep/nodeprep/pkg/plan"
	"github.com/nodeprep/nodeprep/pkg/plan/change"
)

// No field of a plan may change unnoticed: every single one is changed, and
// something has to be said of it. A new field wants a rule. What each costs is
// in testdata/fields.txt: somebody decides by it whether a change can be made today.
func TestEveryFieldHasARule(t *testing.T) {
	single, many := full(t, example(t)), full(t, racks(t, 2, 2))
	noticed := map[string]bool{}
	said := map[string]map[string]bool{}
	for _, p := range []plan.Plan{single, many} {
		fields(reflect.ValueOf(&p.Spec).Elem(), "spec", func(path string, v reflect.Value) {
			before := clone(t, p)
			was := reflect.New(v.Type()).Elem()
			was.Set(v)
			disturb(t, path, v)
			changes := change.Between(before, p)
			v.Set(was)
			noticed[general(path)] = noticed[general(path)] || len(changes) > 0
			if said[general(path)] == nil {
				said[general(path)] = map[string]bool{}
			}
			for _, c := range changes {
				said[general(path)][fmt.Sprintf("%s %s [%s]", c.Scope, c.What, c.Severity)] = true
				if c.Severity == "" || c.Consequence == "" {
					t.Errorf("%s: %+v says not what it means", path, c)
				}
			}
		})
	}
	if len(noticed) < 60 {
		t.Errorf("only %d fields were found, so the search is broken", len(noticed))
	}
	for path, ok := range noticed {
		if !ok {
			t.Errorf("%s can change without a word; give it a rule", path)
		}
	}
	if !t.Failed() {
		golden.Check(t, filepath.Join("testdata", "fields.txt"), table(said))
	}
}

// table is what is said of each field, in any plan and of any member.
func table(said map[string]map[string]bool) string {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(said)) {
		fmt.Fprintln(&b, path)
		for _, line := range slices.Sorted(maps.Keys(said[path])) {
			fmt.Fprintln(&b, "  "+line)
		}
	}
	return b.String()
}

// full gives a plan something in every field that the example leaves out.
func full(t *testing.T, p plan.Plan) plan.Plan {
	p = clone(t, p)
	s := &p.Spec
	s.NodeNetwork.DNS = []netip.Addr{netip.MustParseAddr("8.8.8.8")}
	s.Site = []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")}
	s.Fabric.BFD = plan.BFD{Interval: 300 * time.Millisecond, Multiplier: 3}
	for i := range s.Racks {
		s.Racks[i].NodeNetwork.DNS = s.NodeNetwork.DNS
	}
	for i := range s.Nodes {
		s.Nodes[i].MACs = append(s.Nodes[i].MACs, plan.MAC(fmt.Sprintf("00:00:5e:00:54:%02x", i)))
	}
	return p
}

// clone shares no memory with p.
func clone(t *testing.T, p plan.Plan) plan.Plan {
	t.Helper()
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var out plan.Plan
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// fields calls visit for every value that has no fields of its own. Pools are
// left out: Parse has made nodes of them.
func fields(v reflect.Value, path string, visit func(string, reflect.Value)) {
	_, text := v.Addr().Interface().(interface{ UnmarshalText([]byte) error })
	switch {
	case text:
		visit(path, v)
	case v.Kind() == reflect.Pointer:
		fields(v.Elem(), path, visit)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			fields(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if name != "pools" {
				fields(v.Field(i), path+"."+name, visit)
			}
		}
	default:
		visit(path, v)
	}
}

// general is a path without places: what holds for one node's field holds for all.
func general(path string) string {
	var b strings.Builder
	skip := false
	for _, r := range path {
		skip = skip && r != ']' || r == '['
		if !skip && r != ']' {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// disturb gives a field another value than it has.
func disturb(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch value := v.Addr().Interface().(type) {
	case *netip.Addr:
		*value = netip.MustParseAddr("203.0.113.77")
	case *netip.Prefix:
		*value = netip.MustParsePrefix("203.0.113.64/28")
	case *netip.AddrPort:
		*value = netip.MustParseAddrPort("203.0.113.77:7443")
	case *plan.ASNRange:
		*value = plan.ASNRange{First: 64800, Last: 64900}
	case *plan.Port:
		*value = plan.Port{Leaf: "leaf209", ID: "1/9"}
	default:
		disturbKind(t, path, v)
	}
}

func disturbKind(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch {
	case v.Kind() == reflect.String:
		v.SetString(v.String() + "x")
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	case v.CanInt():
		v.SetInt(v.Int() + 1)
	case v.CanUint():
		v.SetUint(v.Uint() + 1)
	default:
		t.Fatalf("%s: a %s cannot be changed by this test", path, v.Type())
	}
}
