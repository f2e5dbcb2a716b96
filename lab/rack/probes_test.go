// SPDX-License-Identifier: Apache-2.0

package rack

import "testing"

func TestPatient(t *testing.T) {
	const probe = `  replicas: 1
          livenessProbe:
            periodSeconds: 10
            initialDelaySeconds: 10
            failureThreshold: 6
            timeoutSeconds: 10
`
	const want = `  replicas: 0
          livenessProbe:
            periodSeconds: 120
            initialDelaySeconds: 120
            failureThreshold: 6
            timeoutSeconds: 60
`
	got, err := patient([]byte(probe))
	if err != nil || string(got) != want {
		t.Errorf("got %v\n%s", err, got)
	}
	if _, err := patient([]byte("kind: DaemonSet\n")); err == nil {
		t.Error("a manifest without such probes passed")
	}
}
