// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type aged struct {
	key  string
	used time.Time
}

// prune removes all but the most recently used entries of a shelf. current is
// the entry whose lock the caller holds; it stays.
func prune(shelf, current string) error {
	others, err := entries(shelf, current)
	if err != nil || len(others) < keep {
		return err
	}
	slices.SortFunc(others, func(a, b aged) int { return b.used.Compare(a.used) })
	var errs []error
	for _, e := range others[keep-1:] {
		errs = append(errs, remove(shelf, e.key))
	}
	return errors.Join(errs...)
}

// entries lists the shelf's entries other than current with their last use.
func entries(shelf, current string) ([]aged, error) {
	names, err := os.ReadDir(shelf)
	if err != nil {
		return nil, err
	}
	var found []aged
	for _, d := range names {
		if strings.HasPrefix(d.Name(), ".") || d.Name() == current {
			continue
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // another process prunes as well
		}
		if err != nil {
			return nil, err
		}
		found = append(found, aged{key: d.Name(), used: info.ModTime()})
	}
	return found, nil
}

// remove takes one entry away unless somebody is just asking for it.
func remove(shelf, key string) error {
	path := lockPath(shelf, key)
	unlock, err := tryLock(path)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unlock()
	// Renamed first: an entry that lost half of its files must not be found.
	doomed := filepath.Join(shelf, ".draft-"+key)
	if err := os.RemoveAll(doomed); err != nil {
		return err
	}
	err = os.Rename(filepath.Join(shelf, key), doomed)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(os.RemoveAll(doomed), os.Remove(path))
}
