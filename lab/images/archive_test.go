// SPDX-License-Identifier: Apache-2.0

package images

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestArchiveRoundTrip(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("ELF"), 0o755); err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(dir, "base.tar")
	if err := writeLayer(base, []file{{path: "etc/os-release", data: []byte("ID=debian\n"), mode: 0o644}}); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, "images.tar")
	err := write(archive, dir, []image{
		{ref: "registry.k8s.io/pause:3.10.2", files: []file{{path: "pause", source: program, mode: 0o755}}, entrypoint: []string{"/pause"}},
		{
			ref: "docker.io/calico/node:v3.28.5", base: base, files: []file{{path: "usr/bin/calico-node", source: program, mode: 0o755}},
			cmd: []string{"start_runit"}, env: []string{"SVDIR=/etc/service/enabled"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	pause := load(t, archive, "registry.k8s.io/pause:3.10.2")
	node := load(t, archive, "docker.io/calico/node:v3.28.5")
	want := map[string]int64{"pause": 0o755}
	if diff := cmp.Diff(want, contents(t, pause)); diff != "" {
		t.Errorf("pause (-want +got):\n%s", diff)
	}
	want = map[string]int64{"etc/os-release": 0o644, "usr/bin/calico-node": 0o755}
	if diff := cmp.Diff(want, contents(t, node)); diff != "" {
		t.Errorf("node (-want +got):\n%s", diff)
	}
	config, err := node.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != "amd64" || !cmp.Equal(config.Config.Cmd, []string{"start_runit"}) ||
		!slices.Contains(config.Config.Env, collectRarely) || !slices.Contains(config.Config.Env, "SVDIR=/etc/service/enabled") {
		t.Errorf("configuration of node: %+v", config)
	}
}

func load(t *testing.T, archive, ref string) v1.Image {
	t.Helper()
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := tarball.ImageFromPath(archive, &tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(loaded); err != nil {
		t.Errorf("%s: %v", ref, err)
	}
	return loaded
}

func contents(t *testing.T, img v1.Image) map[string]int64 {
	t.Helper()
	flat := mutate.Extract(img)
	defer flat.Close()
	modes := map[string]int64{}
	for reader := tar.NewReader(flat); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return modes
		}
		if err != nil {
			t.Fatal(err)
		}
		modes[header.Name] = header.Mode
	}
}

func TestSameFilesGiveTheSameLayer(t *testing.T) {
	dir := t.TempDir()
	files := []file{{path: "a", data: []byte("1"), mode: 0o755}, {path: "b/c", data: nil, mode: 0o644}}
	var written [2][]byte
	for i, name := range []string{"first", "second"} {
		if err := writeLayer(filepath.Join(dir, name), files); err != nil {
			t.Fatal(err)
		}
		var err error
		if written[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(written[0], written[1]); diff != "" {
		t.Errorf("layers differ:\n%s", diff)
	}
}
