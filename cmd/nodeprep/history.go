// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/nodeprep/nodeprep/pkg/atomicfile"
	"github.com/nodeprep/nodeprep/pkg/phase"
)

// lastRun is what `nodeprep status` knows of the last run that was not dry.
type lastRun struct {
	Error  string        `json:"error,omitempty"`
	Events []phase.Event `json:"events"`
	// Unfinished says that it is at work, or was cut off.
	Unfinished bool `json:"unfinished,omitempty"`
	// Before is the error of the run before this one, kept while this one is
	// unfinished: a host that tries again and again has it to show.
	Before string `json:"before,omitempty"`
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
	h := &history{path: lastRunFile(stateDir)}
	// One that cannot be read is no reason not to run; status tells of it.
	if last, ran, err := readLastRun(stateDir); ran && err == nil {
		h.run.Before = last.Error
		if last.Unfinished {
			h.run.Before = cmp.Or(last.Before, cutOff)
		}
	}
	return h
}

// cutOff is what became of a run that left no word of its end.
const cutOff = "cut off: it was killed, or the host went down"

// add keeps an event. Of one wait the newest word is kept, for it may take days,
// and none once its phase has gone on. A wait, its end and the beginning of a
// phase are written down, for those who look meanwhile.
func (h *history) add(e phase.Event) {
	over := e.Waits() || e.Kind != phase.Noted
	before := slices.IndexFunc(h.run.Events, func(old phase.Event) bool { return over && old.Waits() && old.Phase == e.Phase })
	if before >= 0 {
		h.run.Events = slices.Delete(h.run.Events, before, before+1)
	}
	h.run.Events = append(h.run.Events, e)
	if e.Waits() || before >= 0 || e.Kind == phase.Started {
		h.run.Unfinished = true
		_ = h.write() // the end of the run tries again, and tells
	}
}

func (h *history) save(runErr error) error {
	h.run.Unfinished, h.run.Before = false, ""
	if runErr != nil {
		h.run.Error = runErr.Error()
	}
	return h.write()
}

func (h *history) write() error {
	if h.path == "" {
		return nil
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
