// SPDX-License-Identifier: Apache-2.0

// Package atomicfile replaces a file whole or not at all.
//
// A reader, or a boot after a power cut, finds the old content or the new one:
// a temporary file beside it, its mode, fsync, rename, fsync of the folder.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// selinuxLabel is the extended attribute that holds a file's security context.
const selinuxLabel = "security.selinux"

// Write makes content the content of path, with mode perm. Missing folders are
// made 0755. A symbolic link in its place is replaced, not followed. Owner and
// SELinux label of the file that it replaces are kept; a new file gets the
// label of its folder.
func Write(path string, content []byte, perm fs.FileMode) error {
	dir := filepath.Dir(path)
	if err := makeDir(dir); err != nil {
		return err
	}
	if err := replace(path, dir, content, perm); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return SyncDir(dir)
}

// makeDir makes dir and what is missing above it, and each of them last: a file
// is not safe in a folder that a power cut takes.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) { // somebody else may have made it
		return err
	}
	return SyncDir(parent)
}

// SyncDir makes a rename or removal in dir last (fsync(2), NOTES).
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func replace(path, dir string, content []byte, perm fs.FileMode) error {
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(perm))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if err := keepOwner(path, f.File); err != nil {
		return err
	}
	if err := label(path, dir, f.File); err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

func keepOwner(path string, f *os.File) error {
	var st unix.Stat_t
	switch err := unix.Lstat(path, &st); {
	case errors.Is(err, unix.ENOENT):
		return nil
	case err != nil:
		return fmt.Errorf("looking at it: %w", err)
	}
	return f.Chown(int(st.Uid), int(st.Gid))
}

// label sets f's SELinux label by hand, because the policy would set one by who
// writes: refpolicy (Debian 12, 2.20221101) labels what a service without a
// domain of its own makes in /etc etc_runtime_t, and systemd-modules-load may
// not read that. What is replaced may also have a label of its own, as
// /etc/hosts has (net_conf_t).
func label(path, dir string, f *os.File) error {
	context, err := labelOf(path)
	if errors.Is(err, unix.ENOENT) {
		context, err = labelOf(dir)
	}
	if err != nil || context == nil {
		return err
	}
	if err := setAttribute(f, selinuxLabel, context); err != nil {
		return fmt.Errorf("setting its SELinux label: %w", err)
	}
	return nil
}

// setAttribute sets an extended attribute of the security modules. Where the
// module is off, a folder may still carry the label of another day, and only
// CAP_SYS_ADMIN may set one (Linux 6.1, security/commoncap.c,
// cap_inode_setxattr). Who has not that, as joinsvc, does without: nothing reads
// the label.
func setAttribute(f *os.File, name string, value []byte) error {
	err := unix.Fsetxattr(int(f.Fd()), name, value, 0)
	if errors.Is(err, unix.EPERM) {
		return nil
	}
	return err
}

// labelOf returns nil where there are no labels: no SELinux, or a file system
// that cannot hold them.
func labelOf(path string) ([]byte, error) {
	context := make([]byte, 256)
	n, err := unix.Lgetxattr(path, selinuxLabel, context)
	switch {
	case errors.Is(err, unix.ENODATA), errors.Is(err, unix.EOPNOTSUPP):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return context[:n], nil
}
