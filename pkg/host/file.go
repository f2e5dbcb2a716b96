// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
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
}

// Plan compares content and mode; what is the same is left alone.
func (f File) Plan(context.Context) ([]phase.Change, error) {
	have, present, err := f.Root.readOptional(f.Name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.Name, err)
	}
	from := "other content"
	switch {
	case !present:
		from = "absent"
	case have == f.Content:
		mode, err := f.mode()
		if err != nil {
			return nil, fmt.Errorf("looking at %s: %w", f.Name, err)
		}
		if mode == f.Mode {
			return nil, nil
		}
		from = fmt.Sprintf("mode %#o", mode)
	}
	return []phase.Change{{
		What: f.Name, From: from, To: "as planned",
		Do: func(context.Context) error { return f.Root.Write(f.Name, f.Content, f.Mode) },
	}}, nil
}

func (f File) mode() (fs.FileMode, error) {
	path, err := f.Root.follow(f.Name)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Mode().Perm(), nil
}
