// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// accessible returns an error when something of joinsvc's in the data folder is
// there and joinsvc may not use it, as after a backup was put back as root. To
// who cannot read it, it looks lost or damaged, which have remedies that cost the
// cluster.
func accessible(dir string) error {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real // neither the walk nor chown -R follows a link
	}
	var closed []string
	look := func(path string, entry fs.DirEntry, err error) error {
		switch {
		case foreign(dir, path) && entry != nil && entry.IsDir():
			return fs.SkipDir
		case foreign(dir, path):
			return nil
		case entry != nil && err == nil:
			err = unix.Access(path, needed(entry))
		}
		// What else is wrong is told by who needs the file.
		if !errors.Is(err, fs.ErrPermission) {
			return nil
		}
		closed = append(closed, path)
		if entry != nil && entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if err := filepath.WalkDir(dir, look); err != nil || len(closed) == 0 {
		return err
	}
	return fmt.Errorf("the data folder holds what joinsvc may not read and write (permission denied): %s. "+
		"It is not lost: give the folder back to the user that joinsvc runs as, `chown -R joinsvc:joinsvc %s`, and start again; nothing was changed",
		strings.Join(closed, ", "), dir)
}

// foreign tells whether what lies in the data folder is none of joinsvc's. A disk
// that is mounted there, or at the store, has its lost+found, which is root's.
func foreign(dir, path string) bool {
	d := dataDir{path: dir}
	switch filepath.Dir(path) {
	case dir:
		return !slices.Contains([]string{d.ca(), d.key(), d.store(), d.fresh(), lockFile(dir)}, path)
	case d.store():
		return filepath.Base(path) != "member" // all that etcd needs
	}
	return false
}

// warnExposed says in the log which of joinsvc's keys others on this machine may
// read. That is no reason to stop; who has read the CA's key can be any node.
func warnExposed(dir string, log *slog.Logger) {
	folder, err := os.Stat(dir)
	if err != nil {
		return // there is nothing yet
	}
	d := dataDir{path: dir}
	for _, file := range []string{d.ca(), d.key()} {
		info, err := os.Stat(file)
		if err != nil {
			continue // who needs it tells
		}
		// To read a file wants the right to pass its folder (path_resolution(7)).
		passed := folder.Mode().Perm() & 0o011
		if readers := info.Mode().Perm() & (passed << 2); readers != 0 {
			log.Warn("others on this machine may read a key of joinsvc: chmod 600, and think of it as known", "file", file, "mode", info.Mode().Perm())
		}
	}
}

// needed is what joinsvc has to be allowed (access(2)).
func needed(entry fs.DirEntry) uint32 {
	if entry.IsDir() {
		return unix.R_OK | unix.W_OK | unix.X_OK
	}
	return unix.R_OK | unix.W_OK
}
