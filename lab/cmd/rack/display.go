// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/nodeprep/nodeprep/lab/tempo"
)

// display is where a run is seen: a board on the terminal, a line for each event
// where there is none, and every event in a file in any case.
type display struct {
	out   *os.File
	board *tempo.Board

	mu  sync.Mutex
	log *os.File
	err error // of the first line that could not be written
}

func newDisplay(out *os.File, logs string) (*display, error) {
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of logs: %w", err)
	}
	log, err := os.Create(filepath.Join(logs, "last.log"))
	if err != nil {
		return nil, fmt.Errorf("opening the run's log: %w", err)
	}
	return &display{out: out, board: tempo.NewBoard(out), log: log}, nil
}

// event takes one line.
func (d *display) event(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := fmt.Fprintln(d.log, line); d.err == nil {
		d.err = err
	}
	if !d.board.Terminal() {
		fmt.Fprintln(d.out, line)
	}
}

func (d *display) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(d.err, d.log.Close())
}
