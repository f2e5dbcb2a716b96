// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// An Input is one thing that a result is made from. It writes itself to the sum.
type Input func(sum io.Writer) error

// Key is the sum over inputs, in their order: 32 lower-case hexadecimal digits
// (the first half of a SHA-256). It fails when an input cannot be read.
func Key(inputs ...Input) (string, error) {
	sum := sha256.New()
	for _, in := range inputs {
		if err := in(sum); err != nil {
			return "", fmt.Errorf("summing up the inputs: %w", err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

// Text is an input known by value: a flag, a version, the text of a recipe.
func Text(label, value string) Input {
	return func(sum io.Writer) error {
		return writeFramed(sum, "text", label, value)
	}
}

// File is an input known by its content. Neither the name nor the time of the
// file matters; whether it may be executed does.
func File(path string) Input {
	return func(sum io.Writer) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return writeFile(sum, "file", path, info)
	}
}

// Tree is a folder with all that is in it: names, kinds, modes, link targets
// and contents. Times and owners do not matter.
func Tree(root string) Input {
	return func(sum io.Writer) error {
		return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return writeNode(sum, root, path, d)
		})
	}
}

func writeNode(sum io.Writer, root, path string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	switch info.Mode().Type() {
	case 0:
		return writeFile(sum, name, path, info)
	case fs.ModeSymlink:
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		return writeFramed(sum, name, "link", target)
	default:
		return writeFramed(sum, name, info.Mode().Type().String())
	}
}

func writeFile(sum io.Writer, name, path string, info fs.FileInfo) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	// Git keeps only the execute bit of a mode, so only that one is the same
	// in two checkouts under different umasks.
	executable := fmt.Sprint(info.Mode().Perm()&0o100 != 0)
	if err := writeFramed(sum, name, executable, fmt.Sprint(info.Size())); err != nil {
		return err
	}
	_, err = io.Copy(sum, f)
	return err
}

// writeFramed gives each field with its length, so that ("ab", "c") and
// ("a", "bc") do not meet in one sum.
func writeFramed(sum io.Writer, fields ...string) error {
	for _, f := range fields {
		if _, err := fmt.Fprintf(sum, "%d:%s", len(f), f); err != nil {
			return err
		}
	}
	return nil
}
