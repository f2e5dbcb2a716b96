// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nodeprep/nodeprep/lab/cache"
	"github.com/nodeprep/nodeprep/pkg/command"
)

// Binaries are the built programs: name → absolute path of a static executable.
// Beyond the names that upstream gives there are calico-node, calico-cni (which
// is both calico and calico-ipam, by the name it is called), calico-cni-install
// and calico-kube-controllers.
type Binaries map[string]string

// Built is told of each program as it comes to be there.
type Built struct {
	Name   string
	Took   time.Duration // of the wall clock, next to nothing for a cached one
	Cached bool
}

// modulesAtOnce is how many modules are built at the same time. A link is one
// thread's work, so that a second module keeps the other cores busy; within a
// module the programs follow one another, because two go commands that run
// side by side compile the packages they share twice.
const modulesAtOnce = 2

// goEnv makes the programs static (an image holds nothing but the program) and
// the same wherever the checkout lies. GOTOOLCHAIN is the caller's business.
func goEnv() []string {
	return []string{"CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false", "GOWORK=off"}
}

// Build builds all programs that the cache does not hold. progress, which may
// be nil, is called once per program and never twice at the same time. Any
// error ends the others' builds.
func Build(ctx context.Context, c *cache.Cache, progress func(Built)) (Binaries, error) {
	versions, err := ReadVersions(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the stack's versions: %w", err)
	}
	return build(ctx, c, programs(versions), progress)
}

func build(ctx context.Context, c *cache.Cache, all []program, progress func(Built)) (Binaries, error) {
	root, err := sources()
	if err != nil {
		return nil, err
	}
	release, err := command.Run(ctx, command.New("go", "version"))
	if err != nil {
		return nil, err
	}
	b := builder{cache: c, root: root, release: release, progress: progress, done: Binaries{}}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(modulesAtOnce)
	for _, module := range byModule(all) {
		group.Go(func() error { return b.each(ctx, module) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return b.done, nil
}

// byModule groups the programs by folder and keeps the order otherwise.
func byModule(all []program) [][]program {
	var groups [][]program
	for _, p := range all {
		i := slices.IndexFunc(groups, func(g []program) bool { return g[0].folder == p.folder })
		if i < 0 {
			groups = append(groups, []program{p})
			continue
		}
		groups[i] = append(groups[i], p)
	}
	return groups
}

type builder struct {
	cache   *cache.Cache
	root    string // folder of the modules
	release string // what `go version` prints

	mu       sync.Mutex // guards the rest
	progress func(Built)
	done     Binaries
}

func (b *builder) each(ctx context.Context, module []program) error {
	for _, p := range module {
		if err := b.one(ctx, p); err != nil {
			return fmt.Errorf("building %s: %w", p.name, err)
		}
	}
	return nil
}

func (b *builder) one(ctx context.Context, p program) error {
	start, cached := time.Now(), true
	key, err := b.key(p)
	if err != nil {
		return err
	}
	dir, err := b.cache.Dir(ctx, "stack-"+p.name, key, func(ctx context.Context, dir string) error {
		cached = false
		_, err := command.Run(ctx, b.compile(p, filepath.Join(dir, p.name)))
		return err
	})
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done[p.name] = filepath.Join(dir, p.name)
	if b.progress != nil {
		b.progress(Built{Name: p.name, Took: time.Since(start), Cached: cached})
	}
	return nil
}

// key stands for the module's own files, which pin all others by their sums,
// and for all that is on the command line.
func (b *builder) key(p program) (string, error) {
	return cache.Key(
		cache.Tree(filepath.Join(b.root, p.folder)),
		cache.Text("package", p.pkg),
		cache.Text("ldflags", p.ldflags()),
		cache.Text("environment", fmt.Sprint(goEnv())),
		cache.Text("go", b.release),
	)
}

func (b *builder) compile(p program, output string) command.Command {
	cmd := command.New("go", "-C", filepath.Join(b.root, p.folder), "build", "-ldflags", p.ldflags(), "-o", output, p.pkg)
	cmd.Env = goEnv()
	return cmd
}
