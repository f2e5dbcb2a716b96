// SPDX-License-Identifier: Apache-2.0

package tempo

import (
	"fmt"
	"time"
)

// Milestone is a state that all hosts of a rack go through.
type Milestone struct {
	Name      string
	Reference time.Duration // after the machines' start, on the reference machine
}

// Milestones are those of a rack with so many hosts. The times are
// docs/performance.md's, emulated; a rack of one was not measured apart, and has
// those of two.
func Milestones(hosts int) []Milestone {
	names := []string{"joinsvc serves", "enrolled", "prepared", "joined", "routed", "at the leaves"}
	seconds := []int{49, 98, 174, 275, 358, 385}
	if hosts > 2 {
		seconds = []int{50, 118, 247, 355, 596, 611}
	}
	all := make([]Milestone, len(names))
	for i, name := range names {
		all[i] = Milestone{name, time.Duration(seconds[i]) * time.Second}
	}
	return all
}

// Forecast is when a rack will be routed, by how slow this machine was measured
// to be, and then by how long each milestone took.
type Forecast struct {
	milestones []Milestone
	pace       float64
	next       int           // milestone
	at         time.Duration // of the one before
}

// NewForecast begins with a pace that was measured.
func NewForecast(milestones []Milestone, pace float64) *Forecast {
	return &Forecast{milestones: milestones, pace: pace}
}

// Complete says whether every milestone was reached.
func (f *Forecast) Complete() bool { return f.next == len(f.milestones) }

// Pace is how many times slower than the reference it goes.
func (f *Forecast) Pace() float64 { return f.pace }

// Scale says that from now on it goes so many times slower than before.
func (f *Forecast) Scale(by float64) { f.pace *= by }

// Reached says that the next milestone was reached at that time. What was and
// what was expected count the same, for a stage has its accidents.
func (f *Forecast) Reached(at time.Duration) {
	if f.Complete() {
		return
	}
	var before time.Duration
	if f.next > 0 {
		before = f.milestones[f.next-1].Reference
	}
	if stage := f.milestones[f.next].Reference - before; stage > 0 && at > f.at {
		f.pace = (f.pace + (at-f.at).Seconds()/stage.Seconds()) / 2
	}
	f.at = at
	f.next++
}

// End is when the last milestone is expected, as it looks at that time: a stage
// that takes longer than was expected pushes the rest before it.
func (f *Forecast) End(at time.Duration) time.Duration {
	if f.Complete() {
		return f.at
	}
	last := f.milestones[len(f.milestones)-1].Reference
	var before time.Duration
	if f.next > 0 {
		before = f.milestones[f.next-1].Reference
	}
	stage := f.stretch(f.milestones[f.next].Reference - before)
	return f.at + max(stage, at-f.at) + f.stretch(last-f.milestones[f.next].Reference)
}

func (f *Forecast) stretch(d time.Duration) time.Duration {
	return time.Duration(float64(d) * f.pace)
}

// Slowness says a pace in words.
func Slowness(pace float64) string {
	switch {
	case pace > 1.15:
		return fmt.Sprintf("%.1f times slower than the reference", pace)
	case pace < 1/1.15:
		return fmt.Sprintf("%.1f times faster than the reference", 1/pace)
	}
	return "as fast as the reference"
}

// About rounds a time as one would say it.
func About(d time.Duration) string {
	if minutes := int(d.Round(time.Minute).Minutes()); minutes != 1 {
		return fmt.Sprintf("about %d minutes", minutes)
	}
	return "about a minute"
}
