// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"fmt"
	"strings"
)

// columns are the stages of the table: the time at which the last machine came
// to each, for a rack is as far as its last.
func columns() []struct{ title, what string } {
	return []struct{ title, what string }{
		{"enrolled", "enrolled"},
		{"prepared", "prepared"},
		{"joined", "joined"},
		{"routed", "routed"},
		{"all sessions", "every planned session is Established at both leaves"},
	}
}

// Table is the record of runs in Markdown, as docs/performance.md has it: seconds
// after the machines were started, "–" for a stage that was not reached.
func Table(runs []Run) string {
	var b strings.Builder
	head, rule := "| run |", "|---|"
	for _, c := range columns() {
		head += " " + c.title + " |"
		rule += "---|"
	}
	b.WriteString(head + " whole run | outcome |\n" + rule + "---|---|\n")
	for i, r := range runs {
		fmt.Fprintf(&b, "| %d |", i+1)
		for _, c := range columns() {
			fmt.Fprintf(&b, " %s |", r.last(c.what))
		}
		seconds := int(r.Took.Seconds())
		fmt.Fprintf(&b, " %d:%02d | %s |\n", seconds/60, seconds%60, r.outcome())
	}
	return b.String()
}

// last is when the last machine came to a stage for the first time.
func (r Run) last(what string) string {
	first := map[string]float64{}
	for _, s := range r.Stages {
		if _, again := first[s.Machine]; s.What == what && !again {
			first[s.Machine] = s.Seconds
		}
	}
	latest, found := 0.0, false
	for _, at := range first {
		latest, found = max(latest, at), true
	}
	if !found {
		return "–"
	}
	return fmt.Sprintf("%.0f", latest)
}

// outcome is a word and, for a failure, the first line of why.
func (r Run) outcome() string {
	if r.Err == nil {
		return "passed"
	}
	why := r.Failure
	if why == "" {
		why = r.Err.Error()
	}
	why, _, _ = strings.Cut(why, "\n")
	return "failed: " + strings.ReplaceAll(why, "|", "/")
}
