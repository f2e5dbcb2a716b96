// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	one := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
	a, b := fmt.Sprintf(one, "a"), fmt.Sprintf(one, "b")
	for name, tc := range map[string]struct {
		text  string
		want  []string
		text0 string // what is sent of the first; "" is not looked at
		err   string
	}{
		"nothing":                       {text: ""},
		"comments alone":                {text: "# one\n---\n# two\n"},
		"null":                          {text: "null\n---\n~\n---\n" + a, want: []string{"ConfigMap a"}},
		"lines of Windows":              {text: strings.ReplaceAll(a+"---\n"+b, "\n", "\r\n"), want: []string{"ConfigMap a", "ConfigMap b"}},
		"a byte order mark":             {text: "\ufeff" + a, want: []string{"ConfigMap a"}},
		"the end's marker":              {text: a + "...\n" + b, want: []string{"ConfigMap a", "ConfigMap b"}},
		"no line's end":                 {text: a + "---", want: []string{"ConfigMap a"}},
		"behind the marker":             {text: a + "--- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n", want: []string{"ConfigMap a", "ConfigMap b"}},
		"a comment behind the marker":   {text: "--- # the first\n" + a, want: []string{"ConfigMap a"}, text0: " # the first\n" + a},
		"a marker that is none":         {text: a + "data:\n  pem: |\n    -----BEGIN X-----\n    ---\n    ...\n", want: []string{"ConfigMap a"}},
		"a list":                        {text: "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]\n", want: []string{"ConfigMap a"}},
		"a list of one kind":            {text: "apiVersion: v1\nkind: ConfigMapList\nmetadata: {}\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]\n", want: []string{"ConfigMap a"}},
		"a list in a list":              {text: "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]}]\n", want: []string{"ConfigMap a"}},
		"an empty list":                 {text: "apiVersion: v1\nkind: List\n"},
		"a kind that ends so":           {text: "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {}\n", want: []string{"AllowList a"}},
		"a list's words":                {text: "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: \"on\", y: '1e3', z: 007}}]\n", want: []string{"ConfigMap a"}, text0: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: \"on\", y: '1e3', z: 007}}\n"},
		"a key twice":                   {text: a + "kind: Secret\n", err: `mapping key "kind" already defined`},
		"a key twice, deep":             {text: a + "data:\n  x: one\n  x: two\n", err: `document 1: yaml: unmarshal errors:` + "\n" + `  line 6: mapping key "x" already defined`},
		"a key twice, in a list's item": {text: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n  data: {x: one, x: two}\n", err: `mapping key "x" already defined`},
		"an alias of its own":           {text: a + "data: {x: &x one, y: *x}\n", want: []string{"ConfigMap a"}},
		"what others need, last": {
			text: "apiVersion: example.com/v1\nkind: Pool\nmetadata: {name: p}\n---\n" + b + "---\n" + a +
				"---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: d}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n",
			want: []string{"Namespace n", "CustomResourceDefinition d", "Pool p", "ConfigMap b", "ConfigMap a"},
		},
		"a Namespace of another group": {
			text: a + "---\napiVersion: example.com/v1\nkind: Namespace\nmetadata: {name: n}\n", want: []string{"ConfigMap a", "Namespace n"},
		},
		"a definition of another group": {
			text: a + "---\napiVersion: example.com/v1\nkind: CustomResourceDefinition\nmetadata: {name: n}\n", want: []string{"ConfigMap a", "CustomResourceDefinition n"},
		},
		"a bomb":     {text: a + bomb(), err: "excessive aliasing"},
		"a scalar":   {text: "hello\n", err: "cannot unmarshal"},
		"a sequence": {text: "- a\n", err: "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := parse(tc.text)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("got %v, want %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range objects {
				got = append(got, o.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if tc.text0 != "" && string(objects[0].text) != tc.text0 {
				t.Errorf("sends %q, want %q", objects[0].text, tc.text0)
			}
		})
	}
}

// bomb is 10^8 words by aliases.
func bomb() string {
	var b strings.Builder
	b.WriteString("data:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 8 {
		fmt.Fprintf(&b, "  a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return b.String()
}
