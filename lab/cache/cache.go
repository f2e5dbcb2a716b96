// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// keep is how many entries of one name survive: the one in use, and what a
// branch or two left, so that going back and forth between them stays cheap.
const keep = 3

// A Cache is a folder of built entries, laid out as <root>/<name>/<key>/.
type Cache struct {
	root string
}

// Open is the cache of this user: nodeprep-lab in os.UserCacheDir.
func Open() (*Cache, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("finding the user's cache folder: %w", err)
	}
	return At(filepath.Join(base, "nodeprep-lab"))
}

// At is the cache in folder root, which is made when it is absent.
func At(root string) (*Cache, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("finding the cache folder: %w", err)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("making the cache folder: %w", err)
	}
	return &Cache{root: root}, nil
}

// Dir is the folder of the entry name with key, absolute and to be read only.
// When there is none, build fills an empty folder that then becomes the entry.
// Others who want the same entry meanwhile wait for it; a build that fails
// leaves nothing behind and its error is returned. Entries of this name other
// than the most recently used are removed.
func (c *Cache) Dir(ctx context.Context, name, key string, build func(ctx context.Context, dir string) error) (string, error) {
	if !plain(name) || !plain(key) {
		return "", fmt.Errorf("cache entry %q with key %q: neither may be empty, hidden or a path", name, key)
	}
	shelf := filepath.Join(c.root, name)
	if err := os.MkdirAll(shelf, 0o755); err != nil {
		return "", fmt.Errorf("making the cache's folder for %s: %w", name, err)
	}
	entry := filepath.Join(shelf, key)
	unlock, err := lock(ctx, lockPath(shelf, key))
	if err != nil {
		return "", fmt.Errorf("locking cache entry %s: %w", name, err)
	}
	defer unlock()
	if err := fill(ctx, shelf, key, build); err != nil {
		return "", fmt.Errorf("building cache entry %s: %w", name, err)
	}
	if err := prune(shelf, key); err != nil {
		return "", fmt.Errorf("pruning cache entries of %s: %w", name, err)
	}
	return entry, nil
}

// plain says whether s can be the name of one visible file.
func plain(s string) bool {
	return s != "" && s[0] != '.' && filepath.Base(s) == s
}

// fill sees to it that the entry is there and counts as just used. The caller
// holds the entry's lock.
func fill(ctx context.Context, shelf, key string, build func(context.Context, string) error) error {
	entry := filepath.Join(shelf, key)
	now := time.Now()
	err := os.Chtimes(entry, now, now)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	draft := filepath.Join(shelf, ".draft-"+key)
	// A killed process may have left its draft; the lock says it is nobody's.
	if err := os.RemoveAll(draft); err != nil {
		return err
	}
	if err := os.Mkdir(draft, 0o755); err != nil {
		return err
	}
	if err := build(ctx, draft); err != nil {
		return errors.Join(err, os.RemoveAll(draft))
	}
	if err := publish(draft, entry); err != nil {
		return errors.Join(err, os.RemoveAll(draft))
	}
	return nil
}

// publish writes the draft's files through before the rename makes them the
// entry: an entry is trusted by its name alone, also after a power cut.
func publish(draft, entry string) error {
	err := filepath.WalkDir(draft, func(path string, d fs.DirEntry, err error) error {
		if err != nil || (!d.Type().IsRegular() && !d.IsDir()) {
			return err
		}
		return flush(path)
	})
	if err != nil {
		return err
	}
	if err := os.Rename(draft, entry); err != nil {
		return err
	}
	return flush(filepath.Dir(entry))
}

func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
