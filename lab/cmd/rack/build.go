// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/lab/disk"
	"github.com/nodeprep/nodeprep/lab/images"
	"github.com/nodeprep/nodeprep/lab/rpms"
	"github.com/nodeprep/nodeprep/lab/stack"
)

// built is everything that machines start from; the cache owns it.
type built struct {
	image    disk.Image
	packages string // folder of RPMs
	manifest string // Calico's, from its module
	pause    string // name of the image that does nothing
}

// builder makes the parts and says how long each took.
type builder struct {
	cache *cache.Cache
	out   io.Writer
	mu    sync.Mutex
}

func build(ctx context.Context, o options, out io.Writer) (built, error) {
	product, err := productRPMs(o.product)
	if err != nil {
		return built{}, err
	}
	c, err := cache.Open()
	if err != nil {
		return built{}, err
	}
	b := &builder{cache: c, out: out}
	bins, err := b.programs(ctx)
	if err != nil {
		return built{}, err
	}
	return b.assemble(ctx, bins, product)
}

// productRPMs are our own packages, one of each.
func productRPMs(folder string) ([]string, error) {
	var all []string
	for _, name := range []string{"nodeprep", "joinsvc"} {
		found, err := filepath.Glob(filepath.Join(folder, name+"-*.rpm"))
		if err != nil {
			return nil, fmt.Errorf("looking for packages: %w", err)
		}
		if len(found) != 1 {
			return nil, fmt.Errorf("%s has %d packages of %s, want one; make them with: make rpm", folder, len(found), name)
		}
		path, err := filepath.Abs(found[0])
		if err != nil {
			return nil, fmt.Errorf("looking for packages: %w", err)
		}
		all = append(all, path)
	}
	return all, nil
}

// programs builds the third parties' programs, and beside them the trees that
// wait for a Debian mirror rather than for a processor.
func (b *builder) programs(ctx context.Context) (stack.Binaries, error) {
	var bins stack.Binaries
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return b.timed("programs", func() (err error) {
			bins, err = stack.Build(ctx, b.cache, b.program)
			return err
		})
	})
	group.Go(func() error {
		return b.timed("Debian trees", func() error {
			_, userlandErr := images.Userland().Build(ctx, b.cache)
			_, treeErr := disk.Tree().Build(ctx, b.cache)
			return errors.Join(userlandErr, treeErr)
		})
	})
	return bins, group.Wait()
}

func (b *builder) assemble(ctx context.Context, bins stack.Binaries, product []string) (built, error) {
	var all built
	var err error
	if all.manifest, err = stack.CalicoManifest(ctx); err != nil {
		return all, err
	}
	names, err := images.Names(ctx, bins["kubeadm"], all.manifest)
	if err != nil {
		return all, err
	}
	all.pause = names["pause"]
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return b.timed("packages", func() (err error) {
			all.packages, err = rpms.Build(ctx, b.cache, bins, product...)
			return err
		})
	})
	group.Go(func() (err error) {
		all.image, err = b.disk(ctx, bins)
		return err
	})
	return all, group.Wait()
}

func (b *builder) disk(ctx context.Context, bins stack.Binaries) (disk.Image, error) {
	var archives []string
	var image disk.Image
	err := b.timed("container images", func() (err error) {
		archives, err = images.Build(ctx, b.cache, bins)
		return err
	})
	if err != nil {
		return image, err
	}
	base, err := rpms.Base(ctx, b.cache)
	if err != nil {
		return image, err
	}
	return image, b.timed("disk", func() (err error) {
		image, err = disk.Build(ctx, b.cache, disk.Spec{Binaries: bins, Images: archives, Base: base})
		return err
	})
}

// program tells of one program that took time.
func (b *builder) program(p stack.Built) {
	if !p.Cached {
		b.say(p.Name, p.Took)
	}
}

func (b *builder) timed(what string, do func() error) error {
	start := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("building %s: %w", what, err)
	}
	b.say(what, time.Since(start))
	return nil
}

func (b *builder) say(what string, took time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintf(b.out, "built %-24s %6.1fs\n", what, took.Seconds())
}
