// SPDX-License-Identifier: Apache-2.0

// Package debian makes small Debian 12 trees: packages installed by
// mmdebstrap, then one shell script run inside the tree, the result kept in
// the lab's cache as a tar archive.
//
// Both the userland of the container images that need one and the disk of the
// rack's machines begin as such a tree. Packages are always installed, never
// unpacked by hand: dpkg-deb -x into a merged-/usr tree replaces /sbin by a
// folder and breaks the loader.
package debian

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/pkg/command"
)

// Suite is the Debian release of every tree: the last one whose BIRD is the
// 1.6 series that Calico's templates are written for.
const Suite = "bookworm"

// excludes are the paths that no machine of the lab reads. Python's compiled
// files stay: without them dnf takes twice as long under emulation.
const excludes = `path-exclude=/usr/share/doc/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/lintian/*
path-exclude=/usr/share/bug/*`

// A Tree says what is in a tree.
type Tree struct {
	Name     string   // of the cache entry
	Packages []string // beside Debian's essential ones
	Script   string   // shell, run as root inside the finished tree with -eu
}

// Build returns the path of the tree's tar archive, owned by the cache. It
// needs root, mmdebstrap and a Debian mirror; a cached tree needs none of
// them.
func (t Tree) Build(ctx context.Context, c *cache.Cache) (string, error) {
	key, err := cache.Key(cache.Text("suite", Suite), cache.Text("excludes", excludes),
		cache.Text("script", t.Script), cache.Text("packages", strings.Join(t.Packages, ",")))
	if err != nil {
		return "", fmt.Errorf("naming tree %s: %w", t.Name, err)
	}
	dir, err := c.Dir(ctx, t.Name, key, t.make)
	if err != nil {
		return "", fmt.Errorf("building tree %s: %w", t.Name, err)
	}
	return filepath.Join(dir, "tree.tar"), nil
}

func (t Tree) make(ctx context.Context, dir string) error {
	if os.Geteuid() != 0 {
		return errors.New("mmdebstrap has to keep owners and device nodes: run as root")
	}
	script := filepath.Join(dir, "customize.sh")
	if err := os.WriteFile(script, []byte(t.Script), 0o600); err != nil {
		return fmt.Errorf("writing the tree's script: %w", err)
	}
	build := command.New("mmdebstrap", t.arguments(script, filepath.Join(dir, "tree.tar"))...)
	// INITRD=No is Debian's word for "no initrd for this kernel": the disk's
	// own is made by its script and is a tenth of the size.
	build.Env = []string{"INITRD=No"}
	_, err := command.Run(ctx, build)
	return err
}

func (t Tree) arguments(script, tar string) []string {
	args := []string{
		"--variant=essential", "--mode=root", "--components=main",
		"--include=" + strings.Join(t.Packages, ","),
	}
	for line := range strings.Lines(excludes) {
		args = append(args, "--dpkgopt="+strings.TrimSpace(line))
	}
	return append(args, "--customize-hook=chroot \"$1\" /bin/sh -eu -s < '"+script+"'", Suite, tar)
}
