// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// lastRun is what `nodeprep status` knows of the last run that was not dry.
type lastRun struct {
	Error  string        `json:"error,omitempty"`
	Events []phase.Event `json:"events"`
}

func lastRunFile(stateDir string) string { return filepath.Join(stateDir, "last-run.json") }

// history collects the events of a run and keeps them for `nodeprep status`.
type history struct {
	path string // empty: a dry run leaves nothing behind
	run  lastRun
}

func newHistory(stateDir string, keep bool) *history {
	if !keep {
		return &history{}
	}
	return &history{path: lastRunFile(stateDir)}
}

func (h *history) add(e phase.Event) { h.run.Events = append(h.run.Events, e) }

func (h *history) save(runErr error) error {
	if h.path == "" {
		return nil
	}
	if runErr != nil {
		h.run.Error = runErr.Error()
	}
	data, err := json.MarshalIndent(h.run, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the last run: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(h.path), 0o700); err != nil {
		return fmt.Errorf("keeping the last run: %w", err)
	}
	if err := atomicfile.Write(h.path, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("keeping the last run: %w", err)
	}
	return nil
}

// readLastRun returns false when this host has not run yet.
func readLastRun(stateDir string) (lastRun, bool, error) {
	var run lastRun
	data, err := os.ReadFile(lastRunFile(stateDir))
	if errors.Is(err, fs.ErrNotExist) {
		return run, false, nil
	}
	if err != nil {
		return run, false, fmt.Errorf("reading the last run: %w", err)
	}
	if err := json.Unmarshal(data, &run); err != nil {
		return run, false, fmt.Errorf("reading the last run: %w", err)
	}
	return run, true, nil
}
