// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// An overlayFile is one file of the folder root, laid over the Debian tree.
type overlayFile struct {
	path string // in the tree, without leading slash
	data []byte
	mode fs.FileMode
}

func overlayFiles() ([]overlayFile, error) {
	var files []overlayFile
	err := fs.WalkDir(overlay, "root", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(overlay, name)
		path := strings.TrimPrefix(name, "root/")
		files = append(files, overlayFile{path: path, data: data, mode: modeOf(path)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the disk's own files: %w", err)
	}
	return files, nil
}

// modeOf stands in for the modes that go:embed does not keep.
func modeOf(path string) fs.FileMode {
	if strings.HasPrefix(path, "usr/libexec/") {
		return 0o755
	}
	return 0o644
}

func layOver(tree string) error {
	files, err := overlayFiles()
	if err != nil {
		return err
	}
	for _, f := range files {
		name := filepath.Join(tree, f.path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return fmt.Errorf("laying the disk's own files over the tree: %w", err)
		}
		// Removed first: resolv.conf may be a link, and the file it leads to
		// may be outside the tree.
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("laying the disk's own files over the tree: %w", err)
		}
		if err := os.WriteFile(name, f.data, f.mode); err != nil {
			return fmt.Errorf("laying the disk's own files over the tree: %w", err)
		}
	}
	return nil
}
