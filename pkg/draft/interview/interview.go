// SPDX-License-Identifier: Apache-2.0

// Package interview makes a first plan of the answers to a few questions. It
// suggests an answer to each, and judges each answer as the whole plan would
// be judged with it.
package interview

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nodeprep/nodeprep/pkg/plan"
)

// A Question is one answer that a new plan needs.
type Question struct {
	Flag string // its name, for a command line: "cluster"
	Text string // "Name of the cluster"

	// suggest proposes an answer that fits those before it; empty where only
	// the asked can know.
	suggest func(Answers) string
	set     func(*Answers, string) error
	// paths are the fields of the plan that the answer decides.
	paths []string
}

// Ask gets one answer. Complaint says what was wrong with the one before.
type Ask func(q Question, suggestion, complaint string) (string, error)

// Hold asks every question whose answer is not given by the name of its flag,
// and asks again until the answer fits. Check has to have found the given ones
// right.
func Hold(given map[string]string, ask Ask) (Answers, error) {
	var a Answers
	for i, q := range Questions() {
		if text, ok := given[q.Flag]; ok {
			if err := q.set(&a, text); err != nil {
				return Answers{}, fmt.Errorf("--%s: %w", q.Flag, err)
			}
			continue
		}
		next, err := untilRight(a, given, i, ask)
		if err != nil {
			return Answers{}, fmt.Errorf("asking for --%s: %w", q.Flag, err)
		}
		a = next
	}
	return a, nil
}

func untilRight(before Answers, given map[string]string, i int, ask Ask) (Answers, error) {
	q := Questions()[i]
	complaint := ""
	for {
		text, err := ask(q, q.suggest(before), complaint)
		if err != nil {
			return Answers{}, err
		}
		a := before
		err = q.set(&a, text)
		if err == nil {
			err = q.judge(complete(a, given, i+1))
		}
		if err == nil {
			return a, nil
		}
		complaint = err.Error()
	}
}

// judge returns what a plan of the answers has wrong in this question's fields.
func (q Question) judge(a Answers) error {
	report, err := a.report()
	if err != nil {
		return err
	}
	for _, problem := range report.Errors() {
		if q.decides(problem.Path) {
			return errors.New(problem.Message)
		}
	}
	return nil
}

func (q Question) decides(path string) bool {
	for _, p := range q.paths {
		if path == p || strings.HasPrefix(path, p+".") || strings.HasPrefix(path, p+"[") {
			return true
		}
	}
	return false
}

// complete answers the questions from the i-th on by what is given, else as
// suggested. What does not fit is left out.
func complete(a Answers, given map[string]string, from int) Answers {
	for _, q := range Questions()[from:] {
		text, ok := given[q.Flag]
		if !ok {
			text = q.suggest(a)
		}
		next := a
		if q.set(&next, text) == nil {
			a = next
		}
	}
	return a
}

// Suggested takes the given answers, and what is suggested for all others.
func Suggested(given map[string]string) (Answers, error) {
	if err := Check(given); err != nil {
		return Answers{}, err
	}
	return complete(Answers{}, given, 0), nil
}

// Suggestions are what is suggested if nothing is given, by flag.
func Suggestions() map[string]string {
	var a Answers
	texts := map[string]string{}
	for _, q := range Questions() {
		texts[q.Flag] = q.suggest(a)
		if err := q.set(&a, texts[q.Flag]); err != nil {
			panic("interview: suggests what it refuses: " + err.Error())
		}
	}
	return texts
}

// Check names everything that is wrong with the given answers, with their
// flags; for those that are not given it takes what is suggested.
func Check(given map[string]string) error {
	var errs []error
	var a Answers
	for _, q := range Questions() {
		text, ok := given[q.Flag]
		if !ok {
			text = q.suggest(a)
		}
		next := a
		switch err := q.set(&next, text); {
		case err == nil:
			a = next
		case ok:
			errs = append(errs, fmt.Errorf("--%s: %w", q.Flag, err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	report, err := a.report()
	if err != nil {
		return err
	}
	problems := report.Errors()
	slices.SortStableFunc(problems, func(a, b plan.Problem) int { return cmp.Compare(decider(a.Path), decider(b.Path)) })
	for _, problem := range problems {
		errs = append(errs, fmt.Errorf("%s%s", flag(problem.Path), problem.Problem))
	}
	return errors.Join(errs...)
}

// decider is the place of the question that decides a field; behind the last
// one for a field that none decides.
func decider(path string) int {
	all := Questions()
	for i, q := range all {
		if q.decides(path) {
			return i
		}
	}
	return len(all)
}

// flag begins a message with the question's name.
func flag(path string) string {
	if i, all := decider(path), Questions(); i < len(all) {
		return "--" + all[i].Flag + ": "
	}
	return ""
}

func (a Answers) report() (plan.Report, error) {
	text, err := a.Draft().YAML()
	if err != nil {
		return nil, err
	}
	_, report := plan.Parse([]byte(text))
	return report, nil
}
