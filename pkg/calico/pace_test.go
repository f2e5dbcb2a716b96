// SPDX-License-Identifier: Apache-2.0

package calico

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

const probed = `kind: DaemonSet
spec:
  template:
    spec:
      containers:
        - name: calico-node # v3.28's
          livenessProbe:
            exec:
              command: [/bin/calico-node, -felix-live]
            periodSeconds: 10
            initialDelaySeconds: 10
            failureThreshold: 6
            timeoutSeconds: 10
          readinessProbe:
            exec:
              command: [/bin/calico-node, -felix-ready]
            periodSeconds: 120 # an operator's
            timeoutSeconds: 10
        - name: without
`

const relaxedProbes = `kind: DaemonSet
spec:
  template:
    spec:
      containers:
        - name: calico-node # v3.28's
          livenessProbe:
            exec:
              command: [/bin/calico-node, -felix-live]
            periodSeconds: 60
            initialDelaySeconds: 60
            failureThreshold: 10
            timeoutSeconds: 60
          readinessProbe:
            exec:
              command: [/bin/calico-node, -felix-ready]
            periodSeconds: 120 # an operator's
            timeoutSeconds: 60
        - name: without
`

func TestRelax(t *testing.T) {
	docs, err := documents([]byte(probed))
	if err != nil {
		t.Fatal(err)
	}
	relax(docs)
	got, err := encode(docs)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(relaxedProbes, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The manifest's own probes stay as they are unless the plan says slow.
func TestPaceOfManifest(t *testing.T) {
	p := reference(t)
	text := testdata(t, "calico.yaml") + "---\n" + probed
	for pace, want := range map[plan.Pace]string{plan.Normal: "10", plan.Slow: "60"} {
		p.Spec.Kubernetes.Pace = pace
		got, err := Manifest([]byte(text), p)
		if err != nil {
			t.Fatal(err)
		}
		docs, err := documents([]byte(got))
		if err != nil {
			t.Fatal(err)
		}
		if timeout := liveness(docs[len(docs)-1]); timeout != want {
			t.Errorf("%s: liveness answers in %s s, want %s", pace, timeout, want)
		}
	}
}

func liveness(doc *yaml.Node) string {
	return child(at(at(doc.Content[0], "spec", "template", "spec", "containers").Content[0], "livenessProbe"), "timeoutSeconds").Value
}
