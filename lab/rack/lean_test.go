// SPDX-License-Identifier: Apache-2.0

package rack

import "testing"

func TestLean(t *testing.T) {
	const deployment = "kind: Deployment\nspec:\n  replicas: 1\n"
	got, err := lean([]byte(deployment))
	if want := "kind: Deployment\nspec:\n  replicas: 0\n"; err != nil || string(got) != want {
		t.Errorf("got %v\n%s", err, got)
	}
	if _, err := lean([]byte("kind: DaemonSet\n")); err == nil {
		t.Error("a manifest without the deployment passed")
	}
}
