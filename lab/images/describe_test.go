// SPDX-License-Identifier: Apache-2.0

package images

import (
	"strings"
	"testing"

	"github.com/nodeprep/nodeprep/lab/stack"
)

func TestUnknownImageIsRefused(t *testing.T) {
	_, err := describe(map[string]string{"sidecar": "example.com/sidecar:v1"}, nil, "", "")
	if err == nil || !strings.Contains(err.Error(), "example.com/sidecar:v1") {
		t.Errorf("got %v, want an error that names the image", err)
	}
}

func TestMissingBinaryIsRefused(t *testing.T) {
	_, err := describe(map[string]string{"etcd": "registry.k8s.io/etcd:3.7.3-0"}, stack.Binaries{}, "", "")
	if err == nil || !strings.Contains(err.Error(), `"etcd"`) {
		t.Errorf("got %v, want an error that names the binary", err)
	}
}

// TestNodeFilesystem reads the folders of the real Calico module.
func TestNodeFilesystem(t *testing.T) {
	module, err := stack.CalicoModule(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files, err := nodeFilesystem(module)
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]int64{}
	for _, f := range files {
		if _, twice := modes[f.path]; twice {
			t.Errorf("%s is there twice", f.path)
		}
		modes[f.path] = f.mode
		if strings.HasSuffix(f.path, ".template") && strings.Contains(string(f.data), "krt_tunnel =") {
			t.Errorf("%s sets krt_tunnel, which Debian's BIRD does not know", f.path)
		}
		if strings.HasPrefix(f.path, "sbin/") {
			t.Errorf("%s would replace the link /sbin of the tree below", f.path)
		}
	}
	for path, mode := range map[string]int64{
		"usr/sbin/start_runit":                              0o755,
		"etc/rc.local":                                      0o755,
		"etc/service/available/bird/run":                    0o755,
		"etc/service/available/felix/run":                   0o755,
		"etc/calico/felix.cfg":                              0o644,
		"etc/calico/confd/conf.d/bird.toml":                 0o644,
		"etc/calico/confd/templates/bird_ipam.cfg.template": 0o644,
		"etc/calico/confd/config/.gitkeep":                  0o644,
	} {
		if got, there := modes[path]; !there || got != mode {
			t.Errorf("%s: there %v, mode %o, want %o", path, there, got, mode)
		}
	}
}
