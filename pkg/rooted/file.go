// SPDX-License-Identifier: Apache-2.0

package rooted

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/nodeprep/nodeprep/pkg/phase"
)

// A File is one that is ours as a whole.
type File struct {
	Root    Root
	Name    string // absolute, below the root
	Content string
	Mode    fs.FileMode // permission bits
	// InPlace says that a symbolic link in its place is replaced, and what it
	// leads to left as it is. Otherwise the link is followed.
	InPlace bool
}

// Plan compares content and mode; what is the same is left alone. What is no
// regular file is an error, and is not opened: a FIFO would not answer.
func (f File) Plan(context.Context) ([]phase.Change, error) {
	from, err := f.difference()
	if err != nil {
		return nil, fmt.Errorf("looking at %s: %w", f.Name, err)
	}
	if from == "" {
		return nil, nil
	}
	return []phase.Change{{
		What: f.Name, From: from, To: "as planned",
		Do: func(context.Context) error { return f.write() },
	}}, nil
}

func (f File) write() error {
	if f.InPlace {
		return f.Root.Replace(f.Name, f.Content, f.Mode)
	}
	return f.Root.Write(f.Name, f.Content, f.Mode)
}

// difference says what is in the place of f, or "" if it is f.
func (f File) difference() (string, error) {
	path, err := f.path()
	if err != nil {
		return "", err
	}
	if target, err := os.Readlink(path); err == nil {
		return "symlink to " + target, nil
	}
	info, err := regular(f.Name, path)
	if err != nil {
		return "", err
	}
	if info == nil {
		return "absent", nil
	}
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "absent", nil
	case err != nil:
		return "", err
	case string(content) != f.Content:
		return "other content", nil
	case info.Mode().Perm() != f.Mode:
		return fmt.Sprintf("mode %#o", info.Mode().Perm()), nil
	}
	return "", nil
}

func (f File) path() (string, error) {
	if f.InPlace {
		return f.Root.place(f.Name)
	}
	return f.Root.resolve(f.Name)
}

// PlanFiles plans several files in their order.
func PlanFiles(ctx context.Context, files ...File) ([]phase.Change, error) {
	var changes []phase.Change
	for _, f := range files {
		more, err := f.Plan(ctx)
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	return changes, nil
}
