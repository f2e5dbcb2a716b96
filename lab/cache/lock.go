// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockPoll is how often a waiting process looks again. flock(2) can wait by
// itself, but then not stop when the context does.
const lockPoll = 50 * time.Millisecond

func lockPath(shelf, key string) string {
	return filepath.Join(shelf, ".lock-"+key)
}

// lock takes the lock file for this call alone, against goroutines as well as
// processes: flock belongs to the open file, and each call opens its own.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	for {
		unlock, err := tryLock(path)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for %s: %w", path, context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
}

// tryLock takes the lock or returns EWOULDBLOCK.
func tryLock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	// Pruning removes lock files. One that was removed between our open and
	// our flock guards nothing any more: whoever comes next makes a new one.
	if !still(f, path) {
		return nil, errors.Join(syscall.EWOULDBLOCK, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// still says whether path names the open file f.
func still(f *os.File, path string) bool {
	held, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(held, named)
}
