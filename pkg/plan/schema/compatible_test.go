// SPDX-License-Identifier: Apache-2.0

package schema_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/pkg/plan/schema"
	"github.com/nodeprep/nodeprep/pkg/plan/schema/internal/generate"
)

func TestIncompatible(t *testing.T) {
	published := string(schema.JSON())
	for _, tt := range []struct {
		name, old, new string
		want           []string
	}{
		{"nothing", "", "", nil},
		{"other words", `"description": "bytes, 1280 to 9216`, `"description": "octets, 1280 to 9216`, nil},
		{"a field more", `"mtu": {`, `"colour": {"type": "string"}, "mtu": {`, nil},
		{"a wider range", `"maximum": 4094`, `"maximum": 4095`, nil},
		{"no lower end", `"minimum": 1280,`, ``, nil},
		{"a value more", `"leave"`, `"leave", "disabled"`, nil},
		{"a constant becomes a choice", `"const": "802.3ad"`, `"enum": ["802.3ad", "active-backup"]`, nil},
		{"an alternative of a pattern", `"^/.*$"`, `"^/.*$|^https://.*$"`, nil},
		{"no pattern", `"pattern": "^/.*$"`, `"title": ""`, nil},

		{"a field is gone", `"updelay": {`, `"upDelay": {`, []string{"spec.bond.updelay: is gone"}},
		{"an item's field is gone", `"macs": {`, `"MACs": {`, []string{"spec.nodes[].macs: is gone"}},
		{"another type", `"description": "legs that must be up, default 1",
              "type": "integer",`, `"description": "legs that must be up, default 1",
              "type": "string",`, []string{"spec.bond.minLinks: was of type integer, is of type string"}},
		{"a narrower range", `"maximum": 4094`, `"maximum": 4000`, []string{"spec.nodeNetwork.vlan: takes nothing above 4000 any more"}},
		{"a higher end", `"minimum": 1280`, `"minimum": 1500`, []string{"spec.bond.mtu: takes nothing below 1500 any more"}},
		{"a value less", `"permissive",
                "enforcing"`, `"permissive"`, []string{"spec.host.selinux: takes no enforcing any more"}},
		{"any value becomes a choice", `"description": "manifest is an absolute path on the machine of joinsvc, which does not serve without it.",`, `"enum": ["/a"],`, []string{"spec.calico.manifest: took any value, takes /a"}},
		{"another pattern", `"^/.*$"`, `"^/srv/.*$"`, []string{
			"spec.packages.folder: had the pattern ^/.*$, has ^/srv/.*$, which is not the old one with |alternatives",
		}},
		{"a pattern where none was", `"description": "manifest is an absolute path on the machine of joinsvc, which does not serve without it.",`, `"pattern": "^/",`, []string{
			"spec.calico.manifest: had the pattern , has ^/, which is not the old one with |alternatives",
		}},
		{"a list that may not be empty", `"description": "A Leaf is one switch that peers with every node of its rack.",
                "type": "array",`, `"minItems": 1, "type": "array",`, []string{"spec.racks[].leaves: wants at least 1 items"}},
		{"another default", `"default": 9000`, `"default": 1500`, []string{"spec.bond.mtu: had the default 9000, has 1500"}},
		{"a default where none was", `"description": "manifest is an absolute path on the machine of joinsvc, which does not serve without it.",`, `"default": "/a",`, []string{
			"spec.calico.manifest: had the default <nil>, has /a",
		}},
		{"a field is required now", `"required": [
            "legs"
          ]`, `"required": ["legs", "mtu"]`, []string{"spec.bond.mtu: is required now"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(published, tt.old) {
				t.Fatalf("the schema has no %s to change", tt.old)
			}
			got, err := generate.Incompatible([]byte(published), []byte(strings.Replace(published, tt.old, tt.new, 1)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("incompatible (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIncompatibleOfNoSchema(t *testing.T) {
	if _, err := generate.Incompatible([]byte("{"), schema.JSON()); err == nil {
		t.Error("half a published schema is no problem")
	}
	if _, err := generate.Incompatible(schema.JSON(), []byte("{")); err == nil {
		t.Error("half a next schema is no problem")
	}
}
