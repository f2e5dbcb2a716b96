// SPDX-License-Identifier: Apache-2.0

package images

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/lab/stack"
)

const manifest = `
      initContainers:
        - name: upgrade-ipam
          image: docker.io/calico/cni:v3.28.5
        - name: "mount-bpffs"
          image: docker.io/calico/node:v3.28.5
          imagePullPolicy: IfNotPresent
      containers:
        - image: docker.io/calico/node:v3.28.5
`

func TestCalicoRefs(t *testing.T) {
	want := []string{"docker.io/calico/cni:v3.28.5", "docker.io/calico/node:v3.28.5"}
	if diff := cmp.Diff(want, calicoRefs(manifest)); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
}

func TestByName(t *testing.T) {
	got, err := byName([]string{"registry.k8s.io/coredns/coredns:v1.14.6", "registry.k8s.io/pause:3.10.2"})
	want := map[string]string{"coredns": "registry.k8s.io/coredns/coredns:v1.14.6", "pause": "registry.k8s.io/pause:3.10.2"}
	if err != nil || !cmp.Equal(want, got) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, bad := range [][]string{{"registry.k8s.io:5000/pause"}, {"a/node:v1", "b/node:v2"}} {
		if got, err := byName(bad); err == nil {
			t.Errorf("byName(%q) = %v, want an error", bad, got)
		}
	}
}

// TestEveryImageOfANode asks the real kubeadm and the real manifest which
// images a node runs, and describes each of them from the real stack.
func TestEveryImageOfANode(t *testing.T) {
	c, err := cache.Open()
	if err != nil {
		t.Fatal(err)
	}
	bins, err := stack.Build(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	path, err := stack.CalicoManifest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names, err := Names(t.Context(), bins["kubeadm"], path)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != 10 {
		t.Errorf("%d images, want kubeadm's 7 and Calico's 3: %v", len(names), names)
	}
	all, err := describe(names, bins, "userland.tar", calicoModule(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range all {
		if img.ref == "" || len(img.files) == 0 || len(img.entrypoint)+len(img.cmd) == 0 {
			t.Errorf("image %q has %d files, entrypoint %q, command %q", img.ref, len(img.files), img.entrypoint, img.cmd)
		}
	}
}
