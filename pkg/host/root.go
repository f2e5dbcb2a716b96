// SPDX-License-Identifier: Apache-2.0

// Package host brings the machine, except its network, to its desired state.
//
// The machine is a directory plus a few functions: every file is read and
// written below a Root, and what is no file (a unit, a swapoff) is a function
// that the caller hands in. Each aspect is a value whose Plan only reads and
// returns the changes that are left; applying them and planning again yields
// none.
//
// The aspects of this package need files alone, or one verb beside them. The
// packages below it hold one idea each: unit (systemd over D-Bus), firewall
// (firewalld and its table), dnf (packages) and containerd.
package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// A Root is the directory that stands for "/": empty on the host itself.
type Root string

// maxLinks bounds how many symbolic links a name may lead through, as the
// kernel does (path_resolution(7)).
const maxLinks = 40

// Path is where name, an absolute path, lies below the root.
func (r Root) Path(name string) string { return filepath.Join(string(r)+"/", name) }

// Read returns the content of name; an absent file is fs.ErrNotExist.
func (r Root) Read(name string) (string, error) {
	path, err := r.follow(name)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(path)
	return string(data), err
}

// Exists reports whether name is there, whatever it is.
func (r Root) Exists(name string) bool {
	_, err := os.Stat(r.Path(name))
	return err == nil
}

// Write makes content the content of name, whole or not at all: a temporary
// file beside it, its mode, fsync, rename, fsync of the folder. A symbolic
// link is followed, not replaced. Owner and SELinux label of a file that is
// there are kept; a new one gets perm and its folder's label, and missing folders are made 0755.
func (r Root) Write(name, content string, perm fs.FileMode) error {
	path, err := r.follow(name)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := replace(path, dir, content, perm); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return syncDir(dir)
}

func replace(path, dir, content string, perm fs.FileMode) error {
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(perm))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if err := keepOwner(path, f.File); err != nil {
		return err
	}
	if _, err := f.WriteString(content); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

// keepOwner gives f the owner and the SELinux label of the file that it is to
// replace: a file in /etc takes its label from the folder when it is made,
// which is wrong for /etc/hosts (net_conf_t) and its like. A file that is new
// gets its folder's label: left to itself the policy may give it another one
// (Debian's: a service that makes a file in etc_t makes an etc_runtime_t,
// which systemd-modules-load may not read).
func keepOwner(path string, f *os.File) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		if errors.Is(err, unix.ENOENT) {
			return label(f, filepath.Dir(path))
		}
		return fmt.Errorf("looking at it: %w", err)
	}
	if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	return label(f, path)
}

// label gives f the SELinux label of what is at path.
func label(f *os.File, path string) error {
	label := make([]byte, 256)
	n, err := unix.Getxattr(path, "security.selinux", label)
	if err != nil || n == 0 {
		return nil // no label to give: no SELinux, or a file system without labels
	}
	if err := unix.Fsetxattr(int(f.Fd()), "security.selinux", label[:n], 0); err != nil {
		return fmt.Errorf("setting its SELinux label: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// follow resolves the symbolic links that name itself is, inside the root, so
// that an absolute target does not lead out of it.
func (r Root) follow(name string) (string, error) {
	for range maxLinks {
		target, err := os.Readlink(r.Path(name))
		if err != nil {
			return r.Path(name), nil // no link, or nothing there yet
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(name), target)
		}
		name = target
	}
	return "", fmt.Errorf("following %s: %w", r.Path(name), unix.ELOOP)
}

// readOptional is Read, with an absent file read as "" and present false.
func (r Root) readOptional(name string) (content string, present bool, err error) {
	content, err = r.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return content, err == nil, err
}

// set writes a control file of the kernel (/proc/sys, /sys/fs/selinux), which
// knows no rename and makes no file that it does not have.
func (r Root) set(name, value string) error {
	f, err := os.OpenFile(r.Path(name), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// get reads a control file, with all white space between words made one blank.
func (r Root) get(name string) (string, error) {
	data, err := os.ReadFile(r.Path(name))
	return strings.Join(strings.Fields(string(data)), " "), err
}
