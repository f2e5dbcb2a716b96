// SPDX-License-Identifier: Apache-2.0

package images

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/lab/stack"
	"github.com/nodeprep/nodeprep/pkg/command"
)

func TestWithoutTunnels(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain":  {"a;\n    krt_tunnel = \"\";\n    accept;\n", "a;\n    accept;\n"},
		"branch": {"if defined(x) then\n  krt_tunnel = \"\"; {{- /* no */}}\nelse\n  krt_tunnel = \"tunl0\";\naccept;\n", "accept;\n"},
		"other":  {"if x then\n  reject;\nelse\n  accept;\n", "if x then\n  reject;\nelse\n  accept;\n"},
		"no end": {"accept;", "accept;"},
	} {
		if diff := cmp.Diff(c.want, WithoutTunnels(c.in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestBIRDTakesCalicosConfigurations gives BIRD of the images' own userland
// every configuration that Calico's tests expect of confd. Their ipam files
// are refused as they are and taken without tunnels.
func TestBIRDTakesCalicosConfigurations(t *testing.T) {
	root := unpackUserland(t)
	module, err := stack.CalicoModule(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join(module, "confd/tests/compiled_templates")
	taken, refused := 0, 0
	err = filepath.WalkDir(golden, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "bird.cfg" {
			return err
		}
		if birdTakes(t, root, filepath.Dir(path), func(s string) string { return s }) != nil {
			refused++
		}
		if err := birdTakes(t, root, filepath.Dir(path), WithoutTunnels); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		taken++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if taken < 20 || refused == 0 {
		t.Errorf("of %d configurations BIRD refused %d as they were: want at least 20 and 1", taken, refused)
	}
}

func unpackUserland(t *testing.T) string {
	t.Helper()
	c, err := cache.Open()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := Userland().Build(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if _, err := command.Run(t.Context(), command.New("tar", "-C", root, "--exclude=./dev", "-xf", tree)); err != nil {
		t.Fatal(err)
	}
	return root
}

// birdTakes has bird parse the configuration in folder, each file of it edited.
func birdTakes(t *testing.T, root, folder string, edit func(string) string) error {
	t.Helper()
	config := filepath.Join(root, "etc/calico/confd/config")
	if err := os.RemoveAll(config); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(config, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bird.cfg", "bird_aggr.cfg", "bird_ipam.cfg"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		// The golden files are relative to confd's folder, or name it in full.
		text = []byte(strings.ReplaceAll(edit(string(text)), "/etc/calico/confd/config/", ""))
		if err := os.WriteFile(filepath.Join(config, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := command.Run(t.Context(), command.New("chroot", root, "sh", "-c", "cd /etc/calico/confd/config && bird -p -c bird.cfg"))
	return err
}
