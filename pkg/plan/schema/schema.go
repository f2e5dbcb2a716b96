// SPDX-License-Identifier: Apache-2.0

// Package schema holds the JSON Schema (draft 2020-12) of a ClusterPlan, for
// editors and for programs that write plans. It is generated from package plan;
// plan.Parse does not use it, for it knows more and says it better.
package schema

import (
	_ "embed" // the published schema
)

//go:embed clusterplan.v1alpha1.json
var published []byte

// JSON is the schema of the plan's current version.
func JSON() []byte { return append([]byte(nil), published...) }
