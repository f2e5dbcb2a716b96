// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nodeprep/nodeprep/pkg/command"
)

const (
	diskFile   = "disk.ext4"
	kernelFile = "vmlinuz"
	initrdFile = "initrd"

	// diskSize is what the file system pretends to have; the file is sparse.
	// kubelet evicts pods below 10 % free.
	diskSize = "8G"
	swapSize = 64 << 20
)

// build makes the files of an Image in dir. The tree is unpacked beside them
// and removed before build returns: the cache keeps what dir holds.
func build(ctx context.Context, spec Spec, treeTar, dir string) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("a tree with its owners and labels takes root: run as root")
	}
	tree := filepath.Join(dir, "tree")
	defer func() { err = errors.Join(err, os.RemoveAll(tree)) }()
	if err := os.Mkdir(tree, 0o755); err != nil {
		return fmt.Errorf("making room for the tree: %w", err)
	}
	if _, err := command.Run(ctx, command.New("tar", "-C", tree, "--numeric-owner", "-xf", treeTar)); err != nil {
		return fmt.Errorf("unpacking the tree: %w", err)
	}
	if err := fill(ctx, spec, tree); err != nil {
		return err
	}
	for _, name := range []string{kernelFile, initrdFile} {
		if err := os.Rename(filepath.Join(tree, "boot", name), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("taking the kernel out of the tree: %w", err)
		}
	}
	if err := finish(ctx, tree); err != nil {
		return err
	}
	_, err = command.Run(ctx, command.New("mke2fs", "-q", "-t", "ext4", "-L", "lab", "-m", "0",
		"-d", tree, filepath.Join(dir, diskFile), diskSize))
	if err != nil {
		return fmt.Errorf("making the file system: %w", err)
	}
	return nil
}

// fill puts into the tree all that finish then labels.
func fill(ctx context.Context, spec Spec, tree string) error {
	if err := layOver(tree); err != nil {
		return err
	}
	if err := makeSwap(ctx, filepath.Join(tree, "swapfile")); err != nil {
		return fmt.Errorf("making the swap file: %w", err)
	}
	base, err := os.ReadFile(spec.Base)
	if err != nil {
		return fmt.Errorf("reading the base RPM: %w", err)
	}
	if err := os.WriteFile(filepath.Join(tree, "base.rpm"), base, 0o644); err != nil {
		return fmt.Errorf("copying the base RPM: %w", err)
	}
	return importImages(ctx, spec, filepath.Join(tree, "var/lib/containerd"))
}

// makeSwap fills the file with ones: mke2fs -d leaves out blocks of zeros, and
// swapon(2) refuses a file with holes.
func makeSwap(ctx context.Context, path string) error {
	if err := os.WriteFile(path, bytes.Repeat([]byte{0xff}, swapSize), 0o600); err != nil {
		return err
	}
	_, err := command.Run(ctx, command.New("mkswap", path))
	return err
}

// finish runs finish.sh inside the tree, in a mount namespace of its own so
// that /proc is gone with it.
func finish(ctx context.Context, tree string) error {
	script := command.New("unshare", "--mount", "sh", "-euc",
		`mount -t proc proc "$1/proc"; exec chroot "$1" /bin/sh -eu -s`, "sh", tree)
	script.Stdin = finishScript
	if _, err := command.Run(ctx, script); err != nil {
		return fmt.Errorf("finishing the tree: %w", err)
	}
	return nil
}
