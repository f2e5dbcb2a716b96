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

	"golang.org/x/sys/unix"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
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

// Write makes content the content of name, whole or not at all (see package
// atomicfile). A symbolic link is followed, not replaced.
func (r Root) Write(name, content string, perm fs.FileMode) error {
	path, err := r.follow(name)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, []byte(content), perm)
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
