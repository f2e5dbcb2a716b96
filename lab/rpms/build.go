// SPDX-License-Identifier: Apache-2.0

package rpms

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/lab/stack"
	"github.com/nodeprep/nodeprep/pkg/command"
)

// Build is a folder of RPMs with its repodata, ready to be a dnf repository:
// containerd.io, kubelet, kubeadm, kubectl and kubernetes-cni from bins, and
// the RPMs at the paths extra. The cache owns the folder. It needs createrepo_c,
// and apt and dpkg-deb of Debian for runc.
func Build(ctx context.Context, c *cache.Cache, bins stack.Binaries, extra ...string) (string, error) {
	versions, err := stack.ReadVersions(ctx)
	if err != nil {
		return "", err
	}
	runc, err := fetchRunc(ctx, c)
	if err != nil {
		return "", err
	}
	all, err := specs(bins, runc, versions)
	if err != nil {
		return "", err
	}
	return folder(ctx, c, all, extra)
}

// Base is the path of the RPM that stands for the distribution's own packages:
// to be in a host's RPM database before anything is installed from the folder.
func Base(ctx context.Context, c *cache.Cache) (string, error) {
	s := base()
	key, err := keyOf([]spec{s}, nil)
	if err != nil {
		return "", err
	}
	dir, err := c.Dir(ctx, "rpm-base", key, func(_ context.Context, dir string) error {
		return packAll([]spec{s}, dir)
	})
	if err != nil {
		return "", err
	}
	return only(filepath.Join(dir, "*.rpm"))
}

// only is the one path that matches.
func only(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d files match %s, want one", len(found), pattern)
	}
	return found[0], nil
}

func folder(ctx context.Context, c *cache.Cache, all []spec, extra []string) (string, error) {
	key, err := keyOf(all, extra)
	if err != nil {
		return "", err
	}
	return c.Dir(ctx, "rpms", key, func(ctx context.Context, dir string) error {
		if err := packAll(all, dir); err != nil {
			return err
		}
		for _, path := range extra {
			if err := copyInto(dir, path); err != nil {
				return err
			}
		}
		_, err := command.Run(ctx, command.New("createrepo_c", "--quiet", "--no-database", dir))
		return err
	})
}

// keyOf covers the specs by their values, and the programs in them by their
// paths: those lie in cache entries, whose names are keys themselves.
func keyOf(all []spec, extra []string) (string, error) {
	inputs := []cache.Input{
		cache.Text("specs", fmt.Sprintf("%#v", all)),
		cache.Text("scriptlets", afterInstall+beforeRemoval+reload),
		cache.Text("compression", compression),
	}
	for _, path := range extra {
		inputs = append(inputs, cache.Text("extra", filepath.Base(path)), cache.File(path))
	}
	return cache.Key(inputs...)
}

func packAll(all []spec, dir string) (err error) {
	scratch, err := os.MkdirTemp("", "rpms-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	for _, s := range all {
		if _, err := pack(s, scratch, dir); err != nil {
			return err
		}
	}
	return nil
}

func copyInto(dir, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("adding a package to the folder: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o644)
}

// fetchRunc is the path of Debian's runc: upstream's needs cgo and libseccomp's
// headers to build. Which release it is, is apt's to say.
func fetchRunc(ctx context.Context, c *cache.Cache) (string, error) {
	record, err := command.Run(ctx, command.New("apt-cache", "show", "--no-all-versions", "runc"))
	if err != nil {
		return "", err
	}
	key, err := cache.Key(cache.Text("record", record))
	if err != nil {
		return "", err
	}
	dir, err := c.Dir(ctx, "runc", key, func(ctx context.Context, dir string) error {
		// apt-get downloads into its working folder, which is env's to set.
		_, err := command.Run(ctx, command.New("env", "-C", dir, "apt-get", "--quiet", "download", "runc"))
		if err != nil {
			return err
		}
		archive, err := only(filepath.Join(dir, "runc_*.deb"))
		if err != nil {
			return err
		}
		_, err = command.Run(ctx, command.New("dpkg-deb", "-x", archive, dir))
		return err
	})
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "usr", "sbin", "runc"), nil
}
