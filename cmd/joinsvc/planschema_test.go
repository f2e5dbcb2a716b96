// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

func TestPlanSchema(t *testing.T) {
	var out bytes.Buffer
	cmd := planSchemaCommand()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	var schema struct {
		ID string `json:"$id"`
	}
	if err := json.Unmarshal(out.Bytes(), &schema); err != nil {
		t.Fatal(err)
	}
	if want := "https://" + plan.APIVersion + "/clusterplan.schema.json"; schema.ID != want {
		t.Errorf("the schema is %q, want %q", schema.ID, want)
	}
}
