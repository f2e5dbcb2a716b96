// SPDX-License-Identifier: Apache-2.0

// Package tempo is the time of a lab run: its clock, how slow the machine is that
// it runs on, when it will be done, how long nothing may move, and the lines that
// show it.
package tempo

import (
	"fmt"
	"sync"
	"time"
)

// Stage is one thing that happened, and when.
type Stage struct {
	Machine string        // empty: the rack as a whole
	What    string        // "routed"
	At      time.Duration // since the machines were started
}

// Clock keeps the stages of a run and tells each as it happens.
type Clock struct {
	mu     sync.Mutex
	now    func() time.Time
	start  time.Time
	report func(string)
	stages []Stage
}

// NewClock starts to count.
func NewClock(now func() time.Time, report func(string)) *Clock {
	return &Clock{now: now, start: now(), report: report}
}

// Now is the time since the start.
func (c *Clock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().Sub(c.start)
}

// Mark records a stage and prints its line.
func (c *Clock) Mark(machine, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Stage{Machine: machine, What: fmt.Sprintf(format, args...), At: c.now().Sub(c.start)}
	c.stages = append(c.stages, s)
	c.report(line(s))
}

// Tell prints a line that is no stage.
func (c *Clock) Tell(machine, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report(line(Stage{Machine: machine, What: fmt.Sprintf(format, args...), At: c.now().Sub(c.start)}))
}

// Stages are those marked so far, in order.
func (c *Clock) Stages() []Stage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Stage(nil), c.stages...)
}

func line(s Stage) string {
	at := fmt.Sprintf("%6.1fs", s.At.Seconds())
	if s.Machine == "" {
		return at + "  " + s.What
	}
	return at + "  " + s.Machine + ": " + s.What
}
