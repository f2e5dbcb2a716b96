// SPDX-License-Identifier: Apache-2.0

package images

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// write makes one docker-archive of all images. The layers' tars are written
// to scratch and stay there no longer than the call.
func write(archive, scratch string, all []image) error {
	layers, err := os.MkdirTemp(scratch, "layers")
	if err != nil {
		return fmt.Errorf("making room for the layers: %w", err)
	}
	defer os.RemoveAll(layers)
	tagged := make(map[name.Reference]v1.Image, len(all))
	for i, img := range all {
		ref, err := name.ParseReference(img.ref)
		if err != nil {
			return fmt.Errorf("image name %q: %w", img.ref, err)
		}
		if tagged[ref], err = assemble(img, filepath.Join(layers, fmt.Sprintf("%d.tar", i))); err != nil {
			return fmt.Errorf("image %s: %w", img.ref, err)
		}
	}
	if err := tarball.MultiRefWriteToFile(archive, tagged); err != nil {
		return fmt.Errorf("writing %s: %w", archive, err)
	}
	return nil
}

func assemble(img image, tarPath string) (v1.Image, error) {
	if err := writeLayer(tarPath, img.files); err != nil {
		return nil, err
	}
	tars := []string{tarPath}
	if img.base != "" {
		tars = []string{img.base, tarPath}
	}
	built := empty.Image
	for _, path := range tars {
		layer, err := tarball.LayerFromFile(path)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", path, err)
		}
		if built, err = mutate.AppendLayers(built, layer); err != nil {
			return nil, fmt.Errorf("adding layer %s: %w", path, err)
		}
	}
	return configure(built, img)
}

// collectRarely has every Go program let its heap grow to five times what it
// uses before it looks for garbage. Machines of the lab have memory to spare
// and, emulated, nothing else.
const collectRarely = "GOGC=400"

func configure(built v1.Image, img image) (v1.Image, error) {
	config, err := built.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	config = config.DeepCopy()
	config.Architecture, config.OS = "amd64", "linux"
	config.Config.Env = append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/cni/bin",
		collectRarely,
	}, img.env...)
	config.Config.Entrypoint, config.Config.Cmd = img.entrypoint, img.cmd
	configured, err := mutate.ConfigFile(built, config)
	if err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	return configured, nil
}

// writeLayer writes files in their order and without times, so that the same
// files give the same layer. It names no folders: one that is a link in the
// tree below would be replaced.
func writeLayer(path string, files []file) error {
	out, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("creating a layer: %w", err)
	}
	defer out.Close()
	layer := tar.NewWriter(out)
	for _, f := range files {
		if err := addFile(layer, f); err != nil {
			return fmt.Errorf("adding %s: %w", f.path, err)
		}
	}
	if err := layer.Close(); err != nil {
		return fmt.Errorf("closing layer %s: %w", path, err)
	}
	return out.Close()
}

func addFile(layer *tar.Writer, f file) error {
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: f.path, Mode: f.mode, ModTime: time.Unix(0, 0),
		Size: int64(len(f.data)), Format: tar.FormatPAX,
	}
	if f.source == "" {
		if err := layer.WriteHeader(header); err != nil {
			return err
		}
		_, err := layer.Write(f.data)
		return err
	}
	source, err := os.Open(f.source)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	header.Size = info.Size()
	if err := layer.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(layer, source)
	return err
}
