// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/yamldoc"
)

// Severity separates what blocks from what only deserves a second look.
type Severity string

// The severities. Warnings never block.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// A Problem is one line of a Report.
type Problem struct {
	Severity Severity `json:"severity"`
	yamldoc.Problem
}

// String returns "severity: path: message".
func (p Problem) String() string { return string(p.Severity) + ": " + p.Problem.String() }

// A Report is everything that is to be said of a plan.
type Report []Problem

// Errors returns the problems that block.
func (r Report) Errors() Report { return r.only(Error) }

// Warnings returns the problems that do not block.
func (r Report) Warnings() Report { return r.only(Warning) }

func (r Report) only(s Severity) Report {
	var out Report
	for _, p := range r {
		if p.Severity == s {
			out = append(out, p)
		}
	}
	return out
}

// Err returns nil when nothing blocks, else an error of all that does, a line each.
func (r Report) Err() error {
	errs := r.Errors()
	if len(errs) == 0 {
		return nil
	}
	return &InvalidError{Report: errs}
}

// InvalidError says that a plan has errors, and lists them all.
type InvalidError struct{ Report Report }

// Error lists every problem on a line of its own.
func (e *InvalidError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the plan has %d error(s):", len(e.Report))
	for _, p := range e.Report {
		b.WriteString("\n  " + p.Problem.String())
	}
	return b.String()
}

// Load reads and parses a file. The error is about reading only; what is wrong
// with the plan is in the report.
func Load(path string) (Plan, Report, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Plan{}, nil, fmt.Errorf("reading the plan: %w", err)
	}
	p, report := Parse(data)
	return p, report, nil
}

// Parse decodes one document, fills in defaults and checks it against itself.
// The plan is usable when report.Err() is nil.
func Parse(data []byte) (Plan, Report) {
	var p Plan
	var report Report
	problems := yamldoc.Decode(data, &p)
	for _, problem := range problems {
		report = append(report, Problem{Error, problem})
	}
	if len(problems) > 0 && problems[0].Path == "" && reflect.ValueOf(p).IsZero() {
		return p, report // nothing was read, so nothing more can be said
	}
	p.setDefaults()
	c := newChecker()
	c.expand(&p)
	c.check(p)
	// What could not be decoded was reported under its path; a check of the
	// zero value that stands there would say it twice.
	for _, problem := range c.report {
		if !covered(problems, problem.Path) {
			report = append(report, problem)
		}
	}
	return p, report
}

func covered(problems []yamldoc.Problem, path string) bool {
	for _, p := range problems {
		if p.Path == path || strings.HasPrefix(path, p.Path+".") || strings.HasPrefix(path, p.Path+"[") {
			return true
		}
	}
	return false
}
