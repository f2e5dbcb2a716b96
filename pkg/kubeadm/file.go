// SPDX-License-Identifier: Apache-2.0

package kubeadm

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// write replaces a file at once: a reader, or a boot after a power cut, sees
// the old content or the new one.
func write(path, content string, mode fs.FileMode) (err error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ".kubeadm-*") // 0600 until the chmod below
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes a rename or removal in it last (fsync(2), NOTES).
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
