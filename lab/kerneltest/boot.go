// SPDX-License-Identifier: Apache-2.0

package kerneltest

import (
	"archive/tar"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/lab/debian"
)

//go:embed tree.sh
var treeScript string

// boot is what QEMU needs to start the machine. The cache owns the files.
type boot struct{ kernel, initrd string }

// buildBoot makes a Debian tree with a kernel, whose script packs the initrd,
// and keeps those two files of it.
func buildBoot(ctx context.Context, c *cache.Cache) (boot, error) {
	tree := debian.Tree{
		Name:     "kerneltest-tree",
		Packages: []string{"linux-image-amd64", "busybox-static", "kmod", "cpio"},
		Script:   treeScript,
	}
	archive, err := tree.Build(ctx, c)
	if err != nil {
		return boot{}, err
	}
	key, err := cache.Key(cache.Text("tree", archive))
	if err != nil {
		return boot{}, fmt.Errorf("naming the kernel: %w", err)
	}
	dir, err := c.Dir(ctx, "kerneltest-boot", key, func(_ context.Context, dir string) error {
		return extract(archive, dir, "vmlinuz", "initrd")
	})
	if err != nil {
		return boot{}, fmt.Errorf("taking the kernel out of %s: %w", archive, err)
	}
	return boot{filepath.Join(dir, "vmlinuz"), filepath.Join(dir, "initrd")}, nil
}

// extract copies files of the archive's /boot to dir.
func extract(archive, dir string, names ...string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	wanted := map[string]bool{}
	for _, name := range names {
		wanted["boot/"+name] = true
	}
	reader := tar.NewReader(f)
	for len(wanted) > 0 {
		header, err := reader.Next()
		if err != nil {
			return fmt.Errorf("looking for %v: %w", wanted, err)
		}
		name := strings.TrimPrefix(header.Name, "./")
		if !wanted[name] {
			continue
		}
		if err := save(filepath.Join(dir, filepath.Base(name)), reader); err != nil {
			return err
		}
		delete(wanted, name)
	}
	return nil
}

func save(path string, content io.Reader) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
