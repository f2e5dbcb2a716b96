// SPDX-License-Identifier: Apache-2.0

package aci

import (
	"bytes"
	"encoding/json"
	"maps"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/text/unicode/norm"
)

// flat is a tree by distinguished names: the class and the attributes of each.
type flat map[string]map[string]string

const classKey = "(class)"

func flatten(root *Object) flat {
	all := flat{}
	root.Walk(func(dn string, o *Object) {
		all[dn] = maps.Clone(o.Attributes)
		all[dn][classKey] = o.Class
	})
	return all
}

func (f flat) owned() flat {
	owned := maps.Clone(f)
	maps.DeleteFunc(owned, func(_ string, attrs map[string]string) bool { return attrs["annotation"] == "" })
	return owned
}

type jsonObject map[string]struct {
	Attributes map[string]string
	Children   []jsonObject
}

// readJSON is what the APIC would make of a POST to uni.
func readJSON(t *testing.T, text []byte) flat {
	t.Helper()
	var root jsonObject
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&root); err != nil {
		t.Fatal(err)
	}
	all := flat{}
	var add func(dn string, o jsonObject)
	add = func(parent string, o jsonObject) {
		for class, body := range o {
			dn := "uni"
			if parent != "" {
				dn = parent + "/" + body.Attributes["rn"]
			}
			delete(body.Attributes, "rn")
			body.Attributes[classKey] = class
			all[dn] = body.Attributes
			for _, child := range body.Children {
				add(dn, child)
			}
		}
	}
	add("", root)
	return all
}

// readTerraform is what Terraform would hand to the provider. A resource whose
// parent comes after it, or not at all, cannot be evaluated.
func readTerraform(t *testing.T, text []byte) flat {
	t.Helper()
	file, diags := hclsyntax.ParseConfig(text, "main.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	all, known := flat{}, map[string]cty.Value{}
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		if block.Type == "terraform" {
			continue
		}
		scope := &hcl.EvalContext{Variables: map[string]cty.Value{"aci_rest_managed": cty.ObjectVal(known)}}
		values := map[string]cty.Value{}
		for name, attribute := range block.Body.Attributes {
			value, diags := attribute.Expr.Value(scope)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			values[name] = value
		}
		name := block.Labels[1]
		if _, twice := known[name]; twice || block.Labels[0] != "aci_rest_managed" {
			t.Fatalf("%v is there twice, or is no aci_rest_managed", block.Labels)
		}
		known[name] = cty.ObjectVal(map[string]cty.Value{"dn": values["dn"]})
		all[values["dn"].AsString()] = resourceAttributes(values)
	}
	return all
}

func resourceAttributes(values map[string]cty.Value) map[string]string {
	attrs := map[string]string{}
	if content, ok := values["content"]; ok {
		for key, value := range content.AsValueMap() {
			attrs[key] = value.AsString()
		}
	}
	attrs["annotation"] = values["annotation"].AsString()
	attrs[classKey] = values["class_name"].AsString()
	return attrs
}

func TestEmittersSayWhatTheTreeSays(t *testing.T) {
	for name, p := range variants(t) {
		root := tree(t, p, nil)
		asJSON, err := JSON(root)
		if err != nil {
			t.Fatal(err)
		}
		fromJSON := readJSON(t, asJSON)
		if diff := cmp.Diff(flatten(root), fromJSON); diff != "" {
			t.Errorf("%s: JSON (-tree +JSON):\n%s", name, diff)
		}
		asHCL, err := Terraform(root)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fromJSON.owned(), readTerraform(t, asHCL)); diff != "" {
			t.Errorf("%s: Terraform (-JSON +Terraform):\n%s", name, diff)
		}
	}
}

func TestTerraformIsFormatted(t *testing.T) {
	for name, p := range variants(t) {
		text, err := Terraform(tree(t, p, nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(hclwrite.Format(text)), string(text)); diff != "" {
			t.Errorf("%s (-terraform fmt +got):\n%s", name, diff)
		}
	}
}

func TestJSONIsIndented(t *testing.T) {
	text, err := JSON(tree(t, k8c1(t), nil))
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Indent(&want, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(text)); diff != "" {
		t.Errorf("(-indented +got):\n%s", diff)
	}
}

func TestEmittersAreDeterministic(t *testing.T) {
	p := k8c1(t)
	for name, emit := range map[string]func(*Object) ([]byte, error){"JSON": JSON, "Terraform": Terraform} {
		first, err := emit(tree(t, p, nil))
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			again, err := emit(tree(t, p, nil))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first, again) {
				t.Fatalf("%s differs from one time to the next", name)
			}
		}
	}
}

// A name that changes is an object that Terraform removes and makes anew.
func TestResourceNamesStay(t *testing.T) {
	for _, test := range []struct{ parent, rn, want string }{
		{"uni", "tn-TEN_K8_C1", "tn_TEN_K8_C1_020e18477254738c"},
		{"uni/tn-TEN_K8_C1/subj-A", "dest-[10.0.0.0/8]", "dest_10_0_0_0_8_08aeab685d4f08ba"},
		{"uni/tn-TEN_K8_C1/out-A/instP-B", "rsprov-CNT_C", "rsprov_CNT_C_cdadc1734b255e35"},
	} {
		if got := resourceName(test.parent+"/"+test.rn, test.rn); got != test.want {
			t.Errorf("%s in %s is %s, want %s", test.rn, test.parent, got, test.want)
		}
	}
}

// odd is a tree with a text in every place that takes one.
func odd(rn, name, value string) *Object {
	attrs := func() attributes { return attributes{"annotation": Owner("odd"), name: value} }
	return mo("polUni", "uni", attributes{},
		mo("infraInfra", "infra", attributes{}, mo("l2IfPol", rn, attrs())),
		mo("fvTenant", rn, attrs(), mo("fvCtx", rn, attrs(), mo("fvCtx", "x"+rn, attrs()))))
}

func addSeeds(f *testing.F) {
	f.Add("tn-A", "name", "A")
	f.Add("dest-[10.0.0.0/8]", "for", "${aci_rest_managed.x.dn}")
	f.Add("$", "null", "%{ if true }a%{ endif }")
	f.Add("$${a}", "a b", "$${")
	f.Add("{", "\"", "line\nline\r\n\ttab\\n\\")
	f.Add("", "", "")
	f.Add("é", "ü", "\u00e9 and e\u0301, \U0001f600, \u2028\u0000\u007f")
	f.Add("\xff", "a", "b")
	f.Add("a", "<b>", "</script>&")
	f.Add("~", "true", "<<EOT")
	f.Add("a", "$", "$$$${{ %%{ ${\"")
	f.Add("a", "b", `C:\dir`)
}

func FuzzJSON(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, rn, name, value string) {
		if name == "rn" || name == "annotation" || name == classKey {
			return // the emitters have a use of their own for these
		}
		root := odd(rn, name, value)
		text, err := JSON(root)
		if valid := utf8.ValidString(rn + "\x00" + name + "\x00" + value); valid != (err == nil) {
			t.Fatalf("the text is UTF-8: %v; %v", valid, err)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(flatten(root), readJSON(t, text)); diff != "" {
			t.Errorf("(-tree +JSON):\n%s", diff)
		}
	})
}

func FuzzTerraform(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, rn, name, value string) {
		if name == "rn" || name == "annotation" || name == classKey {
			return // the emitters have a use of their own for these
		}
		root := odd(rn, name, value)
		text, err := Terraform(root)
		normal := true
		for _, s := range []string{rn, "x" + rn, name, value} {
			normal = normal && utf8.ValidString(s) && norm.NFC.IsNormalString(s)
		}
		if normal != (err == nil) {
			t.Fatalf("the text is normalized UTF-8: %v; %v", normal, err)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(flatten(root).owned(), readTerraform(t, text)); diff != "" {
			t.Errorf("(-tree +Terraform):\n%s\n%s", diff, text)
		}
	})
}
