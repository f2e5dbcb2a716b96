// SPDX-License-Identifier: Apache-2.0

// Package notices collects the licences and notices of everything that is
// linked into a program, as most of them ask whoever ships a copy to do.
package notices

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// legal are the names by which modules call such files.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|copyright)([-._].*)?$`)

// A Module is linked into a program, from the folder Dir.
type Module struct{ Path, Version, Dir string }

func (m Module) String() string { return strings.TrimSpace(m.Path + " " + m.Version) }

// Linked are the modules of the packages that are linked into a program, with
// Go's own library, by their paths. The program is named as for `go build`, from
// the folder dir.
func Linked(ctx context.Context, dir, program string) ([]Module, error) {
	// No cgo: so are the programs built that are shipped.
	out, err := output(ctx, dir, "go", "list", "-deps", "-json=Module", program)
	if err != nil {
		return nil, err
	}
	root, err := output(ctx, dir, "go", "env", "GOROOT", "GOVERSION")
	if err != nil {
		return nil, err
	}
	goroot, version, _ := strings.Cut(strings.TrimSpace(string(root)), "\n")
	modules := []Module{{"Go's standard library", version, goroot}}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Module *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading what go list says of %s: %w", program, err)
		}
		if p.Module != nil && !p.Module.Main {
			modules = append(modules, Module{p.Module.Path, p.Module.Version, p.Module.Dir})
		}
	}
	slices.SortFunc(modules[1:], func(a, b Module) int { return cmp.Compare(a.Path, b.Path) })
	return slices.Compact(modules), nil
}

func output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("running %s: %w\n%s", strings.Join(cmd.Args, " "), err, &stderr)
	}
	return out, nil
}

// Write writes the texts of all modules, each text once, below the names of
// those whose it is. A module without one is an error: nobody may ship it.
func Write(w io.Writer, modules []Module) error {
	var order []string
	whose := map[string][]string{}
	var missing []error
	for _, m := range modules {
		texts, err := textsOf(m)
		if err != nil {
			missing = append(missing, err)
			continue
		}
		for _, text := range texts {
			if whose[text] == nil {
				order = append(order, text)
			}
			whose[text] = append(whose[text], m.String())
		}
	}
	if err := errors.Join(missing...); err != nil {
		return err
	}
	for _, text := range order {
		if _, err := fmt.Fprintf(w, "%s\n%s\n\n%s\n\n", strings.Repeat("=", 78), strings.Join(whose[text], "\n"), text); err != nil {
			return fmt.Errorf("writing the notices: %w", err)
		}
	}
	return nil
}

func textsOf(m Module) ([]string, error) {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return nil, fmt.Errorf("reading the folder of %s: %w", m, err)
	}
	var texts []string
	for _, e := range entries {
		if e.IsDir() || !legal.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading a licence of %s: %w", m, err)
		}
		texts = append(texts, strings.TrimSpace(string(text)))
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("%s has no licence in %s; ask its authors, or do without it", m, m.Dir)
	}
	return texts, nil
}
