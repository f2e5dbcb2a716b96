// SPDX-License-Identifier: Apache-2.0

// Package rooted is the one door to a host's files.
//
// A Root is the folder that stands for "/". Names are absolute below it, and
// every symbolic link that a name leads through is resolved as if the root were
// the file system's: neither an absolute target nor a "..", in the last element
// or in a folder before it, leads out. Writing is atomic (package atomicfile)
// and keeps the owner and the SELinux label of what it replaces; what is no
// regular file is never written to, /dev/null behind a link for one.
package rooted

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	securejoin "github.com/cyphar/filepath-securejoin"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
)

// A Root is the directory that stands for "/": empty on the host itself.
type Root string

// Path is where name lies below the root, links unresolved: what a program is
// given on its command line. Files are read and written by name.
func (r Root) Path(name string) string { return filepath.Join(r.dir(), name) }

func (r Root) dir() string { return string(r) + "/" }

// resolve is where name really lies; what is absent stays as it is named.
// More than 255 links are ELOOP.
func (r Root) resolve(name string) (string, error) {
	path, err := securejoin.SecureJoin(filepath.Clean(r.dir()), name)
	if err != nil {
		return "", fmt.Errorf("following %s: %w", name, err)
	}
	return path, nil
}

// place is where the last element of name itself lies, be it a link.
func (r Root) place(name string) (string, error) {
	dir, err := r.resolve(filepath.Dir(name))
	return filepath.Join(dir, filepath.Base(name)), err
}

// Read returns the content of name; an absent file is fs.ErrNotExist.
func (r Root) Read(name string) (string, error) {
	path, err := r.resolve(name)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(path)
	return string(data), err
}

// ReadOptional is Read, with an absent file read as "" and present false.
func (r Root) ReadOptional(name string) (content string, present bool, err error) {
	content, err = r.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return content, err == nil, err
}

// Stat describes what name leads to.
func (r Root) Stat(name string) (fs.FileInfo, error) {
	path, err := r.resolve(name)
	if err != nil {
		return nil, err
	}
	return os.Stat(path)
}

// Exists reports whether name is there, whatever it is. What cannot be looked
// at is not there.
func (r Root) Exists(name string) bool {
	_, err := r.Stat(name)
	return err == nil
}

// Names lists the folder called name, sorted; an absent one is empty.
func (r Root) Names(name string) ([]string, error) {
	path, err := r.resolve(name)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// Write makes content the content of name, whole or not at all, with mode perm.
// A symbolic link is followed, not replaced. Missing folders are made 0755.
func (r Root) Write(name, content string, perm fs.FileMode) error {
	path, err := r.resolve(name)
	if err != nil {
		return err
	}
	if _, err := regular(name, path); err != nil {
		return err
	}
	return atomicfile.Write(path, []byte(content), perm)
}

// Edit is Write for a file that is not ours as a whole: it keeps the mode that
// it has, and perm is that of one which is not there yet.
func (r Root) Edit(name, content string, perm fs.FileMode) error {
	path, err := r.resolve(name)
	if err != nil {
		return err
	}
	info, err := regular(name, path)
	if err != nil {
		return err
	}
	if info != nil {
		perm = info.Mode().Perm()
	}
	return atomicfile.Write(path, []byte(content), perm)
}

// Replace is Write in the very place of name: a symbolic link there goes, and
// what it led to stays as it is.
func (r Root) Replace(name, content string, perm fs.FileMode) error {
	path, err := r.place(name)
	if err != nil {
		return err
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeSymlink {
		if _, err := regular(name, path); err != nil {
			return err
		}
	}
	return atomicfile.Write(path, []byte(content), perm)
}

// regular describes the file at path, and refuses what is no regular one; an
// absent one is nil.
func regular(name, path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // no file yet is an answer
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s leads to %s, which is no regular file (%s): look why, and remove it or its link", name, path, info.Mode())
	}
	return info, nil
}

// Remove removes name itself, a link and not what it leads to, and makes that
// last. An absent one is no error.
func (r Root) Remove(name string) error {
	path, err := r.place(name)
	if err != nil {
		return err
	}
	switch err := os.Remove(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(path))
}

// RemoveAll removes name itself and all that is below it.
func (r Root) RemoveAll(name string) error {
	path, err := r.place(name)
	if err != nil {
		return err
	}
	return os.RemoveAll(path)
}

// Set writes a control file of the kernel (/proc/sys, /sys/fs/selinux), which
// knows no rename, and makes no file that the kernel does not have.
func (r Root) Set(name, value string) error {
	path, err := r.resolve(name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// Get reads a control file, with all white space between words made one blank.
func (r Root) Get(name string) (string, error) {
	text, err := r.Read(name)
	return strings.Join(strings.Fields(text), " "), err
}
